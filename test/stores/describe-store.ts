import type { Store } from '@gatehouse/core';
import { afterAll, beforeAll, describe } from 'vitest';
import { describeGenerations } from './describe-generations.js';
import { describeKeys } from './describe-keys.js';
import { describeLedger } from './describe-ledger.js';
import { describeRates, describeReplays } from './describe-rates.js';
import { describeSharing } from './describe-sharing.js';
import type { SettableClock } from './store-values.js';

/** A store to be tested, empty at first. */
export interface OpenedStore {
  readonly store: Store;
  /** What the store takes for the time. */
  readonly clock: SettableClock;
  /** Another handle on the same data, as another process has; undefined where the data is one handle's own. */
  readonly another: (() => Promise<Store>) | undefined;
  /** Closes the store and removes its data. */
  close(): Promise<void>;
}

/** What the parts of the suite work with: the store of the moment, and names that no other test uses. */
export interface Subject {
  readonly opened: OpenedStore;
  readonly store: Store;
  readonly clock: SettableClock;
  /** A new name, for an account, a key or a hold. */
  fresh(what: string): string;
  /** A new account with credits. */
  account(credits: bigint): Promise<string>;
}

/**
 * The contract of a store, sentence by sentence: whoever writes one calls this with a function that opens it. All tests of
 * a suite share one store, as requests do, each with accounts and keys of its own.
 */
export function describeStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(`a store: ${name}`, () => {
    let opened: OpenedStore | undefined;
    let count = 0;
    const subject: Subject = {
      get opened() {
        if (opened === undefined) throw new Error('The store is not open');
        return opened;
      },
      get store() {
        return this.opened.store;
      },
      get clock() {
        return this.opened.clock;
      },
      fresh(what) {
        count += 1;
        return `${what}-${count}`;
      },
      async account(credits) {
        const account = this.fresh('account');
        await this.store.ledger.grant({ account, externalId: this.fresh('payment'), amount: credits, note: undefined });
        return account;
      },
    };
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened?.close());
    describeLedger(subject);
    describeKeys(subject);
    describeGenerations(subject);
    describeRates(subject);
    describeReplays(subject);
    describeSharing(subject);
  });
}
