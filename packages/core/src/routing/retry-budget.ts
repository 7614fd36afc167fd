import type { Clock } from '../clock.js';

const WINDOW_MS = 10_000;
/** Less than the fifth that the whole is to stay under: the first requests of an outage find everybody well. */
const SHARE = 0.15;
const FLOOR = 3;

/**
 * How often requests may ask again where the answer is likely to be no: the same endpoint a second time, or one that is
 * known to fail. Together with those that move on to an endpoint that is well they may be a fifth of all requests, so that
 * an outage is not made worse by those who wait for its end. A few are always allowed, however many move on.
 */
export class RetryBudget {
  readonly #clock: Clock;
  #from = 0;
  #requests = 0;
  #earlierRequests = 0;
  #moves = 0;
  #earlierMoves = 0;
  #retries = 0;
  #earlierRetries = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request begins. */
  request(): void {
    this.#roll();
    this.#requests += 1;
  }

  /** A request asks another endpoint that is well: always allowed, and counted. */
  note(): void {
    this.#roll();
    this.#moves += 1;
  }

  /** Whether one more try is within bounds; it is counted then. */
  take(): boolean {
    this.#roll();
    const share = SHARE * (this.#requests + this.#earlierRequests);
    const allowed = Math.max(FLOOR, share - this.#moves - this.#earlierMoves);
    if (this.#retries + this.#earlierRetries + 1 > allowed) return false;
    this.#retries += 1;
    return true;
  }

  /** Two windows side by side: what is older than both is forgotten. */
  #roll(): void {
    const now = this.#clock.now();
    const passed = Math.floor((now - this.#from) / WINDOW_MS);
    if (passed < 1) return;
    this.#earlierRequests = passed === 1 ? this.#requests : 0;
    this.#earlierMoves = passed === 1 ? this.#moves : 0;
    this.#earlierRetries = passed === 1 ? this.#retries : 0;
    this.#requests = 0;
    this.#moves = 0;
    this.#retries = 0;
    this.#from += passed * WINDOW_MS;
  }
}
