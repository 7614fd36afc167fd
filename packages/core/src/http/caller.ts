import { hash, timingSafeEqual } from 'node:crypto';
import { globPattern } from '../catalog/glob.js';
import { GatewayError } from '../errors.js';
import type { CallerIdentity, HttpRequest, Scope } from './types.js';

/** A key that the host configures, in full. */
export interface ConfiguredKey {
  /** 16 to 256 printable ASCII characters without blanks. Kept as a digest only. */
  readonly key: string;
  readonly account?: string | undefined;
  readonly label?: string | undefined;
  readonly scopes?: readonly Scope[] | undefined;
  /** Globs of model ids that the key may use (`*` matches any run of characters); by default all. */
  readonly models?: readonly string[] | undefined;
  /** Whether its streamed answers are held back until they are whole; by default as the gateway does. */
  readonly streamRecovery?: 'buffer' | 'none' | undefined;
}

/** Who is calling, and what they may do. */
export interface Caller {
  readonly account: string;
  readonly label: string;
  /** SHA-256 of the key, hex; undefined where the host authenticated the caller. */
  readonly keyHash: string | undefined;
  readonly scopes: ReadonlySet<Scope>;
  /** Whether streamed answers are held back until they are whole; undefined: as the gateway does. */
  readonly bufferStreams: boolean | undefined;
  mayUse(model: string): boolean;
}

/** What an inference key may do. */
const INFERENCE: readonly Scope[] = ['chat', 'route:explain', 'models:read', 'usage:own'];
const KEY_TEXT = /^[\x21-\x7e]{16,256}$/;
const BEARER = /^Bearer +([\x21-\x7e]{1,256}) *$/i;
const MAX_HEADER = 512;

interface KnownKey {
  readonly digest: Buffer;
  readonly caller: Caller;
}

/** Finds out who is calling. */
export class CallerDirectory {
  readonly #keys: readonly KnownKey[];
  readonly #publicModels: boolean;

  /** @throws TypeError for a key that is too short to be safe or could not be sent in a header. */
  constructor(keys: readonly (string | ConfiguredKey)[], publicModels: boolean) {
    this.#keys = keys.map(toKnownKey);
    this.#publicModels = publicModels;
  }

  /**
   * The caller of a request to a route.
   *
   * @throws GatewayError `invalid_api_key` with the reason, `invalid_request` for two keys at once, or
   *   `permission_denied` for a missing scope.
   */
  async authenticate(request: HttpRequest, scope: Scope, publishable: boolean): Promise<Caller> {
    const { identity } = request;
    const known = typeof identity === 'function' ? await identity() : identity;
    const caller = known === undefined ? this.#callerByKey(request, publishable) : toCaller(known);
    if (!caller.scopes.has(scope)) {
      throw new GatewayError('permission_denied', `this key lacks the scope ${scope}`, {
        metadata: { required_scope: scope },
      });
    }
    return caller;
  }

  #callerByKey(request: HttpRequest, publishable: boolean): Caller {
    const presented = presentedKey(request);
    if (presented === undefined) {
      if (publishable && this.#publicModels) return anonymous;
      throw unauthorized('missing', 'no API key: send it as `Authorization: Bearer <key>`');
    }
    const digest = digestOf(presented);
    // Every configured key is compared: the time says nothing about which one is close.
    let found: Caller | undefined;
    for (const key of this.#keys) {
      if (timingSafeEqual(key.digest, digest)) found = key.caller;
    }
    if (found === undefined) throw unauthorized('unknown', 'this API key is not valid');
    return found;
  }
}

const anonymous: Caller = toCaller({ label: 'public', scopes: ['models:read'] });

/** The caller that a host vouches for. */
export function toCaller(identity: CallerIdentity, keyHash?: string): Caller {
  const { account = 'default', label = account, scopes = INFERENCE, models } = identity;
  const patterns = models?.map(globPattern);
  return {
    account,
    label,
    keyHash,
    scopes: new Set(scopes),
    bufferStreams: identity.streamRecovery === undefined ? undefined : identity.streamRecovery === 'buffer',
    mayUse: (model) => patterns === undefined || patterns.some((pattern) => pattern.test(model)),
  };
}

function toKnownKey(given: string | ConfiguredKey): KnownKey {
  const configured = typeof given === 'string' ? { key: given } : given;
  if (!KEY_TEXT.test(configured.key)) {
    throw new TypeError('auth.keys: expected keys of 16 to 256 printable ASCII characters without blanks');
  }
  const digest = digestOf(configured.key);
  const label = configured.label ?? `${configured.key.slice(0, 4)}...${configured.key.slice(-3)}`;
  return { digest, caller: toCaller({ ...configured, label }, digest.toString('hex')) };
}

function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}

/** The key of a request; `Authorization` counts before `x-api-key`. */
function presentedKey(request: HttpRequest): string | undefined {
  const { authorization, 'x-api-key': apiKey } = request.headers;
  if (Array.isArray(authorization) && authorization.length > 1) {
    throw new GatewayError('invalid_request', 'Authorization: expected one header');
  }
  const given = Array.isArray(authorization) ? authorization[0] : authorization;
  if (typeof given === 'string' && given !== '') {
    const match = given.length <= MAX_HEADER ? BEARER.exec(given) : null;
    if (match?.[1] === undefined) throw unauthorized('malformed', 'Authorization: expected `Bearer <key>`');
    return match[1];
  }
  if (apiKey === undefined || apiKey === '') return undefined;
  if (typeof apiKey !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(apiKey)) {
    throw unauthorized('malformed', 'x-api-key: expected one key');
  }
  return apiKey;
}

function unauthorized(reason: 'missing' | 'malformed' | 'unknown', message: string): GatewayError {
  return new GatewayError('invalid_api_key', message, {
    metadata: { reason },
    headers: { 'www-authenticate': 'Bearer' },
  });
}
