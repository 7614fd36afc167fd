import { Failure } from '@gatehouse/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropicSamples, geminiSamples, openAiSamples } from './composed.js';
import type { Sample } from './describe-provider.js';
import { callOf } from './encoded.js';
import { subjects } from './families.js';

const samples: Readonly<Record<string, readonly Sample[]>> = {
  anthropic: anthropicSamples,
  google: geminiSamples,
  openai: openAiSamples,
  mistral: openAiSamples,
  xai: openAiSamples,
  perplexity: openAiSamples,
};

/** What a hostile or broken provider may put in the place of any value. */
const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    1e308,
    0.5,
    '',
    '__proto__',
    'constructor',
    [],
    {},
    [null],
    [[]],
    { a: 1 },
    ['x'],
    'x'.repeat(1000),
  ),
  fc.jsonValue(),
);

/** Replaces values of a JSON tree here and there: `draws` says where and by what. */
function mutate(value: unknown, draws: { next(): number; junk(): unknown }): unknown {
  if (draws.next() < 0.06) return draws.junk();
  if (Array.isArray(value)) return value.map((inner) => mutate(inner, draws));
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    if (draws.next() < 0.02) continue;
    copy[name] = mutate(inner, draws);
  }
  return copy;
}

const scripts = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  junk: fc.array(junk, { minLength: 8, maxLength: 8 }),
});

function drawsOf({ seed, junk: values }: { readonly seed: number; readonly junk: readonly unknown[] }): {
  next(): number;
  junk(): unknown;
} {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  return { next, junk: () => values[Math.floor(next() * values.length)] };
}

/** Runs, and lets pass only what is classified. */
function classified(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}

describe.each(Object.keys(samples))('T-C10 T-C15 T-U02 whatever %s sends', (name) => {
  const subject = subjects[name];
  if (subject === undefined) throw new Error(`no subject ${name}`);
  const { codec } = subject.provider('http://127.0.0.1:1');
  const streams = (samples[name] ?? []).map(({ payloads }) =>
    payloads.map((payload) => JSON.parse(payload) as unknown),
  );

  it('is read or refused, streamed and whole, and never more than that', () => {
    fc.assert(
      fc.property(scripts, (script) => {
        const draws = drawsOf(script);
        for (const events of streams) {
          const mutated = events.map((event) => mutate(event, draws));
          const context = callOf({ messages: [] }, { stream: true });
          const decoder = codec.decoder(context);
          classified(() => {
            for (const event of mutated) {
              for (const chunk of decoder.push({ data: JSON.stringify(event) })) JSON.stringify(chunk);
            }
            decoder.end();
          });
          const usage = decoder.usage();
          for (const count of Object.values(usage ?? {})) {
            expect(Number.isInteger(count) && count >= 0 && count <= 200_000_000).toBe(true);
          }
          const whole = mutate(subject.family.wholeOf(events.map((event) => JSON.stringify(event))), draws);
          classified(() => codec.decodeBody(JSON.stringify(whole), callOf({ messages: [] })));
        }
        const error = mutate(
          { error: { type: 'x', code: 1, status: 'x', message: 'x', details: [{ retryDelay: '1s' }] } },
          draws,
        );
        expect(codec.classify({ status: 500, headers: {}, text: JSON.stringify(error) })).toBeInstanceOf(Failure);
        expect(({} as { a?: unknown }).a).toBeUndefined();
      }),
      { numRuns: 1500 },
    );
  });
});
