import {
  createGateway,
  defineProvider,
  type FunctionProvider,
  type Gateway,
  type GatewayOptions,
  openaiCompatible,
  type Provider,
} from '@gatehouse/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { gate } from '../tools/gate.js';
import { type ManualClock, manualClock } from '../tools/manual-clock.js';
import {
  chunk,
  completion,
  eventStream,
  failure,
  jsonAnswer,
  sse,
  sseEvent,
  textChunks,
  textStream,
} from '../tools/openai-answers.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { KEY, post, readStream, streamOf } from '../tools/stream-of.js';
import { end, head, hold, raw, type Script, silence, write } from '../tools/upstream-steps.js';

let upstream: ScriptedUpstream;
let second: ScriptedUpstream;
let clock: ManualClock;
const gateways: Gateway[] = [];
beforeEach(async () => {
  upstream = await startUpstream();
  second = await startUpstream();
  clock = manualClock();
});
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
  await upstream.close();
  await second.close();
});

function gatewayWith(options: Partial<GatewayOptions> = {}): Gateway {
  const gateway = createGateway({
    providers: [
      openaiCompatible({
        slug: 'acme',
        name: 'Acme',
        baseUrl: upstream.baseUrl,
        models: ['acme/small', 'shared/one'],
        pricing: 'free',
      }),
      openaiCompatible({
        slug: 'other',
        name: 'Other',
        baseUrl: second.baseUrl,
        models: ['shared/one', 'other/large'],
        pricing: 'free',
      }),
    ],
    auth: { keys: [KEY] },
    clock,
    // Nothing is left to chance: the first in the alphabet is asked first, and again at once.
    random: (count) => new Uint8Array(count),
    ...options,
  });
  gateways.push(gateway);
  return gateway;
}

const events = (...chunks: readonly object[]): Script => chunks.map((one) => write(sseEvent(JSON.stringify(one))));
const start: Script = [head(200, eventStream), events(...textChunks(['one ', 'two ']).slice(0, 3))];

/** Lets everything that is on its way through sockets arrive. */
async function arrived(check: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(check()).toBe(true), { timeout: 5000, interval: 2 });
}

/** Moves time on in steps once the gateway waits, until an answer is there. */
async function timeUntil<T>(
  answer: Promise<T>,
  stepMs: number,
): Promise<{ readonly answer: T; readonly waitedMs: number }> {
  const began = clock.now();
  let settled = false;
  void answer.finally(() => {
    settled = true;
  });
  await arrived(() => upstream.requests.length > 0 || settled);
  for (let steps = 0; steps < 400 && !settled; steps += 1) {
    await new Promise((resolve) => setTimeout(resolve, 3));
    if (!settled) clock.advance(stepMs);
  }
  return { answer: await answer, waitedMs: clock.now() - began };
}

describe('deadlines', () => {
  it('an upstream that never answers is 504 at the header deadline', async () => {
    upstream.always(silence());
    const { answer, waitedMs } = await timeUntil(streamOf(gatewayWith({ stream: { keepAliveMs: 60_000 } })), 5000);
    expect(answer.status).toBe(504);
    expect(answer.text).toContain('"timeout"');
    expect(waitedMs).toBe(30_000);
  });

  it('headers without content: keep-alives, then an in-band error at the deadline', async () => {
    upstream.always(head(200, eventStream), events(chunk({ role: 'assistant', content: '' })), silence());
    const { answer, waitedMs } = await timeUntil(streamOf(gatewayWith()), 5000);
    expect([answer.status, answer.finishes, answer.content]).toEqual([200, ['error'], '']);
    expect(answer.text.match(/: OPENROUTER PROCESSING\n\n/g)?.length).toBeGreaterThanOrEqual(10);
    expect(waitedMs).toBe(120_000);
  });

  it('silence in mid-stream ends in an error; comments do not count as life', async () => {
    const quiet = gate();
    upstream.always(start, hold(quiet), write(': still here\n\n'), silence());
    const response = await post(gatewayWith(), { stream: true });
    let text = '';
    for await (const piece of response.body ?? []) {
      text += Buffer.from(piece).toString('utf8');
      if (!text.includes('two ') || quiet.isOpen) continue;
      quiet.open();
      // Once more to the event loop, so that the gateway waits for the next event.
      setImmediate(() => clock.advance(20_000));
      setTimeout(() => clock.advance(10_000), 20);
    }
    const stream = readStream(response.status, text);
    expect([stream.finishes, stream.errors[0]?.code, stream.content]).toEqual([['error'], 'timeout', 'one two ']);
  });

  it('the total time ends whatever still runs', async () => {
    upstream.always(start, silence());
    const { answer, waitedMs } = await timeUntil(
      streamOf(gatewayWith({ timeouts: { totalMs: 50_000, idleMs: 1e9, progressMs: 1e9 } })),
      5000,
    );
    expect([answer.finishes, answer.errors[0]?.code, waitedMs]).toEqual([['error'], 'timeout', 50_000]);
  });

  it('a whole answer that does not come is 504 at the total time', async () => {
    upstream.always(silence());
    const { answer } = await timeUntil(post(gatewayWith({ timeouts: { totalMs: 5000 } }), {}), 1000);
    expect(answer.status).toBe(504);
  });
});

