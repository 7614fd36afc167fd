import { gzipSync } from 'node:zlib';
import { type Clock, createGateway, type Gateway, openaiCompatible } from '@gatehouse/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chunk, completion, eventStream, failure, jsonAnswer, sseEvent, textChunks } from '../tools/openai-answers.js';
import { type ScaledClock, scaledClock } from '../tools/scaled-clock.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { KEY, post, readStream } from '../tools/stream-of.js';
import { cut, end, head, raw, reset, type Script, silence, write } from '../tools/upstream-steps.js';

const FACTOR = 400;
const LOAD_FACTOR = 10;
const MODEL = 'shared/model';
const OTHER = 'good/other';
const WORDS = Array.from({ length: 20 }, (_, index) => `word${index} `);
const WHOLE = WORDS.join('');

let clock: ScaledClock;
let bad: ScriptedUpstream;
let good: ScriptedUpstream;
const gateways: Gateway[] = [];
beforeAll(async () => {
  clock = scaledClock(FACTOR);
  bad = await startUpstream();
  good = await startUpstream();
});
afterEach(() => Promise.all(gateways.splice(0).map((gateway) => gateway.close())));
afterAll(async () => {
  await bad.close();
  await good.close();
});

function gatewayWith(badUrl = bad.baseUrl, goodUrl = good.baseUrl, time: Clock = clock): Gateway {
  const provider = (slug: string, baseUrl: string, models: readonly string[]) =>
    openaiCompatible({ slug, baseUrl, models: [...models], pricing: 'free' });
  const gateway = createGateway({
    providers: [
      provider('bad-one', badUrl, [MODEL]),
      provider('bad-two', badUrl, [MODEL]),
      provider('good', goodUrl, [MODEL, OTHER]),
    ],
    auth: { keys: [KEY] },
    clock: time,
    limits: { eventBytes: 65_536, answerBytes: 65_536 },
    // So that a slow start of the test does not commit an answer before its time, on a clock that is this fast.
    stream: { keepAliveMs: 200_000 },
  });
  gateways.push(gateway);
  return gateway;
}

/** Two endpoints that fail in the same way, then one that is well; and another model, for what no endpoint can help. */
const request = { model: MODEL, models: [OTHER], provider: { order: ['bad-one', 'bad-two', 'good'] } };
const event = (one: object): string => sseEvent(JSON.stringify(one));
const content = (count: number): Script => [
  head(200, eventStream),
  write(event(chunk({ role: 'assistant', content: '' }))),
  ...WORDS.slice(0, count).map((word) => write(event(chunk({ content: word })))),
];
const answer = (stream: boolean): Script =>
  stream
    ? [head(200, eventStream), write(...textChunks(WORDS).map(event), sseEvent('[DONE]')), end()]
    : completion(WHOLE);
const refused = (status: number, headers: Readonly<Record<string, string>> = {}): Script =>
  failure(status, { error: { message: 'secret of the upstream' } }, headers);
const bomb = gzipSync(Buffer.alloc(1_000_000, 32));
const ERROR = { error: { message: 'secret of the upstream', code: 500 } };

/** What can go wrong instead of an answer. */
const instead: Readonly<Record<string, (stream: boolean) => Script>> = {
  reset: () => [reset()],
  'closed without a word': () => [cut()],
  blackhole: () => [silence()],
  'status 400': () => refused(400),
  'status 401': () => refused(401),
  'status 402': () => refused(402),
  'status 403': () => refused(403),
  'status 404': () => refused(404),
  'status 408': () => refused(408),
  'status 413': () => refused(413),
  'status 422': () => refused(422),
  'status 429': () => refused(429),
  'status 429 with a hint': () => refused(429, { 'retry-after': '1' }),
  'status 500': () => refused(500),
  'status 502': () => refused(502),
  'status 503': () => refused(503),
  'status 504': () => refused(504),
  'status 529': () => refused(529),
  'slow headers': (stream) => [clock.wait(400_000), answer(stream)],
  'slow first token': () => [
    head(200, eventStream),
    clock.wait(400_000),
    write(event(chunk({ content: 'late' }))),
    end(),
  ],
  'no HTTP at all': () => [raw('garbage\r\n\r\n')],
  redirect: () => refused(302, { location: 'http://127.0.0.1:1/elsewhere' }),
  'a page of HTML': () => jsonAnswer(200, '<h1>secret of the upstream</h1>', { 'content-type': 'text/html' }),
  'an empty body': () => jsonAnswer(200, ''),
  'broken JSON': (stream) =>
    stream ? [head(200, eventStream), write('data: {"a\n\n'.repeat(5)), end()] : jsonAnswer(200, '{"choices":[{'),
  'an error under 200': (stream) =>
    stream ? [head(200, eventStream), write(event(ERROR)), end()] : jsonAnswer(200, ERROR),
  'no choices': (stream) =>
    stream ? [head(200, eventStream), write(sseEvent('[DONE]')), end()] : jsonAnswer(200, { choices: [] }),
  'too large': (stream) =>
    stream
      ? [head(200, eventStream), write(event(chunk({ content: 'x'.repeat(100_000) }))), end()]
      : jsonAnswer(200, { choices: [{ message: { content: 'x'.repeat(100_000) } }] }),
  'a bomb of gzip': (stream) => [
    head(200, { 'content-type': stream ? 'text/event-stream' : 'application/json', 'content-encoding': 'gzip' }),
    write(bomb),
    end(),
  ],
};

