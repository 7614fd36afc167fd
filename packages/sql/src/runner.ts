/** A value that a statement takes. Truth is 0 or 1, so that both databases keep it alike. */
export type SqlValue = string | number | bigint | null;

/** A row as a driver gives it; see `columns.ts` for how to read it. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** Where SQLite and Postgres differ in statements that they share. */
export interface Dialect {
  /** The name of a table, as statements write it. */
  table(name: TableName): string;
  /** The store's time, milliseconds since the epoch. Takes one value: what `now` of the runner says. */
  readonly at: string;
  /** Start of the UTC month of a moment. */
  month(moment: string): string;
  /** A table with one column `value`: the texts of a JSON array, each once. */
  elements(column: string): string;
  /** Joins `generations` with `tags`: a row for each of its tags once, or one with null where it has none. */
  readonly eachTag: string;
  /** An integer of 64 bits as a value. */
  readonly integer: string;
  /** Texts in the order of their code points. */
  byCodePoint(text: string): string;
}

/** Tables that both databases have. */
type TableName =
  | 'accounts'
  | 'spenders'
  | 'holds'
  | 'ledger'
  | 'generations'
  | 'keys'
  | 'rates'
  | 'replays'
  | 'instances';

/** Runs single statements off the hot path. `?` stands for a value. */
export interface SqlRunner {
  readonly dialect: Dialect;
  /** Milliseconds since the epoch where the store's time is not the database's own; else null. */
  now(): number | null;
  /** Runs what changes nothing. */
  read(text: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** Runs what changes something, as a step of its own. */
  write(text: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]>;
}

/** As many `?` as there are values, in brackets. */
export function listOf(values: readonly unknown[]): string {
  return `(${values.map(() => '?').join(', ')})`;
}
