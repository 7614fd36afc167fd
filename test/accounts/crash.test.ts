import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGateway, type GenerationRecord, type Store, systemClock } from '@gatehouse/core';
import { postgres } from '@gatehouse/sql/postgres';
import { sqlite } from '@gatehouse/sql/sqlite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type GatewayProcess, startGatewayProcess } from '../tools/gateway-process.js';
import { chunk, eventStream, sseEvent } from '../tools/openai-answers.js';
import { startPostgresCluster } from '../tools/postgres-cluster.js';
import { describePostgres, type PostgresPlace } from '../tools/postgres-database.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { end, head, type Script, write } from '../tools/upstream-steps.js';

/** How often processes are killed: a few times by default, as often as the full programme asks with GATEHOUSE_FULL=1. */
const FULL = process.env['GATEHOUSE_FULL'] === '1';
const SQLITE_KILLS = FULL ? 20 : 3;
const POSTGRES_KILLS = FULL ? 10 : 2;
const DATABASE_KILLS = FULL ? 3 : 1;
const CLIENTS = 25;
/** Answers that a round waits for before it kills. */
const ANSWERS = 40;
const PRICING = { prompt: '0.000001', completion: '0.000002' };
const PROMPT_TOKENS = 7;
const WORDS = ['one ', 'two ', 'three ', 'four ', 'five '];
/** What each whole answer costs: 7 tokens at 1 USD and 5 at 2 USD a million. */
const CHARGE = 17_000n;
/** By then every lease is over, and every hold too. */
const LATER_MS = 3_600_000;

let upstream: ScriptedUpstream;
let folder: string;

beforeAll(async () => {
  upstream = await startUpstream();
  upstream.respond(answer);
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-crash-'));
});
afterAll(async () => {
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A stream whose words come a moment apart, so that a kill finds answers at every stage. */
function answer(): Script {
  const usage = { prompt_tokens: PROMPT_TOKENS, completion_tokens: WORDS.length, total_tokens: 12 };
  const event = (one: object): string => sseEvent(JSON.stringify(one));
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 8));
  return [
    head(200, eventStream),
    write(event(chunk({ role: 'assistant', content: '' }))),
    ...WORDS.flatMap((content): Script => [pause, write(event(chunk({ content })))]),
    write(event(chunk({}, 'stop')), event({ ...chunk({}), choices: [], usage }), 'data: [DONE]\n\n'),
    end(),
  ];
}

/** What clients saw: ids of answers that ended with `[DONE]`, and how often anything was asked. */
interface Seen {
  readonly answered: Set<string>;
  asked: number;
  /** Statuses of answers that never began. */
  readonly refused: number[];
}

/** Clients that ask again and again until they are told to stop, or their gateway is gone. */
function load(baseUrl: string, key: string, seen: Seen): { stop(): Promise<void> } {
  let stopped = false;
  const client = async (): Promise<void> => {
    while (!stopped) {
      const more = await ask(baseUrl, key, seen).catch(() => false);
      if (!more) return;
    }
  };
  const clients = Promise.all(Array.from({ length: CLIENTS }, client));
  return {
    async stop() {
      stopped = true;
      await clients;
    },
  };
}

async function ask(baseUrl: string, key: string, seen: Seen): Promise<boolean> {
  seen.asked += 1;
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'acme/small',
      messages: [{ role: 'user', content: 'Count!' }],
      stream: true,
      max_tokens: 100,
    }),
  });
  const id = response.headers.get('x-generation-id') ?? '';
  if (response.status !== 200) {
    seen.refused.push(response.status);
    expect(response.headers.get('retry-after')).not.toBeNull();
    await response.text();
    // Whoever is told to wait does, a little.
    await new Promise((resolve) => setTimeout(resolve, 20));
    return true;
  }
  let text = '';
  for await (const piece of response.body ?? []) text += Buffer.from(piece).toString('utf8');
  if (text.endsWith('data: [DONE]\n\n') && !text.includes('"error"')) seen.answered.add(id);
  return true;
}

const newSeen = (): Seen => ({ answered: new Set(), asked: 0, refused: [] });

/** A key with money, made through a gateway of the test's own on the same database. */
async function fund(store: Store): Promise<string> {
  const gateway = createGateway({ providers: [], store, onStoreChange: () => undefined });
  await gateway.credits.grant({ amount: 1000, externalId: 'crash' });
  const { key } = await gateway.keys.create({ name: 'crash', limit: 500, limit_reset: 'monthly' });
  await gateway.close();
  return key;
}

/**
 * The books after everything: each answer that a client has seen whole has its one row, whatever was left hanging is
 * resolved, and every sum equals its rows.
 */
