import type { RateLevel, RateLimits, RateUse, RateVerdict } from './types.js';

/**
 * A subject's two buckets, in units of which a minute's allowance has 60 000 times itself: then a millisecond refills
 * exactly `limit` units, and everything stays an integer.
 */
export interface RateRow {
  readonly requests: number;
  /** May be negative: answers may turn out longer than estimated. */
  readonly tokens: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

const MINUTE_MS = 60_000;

/** Takes requests and tokens out of the buckets, or neither. `row` undefined: both are full. */
export function takeRate(
  row: RateRow | undefined,
  use: RateUse,
  limits: RateLimits,
  now: number,
): { readonly row: RateRow; readonly verdict: RateVerdict } {
  const filled = refilled(row, limits, now);
  const wanted = unitsOf(use, limits);
  const waits = {
    requests: waitFor(filled.requests, wanted.requests, limits.requestsPerMinute),
    tokens: waitFor(filled.tokens, wanted.tokens, limits.tokensPerMinute),
  };
  const wait = Math.max(waits.requests, waits.tokens);
  if (wait > 0) {
    const exceeded = waits.tokens >= waits.requests ? 'tokens' : 'requests';
    const retryAfterMs = Number.isFinite(wait) ? wait : undefined;
    return { row: filled, verdict: { passed: false, retryAfterMs, exceeded, ...levels(filled, limits) } };
  }
  const left = { ...filled, requests: filled.requests - wanted.requests, tokens: filled.tokens - wanted.tokens };
  return {
    row: left,
    verdict: { passed: true, retryAfterMs: undefined, exceeded: undefined, ...levels(left, limits) },
  };
}

/** Takes more out, or puts some back. */
export function correctRate(row: RateRow | undefined, use: RateUse, limits: RateLimits, now: number): RateRow {
  const filled = refilled(row, limits, now);
  const full = fullOf(limits);
  const more = unitsOf(use, limits);
  return {
    ...filled,
    requests: Math.min(full.requests, filled.requests - more.requests),
    tokens: Math.min(full.tokens, filled.tokens - more.tokens),
  };
}

/** Buckets at their level of now; a clock that goes back refills nothing. */
function refilled(row: RateRow | undefined, limits: RateLimits, now: number): RateRow {
  const { requestsPerMinute = 0, tokensPerMinute = 0 } = limits;
  const full = fullOf(limits);
  if (row === undefined) return { ...full, at: now };
  const elapsed = Math.max(0, Math.min(now - row.at, MINUTE_MS * 1000));
  return {
    requests: Math.min(full.requests, row.requests + elapsed * requestsPerMinute),
    tokens: Math.min(full.tokens, row.tokens + elapsed * tokensPerMinute),
    at: Math.max(now, row.at),
  };
}

/** What is used of allowances that have a bound; of others nothing is counted, so that a bound may come later. */
function unitsOf(use: RateUse, { requestsPerMinute, tokensPerMinute }: RateLimits): RateUse {
  return {
    requests: requestsPerMinute === undefined ? 0 : use.requests * MINUTE_MS,
    tokens: tokensPerMinute === undefined ? 0 : use.tokens * MINUTE_MS,
  };
}

function fullOf({ requestsPerMinute = 0, tokensPerMinute = 0 }: RateLimits): Omit<RateRow, 'at'> {
  return { requests: requestsPerMinute * MINUTE_MS, tokens: tokensPerMinute * MINUTE_MS };
}

/** Milliseconds until `wanted` is there: 0 now, infinite where the bucket is too small for it. */
function waitFor(level: number, wanted: number, limit: number | undefined): number {
  if (limit === undefined || wanted === 0 || wanted <= level) return 0;
  if (wanted > limit * MINUTE_MS) return Number.POSITIVE_INFINITY;
  return Math.ceil((wanted - level) / limit);
}

function levels(row: RateRow, limits: RateLimits): Pick<RateVerdict, 'requests' | 'tokens'> {
  return {
    requests: levelOf(row.requests, limits.requestsPerMinute),
    tokens: levelOf(row.tokens, limits.tokensPerMinute),
  };
}

function levelOf(level: number, limit: number | undefined): RateLevel | undefined {
  if (limit === undefined) return undefined;
  return {
    limit,
    remaining: Math.max(0, Math.floor(level / MINUTE_MS)),
    fullInMs: Math.ceil((limit * MINUTE_MS - level) / limit),
  };
}
