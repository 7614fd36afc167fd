import type { Clock } from '../clock.js';
import {
  type AccountRow,
  checkpoint,
  dispatch,
  expire,
  grant,
  type HoldRow,
  type LedgerBook,
  type LedgerRow,
  reserve,
  type SpenderRow,
  settle,
  spendingOf,
  voidHold,
} from './ledger-rules.js';
import type { GenerationRecord, Ledger, Spending } from './types.js';

/** A ledger on maps. Its steps are synchronous, and so atomic by themselves. */
export class MemoryLedger implements Ledger {
  readonly generations: ReadonlyMap<string, GenerationRecord>;
  readonly #clock: Clock;
  readonly #accounts = new Map<string, AccountRow>();
  readonly #spenders = new Map<string, SpenderRow>();
  readonly #holds = new Map<string, HoldRow>();
  readonly #live = new Set<string>();
  readonly #rows: LedgerRow[] = [];
  readonly #grants = new Map<string, LedgerRow>();
  readonly #leases = new Map<string, number>();
  readonly #book: Omit<LedgerBook, 'now'>;

  constructor(clock: Clock) {
    this.#clock = clock;
    const generations = new Map<string, GenerationRecord>();
    this.generations = generations;
    this.#book = {
      findAccount: (id) => this.#accounts.get(id),
      putAccount: (row) => this.#accounts.set(row.id, row),
      findSpender: (key) => this.#spenders.get(key),
      putSpender: (row) => this.#spenders.set(row.key, row),
      findHold: (id) => this.#holds.get(id),
      putHold: (row) => {
        this.#holds.set(row.id, row);
        if (row.state === 'held') this.#live.add(row.id);
        else this.#live.delete(row.id);
      },
      findGrant: (externalId) => this.#grants.get(externalId),
      append: (row) => {
        this.#rows.push(row);
        if (row.externalId !== undefined) this.#grants.set(row.externalId, row);
      },
      putGeneration: (record) => generations.set(record.id, record),
    };
  }

  reserve: Ledger['reserve'] = async (reservation) => reserve(this.#now(), reservation);
  dispatch: Ledger['dispatch'] = async (hold, next) => dispatch(this.#now(), hold, next);
  checkpoint: Ledger['checkpoint'] = async (hold, charge) => checkpoint(this.#now(), hold, charge);
  settle: Ledger['settle'] = async (settlement) => settle(this.#now(), settlement);
  void: Ledger['void'] = async (hold) => voidHold(this.#now(), hold);
  grant: Ledger['grant'] = async (given) => grant(this.#now(), given);

  sweep: Ledger['sweep'] = async (policy, deadAfterMs) => {
    const now = this.#clock.now();
    const over = this.#liveHolds().filter(
      ({ expiresAt, owner, createdAt }) =>
        expiresAt <= now || (this.#leases.get(owner) ?? createdAt) + deadAfterMs <= now,
    );
    return over
      .filter((hold) => expire(this.#now(), hold, policy))
      .map(({ id, account, key }) => ({ id, account, key }));
  };

  balance: Ledger['balance'] = async (account) => this.#accounts.get(account);

  spending: Ledger['spending'] = async (keys) => {
    const found = new Map<string, Spending>();
    for (const key of keys) {
      const row = this.#spenders.get(key);
      if (row !== undefined) found.set(key, spendingOf(row, this.#clock.now()));
    }
    return found;
  };

  renew: Ledger['renew'] = async (owner, leaseMs) => {
    this.#leases.set(owner, this.#clock.now() + leaseMs);
  };

  leave: Ledger['leave'] = async (owner) => {
    this.#leases.delete(owner);
  };

  instances: Ledger['instances'] = async () =>
    [...this.#leases.values()].filter((until) => until > this.#clock.now()).length;

  audit: Ledger['audit'] = async () => [...this.#auditAccounts(), ...this.#auditSpenders(), ...this.#auditHolds()];

  #now(): LedgerBook {
    return { ...this.#book, now: this.#clock.now() };
  }

  #liveHolds(): readonly HoldRow[] {
    return [...this.#live].map((id) => this.#holds.get(id)).filter((hold) => hold !== undefined);
  }

  *#auditAccounts(): Generator<string> {
    for (const { id, granted, charged, held } of this.#accounts.values()) {
      const rows = this.#rows.filter(({ account }) => account === id);
      const grants = sum(rows.filter(({ kind }) => kind === 'grant'));
      const charges = sum(rows.filter(({ kind }) => kind !== 'grant'));
      const live = sum(this.#liveHolds().filter(({ account }) => account === id));
      if (granted !== grants) yield differs(`account ${id}: granted`, granted, grants);
      if (charged !== charges) yield differs(`account ${id}: charged`, charged, charges);
      if (held !== live) yield differs(`account ${id}: held`, held, live);
    }
  }

  *#auditSpenders(): Generator<string> {
    for (const { key: id, totalPosted, totalHeld } of this.#spenders.values()) {
      const charges = sum(this.#rows.filter(({ key, kind }) => key === id && kind !== 'grant'));
      const live = sum(this.#liveHolds().filter(({ key }) => key === id));
      if (totalPosted !== charges) yield differs(`key ${id}: posted`, totalPosted, charges);
      if (totalHeld !== live) yield differs(`key ${id}: held`, totalHeld, live);
    }
  }

  *#auditHolds(): Generator<string> {
    const charges = new Map<string, number>();
    for (const { hold, kind } of this.#rows) {
      if (hold !== undefined && kind === 'charge') charges.set(hold, (charges.get(hold) ?? 0) + 1);
    }
    for (const { id, state } of this.#holds.values()) {
      const expected = state === 'settled' ? 1 : 0;
      const found = charges.get(id) ?? 0;
      if (found !== expected) yield `hold ${id}: ${state}, with ${found} charges`;
    }
  }
}

function sum(rows: readonly { readonly amount: bigint }[]): bigint {
  return rows.reduce((total, { amount }) => total + amount, 0n);
}

function differs(what: string, stored: bigint, rows: bigint): string {
  return `${what} is ${stored}, its rows sum to ${rows}`;
}
