import { createGateway, defineProvider, groq, openai, openrouter } from '@gatehouse/core';
import { OpenRouter } from '@openrouter/sdk';
import OpenAI from 'openai';
import { afterAll, describe, expect, it } from 'vitest';
import { hosts, listen } from '../tools/hosts.js';

const KEY = 'sk-or-v1-test-of-model-discovery';
const house = defineProvider({
  slug: 'house',
  name: 'The House',
  models: [
    'house/llama3:8b',
    { id: 'deep/nested/model:v1.2', contextLength: 4096, quantization: 'int4', inputModalities: ['text', 'image'] },
  ],
  async *generate() {
    yield 'unused';
  },
});

/** Every bundled model, as official clients with their strict schemas read it. */
for (const [name, listenerOf] of Object.entries(hosts)) {
  describe(`model discovery on ${name}`, async () => {
    // Nothing is ever sent to a provider here.
    const gateway = createGateway({
      providers: [house, openai({ apiKey: 'x' }), groq({ apiKey: 'x' }), openrouter({ apiKey: 'x' })],
      auth: { keys: [KEY] },
    });
    const host = await listen(listenerOf(gateway));
    const baseURL = `${host.origin}/api/v1`;
    const sdk = new OpenRouter({ apiKey: KEY, serverURL: baseURL });
    const client = new OpenAI({ apiKey: KEY, baseURL, maxRetries: 0 });
    const expected = gateway.models().map(({ id }) => id);
    const textModels = gateway
      .models()
      .filter(({ architecture }) => architecture.output_modalities.includes('text'))
      .map(({ id }) => id);
    afterAll(async () => {
      await host.close();
      await gateway.close();
    });

    it('@openrouter/sdk lists and counts models', async () => {
      const listed: string[] = [];
      for await (const page of await sdk.models.list()) listed.push(...page.result.data.map(({ id }) => id));
      expect(listed).toEqual(textModels);
      expect(await sdk.models.count()).toMatchObject({ data: { count: textModels.length } });
    });

    it.each(['house/llama3:8b', 'openai/gpt-4o-mini', 'anthropic/claude-3.5-sonnet'])(
      '@openrouter/sdk reads %s and its endpoints',
      async (id) => {
        const [author = '', slug = ''] = id.split('/');
        expect(await sdk.models.get({ author, slug })).toMatchObject({ data: { id } });
        const { data } = await sdk.endpoints.list({ author, slug });
        expect(data.id).toBe(id);
        expect(data.endpoints.length).toBeGreaterThan(0);
      },
    );

    it('@openrouter/sdk lists providers', async () => {
      const { data } = await sdk.providers.list();
      expect(data.map(({ slug }) => slug)).toEqual(['house', 'openai', 'groq', 'openrouter']);
    });

    it('openai lists models and retrieves each kind of id', async () => {
      const listed: string[] = [];
      for await (const { id } of client.models.list()) listed.push(id);
      expect(listed).toEqual(textModels);
      for (const id of ['house/llama3:8b', 'deep/nested/model:v1.2', 'openai/gpt-4o', expected.at(-1) ?? '']) {
        expect(await client.models.retrieve(id)).toMatchObject({ id, object: 'model' });
      }
    });
  });
}
