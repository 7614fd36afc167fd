import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe } from 'vitest';
import { DATABASE_URL, hasPostgres } from './postgres.js';

/** A database of a test file's own on a running Postgres. */
export interface PostgresPlace {
  /** To be asked inside of tests: the database is made before the first of them. */
  url(): string;
}

const reachable = await hasPostgres('what runs on a database of its own');

/** Tests on Postgres, with a database that is made before and dropped after them. Skipped where no server answers. */
export function describePostgres(name: string, tests: (place: PostgresPlace) => void): void {
  describe.skipIf(!reachable)(name, () => {
    const database = `gatehouse_test_${randomBytes(6).toString('hex')}`;
    const url = new URL(DATABASE_URL);
    url.pathname = `/${database}`;
    beforeAll(() => execute(`create database ${database}`));
    afterAll(() => execute(`drop database if exists ${database} with (force)`));
    tests({ url: () => url.href });
  });
}

async function execute(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: DATABASE_URL, connectionTimeoutMillis: 2000 });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
