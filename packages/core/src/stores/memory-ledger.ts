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

/**
 * A ledger on maps. Its steps are synchronous, and so atomic by themselves. Sums are kept for good; of single requests only
 * the newest, and what older ones came to is carried forward.
 */
export class MemoryLedger implements Ledger {
  readonly generations: ReadonlyMap<string, GenerationRecord>;
  readonly #clock: Clock;
  readonly #accounts = new Map<string, AccountRow>();
  readonly #spenders = new Map<string, SpenderRow>();
  readonly #holds = new Map<string, HoldRow>();
  readonly #live = new Set<string>();
  /** Oldest first. */
  readonly #resolved = new Set<string>();
  /** Of the holds that are still known. */
  readonly #charges = new Map<string, readonly LedgerRow[]>();
  /** What requests came to that are not known any more, by account and by spender. */
  readonly #carried = { accounts: new Map<string, bigint>(), spenders: new Map<string, bigint>() };
  readonly #keep: number;
  readonly #grants = new Map<string, LedgerRow>();
  readonly #leases = new Map<string, number>();
  readonly #forget: (id: string) => void;
  readonly #book: Omit<LedgerBook, 'now'>;

  /** `keep`: how many requests that are over are known one by one. */
  constructor(clock: Clock, keep: number) {
    this.#clock = clock;
    this.#keep = keep;
    const generations = new Map<string, GenerationRecord>();
    this.generations = generations;
    this.#forget = (id) => generations.delete(id);
    this.#book = {
      findAccount: (id) => this.#accounts.get(id),
      putAccount: (row) => this.#accounts.set(row.id, row),
      findSpender: (key) => this.#spenders.get(key),
      putSpender: (row) => this.#spenders.set(row.key, row),
      findHold: (id) => this.#holds.get(id),
      putHold: (row) => {
        this.#holds.set(row.id, row);
        if (row.state === 'held') this.#live.add(row.id);
        else if (this.#live.delete(row.id)) this.#retire(row.id);
      },
      findGrant: (externalId) => this.#grants.get(externalId),
      append: (row) => {
        if (row.externalId !== undefined) this.#grants.set(row.externalId, row);
        if (row.hold !== undefined) this.#charges.set(row.hold, [...(this.#charges.get(row.hold) ?? []), row]);
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

  /** A hold is over: the oldest one that is makes room for it, where there is none. */
  #retire(id: string): void {
    this.#resolved.add(id);
    if (this.#resolved.size <= this.#keep) return;
    const [oldest] = this.#resolved;
    if (oldest === undefined) return;
    for (const { account, key, amount } of this.#charges.get(oldest) ?? []) {
      add(this.#carried.accounts, account, amount);
      if (key !== undefined) add(this.#carried.spenders, key, amount);
    }
    this.#resolved.delete(oldest);
    this.#charges.delete(oldest);
    this.#holds.delete(oldest);
    this.#forget(oldest);
  }

  #chargesOf(isWanted: (row: LedgerRow) => boolean): bigint {
    return sum([...this.#charges.values()].flat().filter(isWanted));
  }

  #liveHolds(): readonly HoldRow[] {
    return [...this.#live].map((id) => this.#holds.get(id)).filter((hold) => hold !== undefined);
  }

  *#auditAccounts(): Generator<string> {
    for (const { id, granted, charged, held } of this.#accounts.values()) {
      const grants = sum([...this.#grants.values()].filter(({ account }) => account === id));
      const charges = this.#chargesOf(({ account }) => account === id) + (this.#carried.accounts.get(id) ?? 0n);
      const live = sum(this.#liveHolds().filter(({ account }) => account === id));
      if (granted !== grants) yield differs(`account ${id}: granted`, granted, grants);
      if (charged !== charges) yield differs(`account ${id}: charged`, charged, charges);
      if (held !== live) yield differs(`account ${id}: held`, held, live);
    }
  }

  *#auditSpenders(): Generator<string> {
    for (const { key: id, totalPosted, totalHeld } of this.#spenders.values()) {
      const charges = this.#chargesOf(({ key }) => key === id) + (this.#carried.spenders.get(id) ?? 0n);
      const live = sum(this.#liveHolds().filter(({ key }) => key === id));
      if (totalPosted !== charges) yield differs(`key ${id}: posted`, totalPosted, charges);
      if (totalHeld !== live) yield differs(`key ${id}: held`, totalHeld, live);
    }
  }

  *#auditHolds(): Generator<string> {
    for (const { id, state } of this.#holds.values()) {
      const expected = state === 'settled' ? 1 : 0;
      const found = (this.#charges.get(id) ?? []).filter(({ kind }) => kind === 'charge').length;
      if (found !== expected) yield `hold ${id}: ${state}, with ${found} charges`;
    }
  }
}

function add(sums: Map<string, bigint>, name: string, amount: bigint): void {
  sums.set(name, (sums.get(name) ?? 0n) + amount);
}

function sum(rows: readonly { readonly amount: bigint }[]): bigint {
  return rows.reduce((total, { amount }) => total + amount, 0n);
}

function differs(what: string, stored: bigint, rows: bigint): string {
  return `${what} is ${stored}, its rows sum to ${rows}`;
}