describe('the end of a stream', () => {
  it('T-S03 comes at once without [DONE], when finish and usage are there and the connection stays open', async () => {
    upstream.always(head(200, eventStream), events(...textChunks(['Hello'])), silence());
    const stream = await streamOf(gatewayWith());
    expect([stream.content, stream.finishes, stream.done]).toEqual(['Hello', ['stop'], true]);
    expect(stream.chunks.at(-1)?.usage?.total_tokens).toBe(12);
  });

  it('comes at the end of the connection after the finish', async () => {
    upstream.always(head(200, eventStream), events(...textChunks(['Hello']).slice(0, 3)), end());
    const stream = await streamOf(gatewayWith());
    expect([stream.finishes, stream.chunks.at(-1)?.usage?.estimated]).toEqual([['stop'], true]);
  });

  it('T-C12 comes after the grace, when a finish is followed by silence', async () => {
    upstream.always(head(200, eventStream), events(...textChunks(['Hello']).slice(0, 3)), silence());
    const asked = upstream.requests.length;
    const answer = streamOf(gatewayWith());
    await arrived(() => upstream.requests.length > asked && clock.due.includes(2000));
    clock.advance(2000);
    const { finishes, errors, done } = await answer;
    expect([finishes, errors, done]).toEqual([['stop'], [], true]);
  });

  it('has finish reason, cost and usage on the last chunk, or on one of its own if so configured', async () => {
    upstream.always(textStream('Hello'));
    const merged = await streamOf(gatewayWith());
    expect(merged.chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }], usage: { cost: 0 } });
    const separate = await streamOf(gatewayWith({ stream: { usageChunk: 'separate' } }));
    expect(separate.chunks.at(-2)?.usage).toBeUndefined();
    expect(separate.chunks.at(-1)).toMatchObject({
      choices: [{ delta: {}, finish_reason: 'stop' }],
      usage: { cost: 0 },
    });
  });
});

describe('garbage', () => {
  it('one broken event is passed over', async () => {
    const [role, text, finish, usage] = textChunks(['Hello']);
    upstream.always(
      head(200, eventStream),
      events(role ?? {}, text ?? {}),
      write('data: {"broken\n\n'),
      events(finish ?? {}, usage ?? {}),
      write('data: [DONE]\n\n'),
      end(),
    );
    const stream = await streamOf(gatewayWith());
    expect([stream.content, stream.finishes]).toEqual(['Hello', ['stop']]);
  });

  it('many broken events end the stream with an error', async () => {
    upstream.always(start, write(...Array.from({ length: 4 }, () => 'data: nonsense\n\n')), silence());
    const stream = await streamOf(gatewayWith());
    expect([stream.finishes, stream.errors[0]?.code]).toEqual([['error'], 'provider_error']);
  });

  it('T-S05 an event over the cap ends the stream with an error', async () => {
    upstream.always(start, write(`data: "${'x'.repeat(200_000)}`), silence());
    const stream = await streamOf(gatewayWith({ limits: { eventBytes: 100_000 } }));
    expect([stream.finishes, stream.errors[0]?.code]).toEqual([['error'], 'provider_error']);
  });

  it('bytes that are no HTTP are 502', async () => {
    upstream.always(raw('NONSENSE\r\n\r\n'));
    expect((await streamOf(gatewayWith())).status).toBe(502);
  });

  it('T-S09 a page of HTML instead of a stream is 502, and nothing of it is shown', async () => {
    upstream.always(jsonAnswer(200, '<h1>secret intranet</h1>', { 'content-type': 'text/html' }));
    const stream = await streamOf(gatewayWith());
    expect(stream.status).toBe(502);
    expect(stream.text).not.toContain('secret intranet');
  });

  it('an encoded answer that nobody asked for is 502', async () => {
    upstream.always(jsonAnswer(200, '{}', { 'content-encoding': 'gzip' }));
    expect((await post(gatewayWith(), {})).status).toBe(502);
  });
});

