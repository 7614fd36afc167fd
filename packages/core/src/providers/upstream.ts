import { type Dispatcher, Pool } from 'undici';
import { Failure } from '../failure.js';
import { createSseDecoder } from '../sse/decode.js';
import type { ServerSentEvent } from '../sse/types.js';
import { assertPaid } from './assert-paid.js';
import type { Credential } from './credential.js';
import { Exchange, type ResponseHead } from './exchange.js';
import type {
  EventReader,
  Transport,
  TransportSettings,
  UpstreamAnswer,
  UpstreamHeaders,
  UpstreamRequest,
} from './types.js';

/** Where a provider is, and how the gateway shows that it may use it. */
export interface UpstreamOrigin {
  /** `https://api.openai.com/v1`; a query (`?api-version=…`) is kept on every call. */
  readonly baseUrl: string;
  /** Sent to this origin and to no other; each request carries one of them. */
  readonly credentials?: readonly Credential[] | undefined;
  /** Further headers of every call, lower-case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A finished answer's body is read on this long, so that its connection can be used again. */
const RELEASE_MS = 1000;

/**
 * The only place of the gateway that talks to a network. Origin and credential come from configuration alone, headers
 * are built here and never copied from a client, redirects are answers like others, and answers are asked for unencoded.
 *
 * @throws TypeError for a base URL that is not `http:` or `https:`, or that carries credentials.
 */
export function connectUpstream(origin: UpstreamOrigin, settings: TransportSettings): Transport {
  const base = parseBaseUrl(origin.baseUrl);
  const basePath = base.pathname.replace(/\/+$/, '');
  const pool = new Pool(base.origin, {
    connect: { timeout: settings.connectMs },
    // Waiting is bounded by the gateway's own deadlines, which know what they wait for.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    async send(request, { cancellation, stream, credential = 0, payment }) {
      assertPaid(request, payment);
      const exchange = new Exchange();
      const abort = (reason: Error): void => exchange.abort(reason);
      const unlink = (): void => cancellation.unfollow(abort);
      cancellation.follow(abort);
      try {
        if (!exchange.settled)
          pool.dispatch(toOptions(request, { stream, credential }, origin, { base, basePath }), exchange);
        return new HttpAnswer(await exchange.head, exchange, settings, unlink);
      } catch (error) {
        unlink();
        throw error;
      }
    },
    mask: (text) => (origin.credentials ?? []).reduce((masked, { secret }) => secret.mask(masked), text),
    close: () => pool.destroy(),
  };
}

function parseBaseUrl(text: string): URL {
  if (!URL.canParse(text)) throw new TypeError(`baseUrl: expected an absolute URL, got ${JSON.stringify(text)}`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`baseUrl: expected http: or https:, got ${url.protocol}`);
  }
  if (url.username !== '' || url.password !== '') throw new TypeError('baseUrl: expected no credentials in the URL');
  return url;
}

function toOptions(
  request: UpstreamRequest,
  { stream, credential: chosen }: { readonly stream: boolean; readonly credential: number },
  origin: UpstreamOrigin,
  { base, basePath }: { readonly base: URL; readonly basePath: string },
): Dispatcher.DispatchOptions {
  if (!request.path.startsWith('/')) throw new TypeError('an upstream path starts with a slash');
  const credential = origin.credentials?.[chosen];
  const headers: Record<string, string> = {
    ...origin.headers,
    ...request.headers,
    'content-type': 'application/json',
    accept: stream ? 'text/event-stream' : 'application/json',
    'accept-encoding': 'identity',
  };
  if (credential !== undefined) headers[credential.header] = credential.prefix + credential.secret.reveal();
  return {
    origin: base.origin,
    method: request.method,
    path: withQuery(`${basePath}${request.path}`, base.search),
    headers,
    body: request.method === 'GET' ? null : JSON.stringify(request.body),
  };
}

/** A path, which may have a query of its own, with the query of the base URL. */
function withQuery(path: string, search: string): string {
  return path.includes('?') ? path + search.replace('?', '&') : path + search;
}

/** An answer as undici delivers it. */
class HttpAnswer implements UpstreamAnswer {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly #exchange: Exchange;
  readonly #settings: TransportSettings;
  readonly #unlink: () => void;

  constructor(head: ResponseHead, exchange: Exchange, settings: TransportSettings, unlink: () => void) {
    this.status = head.status;
    this.headers = head.headers;
    this.#exchange = exchange;
    this.#settings = settings;
    this.#unlink = unlink;
  }

  async text(limit: number): Promise<string> {
    this.#refuseEncoding();
    const pieces: Buffer[] = [];
    let total = 0;
    try {
      for (let read = await this.#exchange.read(); read !== undefined; read = await this.#exchange.read()) {
        for (const piece of read) total += piece.length;
        if (total > limit) throw new Failure('bad_response', `the upstream's answer is longer than ${limit} bytes`);
        pieces.push(...read);
      }
    } catch (error) {
      this.discard();
      throw error;
    }
    this.#unlink();
    const [only] = pieces;
    return (pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces, total)).toString('utf8');
  }

  async head(limit: number): Promise<string> {
    const pieces: Buffer[] = [];
    let total = 0;
    try {
      for (let read = await this.#exchange.read(); read !== undefined; read = await this.#exchange.read()) {
        for (const piece of read) total += piece.length;
        pieces.push(...read);
        if (total >= limit) break;
      }
    } catch {
      // A refusal whose body breaks off is still that refusal.
    }
    this.discard();
    return Buffer.concat(pieces, total).toString('utf8', 0, limit);
  }

  events(): EventReader {
    this.#refuseEncoding();
    return new SseReader(this.#exchange, this.#settings, this.#unlink);
  }

  discard(): void {
    this.#unlink();
    this.#exchange.abort(new Failure('network', 'given up'));
  }

  #refuseEncoding(): void {
    const encoding = this.headers['content-encoding'];
    if (encoding === undefined || encoding === '' || encoding === 'identity') return;
    this.discard();
    throw new Failure('bad_response', 'the upstream encoded an answer that was asked for unencoded');
  }
}

/** Server-sent events out of an exchange, a network read at a time. */
class SseReader implements EventReader {
  readonly #exchange: Exchange;
  readonly #settings: TransportSettings;
  readonly #unlink: () => void;
  readonly #decoder;

  constructor(exchange: Exchange, settings: TransportSettings, unlink: () => void) {
    this.#exchange = exchange;
    this.#settings = settings;
    this.#unlink = unlink;
    this.#decoder = createSseDecoder(settings);
  }

  read(): Promise<readonly ServerSentEvent[] | undefined> {
    return this.#exchange.read().then(this.#decode);
  }

  release(): void {
    this.#unlink();
    const exchange = this.#exchange;
    if (exchange.settled) return;
    const giveUp = (): void => exchange.abort(new Failure('network', 'the end of a finished answer did not come'));
    const cancel = this.#settings.clock.after(RELEASE_MS, giveUp);
    exchange.read().then(
      (more) => {
        cancel();
        // Whatever still comes after the end is not worth waiting for.
        if (more !== undefined && !exchange.settled) giveUp();
      },
      () => cancel(),
    );
  }

  discard(): void {
    this.#unlink();
    this.#exchange.abort(new Failure('network', 'given up'));
  }

  readonly #decode = (pieces: readonly Buffer[] | undefined): readonly ServerSentEvent[] | undefined => {
    if (pieces === undefined) {
      this.#unlink();
      const last = this.#decoder.end();
      return last.length > 0 ? last : undefined;
    }
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined) return this.#decoder.push(only);
    return pieces.flatMap((piece) => this.#decoder.push(piece));
  };
}
