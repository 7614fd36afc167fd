import {
  createGateway,
  defineProvider,
  defineTransform,
  type Gateway,
  memoryStore,
  openaiCompatible,
} from '@gatehouse/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { completion } from '../tools/openai-answers.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';

const PROMPT_TOKENS = 15_000;
/** A field that nobody knows, of as many bytes as a provider may count tokens of it. */
const HIDDEN = 'a prompt in the wrong place '.repeat(2000);

let upstream: ScriptedUpstream;
let gateway: Gateway | undefined;
beforeEach(async () => {
  upstream = await startUpstream();
  upstream.always(completion('Hello', { prompt_tokens: PROMPT_TOKENS, completion_tokens: 5, total_tokens: 15_005 }));
});
afterEach(async () => {
  await gateway?.close();
  await upstream.close();
});

async function ask(one: Gateway, key: string, more: object, headers: Record<string, string> = {}): Promise<Response> {
  return one.fetch('http://gateway/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'acme/small', messages: [{ role: 'user', content: 'hi' }], max_tokens: 10, ...more }),
  });
}

it('R-M20 R-M21 what goes upstream in a field that nobody knows is held and charged like any prompt', async () => {
  const pricing = { prompt: '0.000001', completion: '0.000002' };
  const models = [{ id: 'acme/small', pricing, contextLength: 200_000, maxCompletionTokens: 1000 }];
  const store = memoryStore();
  gateway = createGateway({
    providers: [openaiCompatible({ slug: 'acme', baseUrl: upstream.baseUrl, models })],
    store,
  });
  const { key: poor } = await gateway.keys.create({ name: 'poor', limit: 0.001 });
  expect((await ask(gateway, poor, { something: HIDDEN })).status).toBe(402);
  expect(upstream.requests).toHaveLength(0);
  const { key } = await gateway.keys.create({ name: 'rich', limit: 1 });
  const answer = await ask(gateway, key, { something: HIDDEN });
  expect(((await answer.json()) as { usage: { cost: number } }).usage.cost).toBe(0.015_01);
  // What has a name of its own here is not let through under its older ones.
  await ask(gateway, key, {
    functions: [{ name: 'f', description: HIDDEN }],
    function_call: 'auto',
    search_parameters: {},
  });
  const sent = Object.keys(upstream.requests[1]?.json() as object);
  for (const name of ['functions', 'function_call', 'search_parameters']) expect(sent).not.toContain(name);
  expect(await store.ledger.audit()).toEqual([]);
});

it('R-M30 an answer that was given is given again before anything of the request is done', async () => {
  let runs = 0;
  const moderation = defineTransform({
    name: 'moderation',
    request(request) {
      runs += 1;
      if (runs > 1) throw new Error('the service of the host is down');
      return request;
    },
  });
  gateway = createGateway({
    providers: [
      defineProvider({
        slug: 'acme',
        name: 'Acme',
        models: ['acme/small'],
        async *generate() {
          yield 'Hello';
        },
      }),
    ],
    transforms: [moderation],
    onError: () => undefined,
  });
  const { key } = await gateway.keys.create({ name: 'sender' });
  const headers = { 'idempotency-key': 'once' };
  const first = await ask(gateway, key, {}, headers);
  const again = await ask(gateway, key, {}, headers);
  expect([first.status, again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 200, 'true']);
  expect([await again.text(), runs]).toEqual([await first.text(), 1]);
  // Another request fails, and may be sent again.
  const failing = { 'idempotency-key': 'twice' };
  expect((await ask(gateway, key, {}, failing)).status).toBe(500);
  expect((await ask(gateway, key, {}, failing)).status).toBe(500);
});
