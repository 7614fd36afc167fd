import { findProvider } from '@pydantic/genai-prices';
import { describe, expect, it } from 'vitest';
import { buildCatalog } from '../../catalog/build.js';
import { toSource } from '../../catalog/to-source.js';
import { bundledCatalog } from './bundled-data.js';
import { parsePrice } from './price.js';

type Published = [vendor: string, model: string, prompt: number, completion: number, cacheRead?: number];

/** Prices as their providers publish them: USD per million tokens in, out, and from the cache. */
const PUBLISHED: Published[] = [
  // https://platform.openai.com/docs/pricing
  ['openai', 'openai/gpt-4o', 2.5, 10, 1.25],
  ['openai', 'openai/gpt-4o-mini', 0.15, 0.6, 0.075],
  ['openai', 'openai/gpt-4.1', 2, 8, 0.5],
  ['openai', 'openai/gpt-4.1-mini', 0.4, 1.6, 0.1],
  ['openai', 'openai/gpt-4.1-nano', 0.1, 0.4, 0.025],
  ['openai', 'openai/gpt-5', 1.25, 10, 0.125],
  ['openai', 'openai/gpt-5-mini', 0.25, 2, 0.025],
  ['openai', 'openai/gpt-5-nano', 0.05, 0.4, 0.005],
  ['openai', 'openai/o3', 2, 8, 0.5],
  ['openai', 'openai/o4-mini', 1.1, 4.4, 0.275],
  ['openai', 'openai/o1', 15, 60, 7.5],
  ['openai', 'openai/gpt-3.5-turbo', 0.5, 1.5],
  // https://www.anthropic.com/pricing
  ['anthropic', 'anthropic/claude-3.5-sonnet', 3, 15, 0.3],
  ['anthropic', 'anthropic/claude-3.5-haiku', 0.8, 4, 0.08],
  ['anthropic', 'anthropic/claude-3-haiku', 0.25, 1.25, 0.03],
  ['anthropic', 'anthropic/claude-sonnet-4.5', 3, 15, 0.3],
  ['anthropic', 'anthropic/claude-haiku-4.5', 1, 5, 0.1],
  ['anthropic', 'anthropic/claude-opus-4.1', 15, 75, 1.5],
  // https://ai.google.dev/gemini-api/docs/pricing
  ['google', 'google/gemini-2.5-pro', 1.25, 10, 0.125],
  ['google', 'google/gemini-2.5-flash', 0.3, 2.5, 0.03],
  ['google', 'google/gemini-2.5-flash-lite', 0.1, 0.4, 0.01],
  // https://groq.com/pricing
  ['groq', 'meta-llama/llama-3.3-70b-instruct', 0.59, 0.79],
  ['groq', 'meta-llama/llama-3.1-8b-instruct', 0.05, 0.08],
  // https://docs.x.ai/docs/models
  ['xai', 'x-ai/grok-3', 3, 15],
  ['xai', 'x-ai/grok-3-mini', 0.3, 0.5],
  ['xai', 'x-ai/grok-4', 3, 15],
  // https://docs.perplexity.ai/getting-started/pricing
  ['perplexity', 'perplexity/sonar', 1, 1],
  ['perplexity', 'perplexity/sonar-pro', 3, 15],
];

describe('the bundled catalogue', () => {
  it('is what its tables and the price list give: otherwise run `pnpm catalog`', () => {
    const built = buildCatalog((providerId) => findProvider({ providerId }), bundledCatalog.date);
    expect(toSource(built)).toBe(toSource(bundledCatalog));
  });

  it('has the models that people ask for', () => {
    const models = Object.keys(bundledCatalog.models);
    expect(models.length).toBeGreaterThanOrEqual(150);
    const authors = new Set(models.map((model) => model.split('/')[0]));
    for (const author of [
      'openai',
      'anthropic',
      'google',
      'meta-llama',
      'mistralai',
      'deepseek',
      'x-ai',
      'qwen',
      'cohere',
      'perplexity',
    ]) {
      expect(authors).toContain(author);
    }
  });

  it.each<Published>(PUBLISHED)(
    '%s charges for %s what it publishes',
    (vendor, model, prompt, completion, cacheRead) => {
      const endpoint = bundledCatalog.endpoints[vendor]?.find((one) => one.model === model);
      const { rates } = parsePrice(endpoint?.pricing ?? { prompt: '', completion: '' });
      const perMillion = (rate: bigint | undefined): number | undefined =>
        rate === undefined ? undefined : Number(rate) / 1e6;
      expect([perMillion(rates.prompt), perMillion(rates.completion)]).toEqual([prompt, completion]);
      if (cacheRead !== undefined) expect(perMillion(rates.input_cache_read)).toBe(cacheRead);
    },
  );

  it('charges long prompts and both kinds of cache writes as published', () => {
    const pricing = (vendor: string, model: string) =>
      bundledCatalog.endpoints[vendor]?.find((one) => one.model === model)?.pricing;
    expect(pricing('google', 'google/gemini-2.5-pro')?.overrides).toEqual([
      { above_prompt_tokens: 200_000, prompt: '0.0000025', completion: '0.000015', input_cache_read: '0.00000025' },
    ]);
    expect(pricing('anthropic', 'anthropic/claude-haiku-4.5')).toMatchObject({
      input_cache_write: '0.00000125',
      input_cache_write_1h: '0.000002',
    });
  });

  it('has a sane price and a known model for every endpoint', () => {
    for (const endpoint of Object.values(bundledCatalog.endpoints).flat()) {
      expect(() => parsePrice(endpoint.pricing)).not.toThrow();
      expect(bundledCatalog.models[endpoint.model]).toBeDefined();
    }
  });
});
