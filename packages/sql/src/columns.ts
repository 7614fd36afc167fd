import type { SqlRow } from './runner.js';

/** An integer of up to 64 bits; Postgres sends it as text. */
export function bigintOf(row: SqlRow, column: string): bigint {
  const value = row[column];
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' || typeof value === 'string') return BigInt(value);
  throw unexpected(column, value);
}

/** A number that a double holds exactly enough: a count, or milliseconds. */
export function numberOf(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint' || typeof value === 'string') return Number(value);
  throw unexpected(column, value);
}

/** A text. */
export function textOf(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw unexpected(column, value);
}

/** A text that may be missing. */
export function maybeTextOf(row: SqlRow, column: string): string | undefined {
  return isNull(row, column) ? undefined : textOf(row, column);
}

/** A number that may be missing. */
export function maybeNumberOf(row: SqlRow, column: string): number | undefined {
  return isNull(row, column) ? undefined : numberOf(row, column);
}

/** An integer that may be missing. */
export function maybeBigintOf(row: SqlRow, column: string): bigint | undefined {
  return isNull(row, column) ? undefined : bigintOf(row, column);
}

/** One of the words that the store itself wrote. */
export function wordOf<const Word extends string>(row: SqlRow, column: string, words: readonly Word[]): Word {
  const text = textOf(row, column);
  const word = words.find((one) => one === text);
  if (word === undefined) throw unexpected(column, text);
  return word;
}

/** A JSON array of texts. */
export function textsOf(text: string): readonly string[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw unexpected('array', value);
  return value.map(String);
}

/** A JSON object. */
export function objectOf(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw unexpected('object', value);
  return Object.fromEntries(Object.entries(value));
}

function isNull(row: SqlRow, column: string): boolean {
  const value = row[column];
  return value === null || value === undefined;
}

function unexpected(column: string, value: unknown): TypeError {
  return new TypeError(`The database holds a ${value === null ? 'null' : typeof value} as ${column}`);
}
