import { correctRate, type HoldRow, type Ledger, ledgerRules, type RateStore, takeRate } from '@gatehouse/core';
import { auditSql } from './audit-sql.js';
import { LedgerQueries } from './ledger-queries.js';
import type { SqlRunner } from './runner.js';
import type { SqliteUnit } from './sqlite-unit.js';

/** Runs a step in the next transaction. */
export type AddStep = <Value>(step: (unit: SqliteUnit) => Value) => Promise<Value>;

/** The ledger on SQLite: the rules of the core, on rows that one transaction reads and writes. */
export function sqliteLedger(add: AddStep, runner: SqlRunner): Ledger {
  const queries = new LedgerQueries(runner);
  return {
    reserve: (reservation) => add((unit) => ledgerRules.reserve(unit, reservation)),
    dispatch: (hold, next) => add((unit) => ledgerRules.dispatch(unit, hold, next)),
    checkpoint: (hold, charge) => add((unit) => ledgerRules.checkpoint(unit, hold, charge)),
    settle: (settlement) => add((unit) => ledgerRules.settle(unit, settlement)),
    void: (hold) => add((unit) => ledgerRules.voidHold(unit, hold)),
    grant: (given) => add((unit) => ledgerRules.grant(unit, given)),
    async sweep(policy, deadAfterMs) {
      const resolved = await queries.sweep(deadAfterMs, (holds) =>
        Promise.all(
          holds.map((hold) =>
            add((unit) => {
              const row = unit.findHold(hold.id);
              return row !== undefined && isOver(row, unit, deadAfterMs) && ledgerRules.expire(unit, hold, policy);
            }),
          ),
        ),
      );
      await queries.tidy(deadAfterMs);
      return resolved;
    },
    balance: (account) => queries.balance(account),
    spending: (keys) => queries.spending(keys),
    renew: (owner, leaseMs) => queries.renew(owner, leaseMs),
    leave: (owner) => queries.leave(owner),
    instances: () => queries.instances(),
    audit: () => auditSql(runner),
  };
}

/** Requests and tokens a minute on SQLite, by the rules of the core. */
export function sqliteRates(add: AddStep): RateStore {
  return {
    take: (subject, use, limits) =>
      add((unit) => {
        const { row, verdict } = takeRate(unit.findRate(subject), use, limits, unit.now);
        unit.putRate(subject, row);
        return verdict;
      }),
    correct: (subject, use, limits) =>
      add((unit) => unit.putRate(subject, correctRate(unit.findRate(subject), use, limits, unit.now))),
  };
}

function isOver({ expiresAt, owner, createdAt }: HoldRow, unit: SqliteUnit, deadAfterMs: number): boolean {
  return expiresAt <= unit.now || (unit.leaseOf(owner) ?? createdAt) + deadAfterMs <= unit.now;
}
