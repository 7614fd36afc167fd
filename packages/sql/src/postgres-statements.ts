import type { Pool } from 'pg';
import type { MoneyCall } from './postgres-calls.js';
import type { RateCall } from './postgres-ledger.js';
import type { SqlRow, SqlValue } from './runner.js';
import { storableJson } from './storable-json.js';

/** Texts that are prepared under a name of their own; reports are built from what is asked, and are not. */
const NAMED = 100;

/** Sends statements to a pool of connections. */
export class PostgresStatements {
  readonly #pool: Pool;
  readonly #timeoutMs: number;
  readonly #onStatement: ((text: string) => void) | undefined;
  readonly #known = new Map<string, { readonly name: string; readonly text: string }>();

  constructor(pool: Pool, timeoutMs: number, onStatement: ((text: string) => void) | undefined) {
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
    this.#onStatement = onStatement;
  }

  /** Applies calls to the ledger, all in one transaction, and gives their verdicts. */
  async moveMoney(schema: string, calls: readonly MoneyCall[], now: number | null): Promise<readonly unknown[]> {
    const accounts = new Places();
    const spenders = new Places();
    const placed = calls.map(({ account, spender, fields }) => ({
      ...fields,
      a: accounts.of(account),
      p: spender === undefined ? null : spenders.of(spender),
    }));
    const values = [storableJson(placed), accounts.names, spenders.names, now];
    return this.#answers(`select ${schema}.move_money(?, ?, ?, ?) as answers`, values);
  }

  /** Takes from buckets, all in one transaction. */
  async moveRates(schema: string, calls: readonly RateCall[], now: number | null): Promise<readonly unknown[]> {
    return this.#answers(`select ${schema}.move_rates(?, ?) as answers`, [storableJson(calls), now]);
  }

  /** Runs any other statement. */
  rows(text: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    return this.#query(text, values.map(storable));
  }

  async #answers(text: string, values: readonly (SqlValue | readonly string[])[]): Promise<readonly unknown[]> {
    const [row] = await this.#query(text, values, this.#timeoutMs);
    const answers = row?.['answers'];
    if (!Array.isArray(answers)) throw new TypeError('The database answered no verdicts');
    return answers;
  }

  async #query(
    text: string,
    values: readonly (SqlValue | readonly string[])[],
    timeoutMs?: number,
  ): Promise<readonly SqlRow[]> {
    this.#onStatement?.(text);
    const statement = this.#known.get(text) ?? this.#learn(text);
    const bound = timeoutMs === undefined ? {} : { query_timeout: timeoutMs };
    const { rows } = await this.#pool.query<SqlRow>({ ...statement, ...bound, values: [...values] });
    return rows;
  }

  #learn(text: string): { readonly name?: string; readonly text: string } {
    let number = 0;
    const numbered = text.replace(/\?/g, () => {
      number += 1;
      return `$${number}`;
    });
    if (this.#known.size >= NAMED) return { text: numbered };
    const named = { name: `gatehouse_${this.#known.size}`, text: numbered };
    this.#known.set(text, named);
    return named;
  }
}

/** Names, each once, and their places counted from 1, as the database counts. */
class Places {
  readonly names: string[] = [];
  readonly #places = new Map<string, number>();

  of(text: string): number {
    const name = withoutNul(text);
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    this.names.push(name);
    this.#places.set(name, this.names.length);
    return this.names.length;
  }
}

/** A value that Postgres takes: its texts have no NUL. */
export function storable(value: SqlValue): SqlValue {
  return typeof value === 'string' ? withoutNul(value) : value;
}

function withoutNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text;
}
