import type { Clock, Store } from '@gatehouse/core';
import { Client, Pool } from 'pg';
import { Opening } from './opening.js';
import type { MoneyCall } from './postgres-calls.js';
import { postgresDialect } from './postgres-dialect.js';
import { postgresLedger, postgresRates, type RateCall } from './postgres-ledger.js';
import { PostgresQueue } from './postgres-queue.js';
import { PostgresStatements } from './postgres-statements.js';
import { migratePostgres } from './postgres-tables.js';
import type { SqlRunner } from './runner.js';
import { sqlGenerations } from './sql-generations.js';
import { sqlKeys } from './sql-keys.js';
import { sqlReplays } from './sql-replays.js';

/** How a Postgres store is set up. */
export interface PostgresOptions {
  /** Schema that the tables are in, made where it is missing: lower-case letters, digits and `_`; default `gatehouse`. */
  readonly schema?: string | undefined;
  /** Connections at most, for this process; default 10. Two more are for reports. */
  readonly connections?: number | undefined;
  /** Milliseconds to wait for a connection, or for an answer about money, keys or rates; default 2000. Reports may take 30 s. */
  readonly timeoutMs?: number | undefined;
  /** The store's time; by default the database's own, so that all processes agree. For tests. */
  readonly clock?: Pick<Clock, 'now'> | undefined;
  /** Told the text of each statement that is sent, without its values: to count or to log them. */
  readonly onStatement?: ((text: string) => void) | undefined;
}

/** How long the server works on any statement. */
const STATEMENT_MS = 30_000;
/** Connections that sum up usage, beside the others. */
const REPORT_CONNECTIONS = 2;

/**
 * Keeps keys, money and usage in Postgres 13 or later; any number of processes may share it. Tables are made and migrated
 * when the store is opened. A call rejects where the server cannot be reached, or does not answer in time; the next one
 * tries again.
 *
 * @example
 * const store = postgres(process.env.DATABASE_URL ?? 'postgres://localhost/gatehouse');
 * await store.open();
 * @throws TypeError where the name of the schema is none.
 */
export function postgres(url: string, options: PostgresOptions = {}): Store {
  const { schema = 'gatehouse', connections = 10, timeoutMs = 2_000, clock, onStatement } = options;
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) throw new TypeError(`${JSON.stringify(schema)} is no name of a schema`);
  const pool = poolOf(url, { connections, timeoutMs });
  // Of its own, so that no number of reports takes a connection away from money and keys.
  const reportPool = poolOf(url, { connections: REPORT_CONNECTIONS, timeoutMs: STATEMENT_MS });
  const opening = new Opening(
    () => migrate(url, schema, timeoutMs).then(() => new PostgresStatements(pool, timeoutMs, onStatement)),
    async () => undefined,
  );
  const reportStatements = new PostgresStatements(reportPool, STATEMENT_MS, onStatement);
  const statements = async (): Promise<PostgresStatements> => opening.current ?? opening.get();
  const now = (): number | null => clock?.now() ?? null;
  const runner: SqlRunner = {
    dialect: postgresDialect(schema),
    now,
    read: async (text, values) => (await statements()).rows(text, values),
    write: async (text, values) => (await statements()).rows(text, values),
  };
  const reports: SqlRunner = {
    ...runner,
    read: async (text, values) => {
      await statements();
      return reportStatements.rows(text, values);
    },
  };
  const money = new PostgresQueue<MoneyCall>(async (calls) => (await statements()).moveMoney(schema, calls, now()));
  const rates = new PostgresQueue<RateCall>(async (calls) => (await statements()).moveRates(schema, calls, now()));
  return {
    name: 'postgres',
    keys: sqlKeys(runner),
    ledger: postgresLedger((call) => money.add(call), runner, reports),
    generations: sqlGenerations(runner, reports),
    rates: postgresRates((call) => rates.add(call)),
    replays: sqlReplays(runner),
    open: async () => {
      await opening.get();
    },
    async close() {
      if (opening.ended) return;
      await Promise.all([money.idle(), rates.idle()]);
      await opening.end();
      await Promise.all([pool.end(), reportPool.end()]);
    },
  };
}

function poolOf(
  url: string,
  { connections, timeoutMs }: { readonly connections: number; readonly timeoutMs: number },
): Pool {
  const pool = new Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: STATEMENT_MS,
    query_timeout: STATEMENT_MS,
    idle_in_transaction_session_timeout: STATEMENT_MS,
    keepAlive: true,
    application_name: 'gatehouse',
    // Whatever the server's default: money is on the disk before a call resolves.
    options: '-c synchronous_commit=on',
  });
  // An idle connection broke. The pool has dropped it and makes another when one is needed.
  pool.on('error', () => undefined);
  return pool;
}

/** On a connection of its own: a migration may take longer than anything else. */
async function migrate(url: string, schema: string, timeoutMs: number): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: timeoutMs });
  // A connection that breaks rejects what is under way on it; that is enough.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await migratePostgres(client, schema);
  } finally {
    await client.end().catch(() => undefined);
  }
}
