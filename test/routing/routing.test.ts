import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  anthropic,
  createGateway,
  type Gateway,
  type GatewayOptions,
  type HealthChange,
  type ModelDeclaration,
  openai,
  openaiCompatible,
  type Provider,
} from '@gatehouse/core';
import { OpenRouter } from '@openrouter/sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ROOT } from '../structure/source-files.js';
import { gate } from '../tools/gate.js';
import { hosts, listen } from '../tools/hosts.js';
import { manualClock } from '../tools/manual-clock.js';
import { chunk, completion, eventStream, failure, sseEvent, textChunks, textStream } from '../tools/openai-answers.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { KEY, post, readStream } from '../tools/stream-of.js';
import { cut, end, head, hold, silence, write } from '../tools/upstream-steps.js';

const event = (one: object): string => sseEvent(JSON.stringify(one));

let upstream: ScriptedUpstream;
const gateways: Gateway[] = [];
beforeEach(async () => {
  upstream = await startUpstream();
  upstream.always(completion('hello'));
});
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
  await upstream.close();
});

const priced = (id: string, dollars: number, more: object = {}): ModelDeclaration => {
  const rate = (dollars / 1e6).toFixed(9);
  return { id, pricing: { prompt: rate, completion: rate }, ...more };
};
const at = (slug: string, models: readonly ModelDeclaration[], more: object = {}): Provider =>
  openaiCompatible({ slug, baseUrl: `${upstream.baseUrl}/${slug}`, models, ...more });

/** Three providers of one model, at one, two and three dollars. */
const three = (): readonly Provider[] => [
  at('dear', [priced('acme/model', 3, { contextLength: 100_000 }), priced('acme/other', 3)]),
  at('middle', [priced('acme/model', 2, { quantization: 'fp8' })], {
    dataPolicy: { collects: false, zeroRetention: true },
  }),
  at('cheap', [priced('acme/model', 1, { contextLength: 8000 })]),
];

