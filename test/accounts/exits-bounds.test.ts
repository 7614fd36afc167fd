import { afterEach, describe, expect, it } from 'vitest';
import { gate } from '../tools/gate.js';
import { readStream } from '../tools/stream-of.js';
import { hold, offer, type Script, silence, write } from '../tools/upstream-steps.js';
import {
  answer,
  begun,
  counted,
  draining,
  MARKUP,
  PRICE,
  type Scene,
  scene,
  strike,
  TEXTS,
  USAGE,
} from './exit-scene.js';
import type { Voice } from './logged-upstream.js';
import { declared, expectedOf } from './oracle.js';
import { customFormat, geminiFormat, openAiFormat, wireFormats } from './wire-formats.js';

afterEach(strike);

const all = wireFormats.map((format) => ({ name: format.name, format }));
const opening = (voice: Voice): Script => [voice.begin(begun), voice.say(TEXTS.slice(0, 2), counted)];

/** Has a stream break after content, once the client has that content. */
async function breaks({ house, first, body }: Scene, fault: (voice: Voice) => Script): Promise<void> {
  const waits = gate();
  first.plays((voice) => [opening(voice), hold(waits), fault(voice)]);
  const stream = await house.stream(body);
  await stream.until('one and ');
  waits.open();
  const read = readStream(stream.status, await stream.ended);
  expect([read.finishes, read.errors.length, read.done]).toEqual([['error'], 1, true]);
  await house.agrees(stream.id, expectedOf(first.log, { delivered: true, markup: MARKUP }));
}

/** Has a client leave in the middle of a stream. */
async function leaves({ house, body }: Scene): Promise<string> {
  const stream = await house.stream(body);
  await stream.until('one and ');
  stream.hangUp();
  return stream.id;
}

describe('R-M18 what is no output', () => {
  it.each(all)('comments and events that are no JSON are not counted ($name)', async ({ format }) => {
    const { house, first, body } = await scene(format);
    const noise = write(': a comment of some length, which nobody pays for\n\n', 'data: {"broken": "and long, too\n\n');
    first.plays((voice) => [
      voice.begin(),
      noise,
      voice.say(TEXTS.slice(0, 2)),
      noise,
      voice.say(TEXTS.slice(2)),
      voice.finish(undefined),
    ]);
    const stream = await house.stream(body);
    await stream.ended;
    await house.agrees(stream.id, expectedOf(first.log, { markup: MARKUP }), { estimated: true });
  });

  it.each(all)('R-S25 too many of them: free, at the cost of what came ($name)', async ({ format }) => {
    await breaks(await scene(format), () => [write('data: {"broken\n\n'.repeat(5)), silence()]);
  });

  it.each(all)('R-S25 an event over the cap: free, at the cost of what came ($name)', async ({ format }) => {
    const set = await scene(format, { limits: { eventBytes: 65_536 } });
    await breaks(set, () => [write(format.frame(format.text('x'.repeat(100_000), undefined))), silence()]);
  });
});

describe('R-M23 what is counted where nobody reports', () => {
  it.each([true, false])('reasoning that the client did not want to see (streamed: %s)', async (streamed) => {
    const { house, first } = await scene(customFormat);
    const body = { model: customFormat.model, messages: [{ role: 'user', content: 'Think' }] };
    const thought = 'A long and winding thought. ';
    first.plays((voice) =>
      streamed
        ? [voice.begin(), voice.think(thought), voice.say(TEXTS), voice.finish(undefined)]
        : voice.wholeThought(thought, TEXTS.join('')),
    );
    const hidden = { ...body, reasoning: { exclude: true } };
    const stream = streamed ? await house.stream(hidden) : undefined;
    const response = stream === undefined ? await house.whole(hidden) : undefined;
    const text = stream === undefined ? response?.text : await stream.ended;
    expect(text).not.toContain('winding');
    const id = stream?.id ?? String(response?.headers['x-generation-id']);
    await house.agrees(id, expectedOf(first.log, { markup: MARKUP }), { estimated: true });
  });

  it('the text of a refusal', async () => {
    const { house, first, body } = await scene(openAiFormat);
    first.plays((voice) => [voice.begin(), voice.decline('I had rather not do that.'), voice.finish(undefined)]);
    const stream = await house.stream(body);
    expect(await stream.ended).toContain('rather');
    await house.agrees(stream.id, expectedOf(first.log, { markup: MARKUP }), { estimated: true });
  });
});