/** What can go wrong in the middle of a stream. */
const inside: Readonly<Record<string, Script>> = {
  reset: [reset()],
  'closed early': [cut()],
  'ended early': [end()],
  'an error event': [write(event(ERROR)), end()],
  'events that are no JSON': [write('data: {"a\n\n'.repeat(5)), end()],
  'an event that is too large': [write(event(chunk({ content: 'x'.repeat(100_000) }))), end()],
  silence: [silence()],
  'a word for the error': [write(event(chunk({}, 'error'))), end()],
};

describe('a fault before the first content, at two of three endpoints', () => {
  for (const stream of [false, true]) {
    for (const [name, script] of Object.entries(instead)) {
      if (name === 'slow first token' && !stream) continue;
      it(`${name}: the third answers (streamed: ${stream})`, async () => {
        bad.always(script(stream));
        good.respond((asked) => answer((asked.json() as { stream?: boolean }).stream === true));
        const response = await post(gatewayWith(), { ...request, stream });
        const text = await response.text();
        expect(response.status).toBe(200);
        expect(text).not.toContain('secret of the upstream');
        const answered = stream
          ? readStream(200, text).content
          : (JSON.parse(text) as { choices: [{ message: { content: string } }] }).choices[0].message.content;
        expect(answered).toBe(WHOLE);
      });
    }

    it(`a refused connection: the third answers (streamed: ${stream})`, async () => {
      const closed = await startUpstream();
      const { baseUrl } = closed;
      await closed.close();
      good.always(answer(stream));
      const response = await post(gatewayWith(baseUrl), { ...request, stream });
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('word19');
    });
  }
});

describe('a fault after content', () => {
  for (const position of [1, 10]) {
    for (const [name, script] of Object.entries(inside)) {
      it(`${name}, after ${position}: an error in the stream, and a proper end`, async () => {
        bad.always(content(position), script);
        good.always(answer(true));
        const response = await post(gatewayWith(), { ...request, stream: true });
        const seen = readStream(response.status, await response.text());
        expect({ status: seen.status, errors: seen.errors.length, finishes: seen.finishes, done: seen.done }).toEqual({
          status: 200,
          errors: 1,
          finishes: ['error'],
          done: true,
        });
        expect(seen.content).toBe(WORDS.slice(0, position).join(''));
        expect(seen.text).not.toContain('secret of the upstream');
      });
    }
  }
});

describe('everybody is down', () => {
  it('upstreams see at most 1.2 times the load that is offered', async () => {
    const before = bad.requests.length;
    bad.always(refused(503));
    // Slower than the others: a load is so many requests in a time, and is to stay one on a busy machine.
    const gateway = gatewayWith(bad.baseUrl, bad.baseUrl, scaledClock(LOAD_FACTOR));
    const offered = 400;
    let left = offered;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const response = await post(gateway, { model: MODEL, stream: left % 2 === 0 });
        expect(response.status).toBe(503);
        expect(response.headers.get('retry-after')).not.toBeNull();
        await response.text();
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(bad.requests.length - before).toBeGreaterThanOrEqual(offered);
    expect(bad.requests.length - before).toBeLessThanOrEqual(1.2 * offered);
  });
});
