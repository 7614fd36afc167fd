import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGateway, defineProvider, type Gateway, type Store } from '@gatehouse/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describePostgres } from '../../../test/tools/postgres-database.js';
import { run } from './cli/run.js';
import { postgres } from './postgres.js';
import { sqlite } from './sqlite.js';

const DAY_MS = 86_400_000;

function gatewayOn(store: Store): Gateway {
  const pricing = { prompt: '0.000001', completion: '0.000002' };
  return createGateway({
    providers: [
      defineProvider({
        slug: 'echo',
        name: 'Echo',
        models: [{ id: 'echo/parrot', pricing, contextLength: 1000 }],
        async *generate() {
          yield 'Hello';
        },
      }),
    ],
    store,
  });
}

async function ask(gateway: Gateway, key: string): Promise<{ status: number; id: string }> {
  const response = await gateway.fetch('http://gateway/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'echo/parrot', messages: [{ role: 'user', content: 'hi' }], user: 'a\0b' }),
  });
  await response.text();
  return { status: response.status, id: response.headers.get('x-generation-id') ?? '' };
}

describePostgres('moving from SQLite to Postgres', (place) => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-move-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const move = async (from: string): Promise<{ code: number; text: string }> => {
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const code = await run(['move', '--db', from, '--to', place.url()], { environment: {}, out: say, error: say });
    return { code, text: lines.join('\n') };
  };

  it('takes keys, money and usage along, once', async () => {
    const file = join(folder, 'gateway.db');
    const before = gatewayOn(sqlite(file));
    await before.credits.grant({ amount: 1, externalId: 'first' });
    const { key, data } = await before.keys.create({ name: 'mover', limit: 0.5, limit_reset: 'monthly' });
    const asked: string[] = [];
    for (let count = 0; count < 700; count += 1) asked.push((await ask(before, key)).id);
    const [credits, usage] = [await before.credits.read(), await before.usage({ group_by: 'key,model,user' })];
    await before.close();

    expect(await move(file)).toEqual({ code: 0, text: expect.stringContaining('every sum equals its rows') });
    const after = gatewayOn(postgres(place.url()));
    expect(await after.credits.read()).toEqual(credits);
    expect((await after.keys.read(data.hash)).usage_monthly).toBe(credits.total_usage);
    const { summary, data: rows } = await after.usage({ group_by: 'key,model,user' });
    expect([summary, rows.length]).toEqual([usage.summary, usage.data.length]);
    const headers = { authorization: `Bearer ${key}` };
    for (const id of [asked[0], asked[699]]) {
      expect((await after.fetch(`http://gateway/generation?id=${id}`, { headers })).status).toBe(200);
    }
    // New rows get numbers of their own, the same grant is still the same, and a new key can be made.
    expect((await ask(after, key)).status).toBe(200);
    expect(await after.credits.grant({ amount: 1, externalId: 'first' })).toEqual({ granted: false });
    expect((await after.keys.create({ name: 'later' })).data.name).toBe('later');
    expect(await after.credits.audit()).toEqual([]);
    await after.close();

    expect(await move(file)).toEqual({ code: 1, text: expect.stringContaining('is not empty') });
  });

  it('does not begin while requests are under way', async () => {
    const file = join(folder, 'busy.db');
    const store = sqlite(file);
    const facts = { creditsRequired: false, share: undefined, ttlMs: DAY_MS, owner: 'somebody', limit: undefined };
    const draft = {
      ...{ id: 'gen-1', account: 'default', key: undefined, keyLabel: '', createdAt: 1, model: 'm', provider: 'p' },
      ...{ endpoint: 'e', user: undefined, app: undefined, session: undefined, tags: [], charge: 0n, cost: 0n },
      ...{ promptTokens: 0, completionTokens: 0, reasoningTokens: 0, cachedTokens: 0, latencyMs: undefined },
      ...{ generationMs: undefined, outcome: 'crashed' as const, details: {} },
    };
    const hold = { id: 'gen-1', account: 'default', key: undefined, amount: 1n, ...facts, dispatch: undefined, draft };
    expect(await store.ledger.reserve(hold)).toEqual({ held: true });
    await store.close();
    expect(await move(file)).toEqual({ code: 1, text: expect.stringContaining('requests are under way') });
    expect((await move(join(folder, 'nothing.db'))).text).toContain('there is no file');
  });
});
