import type { Store } from '@gatehouse/core';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { LedgerModel } from './ledger-model.js';
import { reservation, type SettableClock, settlement } from './store-values.js';

/** The store under test, with names that no other run uses. */
export interface Real {
  readonly store: Store;
  readonly clock: SettableClock;
  readonly prefix: string;
}

/** One thing that is done to the model and to a store alike; what both answer must be the same. */
export type Step =
  | { readonly kind: 'reserve'; readonly hold: number; readonly wanted: Wanted }
  | { readonly kind: 'dispatch' | 'checkpoint' | 'settle'; readonly hold: number; readonly amount: bigint }
  | { readonly kind: 'settle-twice'; readonly hold: number; readonly amount: bigint }
  | { readonly kind: 'void' | 'look'; readonly hold: number }
  | { readonly kind: 'grant'; readonly grant: number; readonly account: number; readonly amount: bigint }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'sweep' };

interface Wanted {
  readonly account: number;
  readonly key: number | undefined;
  readonly amount: bigint;
  readonly limit: { readonly amount: bigint; readonly reset: 'daily' | 'weekly' | 'monthly' | undefined } | undefined;
  readonly creditsRequired: boolean;
  readonly share: number | undefined;
  readonly ttlMs: number;
  readonly sent: boolean;
}

const HOUR_MS = 3_600_000;
const DEAD_MS = 40 * 24 * HOUR_MS;
const amount = fc.bigInt({ min: 0n, max: 100n });
const hold = fc.nat(7);

/** Any step. Few accounts, keys and holds, so that steps meet. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('reserve' as const),
      hold,
      wanted: fc.record({
        account: fc.nat(1),
        key: fc.constantFrom(undefined, 0, 1),
        amount,
        limit: fc.option(
          fc.record({
            amount: fc.bigInt({ min: 0n, max: 300n }),
            reset: fc.constantFrom(undefined, 'daily' as const, 'weekly' as const, 'monthly' as const),
          }),
          { nil: undefined },
        ),
        creditsRequired: fc.boolean(),
        share: fc.constantFrom(undefined, undefined, 4),
        ttlMs: fc.constantFrom(HOUR_MS, 30 * HOUR_MS),
        sent: fc.boolean(),
      }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('dispatch' as const, 'checkpoint' as const, 'settle' as const, 'settle-twice' as const),
      hold,
      amount: fc.bigInt({ min: 0n, max: 150n }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('void' as const, 'look' as const), hold }) },
  {
    weight: 2,
    arbitrary: fc
      .record({ kind: fc.constant('grant' as const), grant: fc.nat(9), account: fc.nat(1), amount })
      .map((step) => (step.amount === 0n ? { ...step, amount: 1n } : step)),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, HOUR_MS, 13 * HOUR_MS, 9 * 24 * HOUR_MS),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'sweep' as const }) },
);

/** Does a step to both, and compares. */
export async function apply(step: Step, model: LedgerModel, real: Real): Promise<void> {
  const { store, clock, prefix } = real;
  const { ledger } = store;
  model.now = clock.now();
  const accountOf = (index: number): string => `${prefix}-account-${index}`;
  // A key belongs to one account.
  const keyOf = (account: number, key: number | undefined) =>
    key === undefined ? undefined : `${prefix}-key-${account}-${key}`;
  const refOf = (index: number) => {
    const id = `${prefix}-hold-${index}`;
    const known = model.holds.get(id);
    return { id, account: known?.account ?? accountOf(0), key: known?.key };
  };
  switch (step.kind) {
    case 'reserve': {
      const { account, key, sent, ...rest } = step.wanted;
      const id = `${prefix}-hold-${step.hold}`;
      // An id is never used again.
      if (model.holds.has(id)) return;
      const floor = rest.amount / 2n;
      const dispatch = sent ? { attempt: 1, endpoint: 'x', price: '{}', floor } : undefined;
      const wanted = reservation({ ...rest, id, account: accountOf(account), key: keyOf(account, key), dispatch });
      const verdict = await ledger.reserve(wanted);
      const told = verdict.held ? 'held' : `${verdict.cause} ${verdict.atHand.credits} ${verdict.atHand.limit}`;
      expect(told).toBe(model.reserve(wanted));
      return;
    }
    case 'dispatch': {
      const next = { attempt: 2, endpoint: 'y', price: '{}', floor: step.amount };
      expect(await ledger.dispatch(refOf(step.hold), next)).toBe(model.dispatch(refOf(step.hold).id, step.amount));
      return;
    }
    case 'checkpoint':
      await ledger.checkpoint(refOf(step.hold), step.amount);
      model.checkpoint(refOf(step.hold).id, step.amount);
      return;
    case 'settle':
      expect(await ledger.settle(settlement(refOf(step.hold), step.amount))).toBe(
        model.settle(refOf(step.hold).id, step.amount),
      );
      return;
    case 'settle-twice': {
      const ref = refOf(step.hold);
      const told = await Promise.all([1, 2].map(() => ledger.settle(settlement(ref, step.amount))));
      const expected = [model.settle(ref.id, step.amount), model.settle(ref.id, step.amount)];
      expect(told.toSorted()).toEqual(expected.toSorted());
      return;
    }
    case 'void':
      expect(await ledger.void(refOf(step.hold))).toBe(model.void(refOf(step.hold).id));
      return;
    case 'grant': {
      const account = accountOf(step.account);
      const externalId = `${prefix}-grant-${step.grant}`;
      const verdict = await ledger.grant({ account, externalId, amount: step.amount, note: undefined });
      expect(verdict).toBe(model.grant(externalId, account, step.amount));
      return;
    }
    case 'wait':
      clock.advance(step.ms);
      return;
    case 'sweep': {
      const swept = (await ledger.sweep('floor', DEAD_MS)).map(({ id }) => id).filter((id) => id.startsWith(prefix));
      expect(swept.toSorted()).toEqual(model.sweep(DEAD_MS).toSorted());
      return;
    }
    case 'look': {
      const { id, account } = refOf(step.hold);
      const known = model.holds.get(id);
      const charged = known?.state === 'settled' || known?.state === 'swept' ? known.charge : undefined;
      expect((await store.generations.find(id, account))?.charge).toBe(charged);
      return;
    }
    default:
      step satisfies never;
  }
}

/** Compares all sums. */
export async function compare(model: LedgerModel, { store, clock, prefix }: Real): Promise<void> {
  model.now = clock.now();
  for (const account of [0, 1].map((index) => `${prefix}-account-${index}`)) {
    const { granted = 0n, charged = 0n, held = 0n } = (await store.ledger.balance(account)) ?? {};
    expect({ granted, charged, held }).toEqual({
      granted: model.granted(account),
      charged: model.charged(account),
      held: model.held(account),
    });
  }
  const keys = [0, 1].flatMap((account) => [0, 1].map((key) => `${prefix}-key-${account}-${key}`));
  const spending = await store.ledger.spending(keys);
  for (const key of keys) {
    const { total, day, week, month } = spending.get(key) ?? { total: 0n, day: 0n, week: 0n, month: 0n };
    expect({ total, day, week, month }).toEqual({
      total: model.spent(key, undefined, false),
      day: model.spent(key, 'daily', false),
      week: model.spent(key, 'weekly', false),
      month: model.spent(key, 'monthly', false),
    });
  }
}
