import type { Clock } from '@gatehouse/core';

/** A clock that a test moves by hand. */
export interface ManualClock extends Clock {
  /** Moves time on, running what falls due in the order of its time. */
  advance(milliseconds: number): void;
  /** Timers that are set. */
  readonly pending: number;
  /** Milliseconds from now until each of them is due. */
  readonly due: readonly number[];
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Starts at `now`, milliseconds since the epoch. */
export function manualClock(now = 1_790_000_000_000): ManualClock {
  let time = now;
  const timers = new Set<Timer>();
  const firstDue = (until: number): Timer | undefined =>
    [...timers].filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
  return {
    now: () => time,
    after(milliseconds, callback) {
      const timer = { at: time + Math.max(milliseconds, 0), callback };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    advance(milliseconds) {
      const until = time + milliseconds;
      for (let timer = firstDue(until); timer !== undefined; timer = firstDue(until)) {
        timers.delete(timer);
        time = timer.at;
        timer.callback();
      }
      time = until;
    },
    get pending() {
      return timers.size;
    },
    get due() {
      return [...timers].map((timer) => timer.at - time);
    },
  };
}
