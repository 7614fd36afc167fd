import type { Provider, Store } from '@gatehouse/core';
import { afterEach, describe, expect, it } from 'vitest';
import { gate } from '../tools/gate.js';
import { readStream } from '../tools/stream-of.js';
import { hold, type Script } from '../tools/upstream-steps.js';
import {
  answer,
  begun,
  counted,
  draining,
  MARKUP,
  OTHER_PRICE,
  PRICE,
  scene,
  strike,
  TEXTS,
  USAGE,
  WHOLE,
} from './exit-scene.js';
import type { Voice } from './logged-upstream.js';
import { declared, expectedOf, promptEstimate } from './oracle.js';
import {
  anthropicFormat,
  type Counts,
  customFormat,
  geminiFormat,
  openAiFormat,
  type Reason,
  wireFormats,
} from './wire-formats.js';

afterEach(strike);

/** A whole answer with any usage and reason. */
const ends =
  (usage: Counts | undefined, reason: Reason = 'stop') =>
  (voice: Voice): Script =>
    voice.exchange.streamed
      ? [
          voice.begin(usage === undefined ? undefined : begun),
          voice.say(TEXTS, usage === undefined ? undefined : counted),
          voice.finish(usage, reason),
        ]
      : voice.whole(WHOLE, usage, reason);
/** Content, and then a stop until the gate opens. */
const stopsAfter =
  (waits: ReturnType<typeof gate>, then: (voice: Voice) => Script = () => []) =>
  (voice: Voice): Script => [voice.begin(begun), voice.say(TEXTS.slice(0, 2), counted), hold(waits), then(voice)];

const both = wireFormats.flatMap((format) =>
  [true, false].map((streamed) => ({ name: `${format.name}, ${streamed ? 'streamed' : 'whole'}`, format, streamed })),
);
const all = wireFormats.map((format) => ({ name: format.name, format }));

/** Asks, reads everything, and tells the id. */
async function idOf(set: Awaited<ReturnType<typeof scene>>, streamed: boolean, more: object = {}): Promise<string> {
  const { house, body } = set;
  if (!streamed) {
    const response = await house.whole({ ...body, ...more });
    return String(response.headers['x-generation-id']);
  }
  const stream = await house.stream({ ...body, ...more });
  await stream.ended;
  return stream.id;
}

