import type {
  AccountRow,
  GenerationRecord,
  HoldRow,
  LedgerBook,
  LedgerRow,
  RateRow,
  SpenderRow,
} from '@gatehouse/core';
import type { SqliteMoney } from './sqlite-money.js';

/** Rows of one kind as one transaction sees them: read once, changed in memory, written once. */
class Shelf<Row> {
  readonly #rows = new Map<string, Row | undefined>();
  readonly #changed = new Set<string>();
  readonly #load: (id: string) => Row | undefined;

  constructor(load: (id: string) => Row | undefined) {
    this.#load = load;
  }

  find(id: string): Row | undefined {
    if (this.#rows.has(id)) return this.#rows.get(id);
    const row = this.#load(id);
    this.#rows.set(id, row);
    return row;
  }

  put(id: string, row: Row): void {
    this.#rows.set(id, row);
    this.#changed.add(id);
  }

  /** Hands over what was changed since the last time. */
  drain(write: (row: Row) => void): void {
    for (const id of this.#changed) {
      const row = this.#rows.get(id);
      if (row !== undefined) write(row);
    }
    this.#changed.clear();
  }
}

/**
 * The rows of one transaction, as the rules of the ledger see them. However many calls are in it, an account and a spender
 * are read once and written once; only holds, entries and generations are written for each.
 */
export class SqliteUnit implements LedgerBook {
  readonly now: number;
  readonly #money: SqliteMoney;
  readonly #live: Map<string, HoldRow>;
  readonly #accounts: Shelf<AccountRow>;
  readonly #spenders: Shelf<SpenderRow>;
  readonly #holds: Shelf<HoldRow>;
  readonly #rates: Shelf<RateRow & { readonly id: string }>;
  /** Holds that have a row in the table. */
  readonly #kept = new Set<string>();
  #entries: LedgerRow[] = [];
  #generations = new Map<string, GenerationRecord>();

  /** `live` knows live holds, as the table has them; it is kept up to date, and void where the transaction fails. */
  constructor(money: SqliteMoney, now: number, live: Map<string, HoldRow>) {
    this.now = now;
    this.#live = live;
    this.#money = money;
    this.#accounts = new Shelf((id) => money.account(id));
    this.#spenders = new Shelf((id) => money.spender(id));
    this.#rates = new Shelf((id) => money.rate(id));
    this.#holds = new Shelf((id) => {
      const row = live.get(id) ?? money.hold(id);
      if (row !== undefined) this.#kept.add(id);
      return row ?? money.settledHold(id);
    });
  }

  findAccount(id: string): AccountRow | undefined {
    return this.#accounts.find(id);
  }

  putAccount(row: AccountRow): void {
    this.#accounts.put(row.id, row);
  }

  findSpender(key: string): SpenderRow | undefined {
    return this.#spenders.find(key);
  }

  putSpender(row: SpenderRow): void {
    this.#spenders.put(row.key, row);
  }

  findHold(id: string): HoldRow | undefined {
    return this.#holds.find(id);
  }

  putHold(row: HoldRow): void {
    this.#holds.put(row.id, row);
  }

  findGrant(externalId: string): LedgerRow | undefined {
    return this.#entries.find((row) => row.externalId === externalId) ?? this.#money.grant(externalId);
  }

  append(row: LedgerRow): void {
    this.#entries.push(row);
  }

  putGeneration(record: GenerationRecord): void {
    this.#generations.set(record.id, record);
  }

  findRate(id: string): RateRow | undefined {
    return this.#rates.find(id);
  }

  putRate(id: string, row: RateRow): void {
    this.#rates.put(id, { ...row, id });
  }

  /** Until when a process has its lease; undefined for one that has none. */
  leaseOf(owner: string): number | undefined {
    return this.#money.leaseOf(owner);
  }

  /** Writes what was changed. */
  flush(): void {
    const money = this.#money;
    this.#accounts.drain((row) => money.putAccount(row));
    this.#spenders.drain((row) => money.putSpender(row));
    this.#rates.drain((row) => money.putRate(row));
    this.#holds.drain((row) => this.#writeHold(row));
    const entries = this.#entries;
    const generations = this.#generations;
    this.#entries = [];
    this.#generations = new Map();
    for (const row of entries) {
      const number = money.append(row);
      const record = row.hold === undefined ? undefined : generations.get(row.hold);
      if (record === undefined) continue;
      if (row.kind === 'charge') money.addGeneration(number, record);
      else money.replaceGeneration(record);
      generations.delete(record.id);
    }
  }

  #writeHold(row: HoldRow): void {
    const money = this.#money;
    const kept = this.#kept.has(row.id);
    if (row.state === 'held') this.#live.set(row.id, row);
    else this.#live.delete(row.id);
    // Its charge stands for it.
    if (row.state === 'settled' && !row.swept) {
      if (kept) money.dropHold(row.id);
      this.#kept.delete(row.id);
    } else if (kept) {
      money.changeHold(row);
    } else {
      money.addHold(row);
      this.#kept.add(row.id);
    }
  }
}
