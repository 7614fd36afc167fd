import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChatChunk, ChunkChoice, Delta } from '../wire/chat.js';
import { chunkWriter } from './chunk-writer.js';

const base: Omit<ChatChunk, 'choices'> = {
  id: 'gen-1790000000-AbCdEfGhIjKlMnOpQrSt',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'acme/"quoted"\n',
  provider: 'Ac\u2028me',
};

function choice(delta: Delta, more: Partial<ChunkChoice> = {}): ChunkChoice {
  return { index: 0, delta, finish_reason: null, native_finish_reason: null, logprobs: null, ...more };
}

const chunks: readonly ChatChunk[] = [
  { ...base, choices: [choice({ role: 'assistant', content: '' })] },
  { ...base, choices: [choice({ content: 'plain' })] },
  { ...base, choices: [choice({ content: '"\\\u0000\u2028\ud83d\ude00 \ud800 lone' })] },
  { ...base, choices: [choice({ content: 'a', reasoning: 'b' })] },
  { ...base, choices: [choice({ content: 'a' }, { logprobs: { content: [] } })] },
  { ...base, choices: [choice({ content: 'second' }, { index: 1 })] },
  { ...base, choices: [choice({ content: 'a' }), choice({ content: 'b' }, { index: 1 })] },
  { ...base, system_fingerprint: 'fp_1', choices: [choice({ content: 'with a fingerprint' })] },
  { ...base, model: 'other', choices: [choice({ content: 'another head' })] },
  { ...base, choices: [choice({}, { finish_reason: 'stop', native_finish_reason: 'end_turn' })] },
  {
    ...base,
    choices: [choice({ content: '' }, { finish_reason: 'error' })],
    error: { code: 502, message: 'broke off', metadata: { error_type: 'provider_unavailable' } },
  },
];

describe('chunkWriter', () => {
  it('writes what JSON.stringify writes, whatever came before', () => {
    const write = chunkWriter('', '');
    for (const chunk of [...chunks, ...chunks.toReversed(), ...chunks]) {
      expect(JSON.parse(write(chunk))).toEqual(JSON.parse(JSON.stringify(chunk)));
      expect(write(chunk)).not.toMatch(/[\r\n]/);
    }
  });

  it('loses nothing of any text', () => {
    const write = chunkWriter('', '');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (content) => {
        expect(JSON.parse(write({ ...base, choices: [choice({ content })] }))).toEqual({
          ...base,
          choices: [choice({ content })],
        });
      }),
      { seed: 20260701, numRuns: 500 },
    );
  });
});
