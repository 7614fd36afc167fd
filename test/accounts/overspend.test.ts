import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGateway, type Gateway, memoryStore, openaiCompatible, type Store } from '@gatehouse/core';
import { toNodeHandler } from '@gatehouse/node';
import { storeAt } from '@gatehouse/sql';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GatewayProcess, startGatewayProcess } from '../tools/gateway-process.js';
import { listen } from '../tools/hosts.js';
import { completion } from '../tools/openai-answers.js';
import { describePostgres, type PostgresPlace } from '../tools/postgres-database.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';

const REQUESTS = 500;
const AT_ONCE = 100;
const AFFORDED = 37;
const ROUNDS = 5;
const PROCESSES = 4;
/** A request costs this and nothing else, so that what is held is what is charged. */
const FEE_USD = 0.013_579_246;
const FEE_NANO = 13_579_246n;
const PRICING = { prompt: '0', completion: '0', request: String(FEE_USD) };

let upstream: ScriptedUpstream;
let folder: string;
const agent = new Agent({ connections: AT_ONCE });

beforeAll(async () => {
  upstream = await startUpstream();
  upstream.always(completion('Hello'));
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-overspend-'));
});
afterAll(async () => {
  await agent.close();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

function gatewayOn(store: Store): Gateway {
  const models = [{ id: 'acme/small', pricing: PRICING, contextLength: 8192, maxCompletionTokens: 1000 }];
  return createGateway({
    providers: [openaiCompatible({ slug: 'acme', baseUrl: upstream.baseUrl, models })],
    store,
    billing: { creditsRequired: true },
  });
}

/** Sends the requests, so many at a time, to each of the addresses in turn; counts the statuses. */
async function storm(baseUrls: readonly string[], key: string): Promise<Readonly<Record<number, number>>> {
  const statuses: Record<number, number> = {};
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < REQUESTS) {
      const baseUrl = baseUrls[sent % baseUrls.length] ?? '';
      sent += 1;
      const { statusCode, body } = await request(`${baseUrl}/chat/completions`, {
        method: 'POST',
        dispatcher: agent,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'acme/small', messages: [{ role: 'user', content: 'Hello!' }] }),
      });
      await body.dump();
      statuses[statusCode] = (statuses[statusCode] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return statuses;
}

/** One round: a key, or an account, with money for exactly so many requests. */
async function round(
  gateway: Gateway,
  store: Store,
  baseUrls: readonly string[],
  bound: 'key' | 'account',
): Promise<void> {
  const account = randomUUID();
  const money = Number(FEE_NANO * BigInt(AFFORDED)) / 1e9;
  const amount = bound === 'key' ? money * 10 : money;
  await gateway.credits.grant({ account, amount: Number(amount.toFixed(9)), externalId: randomUUID() });
  const { key, data } = await gateway.keys.create({ name: 'storm', limit: bound === 'key' ? money : null }, account);
  const asked = upstream.requests.length;
  expect(await storm(baseUrls, key)).toEqual({ 200: AFFORDED, 402: REQUESTS - AFFORDED });
  expect(upstream.requests.length - asked).toBe(AFFORDED);
  const charged = FEE_NANO * BigInt(AFFORDED);
  expect(await store.ledger.balance(account)).toMatchObject({ charged, held: 0n, requests: AFFORDED });
  expect((await store.ledger.spending([data.hash])).get(data.hash)?.total).toBe(charged);
  const { summary } = await gateway.usage({ granularity: 'all', group_by: 'none' }, account);
  expect([summary.requests, summary.usage]).toEqual([AFFORDED, Number(charged) / 1e9]);
}

function describeOneProcess(open: () => Promise<Store>): void {
  it(`T1 R-M06 R-M33 admits exactly ${AFFORDED} of ${REQUESTS}, ${AT_ONCE} at a time, ${ROUNDS} times`, async () => {
    const store = await open();
    const gateway = gatewayOn(store);
    const host = await listen(toNodeHandler(gateway, { prefix: '/api/v1' }));
    try {
      for (let count = 0; count < ROUNDS; count += 1) {
        await round(gateway, store, [`${host.origin}/api/v1`], count % 2 === 0 ? 'key' : 'account');
      }
      expect(await store.ledger.audit()).toEqual([]);
    } finally {
      await host.close();
      await gateway.close();
    }
  }, 120_000);
}

function describeProcesses(placeOf: () => string): void {
  it(`T2 the same over ${PROCESSES} processes`, async () => {
    const place = placeOf();
    const store = await storeAt(place);
    const gateway = gatewayOn(store);
    await gateway.ready;
    const processes: GatewayProcess[] = [];
    try {
      const options = { place, upstream: upstream.baseUrl, pricing: PRICING };
      processes.push(...(await Promise.all(Array.from({ length: PROCESSES }, () => startGatewayProcess(options)))));
      const baseUrls = processes.map(({ baseUrl }) => baseUrl);
      for (let count = 0; count < ROUNDS; count += 1) {
        await round(gateway, store, baseUrls, count % 2 === 0 ? 'key' : 'account');
      }
      expect(await store.ledger.audit()).toEqual([]);
    } finally {
      await Promise.all(processes.map((one) => one.stop()));
      await gateway.close();
    }
  }, 120_000);
}

describe('money for 37 requests, in memory', () => describeOneProcess(async () => memoryStore()));

describe('money for 37 requests, on SQLite', () => {
  describeOneProcess(() => storeAt(join(folder, 'one.db')));
  describeProcesses(() => join(folder, 'several.db'));
});

describePostgres('money for 37 requests, on Postgres', (place: PostgresPlace) => {
  describeOneProcess(() => storeAt(place.url()));
  describeProcesses(() => place.url());
});
