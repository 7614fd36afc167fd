import { describe, expect, it } from 'vitest';
import type { Subject } from './describe-store.js';
import { keyRecord, reservation, settlement, USD } from './store-values.js';

/** What several handles on the same data see of each other; a store whose data is one handle's own has none of it. */
export function describeSharing(subject: Subject): void {
  describe('several handles', () => {
    it('R-M43: see each other at once, money and keys alike', async (context) => {
      const { another } = subject.opened;
      if (another === undefined) return context.skip('its data is one handle’s own');
      const { store } = subject;
      const other = await another();
      try {
        const account = await subject.account(2n * USD);
        const key = subject.fresh('key');
        const limit = { amount: 2n * USD, reset: 'daily' } as const;
        const [one, two] = [subject.fresh('gen'), subject.fresh('gen')].map((id) =>
          reservation({ id, account, key, limit, amount: USD }),
        );
        if (one === undefined || two === undefined) throw new Error('unreachable');
        expect(await store.ledger.reserve(one)).toEqual({ held: true });
        expect(await other.ledger.reserve(two)).toEqual({ held: true });
        const third = reservation({ id: subject.fresh('gen'), account, key, limit, amount: 1n });
        expect(await store.ledger.reserve(third)).toMatchObject({ held: false });
        // Settled elsewhere than where it was reserved, and known here.
        expect(await other.ledger.settle(settlement(one, USD / 2n))).toBe('settled');
        expect(await store.ledger.settle(settlement(one, USD))).toBe('repeated');
        expect(await store.ledger.void(two)).toBe(true);
        expect(await other.ledger.settle(settlement(two, USD))).toBe('repeated');
        expect(await store.ledger.balance(account)).toEqual(await other.ledger.balance(account));
        expect((await store.generations.find(one.id, account))?.charge).toBe(USD / 2n);
        const record = keyRecord({ hash: 'ab'.repeat(32), account });
        await store.keys.insert(record);
        expect(await other.keys.find(record.hash)).toEqual(record);
        expect(await other.keys.replace({ ...record, disabled: true, version: 2 }, 1)).toBe(true);
        expect((await store.keys.find(record.hash))?.disabled).toBe(true);
        expect(await other.ledger.audit()).toEqual([]);
      } finally {
        await other.close();
      }
    });

    it('R-D10: keep what was written after the other one is closed, and may open it many times at once', async (context) => {
      const { another } = subject.opened;
      if (another === undefined) return context.skip('its data is one handle’s own');
      const account = await subject.account(USD);
      const handles = await Promise.all([another(), another(), another(), another()]);
      await Promise.all(handles.map((handle) => handle.open()));
      const balances = await Promise.all(handles.map((handle) => handle.ledger.balance(account)));
      expect(balances.map((balance) => balance?.granted)).toEqual([USD, USD, USD, USD]);
      await Promise.all(handles.map((handle) => handle.close()));
      await expect(handles[0]?.ledger.balance(account)).rejects.toThrow(/closed/);
      expect((await subject.store.ledger.balance(account))?.granted).toBe(USD);
    });
  });
}
