import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/** Databases for one run of the benchmark. */
export interface Databases {
  /** By the name of their row: a file, or a URL. */
  readonly places: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

const DEFAULT_URL = 'postgres://postgres@127.0.0.1:5432/test';

/** A SQLite file, and a database on the Postgres server of this machine (`DATABASE_URL`), where there is one. */
export async function makeDatabases(): Promise<Databases> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const sqlite = { 'gateway, SQLite': join(folder, 'bench.db') };
  const url = new URL(process.env['DATABASE_URL'] ?? DEFAULT_URL);
  const name = `gatehouse_bench_${process.pid}`;
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    await execute(url, `create database ${name}`);
  } catch (error) {
    console.log(`no row for Postgres: ${error instanceof Error ? error.message : String(error)}`);
    return { places: sqlite, remove: async () => removeFolder() };
  }
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    places: { ...sqlite, 'gateway, Postgres': own.href },
    async remove() {
      removeFolder();
      await execute(url, `drop database ${name} with (force)`);
    },
  };
}

async function execute(url: URL, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 2000 });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