describe('R-M14 what a proper end is charged', () => {
  it.each(both)('R-M23 without usage: counted tokens, estimated ($name)', async ({ format, streamed }) => {
    const set = await scene(format);
    set.first.plays(ends(undefined));
    const id = await idOf(set, streamed);
    await set.house.agrees(id, expectedOf(set.first.log, { markup: MARKUP }), { estimated: true });
  });

  it.each(both)('finish length: actual ($name)', async ({ format, streamed }) => {
    const set = await scene(format);
    set.first.plays(ends(USAGE, 'length'));
    const id = await idOf(set, streamed);
    await set.house.agrees(id, expectedOf(set.first.log, { markup: MARKUP }), { finish_reason: 'length' });
  });

  it.each(both)('finish content_filter or refusal: actual ($name)', async ({ format, streamed }) => {
    const set = await scene(format);
    set.first.plays(ends(USAGE, 'filter'));
    const id = await idOf(set, streamed);
    await set.house.agrees(id, expectedOf(set.first.log, { markup: MARKUP }), { finish_reason: 'content_filter' });
  });

  it.each([true, false])('zero completion tokens without a reason: free (streamed: %s)', async (streamed) => {
    const set = await scene(openAiFormat);
    set.first.plays(ends({ prompt: 21, completion: 0 }, 'blank'));
    const id = await idOf(set, streamed);
    const expected = expectedOf(set.first.log, { markup: MARKUP });
    expect([expected.charge, expected.cost > 0n, expected.outcome]).toEqual([0n, true, 'completed']);
    await set.house.agrees(id, expected);
  });

  it.each([true, false])('zero completion tokens with a reason: actual (streamed: %s)', async (streamed) => {
    const set = await scene(openAiFormat);
    set.first.plays(ends({ prompt: 21, completion: 0 }));
    const id = await idOf(set, streamed);
    const expected = expectedOf(set.first.log, { markup: MARKUP });
    expect(expected.charge).toBeGreaterThan(0n);
    await set.house.agrees(id, expected);
  });

  it.each([
    { format: openAiFormat, streamed: true, usage: undefined },
    { format: geminiFormat, streamed: true, usage: USAGE },
    { format: openAiFormat, streamed: false, usage: USAGE },
    { format: geminiFormat, streamed: false, usage: USAGE },
  ])('finish error: free, at the cost of what came ($format.name, streamed: $streamed)', async (one) => {
    const set = await scene(one.format);
    set.first.plays(ends(one.usage, 'error'));
    const id = await idOf(set, one.streamed);
    const expected = expectedOf(set.first.log, { delivered: true, markup: MARKUP });
    expect([expected.charge, expected.cost > 0n, expected.outcome]).toEqual([0n, true, 'failed']);
    await set.house.agrees(id, expected, { finish_reason: 'error' });
  });

  it('client gone after [DONE]: a success like any other', async () => {
    const { house, first, body } = await scene(openAiFormat);
    first.plays(answer);
    const stream = await house.stream(body);
    await stream.until('data: [DONE]');
    stream.hangUp();
    await house.record(0);
    await house.agrees(stream.id, expectedOf(first.log, { markup: MARKUP }), { finish_reason: 'stop' });
  });

  it('R-S04 a stream that was held back is charged like one that was not', async () => {
    const set = await scene(anthropicFormat, { streamRecovery: 'buffer' });
    set.first.plays(answer);
    await set.house.agrees(await idOf(set, true), expectedOf(set.first.log, { markup: MARKUP }));
  });

  it('R-M25 a price that changes in the middle changes nothing', async () => {
    let price = PRICE;
    const changing = (baseUrl: string): Provider => ({
      ...customFormat.provider({ baseUrl, pricing: declared(PRICE) }),
      models: [],
      discovery: {
        path: '/models',
        everyMs: 1000,
        read: () => [
          { id: customFormat.model, contextLength: 100_000, maxCompletionTokens: 4096, pricing: declared(price) },
        ],
      },
    });
    const upstreams = await scene(customFormat);
    const { house, first, body } = await scene(customFormat, { providers: [changing(upstreams.first.baseUrl)] });
    expect(first.log).toEqual([]);
    await house.gateway.ready;
    const waits = gate();
    upstreams.first.plays(stopsAfter(waits, (voice) => [voice.say(TEXTS.slice(2)), voice.finish(USAGE)]));
    const stream = await house.stream(body);
    await stream.until('one and ');
    price = OTHER_PRICE;
    const shown = (): string | undefined => house.gateway.models()[0]?.pricing['completion'];
    const before = shown();
    house.clock.advance(1000);
    await expect.poll(shown, { interval: 2, timeout: 5000 }).not.toBe(before);
    waits.open();
    await stream.ended;
    await house.agrees(stream.id, expectedOf(upstreams.first.log, { markup: MARKUP }));
  });
});

