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
  /** What requests came to that are not known any more. */
  readonly #carried = new Map<string, Carried>();
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
    for (const row of this.#charges.get(oldest) ?? []) this.#carry(row);
    this.#resolved.delete(oldest);
    this.#charges.delete(oldest);
    this.#holds.delete(oldest);
    this.#forget(oldest);
  }

  #carry({ account, key, day, amount, kind }: LedgerRow): void {
    const name = JSON.stringify([account, key, day]);
    const before = this.#carried.get(name) ?? { account, key, day, amount: 0n, requests: 0 };
    const requests = before.requests + (kind === 'charge' ? 1 : 0);
    this.#carried.set(name, { ...before, amount: before.amount + amount, requests });
  }

  /** Charges and corrections of the holds that are still known. */
  #entries(): readonly LedgerRow[] {
    return [...this.#charges.values()].flat();
  }

  #liveHolds(): readonly HoldRow[] {
    return [...this.#live].map((id) => this.#holds.get(id)).filter((hold) => hold !== undefined);
  }

  *#auditAccounts(): Generator<string> {
    const [entries, generations] = [this.#entries(), [...this.generations.values()]];
    for (const { id, granted, charged, held, requests } of this.#accounts.values()) {
      const rows = entries.filter(({ account }) => account === id);
      const carried = [...this.#carried.values()].filter(({ account }) => account === id);
      const live = this.#liveHolds().filter(({ account }) => account === id);
      const counted = rows.filter(({ kind }) => kind === 'charge').length;
      const reported = generations.filter(({ account }) => account === id).map(amountOf);
      const grants = [...this.#grants.values()].filter(({ account }) => account === id);
      yield* compared(`account ${id}`, [
        ['granted', granted, sum(grants)],
        ['charged', charged, sum(rows) + sum(carried)],
        ['held', held, sum(live)],
        ['requests', BigInt(requests), BigInt(carried.reduce((total, one) => total + one.requests, counted))],
        ['charges of generations', charged, sum(reported) + sum(carried)],
      ]);
    }
  }

  /** A spender's windows never go back, so no row can lie in a later one: whatever is in a window is of its start or after. */
  *#auditSpenders(): Generator<string> {
    const entries = this.#entries();
    for (const row of this.#spenders.values()) {
      const charges = [...entries, ...this.#carried.values()].filter(({ key }) => key === row.key);
      const live = this.#liveHolds().filter(({ key }) => key === row.key);
      const since = (rows: readonly Dated[], start: number): bigint => sum(rows.filter(({ day }) => day >= start));
      yield* compared(`key ${row.key}`, [
        ['total posted', row.totalPosted, sum(charges)],
        ['day posted', row.dayPosted, since(charges, row.day)],
        ['week posted', row.weekPosted, since(charges, row.week)],
        ['month posted', row.monthPosted, since(charges, row.month)],
        ['total held', row.totalHeld, sum(live)],
        ['day held', row.dayHeld, since(live, row.day)],
        ['week held', row.weekHeld, since(live, row.week)],
        ['month held', row.monthHeld, since(live, row.month)],
      ]);
    }
  }

  *#auditHolds(): Generator<string> {
    for (const { id, state } of this.#holds.values()) {
      const rows = this.#charges.get(id) ?? [];
      const charges = rows.filter(({ kind }) => kind === 'charge').length;
      if (charges !== (state === 'settled' ? 1 : 0)) yield `hold ${id}: ${state}, with ${charges} charges`;
      if (rows.length - charges > 1) yield `hold ${id}: ${rows.length - charges} corrections`;
      const reported = this.generations.get(id)?.charge;
      const charged = state === 'settled' ? sum(rows) : undefined;
      if (reported !== charged) yield `hold ${id}: charged ${charged ?? 'nothing'}, reported ${reported ?? 'nothing'}`;
    }
  }
}

/** Charges of one spender on one day, and how many requests they were for. */
interface Carried extends Dated {
  readonly account: string;
  readonly key: string | undefined;
  readonly requests: number;
}

interface Dated {
  readonly day: number;
  readonly amount: bigint;
}

function amountOf({ charge: amount }: GenerationRecord): { readonly amount: bigint } {
  return { amount };
}

function* compared(
  what: string,
  sums: readonly (readonly [name: string, stored: bigint, rows: bigint])[],
): Generator<string> {
  for (const [name, stored, rows] of sums) {
    if (stored !== rows) yield `${what}: ${name} is ${stored}, its rows sum to ${rows}`;
    else if (stored < 0n) yield `${what}: ${name} is ${stored}, below nothing`;
  }
}

function sum(rows: readonly { readonly amount: bigint }[]): bigint {
  return rows.reduce((total, { amount }) => total + amount, 0n);
}
