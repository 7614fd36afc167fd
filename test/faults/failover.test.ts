import { createGateway, type Gateway, openaiCompatible } from '@gatehouse/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chunk, eventStream, failure, sseEvent, textChunks } from '../tools/openai-answers.js';
import { type ScaledClock, scaledClock } from '../tools/scaled-clock.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { KEY, post, type ReadStream, readStream } from '../tools/stream-of.js';
import { end, head, reset, type Script, silence, write } from '../tools/upstream-steps.js';

/** A second of these scenarios takes a fortieth of one. */
const FACTOR = 40;
const PRIMARY = 'first/primary';
const FALLBACK = 'second/fallback';
const WORDS = Array.from({ length: 60 }, (_, index) => `word${index} `);
const WHOLE = WORDS.join('');

let primary: ScriptedUpstream;
let fallback: ScriptedUpstream;
let clock: ScaledClock;
const gateways: Gateway[] = [];
beforeEach(async () => {
  primary = await startUpstream();
  fallback = await startUpstream();
  clock = scaledClock(FACTOR);
  fallback.always(answer());
});
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
  await primary.close();
  await fallback.close();
});

function gatewayWith(buffer: boolean): Gateway {
  const gateway = createGateway({
    providers: [
      openaiCompatible({
        slug: 'first',
        name: 'First',
        baseUrl: primary.baseUrl,
        models: [{ id: PRIMARY, contextLength: 8000, pricing: { prompt: '0.000001', completion: '0.000001' } }],
      }),
      openaiCompatible({
        slug: 'second',
        name: 'Second',
        baseUrl: fallback.baseUrl,
        models: [{ id: FALLBACK, contextLength: 32_000, pricing: { prompt: '0.000002', completion: '0.000002' } }],
      }),
    ],
    auth: { keys: [KEY] },
    clock,
    streamRecovery: buffer ? 'buffer' : 'none',
  });
  gateways.push(gateway);
  return gateway;
}

const event = (one: object): string => sseEvent(JSON.stringify(one));
const usage = { prompt_tokens: 10, completion_tokens: 60, total_tokens: 70 };
const begun: Script = [head(200, eventStream), write(event(chunk({ role: 'assistant', content: '' })))];
const words = (count: number): Script => WORDS.slice(0, count).map((content) => write(event(chunk({ content }))));
function answer(): Script {
  return [head(200, eventStream), write(...textChunks(WORDS, usage).map(event), sseEvent('[DONE]')), end()];
}
const rest = (from: number): Script => [
  ...WORDS.slice(from).map((content) => write(event(chunk({ content })))),
  write(event(chunk({}, 'stop')), event({ choices: [], usage }), sseEvent('[DONE]')),
  end(),
];

interface Seen extends ReadStream {
  /** Milliseconds of the scenario. */
  readonly tookMs: number;
  readonly model: string | undefined;
  readonly cost: number | undefined;
}

async function ask(gateway: Gateway, models: readonly string[] = [FALLBACK]): Promise<Seen> {
  const began = clock.now();
  const response = await post(gateway, { model: PRIMARY, models, stream: true });
  const read = readStream(response.status, await response.text());
  return {
    ...read,
    tookMs: clock.now() - began,
    model: read.chunks.at(-1)?.model,
    cost: read.chunks.at(-1)?.usage?.cost,
  };
}

/** A complete answer, in good order. */
function expectWhole(seen: Seen, model: string): void {
  expect({
    status: seen.status,
    content: seen.content,
    finishes: seen.finishes,
    done: seen.done,
    model: seen.model,
  }).toEqual({
    status: 200,
    content: WHOLE,
    finishes: ['stop'],
    done: true,
    model,
  });
  // 70 tokens at one or two millionths; whatever failed before is charged with nothing.
  expect(seen.cost).toBe(model === PRIMARY ? 0.00007 : 0.00014);
}

