import type { Reservation } from '@gatehouse/core';
import { DAY_MS } from './store-values.js';

interface ModelHold {
  readonly account: string;
  readonly key: string | undefined;
  readonly amount: bigint;
  readonly madeAt: number;
  readonly expiresAt: number;
  state: 'held' | 'settled' | 'swept' | 'voided';
  floor: bigint | undefined;
  checkpoint: bigint;
  charge: bigint;
}

/**
 * What a ledger should do, as plainly as it can be said: no stored sums at all, everything is recounted from all holds
 * and grants at each question. It shares nothing with the rules of the core.
 */
export class LedgerModel {
  now = 0;
  readonly holds = new Map<string, ModelHold>();
  readonly grants = new Map<string, { readonly account: string; readonly amount: bigint }>();

  reserve({ id, account, key, amount, limit, creditsRequired, share, ttlMs, dispatch }: Reservation): string {
    const limited = creditsRequired || this.#grantsOf(account).length > 0;
    const credits = limited ? this.granted(account) - this.charged(account) - this.held(account) : undefined;
    const room =
      limit === undefined || key === undefined ? undefined : limit.amount - this.spent(key, limit.reset, true);
    if (amount > 0n) {
      if (room !== undefined && amount > room) return `limit ${credits} ${room}`;
      if (credits !== undefined && amount > credits) return `credits ${credits} ${room}`;
      for (const money of [credits, room]) {
        if (share !== undefined && money !== undefined && amount * BigInt(share) > money)
          return `share ${credits} ${room}`;
      }
    }
    const times = { madeAt: this.now, expiresAt: this.now + ttlMs };
    const hold = { account, key, amount, ...times, floor: dispatch?.floor, checkpoint: 0n, charge: 0n };
    this.holds.set(id, { ...hold, state: 'held' });
    return 'held';
  }

  dispatch(id: string, floor: bigint): boolean {
    const hold = this.#live(id);
    if (hold !== undefined) hold.floor = floor;
    return hold !== undefined;
  }

  checkpoint(id: string, charge: bigint): void {
    const hold = this.#live(id);
    if (hold !== undefined) hold.checkpoint = charge;
  }

  settle(id: string, charge: bigint): string {
    const hold = this.holds.get(id);
    if (hold === undefined) return 'unknown';
    const { state } = hold;
    if (state === 'voided' || state === 'settled') return 'repeated';
    Object.assign(hold, { state: 'settled', charge: charge < hold.amount ? charge : hold.amount });
    return state === 'held' ? 'settled' : 'corrected';
  }

  void(id: string): boolean {
    const hold = this.#live(id);
    if (hold !== undefined) hold.state = 'voided';
    return hold !== undefined;
  }

  sweep(deadAfterMs: number): readonly string[] {
    const over = [...this.holds].filter(
      ([, { state, expiresAt, madeAt }]) =>
        state === 'held' && (expiresAt <= this.now || madeAt + deadAfterMs <= this.now),
    );
    for (const [, hold] of over) {
      const known = [hold.checkpoint, hold.floor ?? 0n].reduce((a, b) => (a > b ? a : b));
      hold.charge = hold.floor === undefined ? 0n : known < hold.amount ? known : hold.amount;
      hold.state = hold.floor === undefined ? 'voided' : 'swept';
    }
    return over.map(([id]) => id);
  }

  grant(externalId: string, account: string, amount: bigint): string {
    const before = this.grants.get(externalId);
    if (before !== undefined) return before.account === account && before.amount === amount ? 'repeated' : 'conflict';
    this.grants.set(externalId, { account, amount });
    return 'granted';
  }

  granted(account: string): bigint {
    return sum(this.#grantsOf(account).map(({ amount }) => amount));
  }

  charged(account: string): bigint {
    return sum([...this.holds.values()].filter((hold) => hold.account === account).map(({ charge }) => charge));
  }

  held(account: string): bigint {
    const live = [...this.holds.values()].filter((hold) => hold.account === account && hold.state === 'held');
    return sum(live.map(({ amount }) => amount));
  }

  /** What a key was charged, and where asked for holds, in the window of now. */
  spent(key: string, window: 'daily' | 'weekly' | 'monthly' | undefined, withHeld: boolean): bigint {
    const mine = [...this.holds.values()].filter((hold) => hold.key === key);
    const inWindow = mine.filter(({ madeAt }) => windowName(madeAt, window) === windowName(this.now, window));
    return sum(inWindow.map(({ state, amount, charge }) => (state === 'held' ? (withHeld ? amount : 0n) : charge)));
  }

  #live(id: string): ModelHold | undefined {
    const hold = this.holds.get(id);
    return hold?.state === 'held' ? hold : undefined;
  }

  #grantsOf(account: string): readonly { readonly amount: bigint }[] {
    return [...this.grants.values()].filter((grant) => grant.account === account);
  }
}

/** Names the window of a moment by the calendar, and not by arithmetic on milliseconds. */
function windowName(at: number, window: 'daily' | 'weekly' | 'monthly' | undefined): string {
  const date = new Date(at);
  switch (window) {
    case undefined:
      return 'lifetime';
    case 'daily':
      return date.toISOString().slice(0, 10);
    case 'weekly': {
      const monday = new Date(at - ((date.getUTCDay() + 6) % 7) * DAY_MS);
      return monday.toISOString().slice(0, 10);
    }
    case 'monthly':
      return date.toISOString().slice(0, 7);
    default:
      return window satisfies never;
  }
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