describe('R-S19 answers that are read for nobody have bounds', () => {
  it('no place is left: the answer is stopped, and flagged', async () => {
    const set = await scene(geminiFormat, { limits: { drains: { most: 0, timeoutMs: 60_000, bytes: 1e6 } } });
    const { house, first } = set;
    first.plays((voice) => [opening(voice), silence()]);
    const id = await leaves(set);
    await first.log[0]?.socket.closed;
    expect((await house.record(0)).details['unknown_cost']).toBe(true);
    await house.agrees(id, expectedOf(first.log, { left: true, delivered: true, markup: MARKUP }));
  });

  it('it is too long: what was read is charged, flagged, and the rest is stopped', async () => {
    const set = await scene(geminiFormat, { limits: { drains: { most: 64, timeoutMs: 60_000, bytes: 10 } } });
    const { house, first } = set;
    const waits = gate();
    first.plays((voice) => [opening(voice), hold(waits), voice.say(['twelve bytes']), silence()]);
    const id = await leaves(set);
    await draining(set);
    waits.open();
    await first.log[0]?.socket.closed;
    expect((await house.record(0)).details['unknown_cost']).toBe(true);
    await house.agrees(id, expectedOf(first.log, { left: true, delivered: true, markup: MARKUP }));
  });

  it('it breaks off: what was read is charged, and flagged', async () => {
    const set = await scene(geminiFormat);
    const { house, first } = set;
    const waits = gate();
    first.plays((voice) => [opening(voice), hold(waits), voice.truncate()]);
    const id = await leaves(set);
    await draining(set);
    waits.open();
    expect((await house.record(0)).details['unknown_cost']).toBe(true);
    await house.agrees(id, expectedOf(first.log, { left: true, delivered: true, markup: MARKUP }));
  });

  it('R-S04 a stream that is held back is read to its end as well', async () => {
    const set = await scene(geminiFormat, { streamRecovery: 'buffer' });
    const { house, first, body } = set;
    const waits = gate();
    first.plays((voice) => [opening(voice), hold(waits), voice.say(TEXTS.slice(2)), voice.finish(USAGE)]);
    const client = house.begin({ ...body, stream: true });
    await waits.reached;
    client.hangUp();
    await draining(set);
    waits.open();
    const { id, details } = await house.record(0);
    expect(details['unknown_cost']).toBeUndefined();
    await house.agrees(id, expectedOf(first.log, { left: true, markup: MARKUP }));
  });
});

describe('R-S17 a client that does not read', () => {
  it('is dropped, and pays for what was read on its account', async () => {
    const upstreams = await scene(openAiFormat);
    const { baseUrl } = upstreams.first;
    const pricing = declared({ prompt: 1n, completion: 1000n });
    const { house, body } = await scene(openAiFormat, {
      providers: [openAiFormat.provider({ baseUrl, pricing, maxCompletionTokens: 100_000_000 })],
    });
    const frame = openAiFormat.frame(openAiFormat.text('x'.repeat(16_384), undefined));
    upstreams.first.plays((voice) => [voice.begin(), offer(frame, 64 * 1_048_576)]);
    const stream = await house.stream(body, { paused: true });
    expect(stream.status).toBe(200);
    // Once the connection is full, nothing moves any more but time.
    const record = await house.timeUntil(house.record(0), 5000);
    await upstreams.first.log[0]?.socket.closed;
    expect([record.outcome, record.charge > 0n]).toEqual(['cancelled', true]);
    expect(record.completionTokens).toBeLessThan((64 * 1_048_576) / 4);
    expect(await house.store.ledger.balance('default')).toMatchObject({ charged: record.charge, held: 0n });
    expect(await house.store.ledger.audit()).toEqual([]);
  });
});

describe('R-M22 candidates', () => {
  it('one that is too dear is left out, and a cheaper one answers', async () => {
    const upstreams = await scene(openAiFormat);
    const { house, first, body } = await scene(openAiFormat, {
      means: { credits: 0.0004 },
      providers: [
        customFormat.provider({
          baseUrl: upstreams.second.baseUrl,
          pricing: declared({ prompt: 10n ** 7n, completion: 10n ** 8n }),
          maxCompletionTokens: 4096,
        }),
        openAiFormat.provider({
          baseUrl: upstreams.first.baseUrl,
          pricing: declared(PRICE),
          maxCompletionTokens: 4096,
        }),
      ],
    });
    upstreams.first.plays(answer);
    const response = await house.whole({ ...body, model: customFormat.model, models: [openAiFormat.model] });
    expect(response.status).toBe(200);
    expect([first.log.length, upstreams.second.log.length, upstreams.first.log.length]).toEqual([0, 0, 1]);
    const id = String(response.headers['x-generation-id']);
    await house.agrees(id, expectedOf(upstreams.first.log, { markup: MARKUP }), { model: openAiFormat.model });
  });
});

describe('R-S22 without HTTP', () => {
  it('leaving a stream early is a client that left', async () => {
    const { house, first, body } = await scene(openAiFormat);
    first.plays((voice) => [opening(voice), silence()]);
    const stream = await house.gateway.chat({ ...(body as { messages: [] }), stream: true });
    let seen = '';
    for await (const chunk of stream) {
      seen += chunk.choices[0]?.delta.content ?? '';
      if (seen.includes('one and ')) break;
    }
    await first.log[0]?.socket.closed;
    const { outcome, charge, cost } = await house.record(0);
    const expected = expectedOf(first.log, { left: true, delivered: true, markup: MARKUP });
    expect({ outcome, charge, cost }).toMatchObject({
      outcome: 'cancelled',
      charge: expected.charge,
      cost: expected.cost,
    });
    expect(await house.store.ledger.balance('default')).toMatchObject({ charged: expected.charge, held: 0n });
    expect(await house.store.ledger.audit()).toEqual([]);
  });
});