/** A bounded, clean end that says it is none. */
function expectSafe(seen: Seen): void {
  expect({ errors: seen.errors.length, finishes: seen.finishes, done: seen.done, model: seen.model }).toEqual({
    errors: 1,
    finishes: ['error'],
    done: true,
    model: PRIMARY,
  });
  expect(WHOLE.startsWith(seen.content)).toBe(true);
  expect(seen.cost).toBe(0);
}

/** After each scenario everything is well again. */
async function expectWell(gateway: Gateway): Promise<void> {
  primary.always(answer());
  const seen = await ask(gateway);
  expect(seen.status).toBe(200);
  expect(seen.content).toBe(WHOLE);
}

for (const buffer of [false, true]) {
  describe(`sixteen ways to fail, ${buffer ? 'with answers held back' : 'by default'}`, () => {
    it('S01 a rate limit with a hint: waits, and asks the same endpoint once more', async () => {
      primary.next(failure(429, { error: { message: 'slow' } }, { 'retry-after': '2' }));
      primary.always(answer());
      const gateway = gatewayWith(buffer);
      const seen = await ask(gateway);
      expectWhole(seen, PRIMARY);
      expect(seen.tookMs).toBeGreaterThanOrEqual(1800);
      expect(primary.requests).toHaveLength(2);
      await expectWell(gateway);
    });

    it('S02 a rate limit for ever: no hammering, the fallback answers', async () => {
      primary.always(failure(429, { error: { message: 'slow' } }));
      const gateway = gatewayWith(buffer);
      expectWhole(await ask(gateway), FALLBACK);
      expectWhole(await ask(gateway), FALLBACK);
      expect(primary.requests.length).toBeLessThanOrEqual(4);
      await expectWell(gateway);
    });

    it('S03 one 500: one more try', async () => {
      primary.next(failure(500, { error: { message: 'oops' } }));
      primary.always(answer());
      const gateway = gatewayWith(buffer);
      expectWhole(await ask(gateway), PRIMARY);
      expect(primary.requests).toHaveLength(2);
    });

    it('S04 503 for ever: one more try, then the fallback; alone the 503 itself', async () => {
      primary.always(failure(503, { error: { message: 'busy' } }));
      expectWhole(await ask(gatewayWith(buffer)), FALLBACK);
      expect(primary.requests).toHaveLength(2);
      const alone = await ask(gatewayWith(buffer), []);
      expect(alone.status).toBe(503);
      expect(primary.requests).toHaveLength(4);
    });

    it('S05 a reset before the headers: one more try', async () => {
      primary.next(reset());
      primary.always(answer());
      expectWhole(await ask(gatewayWith(buffer)), PRIMARY);
    });

    it('S06 silence: leaves at the soft limit and never asks again', async () => {
      primary.always(silence());
      const gateway = gatewayWith(buffer);
      const seen = await ask(gateway);
      expectWhole(seen, FALLBACK);
      expect(seen.tookMs).toBeGreaterThan(11_000);
      expect(seen.tookMs).toBeLessThan(20_000);
      expect(primary.requests).toHaveLength(1);
      await expectWell(gateway);
    });

    it('S07 headers and then nothing for 20 s: leaves at the soft limit; alone it waits', async () => {
      primary.always(begun, clock.wait(20_000), rest(0));
      const seen = await ask(gatewayWith(buffer));
      expectWhole(seen, FALLBACK);
      expect(seen.tookMs).toBeLessThan(16_000);
      const alone = await ask(gatewayWith(buffer), []);
      expectWhole(alone, PRIMARY);
      expect(alone.tookMs).toBeGreaterThan(19_000);
    });

    it('S08 death in the middle', async () => {
      primary.always(begun, words(40), reset());
      const gateway = gatewayWith(buffer);
      const seen = await ask(gateway);
      if (buffer) expectWhole(seen, FALLBACK);
      else expectSafe(seen);
      await expectWell(gateway);
    });

    it('S09 silence in the middle', async () => {
      primary.always(begun, words(20), silence());
      const gateway = gatewayWith(buffer);
      const seen = await ask(gateway);
      if (buffer) expectWhole(seen, FALLBACK);
      else expectSafe(seen);
      expect(seen.tookMs).toBeLessThan(45_000);
      await expectWell(gateway);
    });

    it('S10 one broken event in the middle: the answer is complete', async () => {
      primary.always(begun, words(30), write('data: {"choices":[{"index":0,"del\n\n'), rest(30));
      expectWhole(await ask(gatewayWith(buffer)), PRIMARY);
    });

    it('S11 no [DONE]: ends at once, with usage', async () => {
      primary.always(head(200, eventStream), write(...textChunks(WORDS, usage).map(event)), silence());
      const seen = await ask(gatewayWith(buffer));
      expectWhole(seen, PRIMARY);
      expect(seen.tookMs).toBeLessThan(8000);
    });

    it('S12 a prompt that is too long: once, then a model with more room, or the 400', async () => {
      const long = { error: { message: 'too long', code: 'context_length_exceeded' } };
      primary.always(failure(400, long));
      expectWhole(await ask(gatewayWith(buffer)), FALLBACK);
      expect(primary.requests).toHaveLength(1);
      const alone = await ask(gatewayWith(buffer), []);
      expect(alone.status).toBe(400);
      expect(alone.text).toContain('context_length_exceeded');
      expect(primary.requests).toHaveLength(2);
    });

    it('S13 a refusal of the content: once, no fallback, and the reason', async () => {
      primary.always(failure(400, { error: { message: 'because of violence', code: 'content_policy_violation' } }));
      const seen = await ask(gatewayWith(buffer));
      expect(seen.status).toBe(403);
      expect(seen.text).toContain('because of violence');
      expect([primary.requests.length, fallback.requests.length]).toEqual([1, 0]);
    });

    it('S14 death in the middle, and a fallback that takes no prefill: none is sent, the cut is the cause', async () => {
      primary.always(begun, words(40), reset());
      fallback.respond((request) => {
        const { messages } = request.json() as { readonly messages: readonly { readonly role: string }[] };
        return messages.at(-1)?.role === 'assistant' ? failure(400, { error: { message: 'no prefill' } }) : answer();
      });
      const seen = await ask(gatewayWith(buffer));
      if (buffer) expectWhole(seen, FALLBACK);
      else {
        expectSafe(seen);
        expect(seen.errors[0]?.code).toMatch(/^provider_/);
      }
    });

    it('S15 503 for a minute: every request is answered, probes are single, and the primary serves again soon', async () => {
      const gateway = gatewayWith(buffer);
      const began = clock.now();
      let refusals = 0;
      let healthyAt = 0;
      primary.respond(() => {
        if (clock.now() - began >= 60_000) return answer();
        refusals += 1;
        return failure(503, { error: { message: 'busy' } });
      });
      for (let request = 0; request < 24; request += 1) {
        const seen = await ask(gateway);
        expectWhole(seen, seen.model ?? '');
        if (seen.model === PRIMARY && healthyAt === 0) healthyAt = clock.now() - began;
        await clock.sleep(4000 - seen.tookMs);
      }
      // Two open the circuit; then it is asked after 5, 10 and every 20 seconds.
      expect(refusals).toBeGreaterThanOrEqual(4);
      expect(refusals).toBeLessThanOrEqual(7);
      expect(healthyAt).toBeGreaterThan(60_000);
      expect(healthyAt).toBeLessThan(90_000);
    });

    it('S16 503 for ever: model and usage are those of the fallback', async () => {
      primary.always(failure(503, { error: { message: 'busy' } }));
      const seen = await ask(gatewayWith(buffer));
      expectWhole(seen, FALLBACK);
      expect(seen.chunks.every(({ model, provider }) => model === FALLBACK && provider === 'Second')).toBe(true);
    });
  });
}
