import {
  createGateway,
  type Gateway,
  type GatewayOptions,
  groq,
  type ModelEntry,
  openai,
  openaiCompatible,
  openrouter,
} from '@gatehouse/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { completion, textStream } from '../tools/openai-answers.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { KEY, post, readStream } from '../tools/stream-of.js';

let upstream: ScriptedUpstream;
const gateways: Gateway[] = [];
beforeAll(async () => {
  upstream = await startUpstream();
});
afterEach(() => Promise.all(gateways.splice(0).map((gateway) => gateway.close())));
afterAll(() => upstream.close());

function gatewayWith(options: Partial<GatewayOptions> = {}): Gateway {
  const at = { apiKey: 'upstream-key', baseUrl: upstream.baseUrl };
  const gateway = createGateway({
    providers: [openai(at), groq(at), openrouter(at)],
    auth: { keys: [KEY] },
    ...options,
  });
  gateways.push(gateway);
  return gateway;
}

async function get(gateway: Gateway, path: string): Promise<{ readonly status: number; readonly body: Listing }> {
  const response = await gateway.fetch(`http://gateway.test/api/v1${path}`, {
    headers: { authorization: `Bearer ${KEY}` },
  });
  return { status: response.status, body: (await response.json()) as Listing };
}

interface Listing {
  readonly data: readonly ModelEntry[];
  readonly total_count: number;
  readonly links: { readonly next: string | null };
  readonly meta: { readonly catalogue_date: string };
  readonly error?: { readonly message: string };
}

const idsOf = ({ data }: Listing): readonly string[] => data.map(({ id }) => id);

describe('GET /models', () => {
  it('lists every bundled model of the providers that are configured, with the date of the data', async () => {
    const { body } = await get(gatewayWith(), '/models');
    expect(body.data.length).toBeGreaterThan(250);
    expect(body.meta.catalogue_date).toMatch(/^\d{4}-\d\d-\d\d$/);
    const mini = body.data.find(({ id }) => id === 'openai/gpt-4o-mini');
    expect(mini).toMatchObject({
      providers: ['openai', 'openrouter'],
      context_length: 128_000,
      pricing: { prompt: '0.00000015', completion: '0.0000006', input_cache_read: '0.000000075' },
      capabilities: { tools: true, vision: true, prompt_caching: true, reasoning: false, audio_output: false },
      architecture: { modality: 'text+image+file->text', tokenizer: 'GPT' },
    });
  });

  it.each([
    ['provider=groq', (entry: ModelEntry) => entry.providers.includes('groq')],
    ['provider=Anthropic', (entry: ModelEntry) => entry.id.startsWith('anthropic/')],
    ['search=SONNET', (entry: ModelEntry) => /sonnet/i.test(`${entry.id} ${entry.name} ${entry.description}`)],
    ['q=llama-3.3', (entry: ModelEntry) => entry.id.includes('llama-3.3')],
    [
      'capabilities=reasoning,vision',
      (entry: ModelEntry) => entry.capabilities['reasoning'] && entry.capabilities['vision'],
    ],
    ['supported_parameters=reasoning', (entry: ModelEntry) => entry.supported_parameters.includes('reasoning')],
    ['input_modalities=audio', (entry: ModelEntry) => entry.architecture.input_modalities.includes('audio')],
    ['model_authors=qwen', (entry: ModelEntry) => entry.owned_by === 'qwen'],
    ['arch=Claude', (entry: ModelEntry) => entry.architecture.tokenizer === 'Claude'],
    ['context=1000000', (entry: ModelEntry) => (entry.context_length ?? 0) >= 1_000_000],
    ['max_price=0.1', (entry: ModelEntry) => Number(entry.pricing['prompt']) <= 1e-7],
    ['min_output_price=15', (entry: ModelEntry) => Number(entry.pricing['completion']) >= 15e-6],
    ['free=false', (entry: ModelEntry) => Number(entry.pricing['prompt']) + Number(entry.pricing['completion']) > 0],
  ])('?%s', async (query, fits) => {
    const gateway = gatewayWith();
    const { body } = await get(gateway, `/models?${query}`);
    const all = (await get(gateway, '/models')).body.data;
    expect(body.data.length).toBeGreaterThan(0);
    expect(idsOf(body)).toEqual(all.filter(fits).map(({ id }) => id));
    expect((await get(gateway, `/models/count?${query}`)).body.data).toEqual({ count: body.data.length });
  });

  it('searches literally, and quickly finds nothing for what is hostile', async () => {
    const gateway = gatewayWith();
    for (const search of ['.*', '(a+)+$', '%', '\\', '[', `${'a'.repeat(99)}!`]) {
      const { status, body } = await get(gateway, `/models?search=${encodeURIComponent(search)}`);
      expect([status, idsOf(body).filter((id) => !id.includes(search))]).toEqual([200, []]);
    }
  });

  it('sorts, with models that lack the figure last', async () => {
    const { body } = await get(gatewayWith(), '/models?sort=context-high-to-low');
    const contexts = body.data.map(({ context_length: length }) => length ?? -1);
    expect(contexts).toEqual([...contexts].sort((a, b) => b - a));
  });

  it('gives pages that make up the whole list', async () => {
    const gateway = gatewayWith();
    const ids: string[] = [];
    let path: string | null = '?limit=100';
    while (path !== null) {
      const { body }: { body: Listing } = await get(gateway, `/models${path}`);
      ids.push(...idsOf(body));
      path = body.links.next;
    }
    expect(ids).toEqual(idsOf((await get(gateway, '/models')).body));
  });

  it.each([
    ['free=maybe', 'free: expected true or false'],
    [`search=${'x'.repeat(101)}`, 'search: expected at most 100 characters'],
    ['capabilities=flying', 'capabilities: expected names out of'],
    ['sort=best', 'sort: expected one of'],
    ['limit=0', 'limit: expected a whole number from 1 to 1000'],
    ['context=-5', 'context: expected a whole number from 1'],
    ['max_price=cheap', 'max_price: expected USD per million tokens'],
  ])('refuses ?%s', async (query, message) => {
    const { status, body } = await get(gatewayWith(), `/models?${query}`);
    expect([status, body.error?.message]).toEqual([400, expect.stringContaining(message)]);
  });
});

