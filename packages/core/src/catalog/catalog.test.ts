import { describe, expect, it } from 'vitest';
import { GatewayError } from '../errors.js';
import { inProcess } from '../providers/in-process.js';
import type { Provider } from '../providers/types.js';
import { Catalog } from './catalog.js';
import type { ModelDeclaration } from './types.js';

function provider(slug: string, models: readonly ModelDeclaration[]): Provider {
  return inProcess({ slug, name: slug, models, generate: async function* () {} });
}

const catalog = new Catalog([
  provider('acme', ['small', 'acme/large', { id: 'meta/llama:8b', upstreamId: 'llama-8b-x' }]),
  provider('other', ['meta/llama:8b', 'other/small', 'openai/gpt-oss']),
]);

function code(name: string): string {
  try {
    return catalog.resolve(name).id;
  } catch (error) {
    return error instanceof GatewayError ? error.code : 'thrown';
  }
}

describe('Catalog', () => {
  it.each([
    ['acme/small', 'acme/small'],
    ['meta/llama:8b', 'meta/llama:8b'],
    ['large', 'acme/large'],
    ['LLAMA:8B', 'meta/llama:8b'],
    ['small', 'model_ambiguous'],
    ['nothing', 'model_not_found'],
    ['acme/nothing', 'model_not_found'],
    ['__proto__', 'model_not_found'],
    ['openrouter/auto', 'unsupported_feature'],
    ['@preset/x', 'unsupported_feature'],
  ])('resolves %s to %s', (name, expected) => {
    expect(code(name)).toBe(expected);
  });

  it("maps to the provider's own id: without its own author, or as declared", () => {
    const upstream = (id: string): readonly string[] => catalog.resolve(id).endpoints.map((one) => one.upstreamModel);
    expect(upstream('acme/small')).toEqual(['small']);
    expect(upstream('meta/llama:8b')).toEqual(['llama-8b-x', 'meta/llama:8b']);
    expect(upstream('openai/gpt-oss')).toEqual(['openai/gpt-oss']);
  });

  it('refuses ids that cannot be asked for', () => {
    expect(() => new Catalog([provider('acme', ['with blank'])])).toThrow(TypeError);
  });
});
