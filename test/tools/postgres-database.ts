import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, it } from 'vitest';

/** A database of a test file's own on a running Postgres. */
export interface PostgresPlace {
  /** To be asked inside of tests: the database is made before the first of them. */
  url(): string;
}

const SERVER = process.env['DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';

const reachable = await execute('select 1').then(
  () => true,
  () => false,
);

/**
 * Tests on Postgres, with a database that is made before and dropped after them. Where no server answers they are skipped,
 * which the report says; in CI that is a failure.
 */
export function describePostgres(name: string, tests: (place: PostgresPlace) => void): void {
  const title = `${name} (at DATABASE_URL)`;
  if (!reachable && process.env['CI'] === undefined) {
    describe(title, () => {
      it.skip('is skipped: no Postgres answers at DATABASE_URL, nor on 127.0.0.1:5432', () => undefined);
    });
    return;
  }
  describe(title, () => {
    const database = `gatehouse_test_${randomBytes(6).toString('hex')}`;
    const url = new URL(SERVER);
    url.pathname = `/${database}`;
    beforeAll(() => execute(`create database ${database}`));
    afterAll(() => execute(`drop database if exists ${database} with (force)`));
    tests({ url: () => url.href });
  });
}

async function execute(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: SERVER, connectionTimeoutMillis: 2000 });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