describe('a model', () => {
  it.each([
    '/models/openai/gpt-4o-mini',
    '/models/openai%2Fgpt-4o-mini',
    '/model/openai/gpt-4o-mini',
    '/models/openai/gpt-4o-mini:nitro',
    '/models/openai/gpt-4o-mini%3Afloor',
    '/models/gpt-4o-mini',
    '/models/OpenAI/GPT-4o-Mini',
  ])('is found at %s', async (path) => {
    const { body } = await get(gatewayWith(), path);
    expect(body).toMatchObject({ id: 'openai/gpt-4o-mini', data: { id: 'openai/gpt-4o-mini' } });
  });

  it('lists its endpoints with their own prices', async () => {
    const { body } = await get(gatewayWith(), '/models/meta-llama/llama-3.3-70b-instruct/endpoints');
    expect(body.data).toMatchObject({
      id: 'meta-llama/llama-3.3-70b-instruct',
      endpoints: [
        { tag: 'groq', provider_name: 'Groq', pricing: { prompt: '0.00000059' }, context_length: 131_072 },
        { tag: 'openrouter', provider_name: 'OpenRouter' },
      ],
    });
  });
});

describe('the names that people know', () => {
  it.each([
    ['openai/gpt-4o-mini', 'openai/gpt-4o-mini'],
    ['gpt-4o-mini', 'openai/gpt-4o-mini'],
    ['anthropic/claude-3-5-sonnet', 'anthropic/claude-3.5-sonnet'],
    ['claude-3-5-sonnet', 'anthropic/claude-3.5-sonnet'],
    ['google/gemini-2.5-pro', 'google/gemini-2.5-pro'],
    ['gemini-2.5-pro', 'google/gemini-2.5-pro'],
    ['meta-llama/llama-3-70b-instruct', 'meta-llama/llama-3-70b-instruct'],
    ['llama-3-70b-instruct', 'meta-llama/llama-3-70b-instruct'],
    ['mistralai/mistral-large', 'mistralai/mistral-large'],
    ['mistral-large', 'mistralai/mistral-large'],
  ])('%s answers, with a price', async (name, model) => {
    upstream.always(completion('hello', { prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 }));
    const answer = await post(gatewayWith(), { model: name });
    const { model: answered, usage } = (await answer.json()) as { model: string; usage: { cost: number } };
    expect([answer.status, answered]).toEqual([200, model]);
    expect(usage.cost).toBeGreaterThan(0);
  });
});

