import type { Authority } from '../accounting/key-rights.js';
import { globMatcher } from '../glob.js';
import type { KeyRecord, RateLimits, Reservation } from '../stores/types.js';
import { usdToNano } from '../usd.js';
import { expandScopes } from '../wire/scopes.js';
import type { CallerIdentity, Scope } from './types.js';

/** Who is calling, and what they may do. */
export interface Caller {
  readonly account: string;
  readonly label: string;
  /** SHA-256 of the key, hex; undefined where the host authenticated the caller. */
  readonly keyHash: string | undefined;
  /** Who spends, as the ledger knows it; undefined: the account alone. */
  readonly spender: string | undefined;
  /** Whose rates and idempotency keys these are: the spender's or, without one, the account's. */
  readonly subject: string;
  readonly scopes: ReadonlySet<Scope>;
  readonly limit: Reservation['limit'];
  readonly rates: RateLimits;
  /** Lists of globs, each of which a model must match. */
  readonly models: readonly (readonly string[])[];
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
  readonly tags: readonly string[];
  /** Names of transforms that the caller cannot do without. */
  readonly transforms: readonly string[];
  /** Whether streamed answers are held back until they are whole; undefined: as the gateway does. */
  readonly bufferStreams: boolean | undefined;
  /** The key as it is kept; undefined for keys of the configuration and callers of the host. */
  readonly record: KeyRecord | undefined;
  mayUse(model: string): boolean;
}

const NO_RATES: RateLimits = { requestsPerMinute: undefined, tokensPerMinute: undefined };

/** The caller that a host vouches for, or whose key it configured. @throws TypeError for limits that cannot be. */
export function toCaller(identity: CallerIdentity, keyHash?: string): Caller {
  const {
    account = 'default',
    label = account,
    scopes = ['inference'],
    models,
    id,
    streamRecovery,
    tags = [],
    transforms = [],
  } = identity;
  // Another account's caller may have the same name, and either may have slashes in it.
  const named = `${encodeURIComponent(account)}/${id ?? ''}`;
  // A limit has to be counted for somebody: without a name it is that of all nameless callers of the account together.
  const spender = keyHash ?? (id === undefined && identity.limit === undefined ? undefined : named);
  return {
    account,
    label,
    keyHash,
    spender,
    subject: spender ?? `account:${account}`,
    scopes: new Set(expandScopes(scopes)),
    limit: limitOf(identity),
    rates: ratesOf(identity),
    models: models === undefined ? [] : [models],
    expiresAt: undefined,
    tags,
    transforms,
    bufferStreams: streamRecovery === undefined ? undefined : streamRecovery === 'buffer',
    record: undefined,
    mayUse: usable(models === undefined ? [] : [models]),
  };
}

/** The caller whose key was found in the store. */
export function toKeyCaller(record: KeyRecord): Caller {
  const { limit, limitReset: reset, requestsPerMinute, tokensPerMinute } = record;
  const models = record.models === undefined ? record.inheritedModels : [...record.inheritedModels, record.models];
  return {
    account: record.account,
    label: record.label,
    keyHash: record.hash,
    spender: record.hash,
    subject: record.hash,
    scopes: new Set(record.scopes),
    limit: limit === undefined ? undefined : { amount: limit, reset },
    rates:
      requestsPerMinute === undefined && tokensPerMinute === undefined
        ? NO_RATES
        : { requestsPerMinute, tokensPerMinute },
    models,
    expiresAt: record.expiresAt,
    tags: record.tags,
    transforms: record.transforms,
    bufferStreams: undefined,
    record,
    mayUse: usable(models),
  };
}

/** What a caller can give to the keys that it manages. */
export function authorityOf(caller: Caller): Authority {
  const { account, keyHash, scopes, limit, rates, expiresAt, models, transforms } = caller;
  return { account, hash: keyHash, scopes, limit, rates, expiresAt, models, transforms };
}

function usable(lists: readonly (readonly string[])[]): Caller['mayUse'] {
  if (lists.length === 0) return () => true;
  const matchers = lists.map((list) => list.map(globMatcher));
  return (model) => matchers.every((list) => list.some((matches) => matches(model)));
}

function limitOf({ limit, limitReset }: CallerIdentity): Reservation['limit'] {
  if (limit === undefined) return undefined;
  const amount = usdToNano(limit);
  if (amount === undefined) throw new TypeError('limit: expected USD from 0 with at most nine decimals');
  return { amount, reset: limitReset };
}

function ratesOf({ requestsPerMinute, tokensPerMinute }: CallerIdentity): RateLimits {
  if (requestsPerMinute === undefined && tokensPerMinute === undefined) return NO_RATES;
  for (const [name, limit] of Object.entries({ requestsPerMinute, tokensPerMinute })) {
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
      throw new TypeError(`${name}: expected a whole number from 1`);
    }
  }
  return { requestsPerMinute, tokensPerMinute };
}
