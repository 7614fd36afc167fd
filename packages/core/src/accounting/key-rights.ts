import type { LimitReset, Scope } from '../http/types.js';
import type { KeyRecord, RateLimits, Reservation } from '../stores/types.js';

/** Who makes or changes keys, and what may be given. */
export interface Authority {
  readonly account: string;
  /** Hash of the key that manages; undefined: the host, or a caller whom it knows. */
  readonly hash: string | undefined;
  /** Undefined: everything. */
  readonly scopes: ReadonlySet<Scope> | undefined;
  readonly limit: Reservation['limit'];
  readonly rates: RateLimits;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
  /** Lists of globs, each of which a model must match. */
  readonly models: readonly (readonly string[])[];
  /** Names of transforms that no key of its making can do without. */
  readonly transforms: readonly string[];
}

/** What a key may do and use up. */
export type KeyRights = Pick<
  KeyRecord,
  | 'scopes'
  | 'limit'
  | 'limitReset'
  | 'requestsPerMinute'
  | 'tokensPerMinute'
  | 'expiresAt'
  | 'models'
  | 'inheritedModels'
  | 'transforms'
>;

/** What a right that is too large is called on the wire. */
export interface Excess {
  readonly field: string;
  /** Where it is a scope: which one. */
  readonly scope?: Scope;
}

/** Windows by length: money that comes anew more often is more money. */
const WINDOWS: readonly (LimitReset | undefined)[] = ['daily', 'weekly', 'monthly', undefined];

/** What a scope can be given by, besides itself. */
const GIVEN_BY: Readonly<Partial<Record<Scope, Scope>>> = {
  chat: 'chat:grant',
  'route:explain': 'chat:grant',
  'usage:own': 'usage:read',
};

/** The authority of the host itself. */
export function hostAuthority(account: string): Authority {
  const rates = { requestsPerMinute: undefined, tokensPerMinute: undefined };
  return {
    account,
    hash: undefined,
    scopes: undefined,
    limit: undefined,
    rates,
    expiresAt: undefined,
    models: [],
    transforms: [],
  };
}

/** Where a key has more than an authority can give; undefined where it has not. Pure. */
export function excessOf(key: KeyRights, authority: Authority): Excess | undefined {
  const { scopes, limit, rates, expiresAt, models, transforms } = authority;
  const scope = scopes && key.scopes.find((one) => !mayGive(scopes, one));
  if (scope !== undefined) return { field: 'scopes', scope };
  if (limit !== undefined) {
    if (key.limit === undefined || key.limit > limit.amount) return { field: 'limit' };
    if (WINDOWS.indexOf(key.limitReset) < WINDOWS.indexOf(limit.reset)) return { field: 'limit_reset' };
  }
  if (isMore(key.requestsPerMinute, rates.requestsPerMinute)) return { field: 'rate_limit.requests_per_minute' };
  if (isMore(key.tokensPerMinute, rates.tokensPerMinute)) return { field: 'rate_limit.tokens_per_minute' };
  if (isMore(key.expiresAt, expiresAt)) return { field: 'expires_at' };
  const lists = new Set([...key.inheritedModels, ...(key.models === undefined ? [] : [key.models])].map(textOf));
  if (!models.every((list) => lists.has(textOf(list)))) return { field: 'models' };
  return transforms.every((name) => key.transforms.includes(name)) ? undefined : { field: 'transforms' };
}

function mayGive(scopes: ReadonlySet<Scope>, scope: Scope): boolean {
  const by = GIVEN_BY[scope];
  return scopes.has(scope) || (by !== undefined && scopes.has(by));
}

/** Undefined is no bound. */
function isMore(value: number | undefined, bound: number | undefined): boolean {
  return bound !== undefined && (value === undefined || value > bound);
}

function textOf(list: readonly string[]): string {
  return JSON.stringify(list);
}