describe('R-M14 what a broken answer is charged', () => {
  it.each(both)('all attempts refused: nothing ($name)', async ({ format, streamed }) => {
    const set = await scene(format);
    set.first.plays((voice) => voice.refuse(503));
    const id = await idOf(set, streamed);
    const expected = expectedOf(set.first.log, { markup: MARKUP });
    expect([set.first.log.length, expected.charge, expected.cost]).toEqual([2, 0n, 0n]);
    await set.house.agrees(id, expected, { finish_reason: null });
  });

  it.each(all)('all attempts failed before content: nothing, at the cost of the input ($name)', async ({ format }) => {
    const set = await scene(format);
    set.first.plays((voice) => [voice.begin(begun), voice.fail()]);
    const id = await idOf(set, true);
    const expected = expectedOf(set.first.log, { markup: MARKUP });
    expect([set.first.log.length, expected.charge, expected.cost > 0n]).toEqual([2, 0n, true]);
    await set.house.agrees(id, expected);
  });

  it.each(all)('midStreamError observed: what was delivered ($name)', async ({ format }) => {
    const { house, first, body } = await scene(format, { billing: { midStreamError: 'observed' } });
    const waits = gate();
    first.plays(stopsAfter(waits, (voice) => voice.truncate()));
    const stream = await house.stream(body);
    await stream.until('one and ');
    waits.open();
    const read = readStream(stream.status, await stream.ended);
    const expected = expectedOf(first.log, { delivered: true, observed: true, markup: MARKUP });
    expect(expected.charge).toBeGreaterThan(0n);
    expect(read.chunks.at(-1)?.usage?.cost).toBe(Number(expected.charge) / 1e9);
    await house.agrees(stream.id, expected, { finish_reason: 'error', estimated: true });
  });

  it.each(all)('R-S16 total timeout in mid-stream: free ($name)', async ({ format }) => {
    const { house, first, body } = await scene(format, { timeouts: { idleMs: 1e9, progressMs: 1e9 } });
    first.plays(stopsAfter(gate()));
    const stream = await house.stream(body);
    await stream.until('one and ');
    const read = readStream(stream.status, await house.timeUntil(stream.ended, 5000));
    expect(read.errors[0]?.code).toBe('timeout');
    await house.agrees(stream.id, expectedOf(first.log, { delivered: true, markup: MARKUP }));
  });

  it.each(all)('R-S28 a gateway that closes at once: free, and no hold is left ($name)', async ({ format }) => {
    const { house, first, body } = await scene(format);
    first.plays(stopsAfter(gate()));
    const stream = await house.stream(body);
    await stream.until('one and ');
    await house.gateway.close();
    await house.agreesInBooks(stream.id, expectedOf(first.log, { delivered: true, markup: MARKUP }));
  });

  it.each(all)('R-S28 the deadline of a shutdown: free, and no hold is left ($name)', async ({ format }) => {
    const { house, first, body } = await scene(format);
    first.plays(stopsAfter(gate()));
    const stream = await house.stream(body);
    await stream.until('one and ');
    const drained = house.gateway.drain({ timeoutMs: 1000 });
    house.clock.advance(1000);
    await drained;
    expect((await house.store.ledger.balance('default'))?.held).toBe(0n);
    const read = readStream(stream.status, await stream.ended);
    expect(read.errors[0]?.code).toBe('service_unavailable');
    await first.log[0]?.socket.closed;
    await house.agreesInBooks(stream.id, expectedOf(first.log, { delivered: true, markup: MARKUP }));
  });
});

