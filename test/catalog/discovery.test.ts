import { createGateway, type Gateway, ollama, openrouter, type Provider } from '@gatehouse/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ManualClock, manualClock } from '../tools/manual-clock.js';
import { completion, failure, jsonAnswer } from '../tools/openai-answers.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { KEY, post } from '../tools/stream-of.js';
import { cut, head, silence, write } from '../tools/upstream-steps.js';

const HOUR = 3_600_000;
let upstream: ScriptedUpstream;
let clock: ManualClock;
let gateway: Gateway | undefined;
beforeEach(async () => {
  upstream = await startUpstream();
  clock = manualClock();
});
afterEach(async () => {
  await gateway?.close();
  await upstream.close();
});

function start(provider: Provider): Gateway {
  gateway = createGateway({ providers: [provider], auth: { keys: [KEY] }, clock });
  return gateway;
}

const router = (): Provider =>
  openrouter({ apiKey: 'upstream-key', baseUrl: upstream.baseUrl, models: ['openai/gpt-4o-mini'], discover: true });
const listed = (id: string, more: object = {}): object => ({
  id,
  name: id,
  pricing: { prompt: '0.000001', completion: '0.000002' },
  ...more,
});
const ids = (): readonly string[] => gateway?.models().map(({ id }) => id) ?? [];

/** Lets a list arrive after time has moved. */
async function until(check: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(check()).toBe(true), { timeout: 5000, interval: 2 });
}

describe('discovery', () => {
  it("brings OpenRouter's own catalogue, with prices and facts; what the host names comes first", async () => {
    upstream.always(
      jsonAnswer(200, {
        data: [
          listed('new/model', {
            context_length: 1000,
            architecture: {
              input_modalities: ['text', 'image', 'smell'],
              output_modalities: ['text'],
              tokenizer: 'New',
            },
            top_provider: { max_completion_tokens: 100 },
            supported_parameters: ['tools'],
          }),
          listed('openai/gpt-4o-mini', { pricing: { prompt: '1', completion: '1' } }),
        ],
      }),
    );
    const running = start(router());
    await running.ready;
    expect(ids()).toEqual(['openai/gpt-4o-mini', 'new/model']);
    expect(running.models()).toMatchObject([
      { pricing: { prompt: '0.00000015' } },
      {
        pricing: { prompt: '0.000001', completion: '0.000002' },
        context_length: 1000,
        top_provider: { max_completion_tokens: 100 },
        architecture: { input_modalities: ['text', 'image'], tokenizer: 'New' },
      },
    ]);
    const { method, path, headers } = await upstream.request(0);
    expect([method, path, headers['authorization']]).toEqual(['GET', '/v1/models', 'Bearer upstream-key']);
    upstream.next(completion('hello', { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }));
    const answer = (await (await post(running, { model: 'new/model' })).json()) as { usage: { cost: number } };
    expect(answer.usage.cost).toBe(0.000003);
  });

  it('brings the models of Ollama, which cost nothing', async () => {
    upstream.always(jsonAnswer(200, { object: 'list', data: [{ id: 'llama3:8b', object: 'model' }, { id: 'qwen3' }] }));
    const running = start(ollama({ baseUrl: upstream.baseUrl }));
    await running.ready;
    expect(running.models()).toMatchObject([
      { id: 'ollama/llama3:8b', pricing: { prompt: '0', completion: '0' } },
      { id: 'ollama/qwen3' },
    ]);
    upstream.next(completion('hello'));
    expect((await post(running, { model: 'llama3:8b' })).status).toBe(200);
    expect((await upstream.request(1)).json()).toMatchObject({ model: 'llama3:8b' });
  });

  it('never lets a request wait for a slow list, and gives it up at its deadline', async () => {
    upstream.next(silence());
    upstream.always(completion('hello'));
    const running = start(router());
    await upstream.request(0);
    expect((await post(running, { model: 'openai/gpt-4o-mini' })).status).toBe(200);
    clock.advance(10_000);
    await running.ready;
    expect(ids()).toEqual(['openai/gpt-4o-mini']);
  });

  it.each([
    ['broken JSON', jsonAnswer(200, '{"data":[{"id":')],
    ['no list', jsonAnswer(200, { error: 'no' })],
    ['a refusal', failure(500, { error: { message: 'no' } })],
    ['a cut', [head(200, { 'content-type': 'application/json' }), write('{"data":['), cut()]],
  ])('keeps the last good list over %s, and finds the next one', async (_, broken) => {
    upstream.next(jsonAnswer(200, { data: [listed('a/one')] }));
    upstream.next(broken);
    upstream.always(jsonAnswer(200, { data: [listed('a/two')] }));
    const running = start(router());
    await running.ready;
    expect(ids()).toContain('a/one');
    clock.advance(HOUR);
    await upstream.request(1);
    await until(() => clock.due.includes(60_000));
    expect(ids()).toContain('a/one');
    clock.advance(60_000);
    await until(() => ids().includes('a/two'));
    expect(ids()).not.toContain('a/one');
  });

  it('finds a provider that was away when the gateway started', async () => {
    const { baseUrl } = upstream;
    await upstream.close();
    const running = start(ollama({ baseUrl }));
    await running.ready;
    expect(ids()).toEqual([]);
    expect(clock.due).toContain(60_000);
    upstream = await startUpstream();
  });

  it('trusts no number that is not finite and not negative', async () => {
    const absurd: readonly unknown[] = [
      '-1',
      '-0.000001',
      'NaN',
      'Infinity',
      '1e-6',
      '',
      null,
      -5,
      {},
      [1],
      true,
      '1;2',
    ];
    upstream.always(
      jsonAnswer(200, {
        data: [
          ...absurd.map((prompt, index) => listed(`absurd/${index}`, { pricing: { prompt, completion: '1' } })),
          listed('absurd/request', { pricing: { prompt: '0', completion: '0', request: '-3' } }),
          listed('sane/lengths', {
            context_length: -5,
            top_provider: { max_completion_tokens: 1e300 },
            created: 'now',
          }),
          { id: 7 },
          { id: 'with blank' },
          null,
          'text',
        ],
      }),
    );
    const running = start(router());
    await running.ready;
    const found = running.models().slice(1);
    expect(found.map(({ id }) => id)).toEqual([
      ...absurd.map((_, index) => `absurd/${index}`),
      'absurd/request',
      'sane/lengths',
    ]);
    const priced = found.filter(({ pricing }) => pricing['prompt'] !== '-1');
    expect(priced).toMatchObject([
      { id: 'sane/lengths', context_length: null, created: 0, top_provider: { max_completion_tokens: null } },
    ]);
    expect((await post(running, { model: 'absurd/0' })).status).toBe(404);
  });

  it('ends with the gateway', async () => {
    upstream.always(silence());
    const running = start(router());
    await upstream.request(0);
    await running.close();
    await running.ready;
    expect(clock.pending).toBe(0);
  });
});
