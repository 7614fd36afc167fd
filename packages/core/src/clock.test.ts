import { describe, expect, it } from 'vitest';
import { systemClock } from './clock.js';

/** Timers that keep the process alive. */
const held = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

describe('the clock of the machine', () => {
  it('keeps the process alive by those timers alone that hold it', () => {
    const before = held();
    const cancel = systemClock.after(60_000, () => undefined);
    expect(held()).toBe(before);
    const cancelHolding = systemClock.after(60_000, () => undefined, { hold: true });
    expect(held()).toBe(before + 1);
    cancelHolding();
    cancel();
    expect(held()).toBe(before);
  });
});
