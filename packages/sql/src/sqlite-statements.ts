import type { SqlRow, SqlValue } from './runner.js';
import type { SqliteDatabase, SqliteStatement } from './sqlite-driver.js';

/** Statements of one connection, prepared once each. Integers come back as BigInt, whatever their size. */
export class SqliteStatements {
  readonly #database: SqliteDatabase;
  readonly #onStatement: ((text: string) => void) | undefined;
  readonly #prepared = new Map<string, SqliteStatement>();

  constructor(database: SqliteDatabase, onStatement: ((text: string) => void) | undefined) {
    this.#database = database;
    this.#onStatement = onStatement;
  }

  run(text: string, values: readonly SqlValue[]): void {
    this.#prepare(text).run(...values);
  }

  /** Inserts a row and gives its number. */
  insert(text: string, values: readonly SqlValue[]): number {
    return Number(this.#prepare(text).run(...values).lastInsertRowid);
  }

  first(text: string, values: readonly SqlValue[]): SqlRow | undefined {
    const row = this.#prepare(text).get(...values);
    return isRow(row) ? row : undefined;
  }

  all(text: string, values: readonly SqlValue[]): readonly SqlRow[] {
    return this.#prepare(text)
      .all(...values)
      .filter((row) => isRow(row));
  }

  #prepare(text: string): SqliteStatement {
    this.#onStatement?.(text);
    const known = this.#prepared.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    statement.setReadBigInts(true);
    // Reports are built from what is asked; were each of them kept, they would pile up.
    if (this.#prepared.size < 200) this.#prepared.set(text, statement);
    return statement;
  }
}

function isRow(row: unknown): row is SqlRow {
  return typeof row === 'object' && row !== null;
}
