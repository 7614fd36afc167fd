import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** Where the tests look for a server. */
export const DATABASE_URL: string = process.env['DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';

const PROBE_MS = 3_000;

/** A schema of a test's own. */
export interface TestSchema {
  readonly name: string;
  /** Runs a statement on the server, outside any store. */
  run(text: string, values?: readonly string[]): Promise<readonly Record<string, unknown>[]>;
  /** Removes the schema with all that is in it. */
  drop(): Promise<void>;
}

/**
 * Whether there is a server. Where none answers, a machine of continuous integration (`CI` is set) fails, and any other one
 * says what it skips.
 */
export async function hasPostgres(what: string): Promise<boolean> {
  const client = new Client({ connectionString: DATABASE_URL, connectionTimeoutMillis: PROBE_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch (cause) {
    if (process.env['CI'] !== undefined) throw new Error(`No Postgres at DATABASE_URL for ${what}`, { cause });
    process.stderr.write(`SKIPPED: ${what}: no Postgres answers; set DATABASE_URL to run it\n`);
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Names a schema that nobody else uses. */
export function testSchema(): TestSchema {
  const name = `gatehouse_test_${randomBytes(6).toString('hex')}`;
  const run: TestSchema['run'] = async (text, values = []) => {
    const client = new Client({ connectionString: DATABASE_URL });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  };
  return {
    name,
    run,
    async drop() {
      await run(`set client_min_messages = warning; drop schema if exists ${name} cascade`);
    },
  };
}
