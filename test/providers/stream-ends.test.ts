import { type ChatChunk, createGateway, type Gateway } from '@gatehouse/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { gate } from '../tools/gate.js';
import { type ManualClock, manualClock } from '../tools/manual-clock.js';
import { eventStream, jsonAnswer, sse } from '../tools/openai-answers.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { KEY, streamOf } from '../tools/stream-of.js';
import { end, head, hold, write } from '../tools/upstream-steps.js';
import { geminiFamily, subjects } from './families.js';

const GRACE_MS = 2000;
/** The whole grace, and the one where nothing more can be hoped for. */
const graces: ReadonlySet<number> = new Set([GRACE_MS, GRACE_MS / 8]);
const PATIENT = { timeout: 10_000, interval: 2 };

let upstream: ScriptedUpstream;
let clock: ManualClock;
const gateways: Gateway[] = [];
beforeEach(async () => {
  upstream = await startUpstream();
  clock = manualClock();
});
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
  await upstream.close();
});

interface Asked {
  readonly gateway: Gateway;
  readonly model: string;
}

function gatewayOf(name: 'google' | 'openai'): Asked {
  const subject = subjects[name];
  if (subject === undefined) throw new Error(`no subject ${name}`);
  const gateway = createGateway({
    providers: [subject.provider(upstream.baseUrl)],
    auth: { keys: [KEY] },
    catalog: { bundled: false },
    random: (count) => new Uint8Array(count),
    clock,
  });
  gateways.push(gateway);
  return { gateway, model: subject.model };
}

describe('the end of a stream', () => {
  const gemini = (text: string, finishReason?: string): string =>
    geminiFamily.frame([
      JSON.stringify({
        candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] }, finishReason }],
        usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
      }),
    ]);

  it.each([
    ['shown', {}],
    ['hidden', { reasoning: { exclude: true } }],
  ])('T-C12 T-G53 is awaited for the whole grace where usage repeats, reasoning %s', async (_name, more) => {
    const silent = gate();
    upstream.always(
      head(200, eventStream),
      write(gemini('a', 'STOP')),
      hold(silent),
      write(gemini('b', 'STOP')),
      end(),
    );
    const { gateway, model } = gatewayOf('google');
    const answer = streamOf(gateway, { model, ...more });
    await silent.reached;
    await vi.waitFor(() => expect(clock.due.some((ms) => graces.has(ms))).toBe(true), PATIENT);
    clock.advance(GRACE_MS - 1);
    silent.open();
    const { content, finishes, errors, done } = await answer;
    expect({ content, finishes, errors, done }).toEqual({ content: 'ab', finishes: ['stop'], errors: [], done: true });
  });

  it('T-C11 with nothing said and no reason is no answer: another try gives it', async () => {
    const chunk = (delta: object, finish_reason: string | null = null): object => ({
      choices: [{ index: 0, delta, finish_reason }],
    });
    upstream.next(head(200, eventStream), write(sse([chunk({ role: 'assistant', content: '' })])), end());
    upstream.always(head(200, eventStream), write(sse([chunk({ content: 'a' }), chunk({}, 'stop')])), end());
    const { gateway, model } = gatewayOf('openai');
    let settled = false;
    const answer = streamOf(gateway, { model }).finally(() => {
      settled = true;
    });
    await vi.waitFor(() => {
      clock.advance(100);
      expect(settled).toBe(true);
    }, PATIENT);
    expect(await answer).toMatchObject({ status: 200, content: 'a', finishes: ['stop'], errors: [] });
    expect(upstream.requests).toHaveLength(2);
  });
});

describe('a whole answer in the place of a stream', () => {
  it('T-C05 is told in numbered pieces, each picture in one of its own', async () => {
    const image = (data: string): object => ({
      type: 'image_url',
      image_url: { url: `data:image/png;base64,${data}` },
    });
    const annotations = ['https://a.example/', 'https://b.example/'].map((url) => ({
      type: 'url_citation',
      url_citation: { url, title: 'T', start_index: 0, end_index: 0 },
    }));
    const message = { role: 'assistant', content: 'a', annotations, images: [image('AA=='), image('AQ==')] };
    upstream.always(jsonAnswer(200, { choices: [{ index: 0, message, finish_reason: 'stop' }] }));
    const { gateway, model } = gatewayOf('openai');
    const { chunks, finishes } = await streamOf(gateway, { model });
    const deltas = chunks.flatMap((one: ChatChunk) => one.choices.map(({ delta }) => delta));
    expect(deltas).toEqual([
      { role: 'assistant', content: '' },
      { content: 'a', annotations: annotations.map((entry, index) => ({ ...entry, index })) },
      { images: [{ ...image('AA=='), index: 0 }] },
      { images: [{ ...image('AQ=='), index: 1 }] },
      {},
    ]);
    expect(finishes).toEqual(['stop']);
  });
});
