import { existsSync } from 'node:fs';
import { Client } from 'pg';
import { storable } from './postgres-statements.js';
import { migratePostgres } from './postgres-tables.js';
import type { SqlRow, SqlValue } from './runner.js';
import { openSqlite, type SqliteDatabase } from './sqlite-driver.js';
import { SqliteStatements } from './sqlite-statements.js';
import { migrateSqlite } from './sqlite-tables.js';

/** From where to where everything moves. */
export interface Move {
  /** A SQLite file that no gateway is running on. */
  readonly from: string;
  /** URL of a Postgres database whose schema holds nothing yet. */
  readonly to: string;
  /** Default `gatehouse`. */
  readonly schema?: string | undefined;
}

/** How many rows were moved, by table. */
export type Moved = Readonly<Record<string, number>>;

/** What moves, and what its rows are ordered by. Leases and rates of the moment stay behind. */
const TABLES = {
  accounts: 'id',
  spenders: 'id',
  ledger: 'n',
  generations: 'n',
  keys: 'n',
  holds: 'id',
  replays: 'subject, value',
} as const;
/** Tables that number their rows themselves. */
const NUMBERED = ['ledger', 'keys'] as const;
const ROWS_AT_ONCE = 500;

/**
 * Copies keys, money and usage from a SQLite file to Postgres, wholly or not at all. Keys stay good: what is kept of them,
 * their digests, moves with everything else. The file is not changed.
 *
 * @throws Error where the file holds money for requests under way, or the schema is not empty.
 */
export async function moveToPostgres({ from, to, schema = 'gatehouse' }: Move): Promise<Moved> {
  if (!existsSync(from)) throw new Error(`there is no file ${from}`);
  const client = new Client({ connectionString: to });
  const database = await openSqlite(from);
  try {
    migrateSqlite(database);
    const statements = new SqliteStatements(database, undefined);
    checkQuiet(statements);
    await client.connect();
    await migratePostgres(client, schema);
    return await copy(database, statements, client, schema);
  } finally {
    database.close();
    await client.end();
  }
}

function checkQuiet(statements: SqliteStatements): void {
  const live = statements.first("select count(*) as live from holds where state = 'held'", []);
  if (Number(live?.['live']) === 0) return;
  throw new Error('requests are under way on the file: stop every gateway that uses it, in good order, and try again');
}

async function copy(
  database: SqliteDatabase,
  statements: SqliteStatements,
  client: Client,
  schema: string,
): Promise<Moved> {
  const moved: Record<string, number> = {};
  // Nobody writes to the file meanwhile.
  database.exec('begin immediate');
  await client.query('begin');
  try {
    for (const [table, order] of Object.entries(TABLES)) {
      const { rows } = await client.query(`select 1 from ${schema}.${table} limit 1`);
      if (rows.length > 0) throw new Error(`the table ${schema}.${table} is not empty: nothing was moved`);
      moved[table] = await copyTable(statements, client, { table, order, target: `${schema}.${table}` });
    }
    for (const table of NUMBERED) {
      const sequence = `pg_get_serial_sequence('${schema}.${table}', 'n')`;
      await client.query(`select setval(${sequence}, (select coalesce(max(n), 0) + 1 from ${schema}.${table}), false)`);
    }
    await client.query('commit');
    return moved;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    database.exec('rollback');
  }
}

async function copyTable(
  statements: SqliteStatements,
  client: Client,
  { table, order, target }: { readonly table: string; readonly order: string; readonly target: string },
): Promise<number> {
  let count = 0;
  for (;;) {
    const rows = statements.all(`select * from ${table} order by ${order} limit ? offset ?`, [ROWS_AT_ONCE, count]);
    const [first] = rows;
    if (first === undefined) return count;
    const columns = Object.keys(first);
    const holes = rows.map((_, row) => `(${columns.map((__, at) => `$${row * columns.length + at + 1}`).join(', ')})`);
    const text = `insert into ${target} (${columns.join(', ')}) overriding system value values ${holes.join(', ')}`;
    await client.query(
      text,
      rows.flatMap((row) => columns.map((column) => storable(cellOf(row, column)))),
    );
    count += rows.length;
  }
}

function cellOf(row: SqlRow, column: string): SqlValue {
  const value = row[column];
  if (value === null || ['string', 'number', 'bigint'].includes(typeof value)) return value as SqlValue;
  throw new TypeError(`the column ${column} holds neither text nor a number`);
}
