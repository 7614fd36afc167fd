import { afterEach, describe, expect, it } from 'vitest';
import { type Gate, gate } from '../tools/gate.js';
import { readStream } from '../tools/stream-of.js';
import { hold, reset, type Script, silence } from '../tools/upstream-steps.js';
import type { CountingHouse } from './counting-house.js';
import {
  answer,
  begun,
  counted,
  draining,
  MARKUP,
  type Scene,
  scene,
  strike,
  TEXTS,
  USAGE,
  WHOLE,
} from './exit-scene.js';
import type { Voice } from './logged-upstream.js';
import { expectedOf } from './oracle.js';
import { customFormat, wireFormats } from './wire-formats.js';

afterEach(strike);

/** The beginning of a stream, up to where it waits. */
const opening = (voice: Voice, waits: Gate): Script => [
  voice.begin(begun),
  voice.say(TEXTS.slice(0, 2), counted),
  hold(waits),
];
const rest = (voice: Voice): Script => [voice.say(TEXTS.slice(2), { ...counted, before: 2 }), voice.finish(USAGE)];
/** A failure after content, caused once the client has that content. */
async function breaks({ house, first, body }: Scene, fault: (voice: Voice) => Script): Promise<void> {
  const waits = gate();
  first.plays((voice) => [opening(voice, waits), fault(voice)]);
  const stream = await house.stream(body);
  await stream.until('one and ');
  waits.open();
  const read = readStream(stream.status, await stream.ended);
  expect([read.finishes, read.errors.length, read.done]).toEqual([['error'], 1, true]);
  expect(read.chunks.at(-1)?.usage?.cost).toBe(0);
  const expected = expectedOf(first.log, { delivered: true, markup: MARKUP });
  expect(expected.outcome).toBe('failed');
  await house.agrees(stream.id, expected, { finish_reason: 'error', streamed: true });
}

/** A failure of a whole answer, at the only endpoint: it is asked twice. */
async function fails({ house, first, body }: Scene, fault: (voice: Voice) => Script): Promise<void> {
  first.plays(fault);
  const response = await house.whole(body);
  expect([response.status >= 500, first.log.length]).toEqual([true, 2]);
  const expected = expectedOf(first.log, { markup: MARKUP });
  expect([expected.outcome, expected.charge]).toEqual(['failed', 0n]);
  await house.agrees(String(response.headers['x-generation-id']), expected, { finish_reason: null, streamed: false });
}