describe('R-S22 what a client pays that leaves', () => {
  it.each(all)(
    'before content of a stream: the input, or all where the provider goes on ($name)',
    async ({ format }) => {
      const set = await scene(format);
      const { house, first, body } = set;
      const waits = gate();
      first.plays((voice) => [voice.begin(begun), hold(waits), voice.say(TEXTS, counted), voice.finish(USAGE)]);
      const client = house.begin({ ...body, stream: true });
      await waits.reached;
      client.hangUp();
      if (format.afterAbort === 'stops') await first.log[0]?.socket.closed;
      else await draining(set);
      waits.open();
      const { id } = await house.record(0);
      const expected = expectedOf(first.log, { left: true, markup: MARKUP });
      expect([expected.outcome, expected.charge > 0n]).toEqual(['cancelled', true]);
      await house.agrees(id, expected);
    },
  );

  it('a provider of which nobody knows whether it goes on: what was written, flagged', async () => {
    const { house, first, body } = await scene(customFormat);
    first.plays(stopsAfter(gate()));
    const stream = await house.stream(body);
    await stream.until('one and ');
    stream.hangUp();
    await first.log[0]?.socket.closed;
    const { details } = await house.record(0);
    expect(details['unknown_cost']).toBe(true);
    await house.agrees(stream.id, expectedOf(first.log, { left: true, delivered: true, markup: MARKUP }));
  });

  it('R-S19 an answer that takes too long for nobody: what was seen by then, flagged', async () => {
    const set = await scene(geminiFormat);
    const { house, first, body } = set;
    first.plays(stopsAfter(gate()));
    const stream = await house.stream(body);
    await stream.until('one and ');
    stream.hangUp();
    await draining(set);
    await house.timeUntil(house.record(0), 10_000);
    expect(house.records[0]?.details['unknown_cost']).toBe(true);
    await first.log[0]?.socket.closed;
    await house.agrees(stream.id, expectedOf(first.log, { left: true, delivered: true, markup: MARKUP }));
  });

  it('R-S28 a shutdown waits for the bill of an answer that is read for nobody', async () => {
    const set = await scene(geminiFormat);
    const { house, first, body } = set;
    const waits = gate();
    first.plays(stopsAfter(waits, (voice) => [voice.say(TEXTS.slice(2)), voice.finish(USAGE)]));
    const stream = await house.stream(body);
    await stream.until('one and ');
    stream.hangUp();
    await draining(set);
    let isDrained = false;
    const drained = house.gateway.drain().then(() => {
      isDrained = true;
    });
    // The call itself is over, and forgotten.
    house.clock.advance(1000);
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    expect(isDrained).toBe(false);
    waits.open();
    await drained;
    expect((await house.store.ledger.balance('default'))?.held).toBe(0n);
    await house.agreesInBooks(stream.id, expectedOf(first.log, { left: true, markup: MARKUP }));
  });

  it('R-S22 before anything is sent: nothing, and there is no generation', async () => {
    const reserving = gate();
    const behind = (store: Store): Store => ({
      ...store,
      ledger: Object.assign(Object.create(store.ledger) as Store['ledger'], {
        async reserve(...wish: Parameters<Store['ledger']['reserve']>) {
          await reserving.arrive();
          return store.ledger.reserve(...wish);
        },
      }),
    });
    const { house, first, body } = await scene(openAiFormat, { means: { behind } });
    const client = house.begin(body);
    await reserving.reached;
    const closed = house.clientGone();
    client.hangUp();
    await closed;
    reserving.open();
    await house.gateway.drain();
    expect(first.log).toEqual([]);
    expect(await house.store.ledger.balance('default')).toMatchObject({ charged: 0n, held: 0n, requests: 0 });
    expect(await house.store.ledger.audit()).toEqual([]);
    // Nothing was generated, so nothing is told.
    expect(house.records).toEqual([]);
    const { summary } = await house.gateway.usage({ granularity: 'all', group_by: 'none' });
    expect(summary.requests).toBe(0);
  });

  it('between two attempts: nothing', async () => {
    const { house, first, body } = await scene(openAiFormat);
    first.plays((voice) => voice.refuse(429, { 'retry-after': '1' }));
    const client = house.begin(body);
    await expect.poll(() => house.clock.due.includes(1000), { interval: 2, timeout: 5000 }).toBe(true);
    client.hangUp();
    const { id } = await house.record(0);
    const nothing = { charge: 0n, cost: 0n, promptTokens: 0, completionTokens: 0 };
    await house.agrees(id, { ...nothing, outcome: 'cancelled' });
    expect(first.log.length).toBe(1);
  });

  it('R-M23 reasoning that it did not want to see was written all the same', async () => {
    const { house, first, body } = await scene(customFormat);
    first.plays((voice) => [
      voice.begin(),
      voice.think('A long and winding thought. '),
      stopsAfter(gate())(voice).slice(1),
    ]);
    const stream = await house.stream({ ...body, reasoning: { exclude: true } });
    await stream.until('one and ');
    expect(stream.text).not.toContain('winding');
    stream.hangUp();
    await house.record(0);
    await house.agrees(stream.id, expectedOf(first.log, { left: true, delivered: true, markup: MARKUP }));
  });
});

