import { anthropic, type ChatMessage, type ReasoningOptions } from '@gatehouse/core';
import { describe, expect, it } from 'vitest';
import { encoded, refused } from './encoded.js';

const provider = anthropic({ apiKey: 'key' });
const haiku = { upstreamModel: 'claude-3-5-haiku-latest' };
const sonnet = { upstreamModel: 'claude-sonnet-4-5' };
const opus46 = { upstreamModel: 'claude-opus-4-6' };
const opus48 = { upstreamModel: 'claude-opus-4-8' };
const fable = { upstreamModel: 'claude-fable-5' };
const user = (content: string): ChatMessage => ({ role: 'user', content });
const weather = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};
const calling = (id: string, args = '{}', name = 'weather'): ChatMessage => ({
  role: 'assistant',
  tool_calls: [{ id, type: 'function', function: { name, arguments: args } }],
});
const result = (id: string, content: string): ChatMessage => ({ role: 'tool', tool_call_id: id, content });

describe('Anthropic requests', () => {
  it('goes to /messages with the version and nothing else', () => {
    const { method, path, headers, body } = encoded(provider, {}, sonnet);
    expect({ method, path, headers }).toEqual({
      method: 'POST',
      path: '/messages',
      headers: { 'anthropic-version': '2023-06-01' },
    });
    expect(body).toEqual({
      model: 'claude-sonnet-4-5',
      max_tokens: 8192,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
    });
    expect(encoded(provider, {}, { ...sonnet, stream: true }).body).toEqual({ ...body, stream: true });
  });

  it('sends the betas of the configuration and the allowed ones of the client', () => {
    const beta = anthropic({ apiKey: 'key', betas: ['a-1'], allowedBetas: ['b-2'] });
    expect(encoded(beta, {}, { ...sonnet, betas: ['b-2', 'c-3', 'a-1'] }).headers['anthropic-beta']).toBe('a-1,b-2');
  });

  it('T-A09 max_tokens is the limit that the caller gave, or the model has; never a guess', () => {
    expect(encoded(provider, { max_tokens: 7 }, sonnet).body['max_tokens']).toBe(7);
    const { body, adjusted } = encoded(provider, { max_tokens: 100_000 }, sonnet);
    expect(body['max_tokens']).toBe(8192);
    expect(adjusted).toEqual(['max_tokens: clamped']);
    expect(refused(provider, {}, { ...sonnet, maxOutputTokens: undefined })).toMatchObject({
      code: 'invalid_request',
      path: 'max_tokens',
    });
    const unlimited = { ...sonnet, maxOutputTokens: undefined };
    expect(encoded(provider, { max_tokens: 9 }, unlimited).body['max_tokens']).toBe(9);
  });

  it('T-A10 T-X01 all system messages go to the top, in order, with their cache marks', () => {
    const messages: ChatMessage[] = [
      { role: 'system', content: 'One.' },
      user('a'),
      {
        role: 'developer',
        content: [
          { type: 'text', text: 'Two.', cache_control: { type: 'ephemeral', ttl: '1h' } },
          { type: 'text', text: '' },
        ],
      },
      user('b'),
    ];
    expect(encoded(provider, { messages }, sonnet).body).toMatchObject({
      system: [
        { type: 'text', text: 'One.' },
        { type: 'text', text: 'Two.', cache_control: { type: 'ephemeral', ttl: '1h' } },
      ],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
      ],
    });
  });

  it('T-A10 system messages stay where they are if the endpoint takes them there, but for those before the first turn', () => {
    const inline = anthropic({ apiKey: 'key', inlineSystem: true });
    const system = (content: string): ChatMessage => ({ role: 'system', content });
    const said = (role: string, text: string): object => ({ role, content: [{ type: 'text', text }] });
    const messages = [system('One.'), system('Two.'), user('a'), system('Three.'), user('b')];
    expect(encoded(inline, { messages }, sonnet).body).toMatchObject({
      system: [
        { type: 'text', text: 'One.' },
        { type: 'text', text: 'Two.' },
      ],
      messages: [said('user', 'a'), said('system', 'Three.'), said('user', 'b')],
    });
    expect(encoded(inline, { messages: [user('a'), system('b')] }, sonnet).body).not.toHaveProperty('system');
    const behindNothing = encoded(inline, { messages: [user(''), system('One.'), user('a')] }, sonnet).body;
    expect(behindNothing).toMatchObject({ system: [{ text: 'One.' }], messages: [said('user', 'a')] });
  });

  it('T-A11 blank stop sequences are left out', () => {
    expect(encoded(provider, { stop: ['END', ' ', '\n'] }, sonnet).body['stop_sequences']).toEqual(['END']);
    expect(encoded(provider, { stop: [' '] }, sonnet).body).not.toHaveProperty('stop_sequences');
  });

  it('T-A12 samplers are clamped, or dropped where the model does not take them', () => {
    const hot = encoded(provider, { temperature: 1.5 }, sonnet);
    expect(hot.body['temperature']).toBe(1);
    expect(hot.adjusted).toEqual(['temperature: clamped']);
    const both = encoded(provider, { temperature: 0.5, top_p: 0.9, top_k: 40 }, sonnet);
    expect(both.body).toMatchObject({ temperature: 0.5, top_k: 40 });
    expect(both.adjusted).toEqual(['top_p: dropped']);
    const thinking = encoded(provider, { temperature: 0.5, top_k: 4, reasoning: { effort: 'low' } }, sonnet);
    expect(thinking.adjusted).toEqual(['temperature: dropped', 'top_k: dropped']);
    const none = encoded(provider, { temperature: 0.5, top_p: 0.9, top_k: 4 }, opus48);
    for (const name of ['temperature', 'top_p', 'top_k']) expect(none.body).not.toHaveProperty(name);
    expect(none.adjusted).toHaveLength(3);
  });

  const thinkingOf = (reasoning: ReasoningOptions, model: object, max_tokens = 8000): unknown => {
    const { body } = encoded(provider, { reasoning, max_tokens }, model);
    return { thinking: body['thinking'], effort: (body['output_config'] as { effort?: string } | undefined)?.effort };
  };
  const budget = (budget_tokens: number): object => ({ thinking: { type: 'enabled', budget_tokens } });
  const adaptive = (effort: string, display = 'summarized'): object => ({
    thinking: { type: 'adaptive', display },
    effort,
  });
  const cases: readonly [string, ReasoningOptions, object, object, number?][] = [
    ['no thinking', { effort: 'high' }, haiku, {}],
    ['budget, none', { effort: 'none' }, sonnet, {}],
    ['budget, minimal', { effort: 'minimal' }, sonnet, budget(1024)],
    ['budget, low', { effort: 'low' }, sonnet, budget(1600)],
    ['budget, medium', { effort: 'medium' }, sonnet, budget(4000)],
    ['budget, enabled', { enabled: true }, sonnet, budget(4000)],
    ['budget, high', { effort: 'high' }, sonnet, budget(6400)],
    ['budget, max', { effort: 'max' }, sonnet, budget(7600)],
    ['budget, tokens', { max_tokens: 3000 }, sonnet, budget(3000)],
    ['budget, few tokens', { max_tokens: 10 }, sonnet, budget(1024)],
    ['adaptive, none', { effort: 'none' }, opus46, { thinking: { type: 'disabled' } }],
    ['adaptive, disabled', { enabled: false }, opus46, { thinking: { type: 'disabled' } }],
    ['adaptive, minimal', { effort: 'minimal' }, opus46, adaptive('low')],
    ['adaptive, enabled', { enabled: true }, opus46, adaptive('medium')],
    ['adaptive, high', { effort: 'high' }, opus46, adaptive('high')],
    ['adaptive, xhigh unsupported', { effort: 'xhigh' }, opus46, adaptive('max')],
    ['adaptive, tokens', { max_tokens: 3000 }, opus46, budget(3000)],
    ['adaptive without tokens, xhigh', { effort: 'xhigh' }, opus48, adaptive('xhigh')],
    ['adaptive without tokens, tokens', { max_tokens: 4100 }, opus48, adaptive('medium')],
    ['adaptive without tokens, none', { effort: 'none' }, opus48, { thinking: { type: 'disabled' } }],
    ['always adaptive, none', { effort: 'none' }, fable, adaptive('low')],
    ['always adaptive, most tokens', { max_tokens: 6600 }, fable, adaptive('high')],
    ['excluded', { effort: 'low', exclude: true }, opus46, adaptive('low', 'omitted')],
    ['nothing wished', { exclude: true }, sonnet, {}],
  ];
  it.each(cases)('T-A13 thinking: %s', (_name, reasoning, model, expected) => {
    expect(thinkingOf(reasoning, model)).toEqual({ thinking: undefined, effort: undefined, ...expected });
  });

  it('T-A13 says where a wish for thinking could not be met', () => {
    expect(encoded(provider, { reasoning: { effort: 'high' } }, haiku).adjusted).toEqual(['reasoning: dropped']);
    expect(encoded(provider, { reasoning: { effort: 'none' } }, haiku).adjusted).toEqual([]);
    expect(encoded(provider, { reasoning: { effort: 'none' } }, fable).adjusted).toEqual(['reasoning: rewritten']);
    expect(encoded(provider, { reasoning: { max_tokens: 2000 } }, fable).adjusted).toEqual(['reasoning: rewritten']);
  });

  it('T-A62 the budget stays below max_tokens, or thinking is off', () => {
    const small = encoded(provider, { reasoning: { effort: 'high' }, max_tokens: 1024 }, sonnet);
    expect(small.body).not.toHaveProperty('thinking');
    expect(small.adjusted).toEqual(['reasoning: dropped']);
    expect(thinkingOf({ effort: 'low' }, sonnet, 1025)).toMatchObject(budget(1024));
    expect(refused(provider, { reasoning: { max_tokens: 9000 } }, sonnet)).toMatchObject({
      code: 'invalid_request',
      path: 'reasoning.max_tokens',
    });
  });

  it('T-A62 a forced tool turns thinking off, or is not forced where thinking cannot be', () => {
    const asked = { tools: [weather], tool_choice: 'required' as const, reasoning: { effort: 'high' as const } };
    const off = encoded(provider, asked, sonnet);
    expect(off.body).toMatchObject({ tool_choice: { type: 'any' } });
    expect(off.body).not.toHaveProperty('thinking');
    expect(off.adjusted).toEqual(['reasoning: dropped']);
    const always = encoded(provider, asked, fable);
    expect(always.body).toMatchObject({ tool_choice: { type: 'auto' }, thinking: { type: 'adaptive' } });
    expect(always.adjusted).toEqual(['tool_choice: rewritten']);
  });

  it('T-A14 schemas pass whole; what has none gets an empty one', () => {
    const parameters = {
      title: 'T',
      description: 'D',
      additionalProperties: false,
      $defs: { a: { type: 'string', minLength: 2 } },
      properties: { a: { $ref: '#/$defs/a' } },
    };
    const tools = [
      { type: 'function' as const, function: { name: 'a', description: 'says', parameters, strict: true } },
      { type: 'function' as const, function: { name: 'b' }, cache_control: { type: 'ephemeral' as const } },
    ];
    expect(encoded(provider, { tools }, sonnet).body['tools']).toEqual([
      { name: 'a', description: 'says', input_schema: { type: 'object', ...parameters }, strict: true },
      { name: 'b', input_schema: { type: 'object', properties: {} }, cache_control: { type: 'ephemeral' } },
    ]);
    expect(encoded(provider, { tools }, haiku).body['tools']).toEqual([
      { name: 'a', description: 'says', input_schema: { type: 'object', ...parameters } },
      expect.objectContaining({ name: 'b' }),
    ]);
    expect(encoded(provider, { tools: [] }, sonnet).body).not.toHaveProperty('tools');
  });

  const allowed = (mode: 'auto' | 'required'): object => ({
    type: 'allowed_tools',
    allowed_tools: { mode, tools: [{ type: 'function', function: { name: 'weather' } }] },
  });
  it.each([
    [{ tool_choice: 'auto' }, { type: 'auto' }],
    [{ tool_choice: 'required' }, { type: 'any' }],
    [{ tool_choice: 'none' }, { type: 'none' }],
    [{ tool_choice: { type: 'function', function: { name: 'weather' } } }, { type: 'tool', name: 'weather' }],
    [{ tool_choice: allowed('auto') }, { type: 'auto' }],
    [{ tool_choice: allowed('required') }, { type: 'any' }],
    [{ parallel_tool_calls: false }, { type: 'auto', disable_parallel_tool_use: true }],
    [
      { parallel_tool_calls: false, tool_choice: 'required' },
      { type: 'any', disable_parallel_tool_use: true },
    ],
    [{ parallel_tool_calls: true }, undefined],
  ])('T-A15 tool choice %j', (choice, expected) => {
    const other = { type: 'function' as const, function: { name: 'other' } };
    const { body } = encoded(provider, { tools: [weather, other], ...(choice as object) }, sonnet);
    expect(body['tool_choice']).toEqual(expected);
    expect(body['tools']).toHaveLength(JSON.stringify(choice).includes('allowed_tools') ? 1 : 2);
    expect(encoded(provider, choice as object, sonnet).body).not.toHaveProperty('tool_choice');
  });

  it('T-A16 T-X05 arguments are an object, whatever the model had written', () => {
    const inputOf = (args: string): unknown => {
      const messages = [user('a'), calling('c', args), result('c', 'r')];
      const { body, adjusted } = encoded(provider, { messages }, sonnet);
      const [, turn] = body['messages'] as readonly { content: readonly { input: unknown }[] }[];
      return { input: turn?.content[0]?.input, adjusted };
    };
    expect(inputOf('{"city":"Oslo"}')).toEqual({ input: { city: 'Oslo' }, adjusted: [] });
    expect(inputOf('')).toEqual({ input: {}, adjusted: [] });
    const rewritten = ['messages.tool_calls: rewritten'];
    expect(inputOf('[1]')).toEqual({ input: { raw_arguments: '[1]' }, adjusted: rewritten });
    expect(inputOf('{"city":')).toEqual({ input: { raw_arguments: '{"city":' }, adjusted: rewritten });
  });

  it('T-A17 T-X03 results and the next user message are one turn, results first, in the order of the calls', () => {
    const messages: ChatMessage[] = [
      user('a'),
      {
        role: 'assistant',
        content: 'Looking.',
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } },
          { id: 'c2', type: 'function', function: { name: 'weather', arguments: '{}' } },
        ],
      },
      result('c2', 'old'),
      { role: 'tool', tool_call_id: 'c2', content: 'two', is_error: true },
      {
        role: 'tool',
        tool_call_id: 'c1',
        content: [
          { type: 'text', text: 'one' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
        ],
      },
      user('and?'),
      result('c1', 'late'),
      user('then?'),
    ];
    expect(encoded(provider, { messages }, sonnet).body['messages']).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'a' }] },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Looking.' },
          { type: 'tool_use', id: 'c1', name: 'weather', input: {} },
          { type: 'tool_use', id: 'c2', name: 'weather', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'c1',
            content: [
              { type: 'text', text: 'one' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } },
            ],
          },
          { type: 'tool_result', tool_use_id: 'c2', content: 'two', is_error: true },
          { type: 'text', text: 'and?' },
          { type: 'text', text: '[tool result c1]\nlate' },
          { type: 'text', text: 'then?' },
        ],
      },
    ]);
  });

  it('T-A17 T-X06 an empty result has no content; a call without a result is refused', () => {
    const { body } = encoded(provider, { messages: [user('a'), calling('c'), result('c', '')] }, sonnet);
    expect(body['messages']).toMatchObject([{}, {}, { content: [{ type: 'tool_result', tool_use_id: 'c' }] }]);
    expect(JSON.stringify(body['messages'])).not.toContain('"content":""');
    const open = [user('a'), calling('c1'), user('b')];
    expect(refused(provider, { messages: open }, sonnet)).toMatchObject({
      code: 'invalid_prompt',
      path: 'messages.1.tool_calls.0',
    });
  });

  it('T-A18 roles alternate and begin with the user', () => {
    const messages: ChatMessage[] = [
      { role: 'assistant', content: 'Hi.' },
      { role: 'assistant', content: 'Hello?' },
      user('a'),
      user('b'),
    ];
    expect(encoded(provider, { messages }, sonnet).body['messages']).toEqual([
      { role: 'user', content: [{ type: 'text', text: '(conversation resumes)' }] },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Hi.' },
          { type: 'text', text: 'Hello?' },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
    ]);
  });

  it('T-A18 a prefill is trimmed, thinks nothing, and goes only where it is taken', () => {
    const messages: ChatMessage[] = [user('a'), { role: 'assistant', content: 'It is \n' }];
    const { body, adjusted } = encoded(provider, { messages, reasoning: { effort: 'high' } }, sonnet);
    expect(body['messages']).toMatchObject([{}, { role: 'assistant', content: [{ type: 'text', text: 'It is' }] }]);
    expect(body).not.toHaveProperty('thinking');
    expect(adjusted).toEqual(['reasoning: dropped']);
    expect(refused(provider, { messages }, opus46)).toMatchObject({ code: 'invalid_prompt', path: 'messages.1' });
  });

  it.each(['system', 'developer'] as const)('T-A18 a prefill is one before a %s message too', (role) => {
    const messages: ChatMessage[] = [user('a'), { role: 'assistant', content: 'It is \n' }, { role, content: 's' }];
    const { body, adjusted } = encoded(provider, { messages, reasoning: { effort: 'high' } }, sonnet);
    expect(body['messages']).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'a' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'It is' }] },
    ]);
    expect(body).not.toHaveProperty('thinking');
    expect(adjusted).toEqual(['reasoning: dropped']);
    expect(refused(provider, { messages }, opus46)).toMatchObject({ code: 'invalid_prompt', path: 'messages.1' });
  });

  it('T-A20 T-X06 what is empty is left out', () => {
    const messages: ChatMessage[] = [
      user(''),
      {
        role: 'user',
        content: [
          { type: 'text', text: '' },
          { type: 'text', text: 'a' },
        ],
      },
      { role: 'assistant', content: ' \n' },
    ];
    expect(encoded(provider, { messages }, sonnet).body['messages']).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'a' }] },
    ]);
  });

  it('T-A22 T-C14 what the API does not know is dropped and noted; T-O63 the user goes as a hash', () => {
    const { body, adjusted } = encoded(
      provider,
      { n: 2, seed: 1, logit_bias: { 1: 1 }, frequency_penalty: 1, min_p: 0.1, user: 'eve' },
      { ...sonnet, user: 'hash', extra: { novelty: 1 } },
    );
    expect(adjusted.toSorted()).toEqual(
      ['frequency_penalty', 'logit_bias', 'min_p', 'n', 'seed'].map((param) => `${param}: dropped`),
    );
    expect(body['metadata']).toEqual({ user_id: 'hash' });
    expect(JSON.stringify(body)).not.toMatch(/eve|novelty|seed/);
  });

  it('T-C16 names and ids that the API refuses are rewritten, apart from one another', () => {
    const messages = [
      user('a'),
      calling('a b', '{}', 'get weather'),
      result('a b', '1'),
      calling('a_b', '{}', 'get_weather'),
      result('a_b', '2'),
      calling('a.b', '{}', `x${'.'.repeat(100)}`),
      result('a.b', '3'),
    ];
    const { body } = encoded(provider, { messages }, sonnet);
    const blocks = (body['messages'] as readonly { content: readonly Record<string, string>[] }[]).flatMap(
      ({ content }) => content,
    );
    const calls = blocks.filter(({ type }) => type === 'tool_use');
    expect(calls.map(({ id }) => id)).toEqual(['a_b_2', 'a_b', 'a_b_3']);
    expect(calls.map(({ name }) => name)).toEqual(['get_weather_2', 'get_weather', `x${'_'.repeat(63)}`]);
    const results = blocks.filter(({ type }) => type === 'tool_result');
    expect(results.map((block) => block['tool_use_id'])).toEqual(['a_b_2', 'a_b', 'a_b_3']);
  });

  it('T-A60 at most four cache marks, in the order of the prompt', () => {
    const mark = { cache_control: { type: 'ephemeral' as const } };
    const text = (value: string): object => ({ type: 'text', text: value, ...mark });
    const { body, adjusted } = encoded(
      provider,
      {
        tools: [{ ...weather, ...mark }],
        messages: [
          { role: 'system', content: [text('s')] as never },
          { role: 'user', content: [text('1'), text('2'), text('3')] as never },
        ],
        ...mark,
      },
      sonnet,
    );
    expect(JSON.stringify(body).match(/cache_control/g)).toHaveLength(4);
    expect(body).not.toHaveProperty('cache_control');
    expect(body['messages']).toEqual([{ role: 'user', content: [text('1'), text('2'), { type: 'text', text: '3' }] }]);
    expect(adjusted).toEqual(['cache_control: dropped']);
    expect(encoded(provider, mark, sonnet).body['cache_control']).toEqual({ type: 'ephemeral' });
  });

  const signed = { type: 'reasoning.text', format: 'anthropic-claude-v1', index: 0, text: 'Hm.', signature: 'sig' };
  const hidden = { type: 'reasoning.encrypted', format: 'anthropic-claude-v1', index: 1, data: 'data' };
  const loop = (details: readonly object[]): ChatMessage[] => [
    user('a'),
    {
      role: 'assistant',
      content: 'Looking.',
      reasoning_details: details as never,
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'weather', arguments: '{}' } }],
    },
    result('c', 'r'),
  ];

  it('T-A61 T-R05 T-X04 reasoning comes first, as it was given, then text, then calls', () => {
    const { body } = encoded(provider, { messages: loop([signed, hidden]), reasoning: { effort: 'low' } }, sonnet);
    expect(body['messages']).toMatchObject([
      {},
      {
        content: [
          { type: 'thinking', thinking: 'Hm.', signature: 'sig' },
          { type: 'redacted_thinking', data: 'data' },
          { type: 'text', text: 'Looking.' },
          { type: 'tool_use' },
        ],
      },
      {},
    ]);
    expect(body).toHaveProperty('thinking');
  });

  it('T-R01 pieces of one entry are put together again', () => {
    const pieces = [
      { ...signed, text: 'H', signature: undefined },
      { type: 'reasoning.text', index: 0, text: 'm.' },
      { type: 'reasoning.text', index: 0, text: '', signature: 'sig' },
    ];
    const { body } = encoded(provider, { messages: loop(pieces) }, sonnet);
    expect(body['messages']).toMatchObject([
      {},
      { content: [{ type: 'thinking', thinking: 'Hm.', signature: 'sig' }, {}, {}] },
      {},
    ]);
  });

  it('T-R04 T-R05 reasoning of others, or without a signature, stays out; a thinking model then rests', () => {
    const foreign = { ...signed, format: 'google-gemini-v1' };
    const unsigned = { type: 'reasoning.text', format: 'anthropic-claude-v1', index: 1, text: 'x' };
    const { body, adjusted } = encoded(
      provider,
      { messages: loop([foreign, unsigned]), reasoning: { effort: 'low' } },
      sonnet,
    );
    expect(JSON.stringify(body['messages'])).not.toMatch(/thinking|Hm\.|"x"/);
    expect(body).not.toHaveProperty('thinking');
    expect(adjusted).toEqual(['reasoning: dropped', 'messages.reasoning_details: dropped']);
    expect(encoded(provider, { messages: loop([]), reasoning: { effort: 'low' } }, opus46).body).toHaveProperty(
      'thinking.type',
      'adaptive',
    );
  });
});