describe.each(wireFormats.map((format) => ({ name: format.name, format })))('exits of $name', ({ format }) => {
  it('R-M14 success, streamed: actual charge and cost', async () => {
    const { house, first, body } = await scene(format);
    first.plays(answer);
    const stream = await house.stream(body);
    const read = readStream(stream.status, await stream.ended);
    expect([read.content, read.finishes, read.done]).toEqual([WHOLE, ['stop'], true]);
    const expected = expectedOf(first.log, { markup: MARKUP });
    expect(expected.outcome).toBe('completed');
    expect(read.chunks.at(-1)?.usage).toMatchObject({ cost: Number(expected.charge) / 1e9 });
    await house.agrees(stream.id, expected, { finish_reason: 'stop', streamed: true });
  });

  it('R-M14 success, whole: actual charge and cost', async () => {
    const { house, first, body } = await scene(format);
    first.plays(answer);
    const response = await house.whole(body);
    const expected = expectedOf(first.log, { markup: MARKUP });
    expect(response.json()).toMatchObject({ usage: { cost: Number(expected.charge) / 1e9 } });
    await house.agrees((response.json() as { id: string }).id, expected, { finish_reason: 'stop', streamed: false });
  });

  it('R-S25 error event after content: free, at the cost of what came', async () => {
    await breaks(await scene(format), (voice) => voice.fail());
  });

  it('R-M18 error under status 200, whole: free, at the cost of the input', async () => {
    await fails(await scene(format), (voice) => voice.fail());
  });

  it('R-S25 reset after content: free, at the cost of what came', async () => {
    await breaks(await scene(format), () => [reset()]);
  });

  it('R-M18 reset in the middle of a whole answer: free, at the cost of the input', async () => {
    await fails(await scene(format), (voice) => [voice.half(WHOLE), reset()]);
  });

  it('R-S25 FIN without a terminal event: free, at the cost of what came', async () => {
    await breaks(await scene(format), (voice) => voice.truncate());
  });

  it('R-M18 truncated whole answer: free, at the cost of the input', async () => {
    await fails(await scene(format), (voice) => [voice.half(WHOLE), voice.truncate()]);
  });

  it('R-S22 client gone in mid-stream: what was written, or all of it where the provider goes on', async () => {
    const { house, first, body } = await scene(format);
    const waits = gate();
    first.plays((voice) => [opening(voice, waits), rest(voice)]);
    const stream = await house.stream(body);
    await stream.until('one and ');
    stream.hangUp();
    const [exchange] = first.log;
    if (format.afterAbort === 'stops') await exchange?.socket.closed;
    waits.open();
    const record = await house.record(0);
    const expected = expectedOf(first.log, { left: true, delivered: true, markup: MARKUP });
    expect([expected.outcome, exchange?.finish]).toEqual([
      'cancelled',
      format.afterAbort === 'stops' ? undefined : 'stop',
    ]);
    expect(record.details['unknown_cost']).toBeUndefined();
    await house.agrees(stream.id, expected, { streamed: true });
  });

  it('R-S23 client gone before a whole answer: its input, or all of it where the provider goes on', async () => {
    const set = await scene(format);
    const { house, first, body } = set;
    const waits = gate();
    first.plays((voice) => [hold(waits), voice.whole(WHOLE, USAGE)]);
    const client = house.begin(body);
    const { socket } = await first.exchange(0);
    client.hangUp();
    if (format.afterAbort === 'stops') await socket.closed;
    else await draining(set);
    waits.open();
    const { id } = await house.record(0);
    const expected = expectedOf(first.log, { left: true, markup: MARKUP });
    expect(expected.outcome).toBe('cancelled');
    expect(expected.charge).toBeGreaterThan(0n);
    await house.agrees(id, expected, { streamed: false });
  });

  it('R-S14 timeout in mid-stream: free, at the cost of what came', async () => {
    const { house, first, body } = await scene(format);
    first.plays((voice) => [opening(voice, gate())]);
    const stream = await house.stream(body);
    await stream.until('one and ');
    const read = readStream(stream.status, await house.timeUntil(stream.ended, 5000));
    expect([read.finishes, read.errors[0]?.code]).toEqual([['error'], 'timeout']);
    const expected = expectedOf(first.log, { delivered: true, markup: MARKUP });
    expect([expected.outcome, expected.charge]).toEqual(['failed', 0n]);
    await house.agrees(stream.id, expected, { finish_reason: 'error' });
  });

  it('R-S16 timeout of a whole answer: free', async () => {
    const { house, first, body } = await scene(format);
    first.plays((voice) => [voice.half(WHOLE), silence()]);
    const asked = house.whole(body);
    await first.exchange(0);
    const response = await house.timeUntil(asked, 60_000);
    expect(response.status).toBe(504);
    const expected = expectedOf(first.log, { markup: MARKUP });
    expect([expected.outcome, expected.charge, expected.cost > 0n]).toEqual(['failed', 0n, true]);
    await house.agrees(String(response.headers['x-generation-id']), expected);
  });

  it.each([true, false])('R-M19 failover charges the winner alone; costs add up (streamed: %s)', async (streamed) => {
    const { house, first, second, body } = await scene(format);
    first.plays((voice) => (streamed ? [voice.begin(begun), voice.fail()] : voice.fail()));
    second.plays(answer);
    const both = { ...body, models: [customFormat.model] };
    const id = streamed ? await streamedId(house, both) : await wholeId(house, both);
    expect([first.log.length, second.log.length]).toEqual([2, 1]);
    const expected = expectedOf([...first.log, ...second.log], { markup: MARKUP });
    expect(expected.outcome).toBe('completed');
    await house.agrees(id, expected, { model: customFormat.model, provider_name: 'acme', finish_reason: 'stop' });
    const attempts = (await house.store.generations.find(id, 'default'))?.details['attempts'] as
      | readonly { readonly cost: string }[]
      | undefined;
    expect(attempts?.length).toBe(3);
    expect(attempts?.reduce((sum, { cost }) => sum + BigInt(cost), 0n)).toBe(expected.cost);
  });
});

async function streamedId(house: CountingHouse, body: object): Promise<string> {
  const stream = await house.stream(body);
  expect(readStream(stream.status, await stream.ended).content).toBe(WHOLE);
  return stream.id;
}

async function wholeId(house: CountingHouse, body: object): Promise<string> {
  const response = await house.whole(body);
  expect(response.status).toBe(200);
  return String(response.headers['x-generation-id']);
}
