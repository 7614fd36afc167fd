import { hash, timingSafeEqual } from 'node:crypto';
import type { KeyDirectory } from '../accounting/key-directory.js';
import { rateLimited } from '../accounting/rate-limiter.js';
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import { memoryRates } from '../stores/memory.js';
import type { RateStore, RateVerdict } from '../stores/types.js';
import { type Caller, toCaller, toKeyCaller } from './caller.js';
import { presentedKey, unauthorized } from './presented-key.js';
import type { CallerIdentity, HttpRequest, Scope } from './types.js';

/** A key that the host configures, in full. */
export interface ConfiguredKey extends Omit<CallerIdentity, 'id'> {
  /** 16 to 256 printable ASCII characters without blanks. Kept as a digest only. */
  readonly key: string;
}

/** What finding out who calls takes from the gateway. */
export interface CallerDirectoryParts {
  /** Keys of the configuration. */
  readonly configured: readonly (string | ConfiguredKey)[];
  /** Opens the model routes to callers without a key. */
  readonly publicModels: boolean;
  /** Keys of the store. */
  readonly directory: KeyDirectory;
  /** What the text of a key begins with. */
  readonly prefix: string;
  /** Refused keys of one address in a minute, beyond which it is told to wait. */
  readonly failuresPerMinute: number;
  readonly clock: Clock;
}

/** Any one of these; none: every caller. */
export type WantedScopes = Scope | readonly Scope[];

const KEY_TEXT = /^[\x21-\x7e]{16,256}$/;
const SECRET = /^[0-9a-f]{64}$/;
const MOST_ADDRESSES = 10_000;
const ONE = { requests: 1, tokens: 0 };

interface KnownKey {
  readonly digest: Buffer;
  readonly caller: Caller;
}

/** Finds out who is calling. */
export class CallerDirectory {
  readonly #keys: readonly KnownKey[];
  readonly #parts: CallerDirectoryParts;
  #failures: { readonly rates: RateStore; readonly addresses: Set<string> };

  /** @throws TypeError for a key that is too short to be safe, could not be sent in a header, or manages and infers. */
  constructor(parts: CallerDirectoryParts) {
    this.#keys = parts.configured.map(toKnownKey);
    this.#parts = parts;
    this.#failures = { rates: memoryRates(parts.clock), addresses: new Set() };
  }

  /**
   * The caller of a request to a route.
   *
   * @throws GatewayError `invalid_api_key` with the reason, `invalid_request` for two keys at once,
   *   `permission_denied` for a missing scope, `rate_limit_exceeded` for too many refused keys, `service_unavailable`.
   */
  async authenticate(request: HttpRequest, wanted: WantedScopes, publishable: boolean): Promise<Caller> {
    const { identity } = request;
    const known = typeof identity === 'function' ? await identity() : identity;
    const caller = known === undefined ? await this.#callerByKey(request, publishable) : toCaller(known);
    checkScope(caller, wanted);
    return caller;
  }

  async #callerByKey(request: HttpRequest, publishable: boolean): Promise<Caller> {
    const presented = presentedKey(request);
    if (presented === undefined) {
      if (publishable && this.#parts.publicModels) return anonymous;
      throw unauthorized('missing', 'no API key: send it as `Authorization: Bearer <key>`');
    }
    const digest = digestOf(presented);
    // Every configured key is compared: the time says nothing about which one is close.
    let found: Caller | undefined;
    for (const key of this.#keys) {
      if (timingSafeEqual(key.digest, digest)) found = key.caller;
    }
    return found ?? this.#keptCaller(request, presented, digest.toString('hex'));
  }

  /** A key of the store, which sees nothing but digests of what has the form of a key. */
  async #keptCaller(request: HttpRequest, presented: string, keyHash: string): Promise<Caller> {
    const { prefix, directory, clock } = this.#parts;
    const isKey = presented.startsWith(prefix) && SECRET.test(presented.slice(prefix.length));
    if (!isKey) throw unauthorized('unknown', 'this API key is not valid');
    const record = await directory.find(keyHash);
    if (record === undefined) throw await this.#refused(request, 'unknown', 'this API key is not valid');
    if (record.disabled) throw await this.#refused(request, 'disabled', 'this API key is disabled');
    if (record.expiresAt !== undefined && record.expiresAt <= clock.now()) {
      throw await this.#refused(request, 'expired', 'this API key has expired');
    }
    directory.used(keyHash);
    return toKeyCaller(record);
  }

  #guessing(verdict: RateVerdict): GatewayError {
    const now = this.#parts.clock.now();
    return rateLimited('Rate limit exceeded: too many API keys that are not valid', {
      source: 'address',
      verdict,
      now,
    });
  }

  /** Whoever presents one wrong key after the other is told to wait; a good key from the same address still gets in. */
  async #refused(
    { address }: HttpRequest,
    reason: 'unknown' | 'disabled' | 'expired',
    message: string,
  ): Promise<GatewayError> {
    const from = address?.();
    const { failuresPerMinute: requestsPerMinute } = this.#parts;
    if (from === undefined) return unauthorized(reason, message);
    const { rates, addresses } = this.#failures;
    addresses.add(from);
    if (addresses.size > MOST_ADDRESSES)
      this.#failures = { rates: memoryRates(this.#parts.clock), addresses: new Set() };
    const verdict = await rates.take(from, ONE, { requestsPerMinute, tokensPerMinute: undefined });
    return verdict.passed ? unauthorized(reason, message) : this.#guessing(verdict);
  }
}

const anonymous: Caller = toCaller({ label: 'public', scopes: ['models:read'] });

function checkScope(caller: Caller, wanted: WantedScopes): void {
  const scopes = typeof wanted === 'string' ? [wanted] : wanted;
  const [first] = scopes;
  if (first === undefined || scopes.some((scope) => caller.scopes.has(scope))) return;
  throw new GatewayError('permission_denied', `this key lacks the scope ${first}`, {
    metadata: { required_scope: first },
  });
}

function toKnownKey(given: string | ConfiguredKey): KnownKey {
  const configured = typeof given === 'string' ? { key: given } : given;
  if (!KEY_TEXT.test(configured.key)) {
    throw new TypeError('auth.keys: expected keys of 16 to 256 printable ASCII characters without blanks');
  }
  const digest = digestOf(configured.key);
  const label = configured.label ?? `${configured.key.slice(0, 4)}...${configured.key.slice(-3)}`;
  const caller = toCaller({ ...configured, label }, digest.toString('hex'));
  if (caller.scopes.has('chat') && caller.scopes.has('keys:write')) {
    throw new TypeError('auth.keys: expected not both of chat and keys:write: a key either manages or infers');
  }
  return { digest, caller };
}

function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}