function gatewayWith(options: Partial<GatewayOptions> = {}): Gateway {
  const gateway = createGateway({
    providers: three(),
    auth: { keys: [KEY] },
    catalog: { bundled: false },
    random: (count) => new Uint8Array(count),
    ...options,
  });
  gateways.push(gateway);
  return gateway;
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into from all sides
type Body = Readonly<Record<string, any>>;
async function ask(
  gateway: Gateway,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; body: Body }> {
  const response = await post(gateway, { model: 'acme/model', ...body }, headers);
  return { status: response.status, body: (await response.json()) as Body };
}
/** The providers that were asked, in order. */
const asked = (): readonly (string | undefined)[] => upstream.requests.map(({ path }) => path.split('/')[2]);

describe('the examples of the README', () => {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const section = text.slice(text.indexOf('## Routing'), text.indexOf('## Configuration'));
  const examples = [...section.matchAll(/```json\n([^`]*)```\n\n→ ([^\n]*)\n/g)].map(([, body = '', outcome = '']) => ({
    body: body.trim(),
    outcome,
  }));

  it('are there', () => expect(examples.length).toBeGreaterThanOrEqual(8));

  it.each(examples)('$body → $outcome', async ({ body, outcome }) => {
    const gateway = gatewayWith();
    const request = { messages: [{ role: 'user', content: 'hello' }], ...(JSON.parse(body) as object) };
    const names = [...outcome.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    const answer = await ask(gateway, request);
    if (outcome.startsWith('refused')) {
      expect(answer.body['error']).toMatchObject({ code: names[0] });
      expect(upstream.requests).toHaveLength(0);
      return;
    }
    const { candidates } = gateway.explain(request as never);
    expect(candidates.filter(({ position }) => position !== null).map(({ endpoint }) => endpoint)).toEqual(names);
    // What is explained is what is done.
    expect(answer.body['provider']).toBe(names[0]);
    upstream.always(failure(503, { error: { message: 'busy' } }));
    const before = asked().length;
    await ask(gatewayWith(), request);
    expect([...new Set(asked().slice(before))]).toEqual(names);
  });
});

describe('seeing it', () => {
  it('explains without asking anybody, to those who may see it', async () => {
    const gateway = gatewayWith({
      auth: { keys: [KEY, { key: 'sk-or-v1-key-without-explanations', scopes: ['chat'] }] },
    });
    const explain = (key: string): Promise<Response> =>
      gateway.fetch('http://gateway.test/route/explain', {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'acme/model',
          messages: [{ role: 'user', content: 'a' }],
          provider: { zdr: true },
        }),
      });
    const { data } = (await (await explain(KEY)).json()) as Body;
    expect(data).toMatchObject({
      requested: 'acme/model',
      strategy: 'direct',
      candidates: [
        { position: 1, endpoint: 'middle', health: 'closed', tier: null, price: expect.any(Number) },
        { position: null, endpoint: 'dear', excluded_by: 'data_policy:zdr' },
        {
          position: null,
          endpoint: 'cheap',
          excluded_by: 'data_policy:zdr',
          reason: expect.stringContaining('keeping'),
        },
      ],
    });
    expect((await explain('sk-or-v1-key-without-explanations')).status).toBe(403);
    expect(upstream.requests).toHaveLength(0);
  });

  it('tells clients that ask how a request was routed: whole, streamed and failed', async () => {
    const wanted = { 'x-openrouter-metadata': 'Enabled' };
    upstream.respond(({ path, json }) => {
      if (path.includes('cheap')) return failure(503, { error: { message: 'secret' } });
      return (json() as { stream?: boolean }).stream === true ? textStream('hello') : completion('hello');
    });
    const { body } = await ask(gatewayWith(), { provider: { sort: 'price' } }, wanted);
    expect(body['openrouter_metadata']).toMatchObject({
      requested: 'acme/model',
      strategy: 'fallback',
      region: null,
      summary: 'available=3, selected=middle',
      attempt: 2,
      is_byok: false,
      endpoints: {
        total: 3,
        available: [
          { provider: 'cheap', model: 'acme/model', selected: false },
          { provider: 'middle', selected: true },
          { provider: 'dear', selected: false },
        ],
      },
      attempts: [
        { provider: 'cheap', model: 'acme/model', status: 503 },
        { provider: 'middle', model: 'acme/model', status: 200 },
      ],
    });
    const streamed = await post(gatewayWith(), { model: 'acme/model', stream: true }, wanted);
    const { chunks } = readStream(200, await streamed.text());
    expect(chunks.filter((chunk) => chunk.openrouter_metadata !== undefined)).toEqual([chunks.at(-1)]);
    const failed = await ask(gatewayWith(), { provider: { only: ['cheap'] } }, wanted);
    expect(failed).toMatchObject({
      status: 503,
      body: { openrouter_metadata: { attempt: 0, attempts: [{ status: 503 }, { status: 503 }] } },
    });
    expect(JSON.stringify(failed.body)).not.toContain('secret');
    expect((await ask(gatewayWith(), {})).body).not.toHaveProperty('openrouter_metadata');
  });

  it('satisfies the official SDK', async () => {
    const gateway = gatewayWith();
    const host = await listen((hosts['node:http'] as NonNullable<(typeof hosts)[string]>)(gateway));
    const sdk = new OpenRouter({ apiKey: KEY, serverURL: `${host.origin}/api/v1`, retryConfig: { strategy: 'none' } });
    const chatRequest = { model: 'acme/model', messages: [{ role: 'user' as const, content: 'hello' }] };
    const result = await sdk.chat.send(
      { chatRequest },
      { fetchOptions: { headers: { 'X-OpenRouter-Metadata': 'enabled' } } },
    );
    expect('choices' in result && result.choices[0]?.message.content).toBe('hello');
    await host.close();
  });

  it('tells of every change of health, and shows figures in the list of endpoints', async () => {
    const changes: HealthChange[] = [];
    const clock = manualClock();
    const gateway = gatewayWith({ onHealthChange: (change) => changes.push(change), clock });
    for (let count = 0; count < 5; count += 1) await ask(gateway, { provider: { only: ['middle'] } });
    upstream.always(failure(401, { error: { message: 'bad key' } }));
    expect((await ask(gateway, { provider: { only: ['cheap'] } })).status).toBe(502);
    expect(changes).toEqual([{ unit: 'cheap acme/model', from: 'closed', to: 'barred', reason: 'upstream_auth' }]);
    const listed = await gateway.fetch('http://gateway.test/models/acme/model/endpoints', {
      headers: { authorization: `Bearer ${KEY}` },
    });
    const { data } = (await listed.json()) as Body;
    const of = (tag: string): Body => data.endpoints.find((one: Body) => one['tag'] === tag);
    expect(of('cheap')).toMatchObject({ status: -5, latency_last_30m: null });
    expect(of('middle')).toMatchObject({ status: 0, uptime_last_5m: 100, latency_last_30m: { p50: 0, p99: 0 } });
    expect(of('dear')).toMatchObject({ status: 0, uptime_last_5m: null });
  });
});

describe('names that say how to route', () => {
  it(':floor and :nitro sort, and :thinking asks for reasoning where there is any', async () => {
    const gateway = gatewayWith();
    expect((await ask(gateway, { model: 'acme/model:floor' })).body).toMatchObject({
      model: 'acme/model',
      provider: 'cheap',
    });
    expect((await ask(gateway, { model: 'acme/model:nitro' })).status).toBe(200);
    for (const [model, code] of [
      ['acme/model:nitro:floor', 'invalid_request'],
      ['acme/model:thinking', 'model_not_found'],
      ['acme/model:online', 'unsupported_feature'],
      ['acme/model:free', 'model_not_found'],
    ] as const) {
      expect((await ask(gateway, { model })).body['error'].code).toBe(code);
    }
    const thinker = at('thinker', [priced('acme/thinker', 1, { supportedParameters: ['reasoning'] })]);
    await ask(gatewayWith({ providers: [thinker] }), { model: 'acme/thinker:thinking', reasoning: { effort: 'low' } });
    expect(upstream.requests.at(-1)?.json()).toMatchObject({ reasoning_effort: 'low' });
  });

  it('openrouter/auto is the cheapest model that can do it and is good enough', async () => {
    const tools = ['tools', 'temperature'];
    const gateway = gatewayWith({
      providers: [
        at('acme', [
          priced('acme/plain', 1, { supportedParameters: ['temperature'], quality: 0.9 }),
          priced('acme/able', 3, { supportedParameters: tools, quality: 0.5 }),
          priced('acme/clever', 9, { supportedParameters: tools, quality: 0.9 }),
        ]),
      ],
    });
    const of = async (more: object): Promise<unknown> => {
      const { body } = await ask(gateway, { model: 'openrouter/auto', ...more });
      return body['model'] ?? body['error'].code;
    };
    const router = (more: object): object => ({ plugins: [{ id: 'auto-router', ...more }] });
    const needsTools = { tools: [{ type: 'function', function: { name: 'f' } }] };
    expect(await of({})).toBe('acme/plain');
    expect(await of(needsTools)).toBe('acme/able');
    expect(await of({ ...needsTools, ...router({ min_quality: 0.8 }) })).toBe('acme/clever');
    expect(await of(router({ excluded_models: ['*/plain'] }))).toBe('acme/able');
    expect(await of(router({ allowed_models: ['*/clever'] }))).toBe('acme/clever');
    expect(await of(router({ min_quality: 0.99 }))).toBe('no_endpoints');
    expect(
      (await ask(gateway, { model: 'auto' }, { 'x-openrouter-metadata': 'enabled' })).body['openrouter_metadata']
        .strategy,
    ).toBe('auto');
  });
});

describe('staying and moving on', () => {
  it('keeps a session where it was answered, until that is not well', async () => {
    const gateway = gatewayWith();
    const from = async (more: object, headers: Readonly<Record<string, string>> = {}): Promise<unknown> =>
      (await ask(gateway, more, headers)).body['provider'];
    expect(await from({ session_id: 's', provider: { only: ['dear'] } })).toBe('dear');
    expect(await from({ session_id: 's' })).toBe('dear');
    expect(await from({}, { 'x-session-id': 's' })).toBe('dear');
    expect(await from({ prompt_cache_key: 's' })).toBe('dear');
    expect(await from({ session_id: 'another' })).toBe('cheap');
    upstream.respond(({ path }) => (path.includes('dear') ? failure(401, {}) : completion('hello')));
    expect(await from({ session_id: 's' })).toBe('cheap');
    expect(await from({ session_id: 's' })).toBe('cheap');
  });

  it('has several keys of a provider: another one helps where one is refused, and the client never hears of it', async () => {
    const provider = openai({
      apiKey: ['key-one', 'key-two'],
      baseUrl: upstream.baseUrl,
      models: [priced('openai/gpt-4o-mini', 1)],
    });
    upstream.respond(({ headers }) =>
      headers['authorization'] === 'Bearer key-one'
        ? failure(401, { error: { message: 'key-one is wrong' } })
        : completion('hello'),
    );
    const gateway = gatewayWith({ providers: [provider] });
    for (let count = 0; count < 3; count += 1) {
      expect((await ask(gateway, { model: 'openai/gpt-4o-mini' })).status).toBe(200);
    }
    // The refused one is asked once, and then not for a while.
    expect(upstream.requests.map(({ headers }) => headers['authorization'])).toEqual(
      ['key-one', 'key-two', 'key-two', 'key-two'].map((key) => `Bearer ${key}`),
    );
    upstream.always(failure(402, { error: { message: 'key-two has no money' } }));
    const refused = await ask(gateway, { model: 'openai/gpt-4o-mini' });
    expect(refused.status).toBe(502);
    expect(JSON.stringify(refused.body)).not.toContain('key-');
  });

  it('moves on from a refusal of the content only where the host wants it', async () => {
    upstream.respond(({ path }) =>
      path.includes('cheap')
        ? failure(400, { error: { code: 'content_policy_violation', message: 'violence' } })
        : completion('hello'),
    );
    const models = { models: ['acme/other'], provider: { sort: 'price' } };
    expect(await ask(gatewayWith(), models)).toMatchObject({
      status: 403,
      body: { error: { code: 'moderation_blocked' } },
    });
    const lenient = gatewayWith({ routing: { fallbackOnModeration: true } });
    expect((await ask(lenient, models)).body['model']).toBe('acme/other');
  });

  it('holds answers back for keys that want it', async () => {
    const careful = 'sk-or-v1-key-of-the-careful-ones';
    const gateway = gatewayWith({
      auth: { keys: [KEY, { key: careful, streamRecovery: 'buffer' }] },
      routing: { sort: 'price' },
    });
    upstream.respond(({ path }) =>
      path.includes('cheap')
        ? [
            head(200, { 'content-type': 'text/event-stream' }),
            write('data: {"choices":[{"index":0,"delta":{"content":"half"}}]}\n\n'),
            cut(),
          ]
        : textStream('the whole answer'),
    );
    const streamed = async (key: string): Promise<ReturnType<typeof readStream>> => {
      const response = await post(gateway, { model: 'acme/model', stream: true }, { authorization: `Bearer ${key}` });
      return readStream(response.status, await response.text());
    };
    expect(await streamed(KEY)).toMatchObject({ content: 'half', finishes: ['error'] });
    expect(await streamed(careful)).toMatchObject({ content: 'the whole answer', finishes: ['stop'] });
  });

  it('refuses at once what is too much, and serves on', async () => {
    const gateway = gatewayWith({ limits: { runningRequests: 1 } });
    upstream.next(head(200, { 'content-type': 'application/json' }));
    const slow = post(gateway, { model: 'acme/model' });
    await upstream.request(0);
    const refused = await post(gateway, { model: 'acme/model' });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(
      (await gateway.fetch('http://gateway.test/models', { headers: { authorization: `Bearer ${KEY}` } })).status,
    ).toBe(200);
    await gateway.close();
    expect((await slow).status).toBe(503);
  });

  it('does not leave a slow endpoint for one that is known to fail', async () => {
    const clock = manualClock();
    const gateway = gatewayWith({
      providers: [at('slow', [priced('acme/model', 1)]), at('broken', [priced('acme/model', 2)])],
      clock,
    });
    upstream.always(failure(401, {}));
    expect((await ask(gateway, { provider: { only: ['broken'] } })).status).toBe(502);
    const later = gate();
    upstream.always(head(200, eventStream), hold(later), write(textChunks(['at last']).map(event).join('')), end());
    const answer = post(gateway, { model: 'acme/model', stream: true });
    await upstream.request(1);
    clock.advance(20_000);
    later.open();
    expect((await (await answer).text()).includes('at last')).toBe(true);
    expect(asked()).toEqual(['broken', 'slow']);
  });

  it('forgets a stream that nobody reads once its call is over', async () => {
    const gateway = gatewayWith();
    upstream.always(head(200, eventStream), write(sseEvent(JSON.stringify(chunk({ content: 'half' })))));
    const leaving = new AbortController();
    const messages = [{ role: 'user' as const, content: 'a' }];
    await gateway.chat({ model: 'acme/model', messages, stream: true }, { signal: leaving.signal });
    expect(gateway.health()).toMatchObject([{ running: 1 }]);
    leaving.abort();
    expect(gateway.health()).toMatchObject([{ running: 0, state: 'closed' }]);
  });

  it('gives the room of streams that nobody reads to others once they are stopped, and is drained of them', async () => {
    const clock = manualClock();
    const gateway = gatewayWith({ clock, limits: { runningRequests: 1 }, timeouts: { totalMs: 5000 } });
    upstream.always(head(200, eventStream), write(sseEvent(JSON.stringify(chunk({ content: 'half' })))));
    const open = (): Promise<unknown> =>
      gateway.chat({ model: 'acme/model', messages: [{ role: 'user', content: 'a' }], stream: true });
    await open();
    await expect(open()).rejects.toMatchObject({ code: 'service_unavailable' });
    clock.advance(5000);
    await open();
    let drained = false;
    const draining = gateway.drain({ timeoutMs: 1000 }).then(() => {
      drained = true;
    });
    clock.advance(999);
    await Promise.resolve();
    expect(drained).toBe(false);
    clock.advance(1001);
    await draining;
    await upstream.idle();
  });

  it('is patient with models that reason, asked or not', async () => {
    const clock = manualClock();
    const thinker = (slug: string): Provider =>
      at(slug, [priced('acme/thinker', 1, { supportedParameters: ['reasoning'] }), priced('acme/quick', 1)]);
    const gateway = gatewayWith({ providers: [thinker('first'), thinker('second')], clock });
    upstream.always(head(200, eventStream), silence());
    for (const [model, asked] of [
      ['acme/thinker', 1],
      ['acme/quick', 2],
    ] as const) {
      const leaving = new AbortController();
      const index = upstream.requests.length;
      const messages = [{ role: 'user' as const, content: 'a' }];
      const answer = gateway.chat({ model, messages, stream: true }, { signal: leaving.signal });
      const left = expect(answer).rejects.toMatchObject({ code: 'client_closed' });
      await upstream.request(index);
      clock.advance(13_000);
      await vi.waitFor(() => expect(upstream.requests).toHaveLength(index + asked));
      leaving.abort();
      await left;
    }
    expect(asked()).toEqual(['first', 'first', 'second']);
  });

  it('asks an endpoint for no more than it may have at a time', async () => {
    const gateway = gatewayWith({ limits: { endpointRequests: 1 }, routing: { sort: 'price' } });
    upstream.next(head(200, { 'content-type': 'application/json' }));
    const first = post(gateway, { model: 'acme/model' });
    await upstream.request(0);
    expect((await ask(gateway, {})).body['provider']).toBe('middle');
    await gateway.close();
    await first;
  });

  it("keeps what the host lays down, whatever a request says, and passes on an empty policy's end", async () => {
    const gateway = gatewayWith({ routing: { only: ['middle', 'dear'], zdr: true } });
    expect((await ask(gateway, { provider: { zdr: false } })).body['provider']).toBe('middle');
    expect((await ask(gateway, { provider: { only: ['cheap'] } })).status).toBe(404);
    const strict = gatewayWith({ routing: { ignore: ['middle'], dataCollection: 'deny' } });
    expect((await ask(strict, {})).body['error']).toMatchObject({
      code: 'no_endpoints',
      availability: { code: 'privacy_restricted', excluded_by: 'data_policy:training' },
    });
  });

  it('tells apart regions of one preset', async () => {
    const models = [priced('anthropic/claude-sonnet-4.5', 1, { maxCompletionTokens: 100 })];
    const regions = ['eu', 'us'].map((region) =>
      openai({ region, apiKey: 'k', baseUrl: `${upstream.baseUrl}/${region}`, models }),
    );
    const gateway = gatewayWith({ providers: [...regions, anthropic({ apiKey: 'k', models })] });
    const of = (provider: object): readonly string[] =>
      gateway
        .explain({ model: 'anthropic/claude-sonnet-4.5', messages: [{ role: 'user', content: 'a' }], provider })
        .candidates.flatMap(({ position, endpoint }) => (position === null ? [] : [endpoint]));
    expect(of({ only: ['openai'] })).toEqual(['openai/eu', 'openai/us']);
    expect(of({ only: ['openai/us'] })).toEqual(['openai/us']);
    expect(of({ ignore: ['OpenAI'] })).toEqual(['anthropic']);
  });
});

it('an answer is whole or not at all, whatever ends it', async () => {
  upstream.always(
    head(200, { 'content-type': 'application/json' }),
    write('{"choices":[{"message":{"content":"ha'),
    end(),
  );
  expect((await ask(gatewayWith({ providers: [at('acme', [priced('acme/model', 1)])] }), {})).status).toBe(502);
});
