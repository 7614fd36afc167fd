import { type Ledger, type RateLimits, type RateRow, type RateStore, type RateUse, takeRate } from '@gatehouse/core';
import { auditSql } from './audit-sql.js';
import { numberOf } from './columns.js';
import { LedgerQueries } from './ledger-queries.js';
import {
  checkpointCall,
  dispatchCall,
  expireCall,
  grantCall,
  grantVerdict,
  type MoneyCall,
  reserveCall,
  reserveVerdict,
  settleCall,
  settleVerdict,
  voidCall,
} from './postgres-calls.js';
import type { SqlRow, SqlRunner } from './runner.js';

/** A call of `move_rates`. */
export interface RateCall {
  readonly id: string;
  readonly take: boolean;
  readonly requests: number;
  readonly tokens: number;
  readonly requests_per_minute: number | null;
  readonly tokens_per_minute: number | null;
}

/** The ledger on Postgres: calls that a function of the database applies. */
export function postgresLedger(
  move: (call: MoneyCall) => Promise<unknown>,
  runner: SqlRunner,
  reports: SqlRunner,
): Ledger {
  const queries = new LedgerQueries(runner);
  return {
    reserve: async (reservation) => reserveVerdict(await move(reserveCall(reservation))),
    dispatch: async (hold, next) => (await move(dispatchCall(hold, next))) === true,
    async checkpoint(hold, charge) {
      await move(checkpointCall(hold, charge));
    },
    settle: async (settlement) => settleVerdict(await move(settleCall(settlement))),
    void: async (hold) => (await move(voidCall(hold))) === true,
    grant: async (given) => grantVerdict(await move(grantCall(given))),
    async sweep(policy, deadAfterMs) {
      const resolved = await queries.sweep(deadAfterMs, async (holds) => {
        const verdicts = await Promise.all(holds.map((hold) => move(expireCall(hold, policy, deadAfterMs))));
        return verdicts.map((verdict) => verdict === true);
      });
      await queries.tidy(deadAfterMs);
      return resolved;
    },
    balance: (account) => queries.balance(account),
    spending: (keys) => queries.spending(keys),
    renew: (owner, leaseMs) => queries.renew(owner, leaseMs),
    leave: (owner) => queries.leave(owner),
    instances: () => queries.instances(),
    audit: () => auditSql(reports),
  };
}

/** Requests and tokens a minute on Postgres. */
export function postgresRates(move: (call: RateCall) => Promise<unknown>): RateStore {
  return {
    async take(subject, use, limits) {
      const { before, now } = readBuckets(await move(rateCall(subject, use, limits, true)));
      return takeRate(before, use, limits, now).verdict;
    },
    async correct(subject, use, limits) {
      await move(rateCall(subject, use, limits, false));
    },
  };
}

function rateCall(id: string, use: RateUse, limits: RateLimits, take: boolean): RateCall {
  const { requestsPerMinute = null, tokensPerMinute = null } = limits;
  return { id, take, ...use, requests_per_minute: requestsPerMinute, tokens_per_minute: tokensPerMinute };
}

function readBuckets(answer: unknown): { readonly before: RateRow | undefined; readonly now: number } {
  const { before, ...rest } = rowOf(answer);
  const now = numberOf(rest, 'now');
  if (before === null) return { before: undefined, now };
  const row = rowOf(before);
  return {
    before: { requests: numberOf(row, 'requests'), tokens: numberOf(row, 'tokens'), at: numberOf(row, 'at') },
    now,
  };
}

function rowOf(value: unknown): SqlRow {
  if (typeof value !== 'object' || value === null) throw new TypeError('The database answered no buckets');
  return Object.fromEntries(Object.entries(value));
}
