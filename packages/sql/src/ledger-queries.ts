import { type Balance, type HoldRef, ledgerRules, type Spending } from '@gatehouse/core';
import { maybeTextOf, numberOf, textOf } from './columns.js';
import { readAccount, readSpender } from './money-rows.js';
import { listOf, type SqlRow, type SqlRunner } from './runner.js';

/** How long a hold that was voided or swept is remembered after its expiry, so that its late settlement finds it. */
const REMEMBER_MS = 90 * 86_400_000;
/** A day: tokens of a minute that were overdrawn by the longest answers are back long before. */
const IDLE_RATE_MS = 86_400_000;
/** Rows that one pass of a sweep resolves; it makes as many passes as it takes. */
const SWEEP_ROWS = 256;

/** What the ledger reads, and leases: nothing here moves money. */
export class LedgerQueries {
  readonly #runner: SqlRunner;

  constructor(runner: SqlRunner) {
    this.#runner = runner;
  }

  async balance(account: string): Promise<Balance | undefined> {
    const [row] = await this.#read(`select * from ${this.#table('accounts')} where id = ?`, [account]);
    return row === undefined ? undefined : readAccount(row);
  }

  async spending(keys: readonly string[]): Promise<ReadonlyMap<string, Spending>> {
    if (keys.length === 0) return new Map();
    const text = `select spenders.*, ${this.#at} as now from ${this.#table('spenders')} spenders where id in ${listOf(keys)}`;
    const rows = await this.#read(text, [this.#runner.now(), ...keys]);
    return new Map(
      rows.map((row) => [textOf(row, 'id'), ledgerRules.spendingOf(readSpender(row), numberOf(row, 'now'))]),
    );
  }

  async renew(owner: string, leaseMs: number): Promise<void> {
    await this.#runner.write(
      `insert into ${this.#table('instances')} (id, lease_until) values (?, ${this.#at} + ?) ` +
        'on conflict (id) do update set lease_until = excluded.lease_until',
      [owner, this.#runner.now(), leaseMs],
    );
  }

  async leave(owner: string): Promise<void> {
    await this.#runner.write(`delete from ${this.#table('instances')} where id = ?`, [owner]);
  }

  async instances(): Promise<number> {
    const text = `select count(*) as living from ${this.#table('instances')} where lease_until > ${this.#at}`;
    const [row] = await this.#read(text, [this.#runner.now()]);
    return row === undefined ? 0 : numberOf(row, 'living');
  }

  /**
   * Finds live holds whose time is over and has them resolved, some at a time, the oldest first. `resolve` looks again and
   * says for each whether it was the one to resolve it.
   */
  async sweep(
    deadAfterMs: number,
    resolve: (holds: readonly HoldRef[]) => Promise<readonly boolean[]>,
  ): Promise<readonly HoldRef[]> {
    const resolved: HoldRef[] = [];
    for (;;) {
      const found = await this.#overdue(deadAfterMs);
      const verdicts = found.length === 0 ? [] : await resolve(found);
      const mine = found.filter((_, index) => verdicts[index] === true);
      resolved.push(...mine);
      // Where none was resolved others are at it, or its process lives again: what is left is for the next sweep.
      if (found.length < SWEEP_ROWS || mine.length === 0) return resolved;
    }
  }

  /** Forgets what nobody can ask for any more. */
  async tidy(deadAfterMs: number): Promise<void> {
    const now = this.#runner.now();
    const { write } = this.#runner;
    await Promise.all([
      write(`delete from ${this.#table('replays')} where expires_at <= ${this.#at}`, [now]),
      write(`delete from ${this.#table('holds')} where state <> 'held' and expires_at + ? <= ${this.#at}`, [
        REMEMBER_MS,
        now,
      ]),
      // Full again by now, however much was taken.
      write(`delete from ${this.#table('rates')} where at + ? <= ${this.#at}`, [IDLE_RATE_MS, now]),
      // A process without a lease counts from when it made its hold: long dead ones need no row.
      write(`delete from ${this.#table('instances')} where lease_until + ? <= ${this.#at}`, [deadAfterMs, now]),
    ]);
  }

  async #overdue(deadAfterMs: number): Promise<readonly HoldRef[]> {
    const now = this.#runner.now();
    const rows = await this.#read(
      `select holds.id, holds.account, holds.spender from ${this.#table('holds')} holds ` +
        `left join ${this.#table('instances')} instances on instances.id = holds.owner where holds.state = 'held' and ` +
        `(holds.expires_at <= ${this.#at} or coalesce(instances.lease_until, holds.created_at) + ? <= ${this.#at}) ` +
        `order by holds.expires_at, holds.id limit ${SWEEP_ROWS}`,
      [now, deadAfterMs, now],
    );
    return rows.map((row) => ({
      id: textOf(row, 'id'),
      account: textOf(row, 'account'),
      key: maybeTextOf(row, 'spender'),
    }));
  }

  #read(text: string, values: Parameters<SqlRunner['read']>[1]): Promise<readonly SqlRow[]> {
    return this.#runner.read(text, values);
  }

  #table(name: Parameters<SqlRunner['dialect']['table']>[0]): string {
    return this.#runner.dialect.table(name);
  }

  get #at(): string {
    return this.#runner.dialect.at;
  }
}
