import { setImmediate, setTimeout } from 'node:timers';
import type { HoldRow } from '@gatehouse/core';
import { bigintOf } from './columns.js';
import { isBusy, isConstraint, isSqliteError } from './sqlite-driver.js';
import type { SqliteMoney } from './sqlite-money.js';
import type { SqliteStatements } from './sqlite-statements.js';
import { SqliteUnit } from './sqlite-unit.js';

/** How long a call waits for other processes to let go of the file. Below the core's deadline for money, 2 s. */
const BUSY_MS = 1_900;
/** Longest pause between two tries; the pauses are random, so that processes do not meet again and again. */
const PAUSE_MS = 8;
/** Live holds that are remembered, so that their end need not read them again. */
const REMEMBERED_HOLDS = 10_000;

interface Call {
  /** Does its part in a transaction; what it returns tells the caller, once the transaction is durable. */
  readonly run: (unit: SqliteUnit) => () => void;
  readonly reject: (error: unknown) => void;
  /** Milliseconds of the process's own steady clock. */
  readonly since: number;
}

/**
 * Makes one transaction of all calls that arrive in one turn of the event loop: a durable commit costs as much for thirty
 * calls as for one. Each call has its own result. While another process holds the file's lock the calls wait, without
 * keeping the event loop.
 */
export class SqliteQueue {
  readonly #statements: SqliteStatements;
  readonly #money: SqliteMoney;
  readonly #now: () => number;
  readonly #live = new Map<string, HoldRow>();
  #version: bigint | undefined;
  #waiting: Call[] = [];
  #scheduled = false;

  constructor(statements: SqliteStatements, money: SqliteMoney, now: () => number) {
    this.#statements = statements;
    this.#money = money;
    this.#now = now;
  }

  /** Runs a step in the next transaction. Rejects where it could not be written; then nothing of it was. */
  add<Value>(step: (unit: SqliteUnit) => Value): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        run: (unit) => {
          const value = step(unit);
          return () => resolve(value);
        },
        reject,
        since: performance.now(),
      });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#flush());
    });
  }

  /** Writes what waits, or rejects it: the connection is about to be closed. */
  finish(): void {
    const calls = this.#waiting;
    this.#waiting = [];
    if (calls.length > 0) this.#commit(calls, (error) => rejectAll(calls, error));
  }

  #flush(): void {
    this.#scheduled = false;
    const calls = this.#waiting;
    this.#waiting = [];
    if (calls.length > 0) this.#commit(calls, (error) => this.#later(calls, error));
  }

  #commit(calls: readonly Call[], onBusy: (error: unknown) => void): void {
    try {
      for (const tell of this.#transact(calls)) tell();
    } catch (error) {
      if (isBusy(error)) onBusy(error);
      else if (calls.length > 1 && isOfOneCall(error))
        for (const call of calls) this.#commit([call], onBusyAlone(call));
      else rejectAll(calls, error);
    }
  }

  #transact(calls: readonly Call[]): readonly (() => void)[] {
    this.#statements.run('begin immediate', []);
    try {
      this.#forgetWhatOthersChanged();
      const unit = new SqliteUnit(this.#money, this.#now(), this.#live);
      const tell = calls.map((call) => call.run(unit));
      unit.flush();
      this.#statements.run('commit', []);
      return tell;
    } catch (error) {
      this.#live.clear();
      this.#rollBack();
      throw error;
    }
  }

  /** SQLite's `data_version` changes with every commit of another connection, and with none of this one. */
  #forgetWhatOthersChanged(): void {
    const version = bigintOf(this.#statements.first('pragma data_version', []) ?? {}, 'data_version');
    if (version !== this.#version || this.#live.size > REMEMBERED_HOLDS) this.#live.clear();
    this.#version = version;
  }

  #rollBack(): void {
    try {
      this.#statements.run('rollback', []);
    } catch (error) {
      // After some failures, a full disk among them, SQLite has rolled back by itself.
      if (!isSqliteError(error)) throw error;
    }
  }

  #later(calls: readonly Call[], error: unknown): void {
    const oldest = performance.now() - BUSY_MS;
    rejectAll(
      calls.filter(({ since }) => since < oldest),
      error,
    );
    this.#waiting = [...calls.filter(({ since }) => since >= oldest), ...this.#waiting];
    if (this.#waiting.length === 0 || this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => this.#flush(), Math.random() * PAUSE_MS);
  }
}

/** Whether a failure is the fault of one call, so that the others of its transaction may be tried without it. */
function isOfOneCall(error: unknown): boolean {
  return isConstraint(error) || !isSqliteError(error);
}

function onBusyAlone(call: Call): (error: unknown) => void {
  return (error) => call.reject(error);
}

function rejectAll(calls: readonly Call[], error: unknown): void {
  for (const { reject } of calls) reject(error);
}
