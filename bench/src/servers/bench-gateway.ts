import { anthropic, createGateway, type Gateway, google, openaiCompatible } from '@gatehouse/core';
import { CLIENT_KEY, MODELS } from '../scenarios.js';
import { setting } from './serve.js';

/** The gateway that is measured, the same under every host. */
export function benchGateway(): Gateway {
  const origin = setting('BENCH_UPSTREAM');
  const apiKey = 'upstream-key';
  const served = (
    id: string,
  ): { id: string; pricing: { prompt: string; completion: string }; maxCompletionTokens: number } => ({
    id,
    pricing: { prompt: '0.00000015', completion: '0.0000006' },
    maxCompletionTokens: 8192,
  });
  return createGateway({
    providers: [
      openaiCompatible({ slug: 'bench', baseUrl: `${origin}/v1`, apiKey, models: [served(MODELS.openai)] }),
      anthropic({ baseUrl: `${origin}/v1`, apiKey, models: [served(MODELS.anthropic)] }),
      google({ baseUrl: `${origin}/v1beta`, apiKey, models: [served(MODELS.google)] }),
    ],
    auth: { keys: [CLIENT_KEY] },
  });
}
