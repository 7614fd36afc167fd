import { createGateway } from '@gatehouse/core';
import { describe, expect, it } from 'vitest';
import { clock, llama } from '../../examples/custom-provider/src/providers.js';
import { KEY, post, streamOf } from '../tools/stream-of.js';
import { describeProvider } from './describe-provider.js';
import { encoded } from './encoded.js';
import type { Family } from './families.js';
import { kindOf, readWhole } from './read.js';

const family: Family = {
  name: 'llama.cpp',
  frame: (payloads) => payloads.map((payload) => `data: ${payload}\n\n`).join(''),
  wholeOf: (payloads) => {
    const events = payloads.map((payload) => JSON.parse(payload) as { content: string });
    return { ...events.at(-1), content: events.map(({ content }) => content).join('') };
  },
  overloaded: JSON.stringify({ error: { code: 503, message: 'secret of the upstream', type: 'unavailable_error' } }),
  unknown: JSON.stringify({ novelty: true }),
};
const samples = [
  {
    name: 'composed: a text that hits its limit',
    payloads: [
      { content: 'Grüße', stop: false },
      { content: ', 👋', stop: false },
      { content: '', stop: true, stop_type: 'limit', tokens_evaluated: 9, tokens_predicted: 4 },
    ].map((event) => JSON.stringify(event)),
  },
];

describeProvider('a provider of a host', { family, model: 'building/llama', provider: llama }, samples);

describe('a codec of a host', () => {
  const provider = llama('http://127.0.0.1:1');

  it('is asked like any other', () => {
    const { body, adjusted } = encoded(provider, { max_tokens: 9, seed: 1, tools: [] });
    expect(body).toEqual({
      prompt: '<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n',
      n_predict: 9,
      seed: 1,
      stream: false,
    });
    expect(adjusted).toEqual(['tools: dropped']);
  });

  it('says what went wrong in the words of the gateway', () => {
    expect(kindOf(provider, 400, { error: { type: 'exceed_context_size_error' } })).toBe('context_length');
    expect(kindOf(provider, 503, 'loading')).toBe('overloaded');
    expect(() => readWhole(provider, { content: 'half' })).toThrow(expect.objectContaining({ kind: 'truncated' }));
  });
});

describe('a function as a provider', () => {
  it('answers whole and streamed', async () => {
    const gateway = createGateway({ providers: [clock], auth: { keys: [KEY] } });
    const whole = await post(gateway, { model: 'building/clock' });
    expect(await whole.json()).toMatchObject({
      choices: [{ message: { content: expect.stringMatching(/^It is \d{4}-/), reasoning: expect.any(String) } }],
      usage: { prompt_tokens: 1, completion_tokens: 3, cost: 0 },
    });
    const streamed = await streamOf(gateway, { model: 'building/clock' });
    expect(streamed.content).toMatch(/^It is \d{4}-/);
    expect(streamed.finishes).toEqual(['stop']);
    await gateway.close();
  });
});
