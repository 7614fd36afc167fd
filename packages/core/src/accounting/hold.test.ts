import { describe, expect, it } from 'vitest';
import type { Clock } from '../clock.js';
import type { GenerationRecord, Ledger, Reservation } from '../stores/types.js';
import { guardedLedger } from './guarded-ledger.js';
import { Hold } from './hold.js';
import { StoreGuard } from './store-guard.js';

const REF = { id: 'gen-1', account: 'default', key: undefined };
const DISPATCH = { attempt: 1, endpoint: 'one', price: '{}', floor: 1n };
const RECORD = { id: 'gen-1' } as GenerationRecord;

/** A clock whose timers fire when the test says so, in their order. */
function queueClock(): Clock & { next(): Promise<void>; readonly pending: number } {
  let now = 0;
  const timers = new Map<object, { readonly at: number; readonly run: () => void }>();
  return {
    now: () => now,
    after(milliseconds, run) {
      const timer = {};
      timers.set(timer, { at: now + milliseconds, run });
      return () => void timers.delete(timer);
    },
    async next() {
      const [first] = [...timers].sort(([, a], [, b]) => a.at - b.at);
      if (first === undefined) throw new Error('no timer is set');
      timers.delete(first[0]);
      now = first[1].at;
      first[1].run();
      await new Promise(setImmediate);
    },
    get pending() {
      return timers.size;
    },
  };
}

describe('a hold', () => {
  it('R-M16 that a sweep has resolved sends nothing more, and still tells what it came to', async () => {
    const settled: unknown[] = [];
    const ledger = {
      dispatch: async () => false,
      settle: async (settlement: unknown) => {
        settled.push(settlement);
        return 'corrected' as const;
      },
    };
    const keeper = {
      ledger: ledger as unknown as Ledger,
      clock: queueClock(),
      track: () => undefined,
      abandoned: () => undefined,
    };
    const hold = new Hold(keeper, REF, 10n, 1000, DISPATCH);
    await hold.dispatch({ ...DISPATCH, endpoint: 'one' });
    await expect(hold.dispatch({ ...DISPATCH, endpoint: 'two' })).rejects.toMatchObject({
      code: 'service_unavailable',
    });
    expect(() => hold.assertLive()).toThrow();
    await hold.end(0n, RECORD);
    await hold.end(5n, RECORD);
    expect(settled).toEqual([{ ...REF, charge: 0n, record: RECORD }]);
  });

  it('R-M17 is ended again and again while the store fails, until it expires', async () => {
    const clock = queueClock();
    let tries = 0;
    const abandoned: unknown[] = [];
    const ledger = {
      settle: async () => {
        tries += 1;
        throw new Error('down');
      },
    };
    const keeper = {
      ledger: ledger as unknown as Ledger,
      clock,
      track: () => undefined,
      abandoned: (_: unknown, error: unknown) => abandoned.push(error),
    };
    const hold = new Hold(keeper, REF, 10n, 60_000, DISPATCH);
    await hold.dispatch({ ...DISPATCH, endpoint: 'one' });
    const ended = hold.end(1n, RECORD);
    await new Promise(setImmediate);
    while (clock.pending > 0) await clock.next();
    await ended;
    expect([tries > 8, abandoned.length, clock.now() < 60_000]).toEqual([true, 1, true]);
  });
});

it('a reservation whose answer did not come is taken back until the store has heard it', async () => {
  const clock = queueClock();
  let isDown = true;
  const voided: number[] = [];
  const ledger = {
    reserve: () => new Promise(() => undefined),
    async void() {
      if (isDown) throw new Error('down');
      voided.push(clock.now());
      return true;
    },
  };
  const guard = new StoreGuard({ store: 'test', clock, onChange: () => undefined });
  const guarded = guardedLedger(ledger as unknown as Ledger, guard);
  const refused = guarded.reserve({ ...REF, ttlMs: 900_000 } as Reservation).catch((error: unknown) => error);
  await clock.next();
  expect(await refused).toMatchObject({ code: 'service_unavailable' });
  for (let turn = 0; turn < 6; turn += 1) await clock.next();
  expect(voided).toEqual([]);
  isDown = false;
  while (clock.pending > 0) await clock.next();
  expect(voided).toHaveLength(1);
});
