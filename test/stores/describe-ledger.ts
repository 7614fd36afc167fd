import type { Reservation } from '@gatehouse/core';
import { afterEach, describe, expect, it } from 'vitest';
import type { Subject } from './describe-store.js';
import { DAY_MS, generation, NOON, reservation, settlement, USD } from './store-values.js';

/** Money: holds, charges, credits, limits, sweeps. */
export function describeLedger(subject: Subject): void {
  const ledger = () => subject.store.ledger;
  const hold = async (
    changes: Partial<Reservation> & Pick<Reservation, 'account' | 'amount'>,
  ): Promise<Reservation> => {
    const wanted = reservation({ id: subject.fresh('gen'), ...changes });
    expect(await ledger().reserve(wanted)).toEqual({ held: true });
    return wanted;
  };
  const sweep = async (ids: readonly string[]): Promise<readonly string[]> =>
    (await ledger().sweep('floor', 60_000)).map(({ id }) => id).filter((id) => ids.includes(id));

  describe('money', () => {
    afterEach(async () => {
      subject.clock.set(Math.max(subject.clock.now(), NOON));
      expect(await ledger().audit()).toEqual([]);
    });

    it('R-M04: a hold takes from what is at hand, a charge from what is granted', async () => {
      const account = await subject.account(10n * USD);
      const held = await hold({ account, amount: 4n * USD });
      expect(await ledger().balance(account)).toMatchObject({ granted: 10n * USD, charged: 0n, held: 4n * USD });
      expect(await ledger().settle(settlement(held, USD))).toBe('settled');
      expect(await ledger().balance(account)).toMatchObject({
        granted: 10n * USD,
        charged: USD,
        held: 0n,
        limited: true,
        requests: 1,
        promptTokens: 12,
        completionTokens: 34,
      });
    });

    it('R-M06: of reservations at once only those are held that the credits cover', async () => {
      const account = await subject.account(3n * USD + 1n);
      const wanted = Array.from({ length: 20 }, () => reservation({ id: subject.fresh('gen'), account, amount: USD }));
      const verdicts = await Promise.all(wanted.map((one) => ledger().reserve(one)));
      expect(verdicts.filter(({ held }) => held)).toHaveLength(3);
      expect(verdicts.find(({ held }) => !held)).toEqual({
        held: false,
        cause: 'credits',
        atHand: { credits: 1n, limit: undefined },
      });
      expect(await ledger().balance(account)).toMatchObject({ held: 3n * USD });
    });

    it('R-M11: a refusal leaves nothing behind', async () => {
      const account = subject.fresh('account');
      const key = subject.fresh('key');
      const wanted = reservation({ id: subject.fresh('gen'), account, key, amount: 1n });
      expect(await ledger().reserve(wanted)).toEqual({
        held: false,
        cause: 'credits',
        atHand: { credits: 0n, limit: undefined },
      });
      expect(await ledger().balance(account)).toBeUndefined();
      expect((await ledger().spending([key])).size).toBe(0);
      expect(await ledger().settle(settlement(wanted, 1n))).toBe('unknown');
      expect(await ledger().void(wanted)).toBe(false);
      expect(await ledger().dispatch(wanted, { attempt: 1, endpoint: 'x', price: '{}', floor: 0n })).toBe(false);
    });

    it('an account without credits spends where none are required, and nothing needs no money', async () => {
      const account = subject.fresh('account');
      await hold({ account, amount: 5n * USD, creditsRequired: false });
      await hold({ account, amount: 0n });
      expect(await ledger().balance(account)).toMatchObject({ granted: 0n, held: 5n * USD, limited: false });
    });

    it('credits bind an account that was ever granted any, required or not', async () => {
      const account = await subject.account(USD);
      const wanted = reservation({ id: subject.fresh('gen'), account, amount: 2n * USD, creditsRequired: false });
      expect(await ledger().reserve(wanted)).toMatchObject({ held: false, cause: 'credits' });
    });

    it('I5: a limit binds its key beside what the key holds already, and names itself before the credits', async () => {
      const account = await subject.account(2n * USD);
      const key = subject.fresh('key');
      const limit = { amount: USD, reset: undefined };
      await hold({ account, key, amount: 600_000_000n, limit });
      const wanted = { account, key, limit, id: subject.fresh('gen') };
      expect(await ledger().reserve(reservation({ ...wanted, amount: 400_000_001n }))).toEqual({
        held: false,
        cause: 'limit',
        atHand: { credits: 1_400_000_000n, limit: 400_000_000n },
      });
      expect(await ledger().reserve(reservation({ ...wanted, amount: 3n * USD }))).toMatchObject({ cause: 'limit' });
      expect(await ledger().reserve(reservation({ ...wanted, amount: 400_000_000n }))).toEqual({ held: true });
    });

    it('R-M22: a share bounds a hold to a part of the money at hand', async () => {
      const account = await subject.account(4n * USD);
      const key = subject.fresh('key');
      const wanted = { account, id: subject.fresh('gen'), share: 4 };
      expect(await ledger().reserve(reservation({ ...wanted, amount: USD + 1n }))).toMatchObject({ cause: 'share' });
      const limit = { amount: USD, reset: undefined };
      expect(await ledger().reserve(reservation({ ...wanted, key, limit, amount: USD / 4n + 1n }))).toEqual({
        held: false,
        cause: 'share',
        atHand: { credits: 4n * USD, limit: USD },
      });
      expect(await ledger().reserve(reservation({ ...wanted, amount: USD }))).toEqual({ held: true });
    });

    it('R-M14: a hold settles once, whoever else tries, and never above its amount', async () => {
      const account = await subject.account(10n * USD);
      const key = subject.fresh('key');
      const held = await hold({ account, key, amount: USD });
      const all = await Promise.all([7n, 8n, 9n].map((charge) => ledger().settle(settlement(held, charge * USD))));
      expect(all.toSorted()).toEqual(['repeated', 'repeated', 'settled']);
      expect(await ledger().settle(settlement(held, 5n))).toBe('repeated');
      expect(await ledger().void(held)).toBe(false);
      expect(await ledger().balance(account)).toMatchObject({ charged: USD, held: 0n, requests: 1 });
      expect((await ledger().spending([key])).get(key)).toEqual({ total: USD, day: USD, week: USD, month: USD });
      expect((await subject.store.generations.find(held.id, account))?.charge).toBe(USD);
    });

    it('R-M15: a void gives everything back, once', async () => {
      const account = await subject.account(USD);
      const held = await hold({ account, key: subject.fresh('key'), amount: USD, dispatch: undefined });
      const both = await Promise.all([ledger().void(held), ledger().void(held)]);
      expect(both.filter((done) => done)).toHaveLength(1);
      expect(await ledger().settle(settlement(held, 1n))).toBe('repeated');
      expect(await ledger().balance(account)).toMatchObject({ charged: 0n, held: 0n, requests: 0 });
      expect(await subject.store.generations.find(held.id, account)).toBeUndefined();
    });

    it('T4: settle, void and sweep at once end a hold once', async () => {
      const account = await subject.account(10n * USD);
      for (let round = 0; round < 10; round += 1) {
        const held = await hold({ account, amount: USD, ttlMs: 0 });
        const [settled, voided, swept] = await Promise.all([
          ledger().settle(settlement(held, 1_000n)),
          ledger().void(held),
          sweep([held.id]),
        ]);
        const ends = [settled === 'settled' || settled === 'corrected', voided, swept.length === 1];
        // A sweep that was first leaves the charge to be corrected.
        expect(ends.filter((end) => end)).toHaveLength(settled === 'corrected' ? 2 : 1);
        const { held: left } = (await ledger().balance(account)) ?? { held: -1n };
        expect(left).toBe(0n);
      }
    });

    it('R-M26: a sweep takes what is expired, and leaves the rest', async () => {
      const account = await subject.account(10n * USD);
      await ledger().renew('the-process', 10 * DAY_MS);
      const short = await hold({ account, amount: USD, ttlMs: 1_000 });
      const long = await hold({ account, amount: USD, ttlMs: 2_000 });
      subject.clock.advance(999);
      expect(await sweep([short.id, long.id])).toEqual([]);
      subject.clock.advance(1);
      expect(await sweep([short.id, long.id])).toEqual([short.id]);
      expect(await ledger().balance(account)).toMatchObject({ held: USD, charged: 100n, requests: 1 });
      subject.clock.advance(1_000);
      expect(await sweep([short.id, long.id])).toEqual([long.id]);
      await ledger().leave('the-process');
    });

    it('R-M26: a sweep takes what a dead process held, and nothing of a living one', async () => {
      const account = await subject.account(10n * USD);
      const [dead, living] = [subject.fresh('process'), subject.fresh('process')];
      await ledger().renew(dead, 30_000);
      await ledger().renew(living, 30_000);
      const lost = await hold({ account, amount: USD, owner: dead });
      const kept = await hold({ account, amount: USD, owner: living });
      subject.clock.advance(89_999);
      await ledger().renew(living, 30_000);
      expect(await sweep([lost.id, kept.id])).toEqual([]);
      subject.clock.advance(1);
      expect(await sweep([lost.id, kept.id])).toEqual([lost.id]);
      expect(await ledger().void(kept)).toBe(true);
    });

    it('leases are counted while they last', async () => {
      const [one, two] = [subject.fresh('process'), subject.fresh('process')];
      const before = await ledger().instances();
      await ledger().renew(one, 30_000);
      await ledger().renew(two, 10_000);
      await ledger().renew(two, 20_000);
      expect(await ledger().instances()).toBe(before + 2);
      subject.clock.advance(20_000);
      expect(await ledger().instances()).toBeLessThanOrEqual(before + 1);
      await ledger().leave(one);
      expect(await ledger().instances()).toBeLessThanOrEqual(before);
    });

    it('R-M27: a swept hold that was never sent is voided; a sent one is charged what is known', async () => {
      const account = await subject.account(10n * USD);
      const unsent = await hold({ account, amount: USD, dispatch: undefined, ttlMs: 1 });
      const silent = await hold({ account, amount: USD, ttlMs: 1 });
      const talking = await hold({ account, amount: USD, ttlMs: 1 });
      await ledger().checkpoint(talking, 2_000n);
      const greedy = await hold({ account, amount: 1_500n, ttlMs: 1 });
      await ledger().checkpoint(greedy, 9_000n);
      subject.clock.advance(1);
      const ids = [unsent.id, silent.id, talking.id, greedy.id];
      expect((await sweep(ids)).toSorted()).toEqual(ids.toSorted());
      const find = (id: string) => subject.store.generations.find(id, account);
      expect(await find(unsent.id)).toBeUndefined();
      expect(await find(silent.id)).toMatchObject({ charge: 100n, cost: 100n, outcome: 'crashed' });
      expect(await find(talking.id)).toMatchObject({ charge: 2_000n, cost: 2_000n, outcome: 'crashed' });
      expect(await find(greedy.id)).toMatchObject({ charge: 1_500n });
      expect(await ledger().balance(account)).toMatchObject({ charged: 3_600n, held: 0n, requests: 3 });
    });

    it.each([
      ['free', 0n],
      ['hold', USD],
    ] as const)('R-M27: the policy %s charges %s', async (policy, charge) => {
      const account = await subject.account(10n * USD);
      const held = await hold({ account, amount: USD, ttlMs: 1 });
      subject.clock.advance(1);
      await ledger().sweep(policy, 60_000);
      expect(await subject.store.generations.find(held.id, account)).toMatchObject({ charge, outcome: 'crashed' });
    });

    it('R-M12: a later dispatch replaces the earlier one, and says what a crash costs', async () => {
      const account = await subject.account(10n * USD);
      const held = await hold({ account, amount: USD, dispatch: undefined, ttlMs: 1 });
      const next = { attempt: 2, endpoint: 'google/gemini', price: '{"prompt":"2"}', floor: 777n };
      expect(await ledger().dispatch(held, next)).toBe(true);
      subject.clock.advance(1);
      expect(await sweep([held.id])).toEqual([held.id]);
      expect(await ledger().dispatch(held, next)).toBe(false);
      expect((await subject.store.generations.find(held.id, account))?.charge).toBe(777n);
    });

    it('R-M16: a settlement that comes after the sweep corrects the charge, once', async () => {
      const account = await subject.account(10n * USD);
      const key = subject.fresh('key');
      const held = await hold({ account, key, amount: USD, ttlMs: 1 });
      subject.clock.advance(1);
      expect(await sweep([held.id])).toEqual([held.id]);
      expect(await ledger().settle(settlement(held, 5n * USD))).toBe('corrected');
      expect(await ledger().settle(settlement(held, 1n))).toBe('repeated');
      expect(await ledger().balance(account)).toMatchObject({ charged: USD, held: 0n, requests: 1 });
      expect((await ledger().spending([key])).get(key)?.total).toBe(USD);
      expect(await subject.store.generations.find(held.id, account)).toMatchObject({
        charge: USD,
        outcome: 'completed',
      });
    });

    it('R-M16: a correction may lower the charge', async () => {
      const account = await subject.account(USD);
      const held = await hold({ account, amount: USD, ttlMs: 1 });
      subject.clock.advance(1);
      await sweep([held.id]);
      expect(await ledger().settle(settlement(held, 40n))).toBe('corrected');
      expect(await ledger().balance(account)).toMatchObject({ charged: 40n });
    });

    it('R-M29: the same grant twice is one; another one under its id is a conflict', async () => {
      const account = subject.fresh('account');
      const grant = { account, externalId: subject.fresh('payment'), amount: USD, note: 'invoice 7' };
      const both = await Promise.all([ledger().grant(grant), ledger().grant(grant)]);
      expect(both.toSorted()).toEqual(['granted', 'repeated']);
      expect(await ledger().grant({ ...grant, note: undefined })).toBe('repeated');
      expect(await ledger().grant({ ...grant, amount: 2n })).toBe('conflict');
      expect(await ledger().grant({ ...grant, account: subject.fresh('account') })).toBe('conflict');
      expect(await ledger().balance(account)).toMatchObject({ granted: USD, limited: true });
    });

    it('R-M01: amounts keep every nano-dollar, far beyond what a double can', async () => {
      const account = await subject.account(9_007_199_254_740_993n);
      const held = await hold({ account, amount: 9_007_199_254_740_993n });
      await ledger().settle(settlement(held, 9_007_199_254_740_991n));
      expect(await ledger().balance(account)).toMatchObject({ charged: 9_007_199_254_740_991n });
      expect((await subject.store.generations.find(held.id, account))?.charge).toBe(9_007_199_254_740_991n);
    });

    it('R-M06: a call that cannot be written fails alone', async () => {
      const account = await subject.account(USD);
      const [absurd, sound] = await Promise.allSettled([
        ledger().grant({ account, externalId: subject.fresh('payment'), amount: 2n ** 80n, note: undefined }),
        ledger().reserve(reservation({ id: subject.fresh('gen'), account, amount: USD })),
      ]);
      expect(sound).toEqual({ status: 'fulfilled', value: { held: true } });
      // The memory store has no largest number.
      if (subject.store.name !== 'memory') expect(absurd.status).toBe('rejected');
    });

    it('R-M18: whatever a client wrote, its charge is recorded', async () => {
      const account = await subject.account(USD);
      const strange = { user: 'a\0b', session: '\ud800', app: '\\u0000', tags: ['\0', '\udc00"\\'] };
      const wanted = { id: subject.fresh('gen'), account, amount: 1_000n, ttlMs: 1 };
      const swept = await hold({ ...wanted, draft: generation({ ...wanted, ...strange }) });
      const held = await hold({ account, amount: 1_000n });
      const record = { ...settlement(held, 10n).record, ...strange, details: { text: 'a\0\ud800' } };
      expect(await ledger().settle({ ...settlement(held, 10n), record })).toBe('settled');
      subject.clock.advance(1);
      expect(await sweep([swept.id])).toEqual([swept.id]);
      expect((await subject.store.generations.find(held.id, account))?.app).toBe('\\u0000');
      const query = { account, start: 0, end: NOON * 2, granularity: 'all', limit: 9, offset: 0 } as const;
      expect((await subject.store.generations.report({ ...query, groupBy: ['tag', 'user'] })).sums.requests).toBe(2);
    });
  });

  describe('windows', () => {
    const windows = { daily: 'day', weekly: 'week', monthly: 'month' } as const;

    it.each([
      ['daily', NOON + DAY_MS / 2],
      ['weekly', NOON + 4 * DAY_MS + DAY_MS / 2],
      ['monthly', Date.UTC(2027, 3, 1)],
    ] as const)('T24: a %s limit starts anew at 00:00 UTC and not before', async (reset, next) => {
      const start = subject.clock.now();
      subject.clock.set(NOON + 60_000);
      const account = await subject.account(100n * USD);
      const key = subject.fresh('key');
      const limit = { amount: USD, reset };
      const spent = await hold({ account, key, limit, amount: USD });
      await ledger().settle(settlement(spent, USD));
      const wanted = reservation({ id: subject.fresh('gen'), account, key, limit, amount: 1n });
      subject.clock.set(next - 1);
      expect(await ledger().reserve(wanted)).toMatchObject({ held: false, atHand: { limit: 0n } });
      expect((await ledger().spending([key])).get(key)?.[windows[reset]]).toBe(USD);
      subject.clock.set(next);
      expect((await ledger().spending([key])).get(key)).toMatchObject({ total: USD, [windows[reset]]: 0n });
      expect(await ledger().reserve(wanted)).toEqual({ held: true });
      expect(await ledger().audit()).toEqual([]);
      await ledger().void(wanted);
      subject.clock.set(start);
    });

    it('I8: a hold over midnight counts in its own day, neither lost nor twice', async () => {
      const start = subject.clock.now();
      const midnight = NOON + DAY_MS / 2;
      subject.clock.set(midnight - 1);
      const account = await subject.account(100n * USD);
      const key = subject.fresh('key');
      const limit = { amount: USD, reset: 'daily' } as const;
      const straddling = await hold({ account, key, limit, amount: USD });
      subject.clock.set(midnight);
      const today = await hold({ account, key, limit, amount: USD });
      expect(await ledger().settle(settlement(straddling, USD))).toBe('settled');
      expect((await ledger().spending([key])).get(key)).toMatchObject({ total: USD, day: 0n, week: USD });
      const more = reservation({ id: subject.fresh('gen'), account, key, limit, amount: 1n });
      expect(await ledger().reserve(more)).toMatchObject({ held: false, atHand: { limit: 0n } });
      expect(await ledger().settle(settlement(today, 7n))).toBe('settled');
      expect((await ledger().spending([key])).get(key)).toMatchObject({ total: USD + 7n, day: 7n });
      expect(await ledger().audit()).toEqual([]);
      subject.clock.set(start);
    });

    it('T24: a clock that goes back brings no window back', async () => {
      const start = subject.clock.now();
      const midnight = NOON + DAY_MS / 2;
      subject.clock.set(midnight + 1_000);
      const account = await subject.account(100n * USD);
      const key = subject.fresh('key');
      const limit = { amount: USD, reset: 'daily' } as const;
      await ledger().settle(settlement(await hold({ account, key, limit, amount: USD }), USD));
      subject.clock.set(midnight - 4_000);
      const more = reservation({ id: subject.fresh('gen'), account, key, limit, amount: 1n });
      expect(await ledger().reserve(more)).toMatchObject({ held: false, atHand: { limit: 0n } });
      expect((await ledger().spending([key])).get(key)?.day).toBe(USD);
      const free = await hold({ account, key, amount: 3n });
      expect(await ledger().settle(settlement(free, 3n))).toBe('settled');
      expect((await ledger().spending([key])).get(key)?.day).toBe(USD + 3n);
      expect(await ledger().audit()).toEqual([]);
      subject.clock.set(start);
    });
  });
}