describe('other ways to answer', () => {
  it('newline-delimited JSON carries the same chunks, a line each, without comments and end mark', async () => {
    upstream.always(textStream('Hel', 'lo'));
    const gateway = gatewayWith();
    const sent = { stream: true };
    const response = await post(gateway, sent, { accept: 'application/x-ndjson' });
    expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    const lines = (await response.text()).trimEnd().split('\n');
    const chunks = lines.map((line) => JSON.parse(line) as { choices: unknown; usage?: unknown });
    const events = (await streamOf(gateway)).chunks;
    expect(chunks.map(({ choices, usage }) => ({ choices, usage }))).toEqual(
      events.map(({ choices, usage }) => ({ choices, usage })),
    );
  });

  it('event ids count from 0 and are not on [DONE]', async () => {
    upstream.always(textStream('Hello'));
    const response = await post(gatewayWith(), { stream: true }, { 'x-sse-event-ids': 'true' });
    const text = await response.text();
    const id = response.headers.get('x-generation-id');
    expect([...text.matchAll(/^id: (.*)$/gm)].map((match) => match[1])).toEqual([`${id}:0`, `${id}:1`, `${id}:2`]);
    expect(text).toMatch(/\n\ndata: \[DONE\]\n\n$/);
  });

  it('T-S09 an upstream that cannot stream is relayed as a stream all the same', async () => {
    upstream.always(completion('Whole'));
    const stream = await streamOf(gatewayWith());
    expect([stream.content, stream.finishes, stream.chunks.at(-1)?.usage?.total_tokens]).toEqual([
      'Whole',
      ['stop'],
      12,
    ]);
  });

  it('a function that only streams gives a whole answer too', async () => {
    const provider = defineProvider({
      slug: 'fn',
      name: 'Function',
      models: ['fn/one'],
      async *generate() {
        yield 'a';
        yield { reasoning: 'thinking', content: 'b' };
        yield { tool_calls: [{ index: 0, id: 'call_1', function: { name: 'f', arguments: '{}' } }] };
        yield { usage: { prompt_tokens: 3, completion_tokens: 2 } };
      },
    });
    const response = await post(gatewayWith({ providers: [provider] }), { model: 'fn/one' });
    expect(await response.json()).toMatchObject({
      provider: 'Function',
      choices: [
        {
          finish_reason: 'tool_calls',
          message: { content: 'ab', reasoning: 'thinking', tool_calls: [{ id: 'call_1' }] },
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 2 },
    });
  });
});

describe('without HTTP', () => {
  const messages = [{ role: 'user' as const, content: 'a' }];
  /** A provider that is a function; it may move time on while it thinks. */
  const functionAs = (slug: string, generate: FunctionProvider['generate']): Provider =>
    defineProvider({ slug, name: slug, models: ['fn/one'], generate });

  it('cancel ends the iteration and the upstream', async () => {
    upstream.always(start, silence());
    const stream = await gatewayWith().chat({ model: 'acme/small', messages, stream: true });
    let content = '';
    for await (const { choices } of stream) {
      content += choices[0]?.delta.content ?? '';
      if (content === 'one two ') setImmediate(() => stream.cancel());
    }
    expect(content).toBe('one two ');
    await upstream.idle();
  });

  it('cancel ends the iteration and the function', async () => {
    const signals: AbortSignal[] = [];
    const provider = functionAs('fn', async function* (_request, { signal }) {
      signals.push(signal);
      yield 'one ';
      await new Promise(() => undefined);
    });
    const gateway = gatewayWith({ providers: [provider] });
    const stream = await gateway.chat({ model: 'fn/one', messages, stream: true });
    let content = '';
    for await (const { choices } of stream) {
      content += choices[0]?.delta.content ?? '';
      if (content !== '') setImmediate(() => stream.cancel());
    }
    expect([content, gateway.health()[0]]).toMatchObject(['one ', { running: 0, state: 'closed' }]);
    const response = await post(gateway, { model: 'fn/one', stream: true });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it('an answer that reasons for minutes is whole, also where the reasoning is not shown', async () => {
    const provider = functionAs('fn', async function* () {
      for (let step = 0; step < 20; step += 1) {
        clock.advance(20_000);
        yield { reasoning: 'thinking ' };
      }
      yield 'answer';
    });
    const gateway = gatewayWith({ providers: [provider] });
    const reasoning = { enabled: true, exclude: true };
    const deltas: unknown[] = [];
    for await (const { choices } of await gateway.chat({ model: 'fn/one', messages, stream: true, reasoning })) {
      deltas.push(choices[0]?.delta);
    }
    expect(deltas).toEqual([{ role: 'assistant', content: '' }, { content: 'answer' }, {}]);
    expect(gateway.health()).toMatchObject([{ lastFailureAt: 0 }]);
  });

  it('silence after reasoning that is not shown is passed over without a trace', async () => {
    const silent = functionAs('a', async function* () {
      yield { reasoning: 'thinking ' };
      clock.advance(30_000);
      await new Promise(() => undefined);
    });
    const well = functionAs('b', async function* () {
      yield 'answer';
    });
    const gateway = gatewayWith({ providers: [silent, well] });
    const reasoning = { enabled: true, exclude: true };
    const stream = await gateway.chat({ model: 'fn/one', messages, stream: true, reasoning });
    expect(stream.provider).toBe('b');
    stream.cancel();
  });

  it('a client that takes its time is not the fault of the upstream', async () => {
    const provider = functionAs('fn', async function* () {
      yield 'one ';
      yield 'two ';
      clock.advance(20_000);
      yield 'three';
    });
    const gateway = gatewayWith({ providers: [provider] });
    let content = '';
    for await (const { choices } of await gateway.chat({ model: 'fn/one', messages, stream: true })) {
      content += choices[0]?.delta.content ?? '';
      if (content.endsWith('two ')) clock.advance(200_000);
    }
    expect(content).toBe('one two three');
    expect(gateway.health()).toMatchObject([{ lastFailureAt: 0 }]);
  });
});

describe('before the first content', () => {
  it('a provider that fails is passed over without a trace', async () => {
    upstream.always(failure(503, { error: { message: 'busy' } }));
    second.always(textStream('Hello'));
    const stream = await streamOf(gatewayWith(), { model: 'shared/one' });
    expect([stream.status, stream.content, stream.chunks[0]?.provider]).toEqual([200, 'Hello', 'Other']);
  });

  it('T-S08 T-O61 a 200 that turns into an error before content is passed over too', async () => {
    upstream.always(head(200, eventStream), write(sseEvent('{"error":{"code":529,"message":"overloaded"}}')), end());
    second.always(textStream('Hello'));
    expect((await streamOf(gatewayWith(), { model: 'shared/one' })).content).toBe('Hello');
  });

  it('a request that cannot succeed is not sent again to the same model', async () => {
    upstream.always(failure(400, { error: { message: 'bad' } }));
    second.always(textStream('Hello'));
    const refused = await streamOf(gatewayWith(), { model: 'shared/one' });
    expect([refused.status, second.requests.length]).toEqual([400, 0]);
    const moved = await streamOf(gatewayWith(), { model: 'shared/one', models: ['other/large'] });
    expect([moved.status, moved.chunks[0]?.model]).toEqual([200, 'other/large']);
  });

  it('preferences are kept: only, ignore, order', async () => {
    upstream.always(textStream('from acme'));
    second.always(textStream('from other'));
    const gateway = gatewayWith();
    const from = async (provider: unknown): Promise<string> =>
      (await streamOf(gateway, { model: 'shared/one', provider })).content;
    expect(await from({ only: ['other'] })).toBe('from other');
    expect(await from({ ignore: ['Acme'] })).toBe('from other');
    expect(await from('other')).toBe('from other');
    expect(await from({ order: ['OTHER', 'acme'] })).toBe('from other');
    expect((await streamOf(gateway, { model: 'shared/one', provider: { only: ['nobody'] } })).status).toBe(404);
  });

  it('all failed: the last failure decides, earlier ones are listed, upstream words stay out', async () => {
    upstream.always(failure(500, { error: { message: 'secret stack' } }));
    second.always(failure(429, { error: { message: 'slow down' } }, { 'retry-after': '7' }));
    const response = await post(gatewayWith(), { model: 'shared/one' });
    const text = await response.text();
    expect([response.status, response.headers.get('retry-after'), response.headers.get('x-should-retry')]).toEqual([
      429,
      '7',
      'true',
    ]);
    expect(JSON.parse(text)).toMatchObject({
      error: {
        metadata: {
          provider_name: 'Other',
          previous_errors: [{ provider: 'Acme', code: 'provider_error', status: 500 }],
        },
      },
    });
    expect(text).not.toContain('secret stack');
  });
});

describe('closing', () => {
  it('drain lets a stream finish, refuses new requests, and ends what is left at the deadline', async () => {
    const gateway = gatewayWith();
    const first = gate();
    upstream.next(
      head(200, eventStream),
      events(...textChunks(['Hello']).slice(0, 2)),
      hold(first),
      events(...textChunks(['Hello']).slice(2)),
      write(sse([]).slice(0)),
      end(),
    );
    upstream.next(start, silence());
    const finishing = streamOf(gateway);
    await first.reached;
    const hanging = streamOf(gateway);
    await arrived(() => upstream.requests.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const drained = gateway.drain({ timeoutMs: 1000 });
    const refused = await post(gateway, {});
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    first.open();
    expect((await finishing).finishes).toEqual(['stop']);
    clock.advance(1000);
    const ended = await hanging;
    expect([ended.finishes, ended.errors[0]?.code]).toEqual([['error'], 'service_unavailable']);
    await drained;
    expect(readStream(200, ended.text).done).toBe(true);
  });
});
