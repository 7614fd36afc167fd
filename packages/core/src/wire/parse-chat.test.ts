import { describe, expect, it } from 'vitest';
import { GatewayError } from '../errors.js';
import { parseChat } from './parse-chat.js';

const base = { model: 'a/b', messages: [{ role: 'user', content: 'hello' }] };

/** `code path` of the first problem, or `ok`. */
function verdict(body: unknown): string {
  try {
    parseChat(body);
    return 'ok';
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const [issue] = (error.metadata['issues'] ?? []) as { path: string }[];
    return [error.code, issue?.path ?? error.metadata['feature']].filter((word) => word !== '').join(' ');
  }
}

describe('parseChat', () => {
  it.each<[unknown, string]>([
    [base, 'ok'],
    ['text', 'invalid_request'],
    [[], 'invalid_request'],
    [{ ...base, messages: undefined }, 'invalid_request messages'],
    [{ ...base, messages: [] }, 'invalid_request messages'],
    [{ ...base, messages: [{ role: 'robot', content: 'x' }] }, 'invalid_prompt messages.0.role'],
    [{ ...base, messages: [{ role: 'user' }] }, 'invalid_prompt messages.0.content'],
    [{ ...base, messages: [{ role: 'user', content: [] }] }, 'invalid_prompt messages.0.content'],
    [
      { ...base, messages: [{ role: 'user', content: [{ type: 'text' }] }] },
      'invalid_prompt messages.0.content.0.text',
    ],
    [
      { ...base, messages: [{ role: 'user', content: [{ type: 'hologram' }] }] },
      'invalid_prompt messages.0.content.0.type',
    ],
    [
      {
        ...base,
        messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }] }],
      },
      'invalid_prompt messages.0.content.0.image_url.url',
    ],
    [
      { ...base, messages: [{ role: 'tool', content: 'x', tool_call_id: 'call_1' }] },
      'invalid_prompt messages.0.tool_call_id',
    ],
    [{ ...base, prompt: 'x' }, 'invalid_request prompt'],
    [{ model: 'a/b', prompt: 'x' }, 'ok'],
    [{ ...base, model: '' }, 'invalid_request model'],
    [{ ...base, model: 'with blank' }, 'invalid_request model'],
    [{ ...base, models: Array.from({ length: 11 }, () => 'a/b') }, 'invalid_request models'],
    [{ ...base, temperature: 2.1 }, 'invalid_request temperature'],
    [{ ...base, temperature: null }, 'ok'],
    [{ ...base, top_p: '0.5' }, 'invalid_request top_p'],
    [{ ...base, seed: 1.5 }, 'invalid_request seed'],
    [{ ...base, max_tokens: 0 }, 'invalid_request max_tokens'],
    [{ ...base, n: 9 }, 'invalid_request n'],
    [{ ...base, stop: ['a', 'b', 'c', 'd', 'e'] }, 'invalid_request stop'],
    [{ ...base, stop: [''] }, 'invalid_request stop.0'],
    [{ ...base, logit_bias: { word: 1 } }, 'invalid_request logit_bias.word'],
    [{ ...base, top_logprobs: 3 }, 'invalid_request top_logprobs'],
    [{ ...base, top_logprobs: 3, logprobs: true }, 'ok'],
    [{ ...base, tool_choice: 'required' }, 'invalid_request tool_choice'],
    [{ ...base, tools: [{ type: 'function', function: { name: 'a b' } }] }, 'invalid_request tools.0.function.name'],
    [
      {
        ...base,
        tools: [
          { type: 'function', function: { name: 'f' } },
          { type: 'function', function: { name: 'f' } },
        ],
      },
      'invalid_request tools.1.function.name',
    ],
    [{ ...base, tools: [{ type: 'openrouter:web_search' }] }, 'unsupported_feature server_tools'],
    [{ ...base, response_format: { type: 'grammar' } }, 'invalid_request response_format.type'],
    [
      { ...base, response_format: { type: 'json_schema', json_schema: {} } },
      'invalid_request response_format.json_schema.schema',
    ],
    [{ ...base, reasoning: { effort: 'high', max_tokens: 5 } }, 'invalid_request reasoning'],
    [{ ...base, reasoning: { effort: 'high' }, reasoning_effort: 'low' }, 'invalid_request reasoning_effort'],
    [{ ...base, reasoning: { max_tokens: 50 }, max_tokens: 50 }, 'invalid_request reasoning.max_tokens'],
    [{ ...base, provider: { unknown: 1 } }, 'invalid_request provider.unknown'],
    [{ ...base, provider: { zdr: true, sort: 'price', max_price: { prompt: '1.5' }, preferred_max_latency: 2 } }, 'ok'],
    [{ ...base, provider: { sort: 'beauty' } }, 'invalid_request provider.sort'],
    [{ ...base, provider: { max_price: { prompt: -1 } } }, 'invalid_request provider.max_price.prompt'],
    [{ ...base, plugins: [{ id: 'auto-router', min_quality: 2 }] }, 'invalid_request plugins.0.min_quality'],
    [{ ...base, provider: { zdr: false, data_collection: 'allow' } }, 'ok'],
    [{ ...base, provider: ['a', 'b'] }, 'ok'],
    [{ ...base, transforms: [] }, 'ok'],
    [{ ...base, transforms: ['middle-out', { id: 'redact', detectors: [] }] }, 'ok'],
    [{ ...base, transforms: [{}] }, 'invalid_request transforms.0.name'],
    [{ ...base, transforms: [7] }, 'invalid_request transforms.0'],
    [{ ...base, plugins: [{ id: 'web', enabled: false }] }, 'ok'],
    [{ ...base, plugins: [{ id: 'web' }] }, 'unsupported_feature plugins'],
    [{ ...base, plugins: [{ id: 'nonsense' }] }, 'invalid_request plugins.0.id'],
    [{ ...base, plugins: [{ id: 'context-compression', engine: 'other' }] }, 'invalid_request plugins.0.engine'],
    [{ ...base, plugins: [{ id: 'context-compression', engine: 'middle-out' }] }, 'ok'],
    [{ ...base, metadata: { key: 'x'.repeat(513) } }, 'invalid_request metadata.key'],
    [{ ...base, trace: { text: 'x'.repeat(5000) } }, 'invalid_request trace'],
    [{ ...base, ...Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`field_${n}`, 1])) }, 'invalid_request'],
    [{ ...base, blob: 'x'.repeat(70_000) }, 'invalid_request'],
  ])('%j is %s', (body, expected) => {
    expect(verdict(body)).toBe(expected);
  });

  it('T-R03 folds older spellings into one', () => {
    const { request } = parseChat({
      ...base,
      max_tokens: 100,
      max_completion_tokens: 50,
      stop: 'END',
      provider: 'acme',
      reasoning_effort: 'low',
      include_reasoning: false,
      service_tier: 'fast',
    });
    expect(request).toMatchObject({
      max_tokens: 50,
      stop: ['END'],
      provider: { order: ['acme'] },
      reasoning: { effort: 'low', exclude: true },
      service_tier: 'priority',
    });
    expect(Object.keys(request)).not.toContain('max_completion_tokens');
  });

  it('keeps unknown fields beside the request and leaves the body alone', () => {
    const body = Object.freeze({ ...base, guided: Object.freeze({ url: 'x', kept: [1] }), debug: {}, host: 'x' });
    const { request, extra } = parseChat(body);
    expect({ ...extra }).toEqual({ guided: { kept: [1] } });
    expect(request).not.toHaveProperty('guided');
  });

  it('names what was expected', () => {
    expect(() => parseChat({ ...base, messages: [{ role: 'robot' }] })).toThrow(
      'messages.0.role: expected a message with a role of system, developer, user, assistant or tool',
    );
    expect(() => parseChat({ ...base, messages: [{ role: 'user', content: 4 }] })).toThrow(
      'messages.0.content: expected a string or an array',
    );
  });
});
