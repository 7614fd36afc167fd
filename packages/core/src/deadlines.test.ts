import { describe, expect, it } from 'vitest';
import type { Clock, TimerOptions } from './clock.js';
import { Deadlines } from './deadlines.js';

interface HandClock extends Clock {
  advance(milliseconds: number): void;
  /** Moves the time alone, as when the machine's clock is set; timers do not notice. */
  set(milliseconds: number): void;
  /** Lets every timer fire, as timers do, by a clock of their own. */
  fire(): void;
  readonly timers: number;
  held: boolean;
}

/** A clock that a test moves by hand, and that knows its timers. */
function handClock(): HandClock {
  let now = 1000;
  const timers = new Map<object, { readonly at: number; readonly run: () => void }>();
  return {
    held: true,
    now: () => now,
    after(milliseconds: number, run: () => void, options?: TimerOptions) {
      const timer = {};
      this.held &&= options?.hold === true;
      timers.set(timer, { at: now + milliseconds, run });
      return () => void timers.delete(timer);
    },
    advance(milliseconds) {
      now += milliseconds;
      for (const [timer, { at, run }] of [...timers].sort(([, a], [, b]) => a.at - b.at)) {
        if (at <= now && timers.delete(timer)) run();
      }
    },
    set(milliseconds) {
      now += milliseconds;
    },
    fire() {
      for (const [timer, { run }] of [...timers]) if (timers.delete(timer)) run();
    },
    get timers() {
      return timers.size;
    },
  };
}

describe('deadlines', () => {
  it('fall due each at its time, on one timer, which is gone when nothing waits', () => {
    const clock = handClock();
    const deadlines = new Deadlines(clock, 100);
    const due: string[] = [];
    deadlines.begin(() => due.push('first'));
    clock.advance(40);
    const end = deadlines.begin(() => due.push('second'));
    const endThird = deadlines.begin(() => due.push('third'));
    expect([clock.timers, clock.held]).toEqual([1, true]);
    clock.advance(59);
    expect(due).toEqual([]);
    end();
    end();
    clock.advance(1);
    expect([due, clock.timers]).toEqual([['first'], 1]);
    clock.advance(40);
    expect([due, clock.timers]).toEqual([['first', 'third'], 0]);
    endThird();
    const last = deadlines.begin(() => due.push('last'));
    expect(clock.timers).toBe(1);
    last();
    expect(clock.timers).toBe(0);
    clock.advance(1000);
    expect(due).toEqual(['first', 'third']);
  });

  it('make nobody wait longer because the clock was set back', () => {
    const clock = handClock();
    const deadlines = new Deadlines(clock, 100);
    const due: string[] = [];
    deadlines.begin(() => due.push('first'));
    clock.set(-3_600_000);
    clock.fire();
    expect(due).toEqual(['first']);
  });

  it('may begin anew from what one of them does', () => {
    const clock = handClock();
    const deadlines = new Deadlines(clock, 100);
    let count = 0;
    const again = (): void => {
      count += 1;
      if (count < 3) deadlines.begin(again);
    };
    deadlines.begin(again);
    for (let turn = 0; turn < 5; turn += 1) clock.advance(100);
    expect([count, clock.timers]).toEqual([3, 0]);
  });
});
