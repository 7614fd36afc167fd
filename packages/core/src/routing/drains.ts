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
  readonly #stops = new Set<() => void>();

  constructor(clock: Clock, limits: DrainLimits) {
    this.#clock = clock;
    this.limits = limits;
  }

  /** Takes a place; the answer gives it back. `stop` is called when the time is over. Undefined where there is no place. */
  enter(stop: () => void): CancelTimer | undefined {
    if (this.#stops.size >= this.limits.most) return undefined;
    const own = (): void => stop();
    this.#stops.add(own);
    const cancelTimer = this.#clock.after(this.limits.timeoutMs, own);
    return () => {
      if (this.#stops.delete(own)) cancelTimer();
    };
  }

  /** Nothing is read on any more. */
  stopAll(): void {
    for (const stop of this.#stops) stop();
  }
}
