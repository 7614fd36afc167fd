import { defineProvider, type Provider } from '@gatehouse/core';
import { llamaCodec } from './llama-codec.js';

/** A server in the building that speaks a format of its own. */
export function llama(baseUrl: string): Provider {
  return defineProvider({
    slug: 'llama',
    name: 'Llama in the basement',
    models: [{ id: 'building/llama', contextLength: 8192 }],
    pricing: 'free',
    baseUrl,
    codec: llamaCodec,
  });
}

/** No server at all: the answer is made by a function, piece by piece. It stops when nobody wants the rest. */
export const clock: Provider = defineProvider({
  slug: 'clock',
  name: 'Clock',
  models: ['building/clock'],
  async *generate({ messages }, { signal }) {
    yield { reasoning: `There are ${messages.length} messages, and all of them want to know the time.` };
    for (const piece of ['It ', 'is ', new Date().toISOString()]) {
      if (signal.aborted) return;
      yield piece;
    }
    yield { finish_reason: 'stop', usage: { prompt_tokens: messages.length, completion_tokens: 3 } };
  },
});
