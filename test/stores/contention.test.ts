import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memoryStore, type Store } from '@gatehouse/core';
import { postgres } from '@gatehouse/sql/postgres';
import { sqlite } from '@gatehouse/sql/sqlite';
import { describe, expect, it } from 'vitest';
import { DATABASE_URL, hasPostgres, testSchema } from '../tools/postgres.js';
import { temporaryFolder } from '../tools/temporary-folder.js';
import { AMOUNT, CHARGE, reserveMany, settleAll } from './contention.js';
import type { Order } from './contention-worker.js';

const ROUNDS = 5;
const REQUESTS = 500;
const AFFORDABLE = 37;
const PROCESSES = 4;
/** Money for exactly so many, and a nano-dollar too little for one more. */
const CREDITS = AMOUNT * BigInt(AFFORDABLE + 1) - 1n;

/** How a round is done: each part answers how many there were. */
interface Round {
  reserve(account: string, prefix: string): Promise<number>;
  settle(account: string): Promise<number>;
}

async function rounds(store: Store, { reserve, settle }: Round): Promise<void> {
  const balance = (account: string) => store.ledger.balance(account);
  for (let index = 0; index < ROUNDS; index += 1) {
    const account = `account-${index}`;
    await store.ledger.grant({ account, externalId: `payment-${index}`, amount: CREDITS, note: undefined });
    expect(await reserve(account, `gen-${index}`)).toBe(AFFORDABLE);
    expect(await balance(account)).toMatchObject({ charged: 0n, held: AMOUNT * BigInt(AFFORDABLE) });
    expect(await settle(account)).toBe(AFFORDABLE);
    const charged = CHARGE * BigInt(AFFORDABLE);
    expect(await balance(account)).toMatchObject({ granted: CREDITS, charged, held: 0n, requests: AFFORDABLE });
    const spending = (await store.ledger.spending([`key-of-${account}`])).get(`key-of-${account}`);
    expect(spending?.total).toBe(charged);
  }
  expect(await store.ledger.audit()).toEqual([]);
}

async function alone(store: Store): Promise<void> {
  let held: readonly string[] = [];
  await store.open();
  await rounds(store, {
    async reserve(account, prefix) {
      held = await reserveMany(store, account, { prefix, count: REQUESTS, atOnce: 100 });
      return held.length;
    },
    settle: (account) => settleAll(store, account, held),
  });
}

/** The same, with the requests spread over processes of their own, on what `place` names. */
async function together(store: Store, place: readonly string[]): Promise<void> {
  await store.open();
  const workers = Array.from({ length: PROCESSES }, () => start(place));
  const ask = async (orderOf: (index: number) => Order): Promise<number> => {
    const counts = workers.map((worker, index) => {
      worker.send(orderOf(index));
      return answerOf(worker);
    });
    return (await Promise.all(counts)).reduce((total, count) => total + count, 0);
  };
  try {
    await Promise.all(workers.map((worker) => answerOf(worker)));
    const share = { count: REQUESTS / PROCESSES, atOnce: 100 / PROCESSES };
    await rounds(store, {
      reserve: (account, prefix) =>
        ask((index) => ({ kind: 'reserve', account, prefix: `${prefix}-${index}`, ...share })),
      settle: (account) => ask(() => ({ kind: 'settle', account })),
    });
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
  }
}

function start(place: readonly string[]): ChildProcess {
  const file = fileURLToPath(new URL('./contention-worker.ts', import.meta.url));
  // From the tests' own package, which has tsx.
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  return fork(file, place, { cwd, execArgv: ['--conditions=dev-source', '--import', 'tsx'] });
}

async function answerOf(worker: ChildProcess): Promise<number> {
  const over = new AbortController();
  const { signal } = over;
  try {
    return await Promise.race([
      once(worker, 'message', { signal }).then(([count]) => Number(count)),
      once(worker, 'exit', { signal }).then(([code]) => Promise.reject(new Error(`A worker ended with ${code}`))),
    ]);
  } finally {
    over.abort();
  }
}

const server = await hasPostgres('contention on Postgres');

describe(`T1: ${REQUESTS} requests at once with money for ${AFFORDABLE}, ${ROUNDS} rounds`, () => {
  it('memory', () => alone(memoryStore()));

  it('sqlite', () => onFile((store) => alone(store)));

  it.skipIf(!server)('postgres', () => onServer((store) => alone(store)));
});

describe(`T2: the same from ${PROCESSES} processes`, () => {
  it('sqlite', () => onFile((store, file) => together(store, ['sqlite', file])), 120_000);

  it.skipIf(!server)(
    'postgres',
    () => onServer((store, schema) => together(store, ['postgres', DATABASE_URL, schema])),
    120_000,
  );
});

async function onFile(run: (store: Store, file: string) => Promise<void>): Promise<void> {
  const folder = temporaryFolder();
  const file = join(folder.path, 'store.db');
  const store = sqlite(file);
  try {
    await run(store, file);
  } finally {
    await store.close();
    folder.remove();
  }
}

async function onServer(run: (store: Store, schema: string) => Promise<void>): Promise<void> {
  const schema = testSchema();
  const store = postgres(DATABASE_URL, { schema: schema.name });
  try {
    await run(store, schema.name);
  } finally {
    await store.close();
    await schema.drop();
  }
}
