import { join } from 'node:path';
import { memoryStore, type Store } from '@gatehouse/core';
import { postgres } from '@gatehouse/sql/postgres';
import { sqlite } from '@gatehouse/sql/sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DATABASE_URL, hasPostgres, testSchema } from '../tools/postgres.js';
import { temporaryFolder } from '../tools/temporary-folder.js';
import { anyStep, apply, compare } from './ledger-commands.js';
import { LedgerModel } from './ledger-model.js';
import { type SettableClock, settableClock } from './store-values.js';

const SEED = Number(process.env['GATEHOUSE_SEED'] ?? 20_260_317);
const STEPS = 60;
const LONG_MS = 600_000;

/** `GATEHOUSE_RUNS` asks for as many on every store. */
function runsOf(modest: number): number {
  return Number(process.env['GATEHOUSE_RUNS'] ?? modest);
}

async function agree(store: Store, clock: SettableClock, runs: number): Promise<void> {
  let run = 0;
  await store.open();
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: STEPS, size: 'max' }), async (steps) => {
      run += 1;
      const model = new LedgerModel();
      const real = { store, clock, prefix: `run-${run}` };
      for (const step of steps) await apply(step, model, real);
      await compare(model, real);
      // What is left would be swept in a later run.
      for (const [id, { state, account, key }] of model.holds) {
        if (state === 'held') await store.ledger.void({ id, account, key });
      }
    }),
    { numRuns: runs, seed: SEED },
  );
  expect(await store.ledger.audit()).toEqual([]);
}

const server = await hasPostgres('the model of the ledger on Postgres');

describe('T3: a ledger agrees with its model, whatever is done in whatever order', () => {
  it(`memory, ${runsOf(200)} runs, seed ${SEED}`, { timeout: LONG_MS }, async () => {
    const clock = settableClock();
    await agree(memoryStore({ clock }), clock, runsOf(200));
  });

  it(`sqlite, ${runsOf(100)} runs, seed ${SEED}`, { timeout: LONG_MS }, async () => {
    const folder = temporaryFolder();
    const clock = settableClock();
    const store = sqlite(join(folder.path, 'store.db'), { clock });
    try {
      await agree(store, clock, runsOf(100));
    } finally {
      await store.close();
      folder.remove();
    }
  });

  it.skipIf(!server)(`postgres, ${runsOf(40)} runs, seed ${SEED}`, { timeout: LONG_MS }, async () => {
    const schema = testSchema();
    const clock = settableClock();
    const store = postgres(DATABASE_URL, { schema: schema.name, clock });
    try {
      await agree(store, clock, runsOf(40));
    } finally {
      await store.close();
      await schema.drop();
    }
  });
});
