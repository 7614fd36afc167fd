import type { CancelTimer, Clock } from '../clock.js';

/** Bounds on reading answers whose clients are gone. */
export interface DrainLimits {
  /** Answers at a time. Default 64. */
  readonly most: number;
  /** Milliseconds from the client's leaving. Default 60 000. */
  readonly timeoutMs: number;
  /** Bytes of text of one answer. Default 16 MiB. */
  readonly bytes: number;
}

/** Room for answers that are read to their end although nobody waits for them, because their providers charge for all of it. */
export class Drains {
  readonly limits: DrainLimits;
  readonly #clock: Clock;
  #count = 0;

  constructor(clock: Clock, limits: DrainLimits) {
    this.#clock = clock;
    this.limits = limits;
  }

  /** Takes a place; the answer gives it back. `stop` is called when the time is over. Undefined where there is no place. */
  enter(stop: () => void): CancelTimer | undefined {
    if (this.#count >= this.limits.most) return undefined;
    this.#count += 1;
    const cancelTimer = this.#clock.after(this.limits.timeoutMs, stop);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#count -= 1;
      cancelTimer();
    };
  }
}
