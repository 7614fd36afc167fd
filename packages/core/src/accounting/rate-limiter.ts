import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import { memoryRates } from '../stores/memory.js';
import type { RateLevel, RateLimits, RateStore, RateUse, RateVerdict } from '../stores/types.js';
import type { StoreGuard } from './store-guard.js';

/** Whose requests are counted, and how many may come. */
export interface RateSubject {
  readonly subject: string;
  /** They are those of a whole account, not of one key. */
  readonly isAccount: boolean;
  readonly limits: RateLimits;
}

/** What limiting rates takes from the gateway. */
export interface RateLimiterParts {
  readonly rates: RateStore;
  readonly guard: StoreGuard;
  /** How many processes share the store, as far as is known. */
  instances(): number;
}

/** Nobody waits longer than this to be counted, milliseconds. */
const DEADLINE_MS = 50;
/** A store that failed to count is left alone for so long. */
const PAUSE_MS = 1000;

/**
 * Counts requests and tokens a minute. It fails open: while the store does not answer, each process allows its own share
 * of the limits.
 */
export class RateLimiter {
  readonly #parts: RateLimiterParts;
  readonly #local: RateStore;
  #localUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: RateLimiterParts) {
    this.#parts = { ...parts, guard: parts.guard.of('rates', DEADLINE_MS), instances: () => parts.instances() };
    this.#local = memoryRates(parts.guard.clock);
  }

  /** Counts a request on its arrival. @throws GatewayError `rate_limit_exceeded` where it is one too many. */
  async admit(one: RateSubject): Promise<Allowance> {
    const use = { requests: 1, tokens: 0 };
    const verdict = await this.take(one, use);
    if (!verdict.passed) throw exceeded(verdict, one, use, this.#parts.guard.clock);
    return new Allowance(this, one, verdict, this.#parts.guard.clock);
  }

  take({ subject, limits }: RateSubject, use: RateUse): Promise<RateVerdict> {
    return this.#run((rates, share) => rates.take(subject, use, share), limits);
  }

  correct({ subject, limits }: RateSubject, use: RateUse): Promise<void> {
    return this.#run((rates, share) => rates.correct(subject, use, share), limits);
  }

  async #run<T>(work: (rates: RateStore, limits: RateLimits) => Promise<T>, limits: RateLimits): Promise<T> {
    const { rates, guard } = this.#parts;
    if (guard.clock.now() >= this.#localUntil) {
      try {
        return await guard.run(work(rates, limits));
      } catch {
        this.#localUntil = guard.clock.now() + PAUSE_MS;
      }
    }
    return work(this.#local, shareOf(limits, this.#parts.instances()));
  }
}

/** What one request was allowed, to be told to its client and corrected at its end. */
export class Allowance {
  readonly #limiter: RateLimiter;
  readonly #one: RateSubject;
  readonly #clock: Clock;
  #verdict: RateVerdict;
  #estimate = 0;

  constructor(limiter: RateLimiter, one: RateSubject, verdict: RateVerdict, clock: Clock) {
    this.#limiter = limiter;
    this.#one = one;
    this.#verdict = verdict;
    this.#clock = clock;
  }

  /** Counts the tokens of a prompt, by estimate. @throws GatewayError `rate_limit_exceeded`; the request then counts for nothing. */
  async takeTokens(tokens: number): Promise<void> {
    if (this.#one.limits.tokensPerMinute === undefined) return;
    const use = { requests: 0, tokens };
    const verdict = await this.#limiter.take(this.#one, use);
    this.#verdict = verdict;
    if (verdict.passed) {
      this.#estimate = tokens;
      return;
    }
    await this.#limiter.correct(this.#one, { requests: -1, tokens: 0 });
    throw exceeded(verdict, this.#one, use, this.#clock);
  }

  /** The request has come to so many tokens after all. */
  settle(tokens: number): void {
    if (this.#one.limits.tokensPerMinute === undefined || tokens === this.#estimate) return;
    const more = tokens - this.#estimate;
    this.#estimate = tokens;
    this.#limiter.correct(this.#one, { requests: 0, tokens: more }).catch(() => undefined);
  }

  /** Response headers, in OpenRouter's spelling of the tightest limit and in OpenAI's of both. */
  headers(): Readonly<Record<string, string>> {
    return rateHeaders(this.#verdict, this.#clock.now());
  }
}

function shareOf({ requestsPerMinute, tokensPerMinute }: RateLimits, instances: number): RateLimits {
  const share = (limit: number | undefined): number | undefined =>
    limit === undefined ? undefined : Math.max(1, Math.floor(limit / Math.max(1, instances)));
  return { requestsPerMinute: share(requestsPerMinute), tokensPerMinute: share(tokensPerMinute) };
}

function exceeded(verdict: RateVerdict, { limits, isAccount }: RateSubject, use: RateUse, clock: Clock): GatewayError {
  const { exceeded: which = 'requests', retryAfterMs } = verdict;
  const limit = which === 'requests' ? limits.requestsPerMinute : limits.tokensPerMinute;
  const tooLarge =
    which === 'tokens' && retryAfterMs === undefined ? `, and this request alone needs ${use.tokens}` : '';
  return rateLimited(`Rate limit exceeded: ${limit} ${which} per minute${tooLarge}`, {
    source: `${isAccount ? 'account' : 'key'}_${which}`,
    verdict,
    now: clock.now(),
  });
}

/** The error of whoever comes too often, with what is left and when to come again. */
export function rateLimited(
  message: string,
  { source, verdict, now }: { readonly source: string; readonly verdict: RateVerdict; readonly now: number },
): GatewayError {
  const { retryAfterMs } = verdict;
  const headers = rateHeaders(verdict, now);
  return new GatewayError('rate_limit_exceeded', message, {
    retryAfterMs,
    retryable: retryAfterMs !== undefined,
    headers,
    metadata: {
      limit_source: source,
      headers: {
        'X-RateLimit-Limit': headers['x-ratelimit-limit'],
        'X-RateLimit-Remaining': headers['x-ratelimit-remaining'],
        'X-RateLimit-Reset': headers['x-ratelimit-reset'],
      },
    },
  });
}

function rateHeaders({ requests, tokens }: RateVerdict, now: number): Record<string, string> {
  const levels = [requests, tokens].filter((level) => level !== undefined);
  const [tightest] = levels.sort((a, b) => a.remaining / a.limit - b.remaining / b.limit);
  return {
    ...(tightest !== undefined && {
      'x-ratelimit-limit': String(tightest.limit),
      'x-ratelimit-remaining': String(tightest.remaining),
      'x-ratelimit-reset': String(Math.ceil(now + tightest.fullInMs)),
    }),
    ...named('requests', requests),
    ...named('tokens', tokens),
  };
}

function named(what: 'requests' | 'tokens', level: RateLevel | undefined): Record<string, string> {
  if (level === undefined) return {};
  return {
    [`x-ratelimit-limit-${what}`]: String(level.limit),
    [`x-ratelimit-remaining-${what}`]: String(level.remaining),
    [`x-ratelimit-reset-${what}`]: duration(level.fullInMs),
  };
}

/** As OpenAI writes it: `120ms`, `1.2s`, `1m0s`. */
function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${milliseconds}ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${Number(seconds.toFixed(3))}s`;
  return `${Math.floor(seconds / 60)}m${Number((seconds % 60).toFixed(3))}s`;
}
