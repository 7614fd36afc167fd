/**
 * Time as the gateway sees it. Everything that waits, measures or stamps takes a clock, so that tests move time by hand.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /**
   * Runs `callback` once after `milliseconds`; the answer cancels it. A pending timer does not keep the process alive,
   * unless it is to `hold`.
   */
  after(milliseconds: number, callback: () => void, options?: TimerOptions): CancelTimer;
}

/** How a timer is set. */
export interface TimerOptions {
  /** The process lives on until the timer fires or is cancelled: a caller waits, and nothing else may be under way. */
  readonly hold?: boolean;
}

/** Cancels a timer; harmless if the timer has fired or was cancelled before. */
export type CancelTimer = () => void;

/** The machine's own clock and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, callback, { hold = false } = {}) {
    const timer = setTimeout(callback, milliseconds);
    if (!hold) timer.unref();
    return () => clearTimeout(timer);
  },
};