describe('what a host says', () => {
  it('adds a model in three lines, and its price counts, streamed or not', async () => {
    const acme = openaiCompatible({
      slug: 'acme',
      baseUrl: upstream.baseUrl,
      models: [{ id: 'acme/small', pricing: { prompt: '0.000001', completion: '0.000002' } }],
    });
    const gateway = gatewayWith({ providers: [acme], catalog: { markup: 10 } });
    upstream.next(completion('hello', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }));
    upstream.next(textStream('hello'));
    const whole = (await (await post(gateway, {})).json()) as { usage: object };
    // 10 x 1 + 5 x 2 = 20 micro-dollars, and 10 per cent
    expect(whole.usage).toMatchObject({
      cost: 0.000022,
      cost_details: { upstream_inference_cost: 0.00002, upstream_inference_prompt_cost: 0.00001 },
    });
    const response = await post(gateway, { stream: true });
    const { chunks } = readStream(response.status, await response.text());
    // 7 x 1 + 5 x 2 = 17
    expect(chunks.at(-1)?.usage).toMatchObject({ cost: 0.0000187 });
    expect((await get(gateway, '/models/acme/small')).body).toMatchObject({ pricing: { prompt: '0.0000011' } });
  });

  it('changes prices and facts, everywhere or at one provider, and hides models', async () => {
    const gateway = gatewayWith({
      catalog: {
        models: [
          { id: 'openai/gpt-4o', name: 'Ours', quality: 0.9, pricing: { prompt: '0.00001', completion: '0.00002' } },
          { id: 'openai/gpt-4o', provider: 'openrouter', pricing: 'free' },
        ],
        hide: ['openai/o1*', '*claude*'],
      },
    });
    const { body } = await get(gateway, '/models/openai/gpt-4o/endpoints');
    expect(body.data).toMatchObject({
      name: 'Ours',
      endpoints: [{ pricing: { prompt: '0.00001' } }, { pricing: { prompt: '0', completion: '0' } }],
    });
    expect((await get(gateway, '/models?search=claude')).body.data).toEqual([]);
    expect((await post(gateway, { model: 'openai/o1' })).status).toBe(400);
  });

  it('may replace the whole catalogue', async () => {
    const gateway = gatewayWith({
      catalog: {
        bundled: {
          date: '2026-01-02',
          models: { 'openai/only': { name: 'The only one', contextLength: 10 } },
          endpoints: { openai: [{ model: 'openai/only', upstream: 'x', pricing: { prompt: '1', completion: '1' } }] },
        },
      },
    });
    const { body } = await get(gateway, '/models');
    expect([idsOf(body), body.meta]).toEqual([['openai/only'], { catalogue_date: '2026-01-02' }]);
    expect((await get(gatewayWith({ catalog: { bundled: false } }), '/models')).body.data).toEqual([]);
  });

  it('T-U14 has to name a price: without one nothing is sent', async () => {
    const before = upstream.requests.length;
    const acme = openaiCompatible({ slug: 'acme', baseUrl: upstream.baseUrl, models: ['acme/small'] });
    const gateway = gatewayWith({ providers: [acme] });
    const answer = await post(gateway, {});
    expect([answer.status, await answer.text()]).toEqual([
      404,
      expect.stringContaining('no price is known of acme/small'),
    ]);
    expect(upstream.requests.length).toBe(before);
    expect((await get(gateway, '/models/acme/small')).body).toMatchObject({
      pricing: { prompt: '-1', completion: '-1' },
    });
  });
});
