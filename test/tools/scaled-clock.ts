import type { Clock } from '@gatehouse/core';
import type { Step } from './upstream-steps.js';

/** Real time that passes faster: what takes a second here takes a fraction of one on the wall. */
export interface ScaledClock extends Clock {
  /** A step of a script that takes so many milliseconds of this clock. */
  wait(milliseconds: number): Step;
  /** Resolves after so many milliseconds of this clock. */
  sleep(milliseconds: number): Promise<void>;
}

/** `factor`: how many seconds pass in a second. */
export function scaledClock(factor: number): ScaledClock {
  const began = performance.now();
  const after = (milliseconds: number, callback: () => void): (() => void) => {
    const timer = setTimeout(callback, milliseconds / factor);
    return () => clearTimeout(timer);
  };
  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      after(milliseconds, resolve);
    });
  return {
    now: () => 1_790_000_000_000 + (performance.now() - began) * factor,
    after,
    sleep,
    wait:
      (milliseconds) =>
      ({ closed }) =>
        Promise.race([sleep(milliseconds), closed]),
  };
}
