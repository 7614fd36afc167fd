import type { Store } from '@gatehouse/core';
import { reservation, settlement, USD } from './store-values.js';

/** What a request of the contention tests holds. */
export const AMOUNT: bigint = USD / 7n;
/** What it is charged in the end. */
export const CHARGE: bigint = USD / 11n;

/** Reserves for `count` requests, so many at a time, and gives the ids of those that were held. */
export async function reserveMany(
  store: Store,
  account: string,
  { prefix, count, atOnce }: { readonly prefix: string; readonly count: number; readonly atOnce: number },
): Promise<readonly string[]> {
  const held: string[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const id = `${prefix}-${next}`;
      next += 1;
      const key = `key-of-${account}`;
      const limit = { amount: 1_000n * USD, reset: 'daily' } as const;
      const verdict = await store.ledger.reserve(reservation({ id, account, key, limit, amount: AMOUNT }));
      if (verdict.held) held.push(id);
      else if (verdict.cause !== 'credits') throw new Error(`refused for its ${verdict.cause}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return held;
}

/** Settles holds, all at once and each of them twice; gives how often that settled one. */
export async function settleAll(store: Store, account: string, ids: readonly string[]): Promise<number> {
  const key = `key-of-${account}`;
  const verdicts = await Promise.all(
    [...ids, ...ids].map((id) => store.ledger.settle(settlement({ id, account, key }, CHARGE))),
  );
  return verdicts.filter((verdict) => verdict === 'settled').length;
}
