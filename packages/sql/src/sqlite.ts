import { type Clock, type Store, systemClock } from '@gatehouse/core';
import { bigintOf } from './columns.js';
import { Opening } from './opening.js';
import type { Dialect, SqlRunner } from './runner.js';
import { sqlGenerations } from './sql-generations.js';
import { sqlKeys } from './sql-keys.js';
import { sqlReplays } from './sql-replays.js';
import { openSqlite, type SqliteDatabase } from './sqlite-driver.js';
import { rememberedKeys } from './sqlite-keys.js';
import { type AddStep, sqliteLedger, sqliteRates } from './sqlite-ledger.js';
import { SqliteMoney } from './sqlite-money.js';
import { SqliteQueue } from './sqlite-queue.js';
import { SqliteStatements } from './sqlite-statements.js';
import { migrateSqlite } from './sqlite-tables.js';

/** How a SQLite store is set up. */
export interface SqliteOptions {
  /** The store's time; by default the machine's. */
  readonly clock?: Clock | undefined;
  /** Told the text of each statement that is run, without its values: to count or to log them. */
  readonly onStatement?: ((text: string) => void) | undefined;
}

interface Connection {
  readonly database: SqliteDatabase;
  readonly statements: SqliteStatements;
  readonly queue: SqliteQueue;
}

/** Milliseconds for which SQLite itself waits, and the event loop with it; after them the queue waits on. */
const BLOCKING_BUSY_MS = 4;

const dialect: Dialect = {
  table: (name) => name,
  at: '?',
  month: (moment) => `strftime('%s', ${moment} / 1000, 'unixepoch', 'start of month') * 1000`,
  elements: (column) => `(select distinct value from json_each(${column}))`,
  eachTag:
    'left join json_each(generations.tags) tags on tags.key = ' +
    '(select min(first.key) from json_each(generations.tags) first where first.value = tags.value)',
  integer: '?',
  // SQLite compares texts by their bytes in UTF-8, which is the order of their code points.
  byCodePoint: (text) => text,
};

/**
 * Keeps keys, money and usage in a SQLite file on a local disk; several processes of one machine may share it. The file is
 * made and migrated when it is opened. A call rejects where the file cannot be opened or written, or stays locked for
 * 1.9 s.
 *
 * @example
 * const store = sqlite('gatehouse.db');
 * await store.open();
 */
export function sqlite(file: string, { clock = systemClock, onStatement }: SqliteOptions = {}): Store {
  const opening = new Opening(() => connect(file, clock, onStatement), close);
  const add: AddStep = (step) => {
    const { current } = opening;
    return current === undefined ? opening.get().then(({ queue }) => queue.add(step)) : current.queue.add(step);
  };
  const runner: SqlRunner = {
    dialect,
    now: () => clock.now(),
    read: async (text, values) => (opening.current ?? (await opening.get())).statements.all(text, values),
    async write(text, values) {
      const { statements, queue } = opening.current ?? (await opening.get());
      return queue.add(() => statements.all(text, values));
    },
  };
  const version = async (): Promise<bigint> => {
    const [row] = await runner.read('pragma data_version', []);
    return bigintOf(row ?? {}, 'data_version');
  };
  return {
    name: 'sqlite',
    keys: rememberedKeys(sqlKeys(runner), version),
    ledger: sqliteLedger(add, runner),
    generations: sqlGenerations(runner),
    rates: sqliteRates(add),
    replays: sqlReplays(runner),
    open: async () => {
      await opening.get();
    },
    close: () => opening.end(),
  };
}

async function connect(
  file: string,
  clock: Clock,
  onStatement: ((text: string) => void) | undefined,
): Promise<Connection> {
  const database = await openSqlite(file);
  try {
    // Opening may wait for another process that migrates.
    database.exec('pragma busy_timeout = 1900');
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma temp_store = memory');
    // The same few pages change all the time: the less often the log is copied back, the less is written. 16 MB each.
    database.exec('pragma wal_autocheckpoint = 4000; pragma cache_size = -16000');
    migrateSqlite(database);
    database.exec(`pragma busy_timeout = ${BLOCKING_BUSY_MS}`);
    const statements = new SqliteStatements(database, onStatement);
    const queue = new SqliteQueue(statements, new SqliteMoney(statements), () => clock.now());
    return { database, statements, queue };
  } catch (error) {
    database.close();
    throw error;
  }
}

async function close({ database, queue }: Connection): Promise<void> {
  queue.finish();
  database.close();
}
