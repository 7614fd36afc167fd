import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGateway, type Gateway, type Store } from '@gatehouse/core';
import { storeAt } from '@gatehouse/sql';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describePostgres } from '../tools/postgres-database.js';

const ROUNDS = 50;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-at-rest-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function status(gateway: Gateway, key: string): Promise<number> {
  return (await gateway.fetch('http://gateway/key', { headers: { authorization: `Bearer ${key}` } })).status;
}

/** Two instances on one database: keys are made and revoked on one and used on both. */
async function twoInstances(place: string): Promise<readonly string[]> {
  const stores: readonly Store[] = [await storeAt(place), await storeAt(place)];
  const [one, two] = stores.map((store) => createGateway({ providers: [], store }));
  if (one === undefined || two === undefined) throw new Error('two instances were asked for');
  const keys: string[] = [];
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { key, data } = await one.keys.create({ name: `round ${round}`, metadata: { team: 'a' } });
    keys.push(key);
    expect(await status(two, key)).toBe(200);
    if (round % 5 === 0) continue;
    await one.keys.revoke(data.hash);
    const began = performance.now();
    expect(await status(two, key)).toBe(401);
    took.push(performance.now() - began);
  }
  took.sort((a, b) => a - b);
  console.log(
    `revoked ${took.length} keys: the other instance refused each at once, in ${took.at(-1)?.toFixed(1)} ms at most`,
  );
  await one.close();
  await two.close();
  return keys;
}

function expectNone(dump: string, keys: readonly string[]): void {
  expect(dump).toContain('round 0');
  for (const key of keys) {
    expect(dump.includes(key)).toBe(false);
    // Nor without its beginning, which everybody knows.
    expect(dump.includes(key.slice(-64))).toBe(false);
  }
}

describe('keys on SQLite', () => {
  it('R-V35 R-M43 cannot be read out of the files, and are refused by the other instance once revoked', async () => {
    const keys = await twoInstances(join(folder, 'gateway.db'));
    const files = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'latin1'));
    expectNone(files.join('\n'), keys);
  });
});

describePostgres('keys on Postgres', (place) => {
  it('R-V35 R-M43 cannot be read out of the tables, and are refused by the other instance once revoked', async () => {
    const keys = await twoInstances(place.url());
    const client = new pg.Client({ connectionString: place.url() });
    await client.connect();
    const { rows: tables } = await client.query<{ name: string }>(
      "select format('%I.%I', table_schema, table_name) as name from information_schema.tables where table_schema = 'gatehouse'",
    );
    expect(tables.length).toBeGreaterThan(5);
    const dumps = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select row_to_json(t)::text as row from ${name} t`);
      dumps.push(...rows.map(({ row }) => row));
    }
    await client.end();
    expectNone(dumps.join('\n'), keys);
  });
});
