import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createGateway, type Gateway, openaiCompatible } from '@gatehouse/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventStream, sse, sseEvent, textChunks } from '../tools/openai-answers.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { KEY, streamOf } from '../tools/stream-of.js';
import { cut, end, head, reset, write } from '../tools/upstream-steps.js';

const RECORDING = fileURLToPath(new URL('../../../shared/recordings/openai/text.chunks.txt', import.meta.url));
const CUTS = 1000;
const SEED = 20_260_701;

let upstream: ScriptedUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await startUpstream();
  gateway = createGateway({
    providers: [openaiCompatible({ slug: 'acme', baseUrl: upstream.baseUrl, models: ['acme/small'], pricing: 'free' })],
    auth: { keys: [KEY] },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** A stream of sixty words, as bytes. */
function composed(): string {
  return sse(textChunks(Array.from({ length: 60 }, (_, number) => `wörd${number} `)));
}

/** Draws that can be drawn again: a linear congruential generator (Numerical Recipes). */
function* draws(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

async function cutEverywhere(text: string, wholeContent: string): Promise<void> {
  const bytes = Buffer.from(text);
  const finish = Buffer.from(text.slice(0, text.indexOf('"finish_reason":"stop"'))).length;
  const random = draws(SEED);
  for (let number = 0; number < CUTS; number += 1) {
    const position = Math.floor((random.next().value ?? 0) * finish);
    const ending = number % 3 === 0 ? end() : number % 3 === 1 ? cut() : reset();
    upstream.always(head(200, eventStream), write(bytes.subarray(0, position)), ending);
    const stream = await streamOf(gateway);
    if (stream.status !== 200) {
      // Nothing had come yet: an error of its own, not a stream.
      expect([position, stream.status, stream.text.includes('"error"')]).toEqual([position, 502, true]);
      continue;
    }
    expect([position, stream.finishes, stream.errors.length, stream.done]).toEqual([position, ['error'], 1, true]);
    expect(wholeContent.startsWith(stream.content)).toBe(true);
  }
}

describe('a stream that is cut', () => {
  it(`never looks finished, at ${CUTS} places of a composed stream (seed ${SEED})`, async () => {
    const text = composed();
    upstream.always(head(200, eventStream), write(text), end());
    const whole = await streamOf(gateway);
    expect([whole.finishes, whole.errors]).toEqual([['stop'], []]);
    await cutEverywhere(text, whole.content);
  }, 60_000);

  const recorded = existsSync(RECORDING);
  it.skipIf(!recorded)(
    `never looks finished, at ${CUTS} places of a recorded stream${recorded ? '' : ' (skipped: there are no recordings here)'}`,
    async () => {
      const lines = readFileSync(RECORDING, 'utf8').trim().split('\n');
      const text = [...lines, '[DONE]'].map(sseEvent).join('');
      upstream.always(head(200, eventStream), write(text), end());
      const whole = await streamOf(gateway);
      expect([whole.finishes, whole.errors, whole.content.length > 1000]).toEqual([['stop'], [], true]);
      expect(whole.chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 16, completion_tokens: 300 });
      expect(whole.text).not.toContain('obfuscation');
      await cutEverywhere(text, whole.content);
    },
    60_000,
  );

  it('tells what it had: the content so far, one error, and usage that costs nothing', async () => {
    upstream.always(
      head(200, eventStream),
      write(
        ...textChunks(['one ', 'two '])
          .slice(0, 3)
          .map((c) => sseEvent(JSON.stringify(c))),
      ),
      cut(),
    );
    const stream = await streamOf(gateway);
    expect(stream.content).toBe('one two ');
    expect(stream.errors).toEqual([
      expect.objectContaining({
        code: 'provider_unavailable',
        metadata: expect.objectContaining({ error_type: 'provider_unavailable', provider_name: 'acme' }),
      }),
    ]);
    expect(stream.chunks.at(-1)).toMatchObject({ usage: { cost: 0, completion_tokens: 2, estimated: true } });
  });
});
