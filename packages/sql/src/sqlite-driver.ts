import type { SqlValue } from './runner.js';

/** What is used of a prepared statement of `node:sqlite`. */
export interface SqliteStatement {
  run(...values: SqlValue[]): { readonly lastInsertRowid: number | bigint };
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
  setReadBigInts(enabled: boolean): void;
}

/** What is used of a connection of `node:sqlite`. */
export interface SqliteDatabase {
  exec(text: string): void;
  prepare(text: string): SqliteStatement;
  close(): void;
}

type SqliteConstructor = new (file: string) => SqliteDatabase;

/**
 * Opens a file with `node:sqlite` where the running Node has it (22.13 and later), else with `@photostructure/sqlite`,
 * which has the same interface. Throws where neither is there.
 */
export async function openSqlite(file: string): Promise<SqliteDatabase> {
  const Database = builtIn() ?? (await installed());
  return new Database(file);
}

function builtIn(): SqliteConstructor | undefined {
  const module: object | undefined = process.getBuiltinModule('node:sqlite');
  return module !== undefined && hasDatabase(module) ? module.DatabaseSync : undefined;
}

async function installed(): Promise<SqliteConstructor> {
  try {
    const { DatabaseSync } = await import('@photostructure/sqlite');
    return DatabaseSync;
  } catch (cause) {
    throw new Error(
      `SQLite needs Node 22.13 or later, or the package @photostructure/sqlite beside @gatehouse/sql (this is Node ${process.versions.node})`,
      { cause },
    );
  }
}

function hasDatabase(module: object): module is { readonly DatabaseSync: SqliteConstructor } {
  return 'DatabaseSync' in module && typeof module.DatabaseSync === 'function';
}

/** Whether another connection holds the lock that a statement needs: SQLITE_BUSY or SQLITE_LOCKED. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === 5 || code === 6;
}

/** Whether a row breaks a rule of its table: the fault of one statement, and not of the file. */
export function isConstraint(error: unknown): boolean {
  return resultCode(error) === 19;
}

/** Whether the database itself failed, as opposed to what was asked of it. */
export function isSqliteError(error: unknown): boolean {
  return resultCode(error) !== undefined;
}

/** SQLite's primary result code: the lowest eight bits of the extended one. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}