async function checkBooks(store: Store, seen: Seen, servedBefore: number): Promise<readonly GenerationRecord[]> {
  await store.open();
  const swept = await store.ledger.sweep('floor', 0);
  expect(await store.ledger.balance('default')).toMatchObject({ held: 0n });
  expect(await store.ledger.sweep('floor', 0)).toEqual([]);
  expect(await store.ledger.audit()).toEqual([]);
  const records = await Promise.all([...seen.answered].map((id) => store.generations.find(id, 'default')));
  for (const record of records) expect(record).toMatchObject({ outcome: 'completed', charge: CHARGE });
  const orphans = await Promise.all(swept.map(({ id }) => store.generations.find(id, 'default')));
  // Orphans whose request was on its way are charged what is known for certain, and marked; the others are given back.
  for (const orphan of orphans) if (orphan !== undefined) expect(orphan.outcome).toBe('crashed');
  const { sums } = await store.generations.report({
    account: 'default',
    start: 0,
    end: Number.MAX_SAFE_INTEGER,
    granularity: 'all',
    groupBy: [],
    limit: 1,
    offset: 0,
  });
  const balance = await store.ledger.balance('default');
  expect([balance?.charged, balance?.requests]).toEqual([sums.charge, sums.requests]);
  // I9: whoever is charged was served, but for those of whom nobody can know, which are marked.
  const inDoubt = orphans.filter((orphan) => orphan !== undefined).length;
  const served = upstream.requests.length - servedBefore;
  expect(served).toBeGreaterThanOrEqual(sums.requests - inDoubt);
  expect(served).toBeLessThanOrEqual(sums.requests);
  return records.filter((record) => record !== undefined);
}

const later = { ...systemClock, now: (): number => systemClock.now() + LATER_MS };

async function killAgainAndAgain(place: string, times: number, key: string): Promise<Seen> {
  const seen = newSeen();
  for (let round = 0; round < times; round += 1) {
    const gateway = await startGatewayProcess({ place, upstream: upstream.baseUrl, pricing: PRICING });
    const before = seen.answered.size;
    const clients = load(gateway.baseUrl, key, seen);
    await vi.waitFor(() => expect(seen.answered.size).toBeGreaterThanOrEqual(before + ANSWERS), { timeout: 20_000 });
    await gateway.kill();
    await clients.stop();
  }
  // Each kill has cut somebody off.
  expect(seen.asked).toBeGreaterThan(seen.answered.size);
  return seen;
}

describe('a process that is killed under load', () => {
  it(`T5 leaves the books of SQLite in order, ${SQLITE_KILLS} times`, async () => {
    const served = upstream.requests.length;
    const place = join(folder, 'crash.db');
    const key = await fund(sqlite(place));
    const seen = await killAgainAndAgain(place, SQLITE_KILLS, key);
    const store = sqlite(place, { clock: later });
    expect((await checkBooks(store, seen, served)).length).toBe(seen.answered.size);
    await store.close();
  }, 240_000);
});

describePostgres('a process that is killed under load', (place: PostgresPlace) => {
  it(`T5 leaves the books of Postgres in order, ${POSTGRES_KILLS} times`, async () => {
    const served = upstream.requests.length;
    const key = await fund(postgres(place.url()));
    const seen = await killAgainAndAgain(place.url(), POSTGRES_KILLS, key);
    const store = postgres(place.url(), { clock: later });
    expect((await checkBooks(store, seen, served)).length).toBe(seen.answered.size);
    await store.close();
  }, 240_000);
});

describe('a database that is killed under load', () => {
  it(`T6 R-D10 is 503 until it is back, and the books are in order, ${DATABASE_KILLS} times`, async ({ skip }) => {
    const cluster = await startPostgresCluster(join(folder, 'cluster'));
    if (cluster === undefined) return skip('no server programs of Postgres on this machine');
    let gateway: GatewayProcess | undefined;
    const seen = newSeen();
    const served = upstream.requests.length;
    try {
      const key = await fund(postgres(cluster.url));
      gateway = await startGatewayProcess({ place: cluster.url, upstream: upstream.baseUrl, pricing: PRICING });
      const clients = load(gateway.baseUrl, key, seen);
      for (let round = 0; round < DATABASE_KILLS; round += 1) {
        const before = seen.answered.size;
        await vi.waitFor(() => expect(seen.answered.size).toBeGreaterThanOrEqual(before + ANSWERS), {
          timeout: 20_000,
        });
        const refused = seen.refused.length;
        await cluster.kill();
        await vi.waitFor(() => expect(seen.refused.length).toBeGreaterThan(refused + 10), { timeout: 20_000 });
        await cluster.start();
        const back = performance.now();
        const then = seen.answered.size;
        await vi.waitFor(() => expect(seen.answered.size).toBeGreaterThan(then), { timeout: 20_000 });
        expect(performance.now() - back).toBeLessThan(5000);
      }
      await clients.stop();
      await gateway.stop();
      expect([...new Set(seen.refused)]).toEqual([503]);
      const store = postgres(cluster.url, { clock: later });
      expect((await checkBooks(store, seen, served)).length).toBe(seen.answered.size);
      await store.close();
    } finally {
      await gateway?.kill();
      await cluster.stop();
    }
  }, 240_000);
});
