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
    const generations = [...this.generations.values()];
    for (const { id, granted, charged, held, requests } of this.#accounts.values()) {
      const rows = this.#rows.filter(({ account }) => account === id);
      const live = this.#liveHolds().filter(({ account }) => account === id);
      const charges = rows.filter(({ kind }) => kind === 'charge');
      yield* compared(`account ${id}`, [
        ['granted', granted, sum(rows.filter(({ kind }) => kind === 'grant'))],
        ['charged', charged, sum(rows.filter(({ kind }) => kind !== 'grant'))],
        ['held', held, sum(live)],
        ['requests', BigInt(requests), BigInt(charges.length)],
        ['charges of generations', charged, sum(generations.filter(({ account }) => account === id).map(amountOf))],
      ]);
    }
  }

  /** A spender's windows never go back, so no row can lie in a later one: whatever is in a window is of its start or after. */
  *#auditSpenders(): Generator<string> {
    for (const row of this.#spenders.values()) {
      const charges = this.#rows.filter(({ key, kind }) => key === row.key && kind !== 'grant');
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
    const entries = new Map<string, LedgerRow[]>();
    for (const row of this.#rows) {
      if (row.hold !== undefined) entries.set(row.hold, [...(entries.get(row.hold) ?? []), row]);
    }
    for (const { id, state } of this.#holds.values()) {
      const rows = entries.get(id) ?? [];
      const charges = rows.filter(({ kind }) => kind === 'charge').length;
      if (charges !== (state === 'settled' ? 1 : 0)) yield `hold ${id}: ${state}, with ${charges} charges`;
      if (rows.length - charges > 1) yield `hold ${id}: ${rows.length - charges} corrections`;
      const reported = this.generations.get(id)?.charge;
      const charged = state === 'settled' ? sum(rows) : undefined;
      if (reported !== charged) yield `hold ${id}: charged ${charged ?? 'nothing'}, reported ${reported ?? 'nothing'}`;
    }
  }
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
