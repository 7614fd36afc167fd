import type { DataPolicy, ModelDeclaration, Pricing } from '../catalog/types.js';
import { type FunctionProvider, inProcess } from './in-process.js';
import { Secret } from './secret.js';
import type { Provider, ProviderCodec } from './types.js';
import { connectUpstream } from './upstream.js';

/** A header and what it carries. */
export interface HeaderCredential {
  readonly header: string;
  readonly value: string;
}

/** A provider that speaks a language of its own over HTTP. */
export interface CodecProvider {
  readonly slug: string;
  /** Display name. */
  readonly name: string;
  readonly models: readonly ModelDeclaration[];
  /** The price of models that declare none; a model without any price is not served. */
  readonly pricing?: Pricing | undefined;
  /** Translates; pure functions. */
  readonly codec: ProviderCodec;
  /** With the path that stands before the codec's paths. */
  readonly baseUrl: string;
  /** The header that carries the key, sent to `baseUrl` only; or several to share the load. */
  readonly credential?: HeaderCredential | readonly HeaderCredential[] | undefined;
  /** What it does with what it is sent. */
  readonly dataPolicy?: DataPolicy | undefined;
  /** Whether it stops or goes on charging when a client leaves in the middle; `bills` lets it be read to its end. Default unknown. */
  readonly afterAbort?: 'stops' | 'bills' | undefined;
  /** Further headers of every call. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * A provider of the host's own: another wire format (`codec`), or a function in this process (`generate`).
 *
 * @example
 * defineProvider({
 *   slug: 'echo', name: 'Echo', models: ['echo/parrot'],
 *   async *generate(request) { yield `You sent ${request.messages.length} messages.`; },
 * })
 * @throws TypeError for a slug or a base URL that cannot be used.
 */
export function defineProvider(description: CodecProvider | FunctionProvider): Provider {
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(description.slug)) {
    throw new TypeError(
      `slug: expected lower-case letters, digits and dashes, got ${JSON.stringify(description.slug)}`,
    );
  }
  if ('generate' in description) return inProcess(description);
  const { slug, name, models, pricing, codec, baseUrl, headers } = description;
  const credentials = (description.credential === undefined ? [] : [description.credential].flat()).map(
    ({ header, value }) => ({ header: header.toLowerCase(), prefix: '', secret: new Secret(value) }),
  );
  return {
    slug,
    name,
    models,
    pricing,
    dataPolicy: description.dataPolicy,
    credentials: credentials.length,
    afterAbort: description.afterAbort,
    codec,
    connect: (settings) => connectUpstream({ baseUrl, credentials, headers }, settings),
  };
}
