/** What is known of an endpoint's health. */
export type CircuitState =
  /** Nothing speaks against it. */
  | 'closed'
  /** It has failed too often lately. */
  | 'open'
  /** It was open, and one request may find out whether it is well again. */
  | 'probe'
  /** It limits the rate of requests. */
  | 'cooling'
  /** It refused the credential. */
  | 'barred';

/** A request that finds out whether the endpoint is well again. */
export interface Probe {
  /** It has the endpoint to itself until then. */
  readonly until: number;
}

/** A success that may be taken back. */
export interface Success {
  readonly bucket: Bucket;
  /** Failures in a row that it ended. */
  readonly consecutive: number;
  /** How often in a row the circuit had opened that it closed; 0 if it closed none. */
  readonly trips: number;
}

/** What came of the requests of a tenth of the window. */
interface Bucket {
  readonly at: number;
  successes: number;
  failures: number;
}

const BUCKETS = 10;
const BUCKET_MS = 3000;
const LEAST_FAILURES = 2;
const FAILURE_RATE = 0.5;
const CONSECUTIVE_FAILURES = 5;
const OPEN_MS = 5000;
const MOST_OPEN_MS = 20_000;
const JITTER = 0.1;
const COOL_MS = 5000;
const MOST_COOL_MS = 60_000;
const MOST_HINTED_MS = 3_600_000;
const BARRED_MS = 60_000;

/**
 * The breaker of one endpoint with one credential. Times are milliseconds of the injected clock; a deadline is never
 * made earlier by what happens later.
 */
export class Circuit {
  #buckets: Bucket[] = [];
  #consecutive = 0;
  #lastSuccess: Success | undefined;
  #tripped = false;
  #trips = 0;
  #openUntil = 0;
  #coolings = 0;
  #coolUntil = 0;
  #barredUntil = 0;
  #probe: Probe | undefined;
  lastFailureAt = 0;

  state(now: number): CircuitState {
    if (now < this.#barredUntil) return 'barred';
    if (now < this.#coolUntil) return 'cooling';
    if (!this.#tripped) return 'closed';
    return now < this.#openUntil || now < (this.#probe?.until ?? 0) ? 'open' : 'probe';
  }

  /** A request is sent; a probe if it is the one that finds out. One that is not heard of makes room for the next. */
  begin(now: number): Probe | undefined {
    if (this.state(now) !== 'probe') return undefined;
    this.#probe = { until: now + MOST_OPEN_MS };
    return this.#probe;
  }

  /** The request told nothing about the endpoint. */
  forget(probe: Probe | undefined): void {
    if (this.#probe === probe) this.#probe = undefined;
  }

  success(now: number, probe: Probe | undefined): Success {
    this.forget(probe);
    const closes = this.#tripped && now >= this.#openUntil;
    const before = { consecutive: this.#consecutive, trips: closes ? this.#trips : 0 };
    if (closes) this.#close();
    this.#consecutive = 0;
    this.#coolings = 0;
    const bucket = this.#bucket(now);
    bucket.successes += 1;
    this.#lastSuccess = { bucket, ...before };
    return this.#lastSuccess;
  }

  /** `random`: from 0 up to 1. */
  failure(now: number, probe: Probe | undefined, random: number): void {
    const decides = probe !== undefined && probe === this.#probe;
    this.forget(probe);
    this.#fail(now, random, decides);
  }

  /** What was taken for a success fails now. Where nobody has succeeded since, it is as if it had not been. */
  lateFailure(now: number, success: Success, random: number): void {
    success.bucket.successes -= 1;
    const isLast = this.#lastSuccess === success;
    const reopens = isLast && success.trips > 0 && !this.#tripped;
    if (isLast) this.#consecutive += success.consecutive;
    if (reopens) this.#trips = success.trips;
    this.#fail(now, random, reopens);
  }

  /** `hintMs`: when the upstream wants to be asked again. */
  rateLimited(now: number, probe: Probe | undefined, hintMs: number | undefined): void {
    this.forget(probe);
    const usual = Math.min(COOL_MS * 2 ** this.#coolings, MOST_COOL_MS);
    this.#coolings += 1;
    this.#coolUntil = Math.max(this.#coolUntil, now + Math.min(hintMs ?? usual, MOST_HINTED_MS));
  }

  /** The upstream refused the credential. */
  refused(now: number, probe: Probe | undefined): void {
    this.forget(probe);
    this.#barredUntil = Math.max(this.#barredUntil, now + BARRED_MS);
  }

  #fail(now: number, random: number, decides: boolean): void {
    this.lastFailureAt = now;
    this.#consecutive += 1;
    this.#bucket(now).failures += 1;
    if (decides || (!this.#tripped && this.#failsTooOften(now))) this.#open(now, random);
  }

  #open(now: number, random: number): void {
    const wanted = Math.min(OPEN_MS * 2 ** this.#trips, MOST_OPEN_MS);
    const jittered = wanted * (1 - JITTER + 2 * JITTER * random);
    this.#tripped = true;
    this.#trips += 1;
    this.#openUntil = Math.max(this.#openUntil, now + jittered);
  }

  #close(): void {
    this.#tripped = false;
    this.#trips = 0;
    this.#probe = undefined;
    this.#buckets = [];
  }

  #failsTooOften(now: number): boolean {
    if (this.#consecutive >= CONSECUTIVE_FAILURES) return true;
    const { successes, failures } = this.#counts(now);
    return failures >= LEAST_FAILURES && failures >= FAILURE_RATE * (successes + failures);
  }

  #counts(now: number): { readonly successes: number; readonly failures: number } {
    const recent = this.#recent(now);
    return {
      successes: recent.reduce((sum, { successes }) => sum + successes, 0),
      failures: recent.reduce((sum, { failures }) => sum + failures, 0),
    };
  }

  #bucket(now: number): Bucket {
    const at = Math.floor(now / BUCKET_MS);
    const newest = this.#buckets.at(-1);
    if (newest?.at === at) return newest;
    const bucket = { at, successes: 0, failures: 0 };
    this.#buckets = [...this.#recent(now), bucket];
    return bucket;
  }

  #recent(now: number): readonly Bucket[] {
    const oldest = Math.floor(now / BUCKET_MS) - BUCKETS;
    return this.#buckets.filter(({ at }) => at > oldest);
  }
}