describe('R-M10 what was refused or given before', () => {
  it.each([
    { name: 'a field that cannot be', body: { temperature: 9 }, headers: {}, status: 400 },
    { name: 'an unknown key', body: {}, headers: { authorization: 'Bearer sk-or-v1-nobody-knows-me' }, status: 401 },
    { name: 'a provider that is not there', body: { provider: { only: ['nobody'] } }, headers: {}, status: 404 },
  ])('$name leaves no row', async ({ body: wrong, headers, status }) => {
    const { house, first, body } = await scene(openAiFormat);
    const response = await house.whole({ ...body, ...wrong }, headers);
    expect([response.status, first.log.length, house.records.length]).toEqual([status, 0, 0]);
    expect(await house.store.ledger.balance('default')).toMatchObject({ charged: 0n, held: 0n, requests: 0 });
    expect(await house.store.ledger.audit()).toEqual([]);
  });

  it('R-M30 an answer that is given once more is charged once', async () => {
    const { house, first, body } = await scene(openAiFormat);
    first.plays(answer);
    const once = await house.whole(body, { 'idempotency-key': 'the same' });
    const again = await house.whole(body, { 'idempotency-key': 'the same' });
    expect([again.headers['idempotent-replayed'], again.text]).toEqual(['true', once.text]);
    await house.agrees(String(once.headers['x-generation-id']), expectedOf(first.log, { markup: MARKUP }));
  });
});

describe('R-M24 what a provider says moves no money unless it can be', () => {
  const bogus = [-1, 1e18, '12', Number.NaN, 1.5];
  it.each(
    both.flatMap((one) =>
      bogus
        // A count that is null is none at all, and of these two formats the rest of the report stands.
        .filter((value) => !Number.isNaN(value) || one.format === openAiFormat)
        .map((completion) => ({ ...one, completion })),
    ),
  )('$completion tokens: counted instead ($name)', async ({ format, streamed, completion }) => {
    const set = await scene(format);
    set.first.plays((voice) =>
      streamed
        ? [voice.begin(begun), voice.say(TEXTS), voice.finish({ prompt: 21, completion })]
        : voice.whole(WHOLE, { prompt: 21, completion }),
    );
    const id = await idOf(set, streamed);
    const expected = expectedOf(set.first.log, { markup: MARKUP });
    expect(expected.promptTokens).toBe(set.first.log[0] === undefined ? 0 : promptEstimate(set.first.log[0]));
    await set.house.agrees(id, expected, { estimated: true });
  });

  it.each(all)('I4 a report beyond the hold: the hold, and the rest is recorded ($name)', async ({ format }) => {
    const { house, first, body } = await scene(format);
    const waits = gate();
    const usage = { prompt: 21, completion: 50_000_000 };
    first.plays(stopsAfter(waits, (voice) => [voice.say(TEXTS.slice(2)), voice.finish(usage)]));
    const stream = await house.stream(body);
    await stream.until('one and ');
    const held = (await house.store.ledger.balance('default'))?.held ?? 0n;
    waits.open();
    await stream.ended;
    const expected = expectedOf(first.log, { markup: MARKUP, held });
    expect(expected.charge).toBe(held);
    await house.agrees(stream.id, expected);
    const full = expectedOf(first.log, { markup: MARKUP }).charge;
    const { details } = (await house.store.generations.find(stream.id, 'default')) ?? {};
    expect(details?.['overshoot']).toBe(Number(full - held) / 1e9);
  });

  it.each(all)('a provider that ignores max_tokens is cut at eight bytes for each ($name)', async ({ format }) => {
    const { house, first, body } = await scene(format);
    const waits = gate();
    first.plays((voice) => [
      voice.begin(begun),
      voice.say(['12345678', 'abcdefgh']),
      hold(waits),
      voice.say(['ABCDEFGH']),
      hold(gate()),
    ]);
    const stream = await house.stream({ ...body, max_tokens: 2 });
    await stream.until('abcdefgh');
    const held = (await house.store.ledger.balance('default'))?.held ?? 0n;
    waits.open();
    const read = readStream(stream.status, await stream.ended);
    expect([read.content, read.finishes, read.done]).toEqual(['12345678abcdefghABCDEFGH', ['length'], true]);
    await first.log[0]?.socket.closed;
    const expected = expectedOf(first.log, { delivered: true, cut: true, markup: MARKUP, held });
    expect([expected.outcome, expected.completionTokens]).toEqual(['completed', 6]);
    await house.agrees(stream.id, expected, { finish_reason: 'length', estimated: true });
    expect(house.records[0]?.details['unknown_cost']).toBe(format.afterAbort === 'stops' ? undefined : true);
  });
});
