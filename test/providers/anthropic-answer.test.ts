import { anthropic } from '@gatehouse/core';
import { describe, expect, it } from 'vitest';
import { kindOf, readEvents, readWhole } from './read.js';

const provider = anthropic({ apiKey: 'key' });

const start = (message: object = {}): object => ({
  type: 'message_start',
  message: { id: 'msg_1', content: [], stop_reason: null, usage: { input_tokens: 10, output_tokens: 1 }, ...message },
});
const open = (index: number, block: object): object => ({ type: 'content_block_start', index, content_block: block });
const text = (index: number, value: string): object => ({
  type: 'content_block_delta',
  index,
  delta: { type: 'text_delta', text: value },
});
const json = (index: number, value: string): object => ({
  type: 'content_block_delta',
  index,
  delta: { type: 'input_json_delta', partial_json: value },
});
const close = (index: number): object => ({ type: 'content_block_stop', index });
const ended = (reason: string | null, usage: object = { output_tokens: 5 }): object => ({
  type: 'message_delta',
  delta: { stop_reason: reason },
  usage,
});
const stop = { type: 'message_stop' };
const saying = (value: string): readonly object[] => [open(0, { type: 'text', text: '' }), text(0, value), close(0)];
const message = (content: readonly object[], more: object = {}): object => ({
  id: 'msg_1',
  type: 'message',
  content,
  stop_reason: 'end_turn',
  usage: { input_tokens: 10, output_tokens: 5 },
  ...more,
});

describe('whole answers of Anthropic', () => {
  it('T-A24 T-R02 blocks become content, reasoning and calls; unknown ones are ignored', () => {
    const answer = readWhole(
      provider,
      message([
        { type: 'thinking', thinking: 'One.', signature: 's1' },
        { type: 'text', text: 'a' },
        { type: 'novelty', text: 'x' },
        { type: 'redacted_thinking', data: 'd' },
        { type: 'thinking', thinking: 'Two.', signature: 's2' },
        { type: 'text', text: 'b' },
        { type: 'tool_use', id: 't1', name: 'f', input: { a: 1 } },
        { type: 'tool_use', id: 't2', name: 'g', input: {} },
      ]),
    );
    expect(answer.choices[0]).toEqual({
      index: 0,
      message: {
        role: 'assistant',
        content: 'ab',
        refusal: null,
        reasoning: 'One.Two.',
        reasoning_details: [
          { type: 'reasoning.text', index: 0, format: 'anthropic-claude-v1', text: 'One.', signature: 's1' },
          { type: 'reasoning.encrypted', index: 1, format: 'anthropic-claude-v1', data: 'd' },
          { type: 'reasoning.text', index: 2, format: 'anthropic-claude-v1', text: 'Two.', signature: 's2' },
        ],
        tool_calls: [
          { id: 't1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
          { id: 't2', type: 'function', function: { name: 'g', arguments: '{}' } },
        ],
      },
      finish_reason: 'tool_calls',
      native_finish_reason: 'end_turn',
      logprobs: null,
    });
  });

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['pause_turn', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['tool_use', 'stop'],
    ['refusal', 'content_filter'],
    ['compaction', 'stop'],
    [null, 'stop'],
  ])('T-A25 T-C03 stop reason %s without calls is %s', (reason, finish) => {
    const answer = readWhole(provider, message([{ type: 'text', text: 'a' }], { stop_reason: reason }));
    expect(answer.choices[0]).toMatchObject({ finish_reason: finish, native_finish_reason: reason });
  });

  it('T-A26 T-U04 usage counts the cache; the tier is told; a refusal is an answer', () => {
    const usage = {
      input_tokens: 10,
      cache_read_input_tokens: 1000,
      cache_creation_input_tokens: 100,
      cache_creation: { ephemeral_5m_input_tokens: 60, ephemeral_1h_input_tokens: 40 },
      output_tokens: 5,
      output_tokens_details: { thinking_tokens: 3 },
      service_tier: 'standard',
    };
    const answer = readWhole(
      provider,
      message([], { stop_reason: 'refusal', stop_details: { explanation: 'No.' }, usage }),
    );
    expect(answer.usage).toMatchObject({
      prompt: 1110,
      completion: 5,
      cachedRead: 1000,
      cacheWrite5m: 60,
      cacheWrite1h: 40,
      reasoning: 3,
    });
    expect(answer.serviceTier).toBe('default');
    expect(answer.choices[0]).toMatchObject({
      message: { content: '', refusal: 'No.' },
      finish_reason: 'content_filter',
    });
  });

  it("T-A27 the provider's own tools are no calls of the client", () => {
    const answer = readWhole(
      provider,
      message(
        [
          { type: 'server_tool_use', id: 's', name: 'web_search', input: { q: 1 } },
          { type: 'mcp_tool_use', id: 'm', name: 'x', input: {} },
          { type: 'web_search_tool_result', tool_use_id: 's', content: [] },
          { type: 'text', text: 'Ü ' },
          {
            type: 'text',
            text: 'so 👀',
            citations: [
              { type: 'web_search_result_location', url: 'https://a.example/', title: 'A', cited_text: 'c' },
              { type: 'char_location', document_index: 0 },
            ],
          },
        ],
        { usage: { input_tokens: 1, output_tokens: 1, server_tool_use: { web_search_requests: 2 } } },
      ),
    );
    expect(answer.usage?.webSearches).toBe(2);
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop' });
    expect(answer.choices[0]?.message).not.toHaveProperty('tool_calls');
    expect(answer.choices[0]?.message.annotations).toEqual([
      {
        type: 'url_citation',
        url_citation: { url: 'https://a.example/', title: 'A', content: 'c', start_index: 2, end_index: 7 },
      },
    ]);
  });

  it.each([
    ['invalid_request_error', 400, 'x', 'invalid_request'],
    ['invalid_request_error', 400, 'prompt is too long: 210000 tokens > 200000 maximum', 'context_length'],
    ['invalid_request_error', 400, 'input length and `max_tokens` exceed context limit', 'context_length'],
    ['invalid_request_error', 400, 'Your credit balance is too low to access the API.', 'upstream_payment'],
    ['invalid_request_error', 400, 'You have reached your specified API usage limits.', 'upstream_payment'],
    ['authentication_error', 401, 'x', 'upstream_auth'],
    ['billing_error', 402, 'x', 'upstream_payment'],
    ['permission_error', 403, 'x', 'upstream_auth'],
    ['not_found_error', 404, 'x', 'model_unavailable'],
    ['request_too_large', 413, 'x', 'too_large'],
    ['rate_limit_error', 429, 'x', 'rate_limited'],
    ['api_error', 500, 'x', 'server_error'],
    ['timeout_error', 504, 'x', 'timeout'],
    ['overloaded_error', 529, 'x', 'overloaded'],
    ['novelty_error', 529, 'x', 'overloaded'],
  ])('T-A28 T-C17 T-C18 %s %i %j is %s', (type, status, words, kind) => {
    const body = { type: 'error', error: { type, message: words } };
    expect(kindOf(provider, status, body)).toBe(kind);
    expect(kindOf(provider, status, '<html>')).toBe(kindOf(provider, status, ''));
    const { failure } = readEvents(provider, [start(), body]);
    if (type !== 'novelty_error') expect(failure).toMatchObject({ kind, status, providerCode: type });
  });
});

describe('streams of Anthropic', () => {
  it('T-C09 T-A33 what holds nothing makes no chunk', () => {
    const { pushed, chunks } = readEvents(provider, [
      start(),
      { type: 'ping' },
      open(0, { type: 'thinking', thinking: '', signature: '' }),
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: '' } },
      close(0),
      open(1, { type: 'text', text: '' }),
      text(1, ''),
      close(1),
      ended('end_turn'),
      stop,
    ]);
    expect(pushed).toBe(0);
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, 'stop']);
  });

  it('T-A33 a signature gives a detail and nothing else', () => {
    const { chunks } = readEvents(provider, [
      start(),
      open(0, { type: 'thinking', thinking: '', signature: '' }),
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 's' } },
      close(0),
      ended('end_turn'),
      stop,
    ]);
    expect(chunks[1]?.choices[0]?.delta).toEqual({
      reasoning_details: [
        { type: 'reasoning.text', index: 0, format: 'anthropic-claude-v1', text: '', signature: 's' },
      ],
    });
  });

  it('T-A29 T-A30 calls are counted by themselves; their arguments come once and never as an empty object first', () => {
    const { chunks } = readEvents(provider, [
      start(),
      ...saying('a'),
      open(3, { type: 'tool_use', id: 't1', name: 'f', input: {} }),
      json(3, ''),
      json(3, '{"a"'),
      json(3, ':1}'),
      close(3),
      open(7, { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }),
      json(7, '{"q":1}'),
      close(7),
      open(9, { type: 'tool_use', id: 't2', name: 'g', input: {} }),
      close(9),
      open(11, { type: 'tool_use', id: 't3', name: 'h', input: { whole: true } }),
      close(11),
      ended('tool_use'),
      stop,
    ]);
    const calls = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    expect(calls).toEqual([
      { index: 0, id: 't1', type: 'function', function: { name: 'f', arguments: '' } },
      { index: 0, function: { arguments: '{"a"' } },
      { index: 0, function: { arguments: ':1}' } },
      { index: 1, id: 't2', type: 'function', function: { name: 'g', arguments: '' } },
      { index: 1, function: { arguments: '{}' } },
      { index: 2, id: 't3', type: 'function', function: { name: 'h', arguments: '' } },
      { index: 2, function: { arguments: '{"whole":true}' } },
    ]);
    expect(chunks.every(({ choices }) => choices[0]?.index === 0)).toBe(true);
  });

  it('T-A29 calls that the start of the message has already are calls', () => {
    const { message: read } = readEvents(provider, [
      start({ content: [{ type: 'tool_use', id: 't0', name: 'f', input: { a: 1 } }] }),
      open(1, { type: 'tool_use', id: 't1', name: 'g', input: {} }),
      close(1),
      ended('tool_use'),
      stop,
    ]);
    expect(read['tool_calls']).toMatchObject([
      { id: 't0', function: { name: 'f', arguments: '{"a":1}' } },
      { id: 't1', function: { name: 'g', arguments: '{}' } },
    ]);
  });

  it('T-A31 interleaved blocks arrive in the order sent', () => {
    const { chunks } = readEvents(provider, [
      start(),
      open(0, { type: 'thinking', thinking: 'A' }),
      close(0),
      open(1, { type: 'text', text: 'B' }),
      close(1),
      open(2, { type: 'tool_use', id: 't', name: 'C', input: {} }),
      close(2),
      open(3, { type: 'thinking', thinking: 'D' }),
      close(3),
      open(4, { type: 'text', text: 'E' }),
      close(4),
      ended('tool_use'),
      stop,
    ]);
    const order = chunks.flatMap(({ choices }) => {
      const { reasoning, content, tool_calls: calls } = choices[0]?.delta ?? {};
      return reasoning ?? (content || undefined) ?? calls?.[0]?.function.name ?? [];
    });
    expect(order.join('')).toBe('ABCDE');
  });

  it('T-A32 T-A37 a field of usage replaces what was known; nothing is added up', () => {
    const { usage } = readEvents(provider, [
      start({ usage: { input_tokens: 10, cache_read_input_tokens: 100, output_tokens: 1 } }),
      ...saying('a'),
      ended(null, { output_tokens: 4 }),
      ended('end_turn', { output_tokens: 9, cache_read_input_tokens: 120 }),
      stop,
    ]);
    expect(usage).toMatchObject({ prompt: 130, cachedRead: 120, completion: 9 });
    const only = readEvents(provider, [
      { type: 'message_start', message: { id: 'm', content: [] } },
      ...saying('a'),
      ended('end_turn', { input_tokens: 3, output_tokens: 2 }),
      stop,
    ]);
    expect(only.usage).toMatchObject({ prompt: 3, completion: 2 });
  });

  it('T-A34 T-C11 T-C12 ends of every kind', () => {
    expect(readEvents(provider, [start(), ...saying('a')]).failure?.kind).toBe('truncated');
    const twice = readEvents(provider, [
      start(),
      ...saying('a'),
      ended('max_tokens'),
      ended(null),
      stop,
      ...saying('b'),
    ]);
    expect(twice.merged).toMatchObject({ message: { content: 'a' }, finish_reason: 'length' });
    const cut = readEvents(provider, [start(), ...saying('a'), ended('end_turn')]);
    expect(cut.merged).toMatchObject({ finish_reason: 'stop', native_finish_reason: 'end_turn' });
    const bare = readEvents(provider, [start(), ...saying('a'), stop]);
    expect(bare.merged).toMatchObject({ finish_reason: 'stop', native_finish_reason: null });
    expect(readEvents(provider, [start(), start({ id: 'other' })]).failure?.kind).toBe('bad_response');
    expect(readEvents(provider, [start(), start(), ...saying('a'), stop]).message['content']).toBe('a');
  });

  it('T-A35 T-A36 an error event leaves usage readable', () => {
    const { failure, usage } = readEvents(provider, [
      start({ usage: { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 } }),
      ...saying('a'),
      { type: 'error', error: { type: 'overloaded_error', message: 'x' } },
    ]);
    expect(failure).toMatchObject({ kind: 'overloaded', status: 529 });
    expect(usage).toMatchObject({ prompt: 15, cachedRead: 5, completion: 1 });
  });

  it('T-U10 with compaction the steps are what is billed', () => {
    const iterations = [
      { type: 'compaction', input_tokens: 100, output_tokens: 20 },
      { type: 'message', input_tokens: 30, output_tokens: 5 },
    ];
    const usage = { input_tokens: 30, output_tokens: 5, iterations };
    expect(readWhole(provider, message([], { usage })).usage).toMatchObject({ prompt: 130, completion: 25 });
    const fallback = { ...usage, iterations: [...iterations, { type: 'fallback_message', input_tokens: 1 }] };
    expect(readWhole(provider, message([], { usage: fallback })).usage).toMatchObject({ prompt: 30, completion: 5 });
  });

  it('T-C15 hostile indices, names and counts do no harm', () => {
    const { message: read } = readEvents(provider, [
      start(),
      { type: 'content_block_start', index: '__proto__', content_block: { type: 'text', text: 'a' } },
      { type: 'content_block_delta', index: 'constructor', delta: { type: 'text_delta', text: 'b' } },
      open(-1, {
        type: 'tool_use',
        id: '__proto__',
        name: 'constructor',
        input: JSON.parse('{"__proto__":1}') as object,
      }),
      close(-1),
      ended('tool_use'),
      stop,
    ]);
    expect(read['content']).toBe('ab');
    expect(read['tool_calls']).toMatchObject([
      { id: '__proto__', function: { name: 'constructor', arguments: '{"__proto__":1}' } },
    ]);
    expect(Object.prototype).not.toHaveProperty('polluted');
    const many = Array.from({ length: 129 }, (_, index) => [
      open(index, { type: 'tool_use', id: `t${index}`, name: 'f', input: {} }),
      close(index),
    ]);
    expect(readEvents(provider, [start(), ...many.flat()]).failure?.kind).toBe('bad_response');
  });

  it.each([
    [{ input_tokens: -1, output_tokens: 1 }],
    [{ input_tokens: 1, output_tokens: 1e12 }],
    [{ input_tokens: 1.5, output_tokens: 1 }],
    [{ input_tokens: '7', output_tokens: 1, cache_read_input_tokens: -4 }],
    [{ input_tokens: 1, output_tokens: 1, output_tokens_details: { thinking_tokens: 2 } }],
  ])('T-U02 the report %j is not believed', (usage) => {
    expect(readWhole(provider, message([], { usage })).usage).toBeUndefined();
  });

  it('T-C16 names that were rewritten come back as the client wrote them', () => {
    const request = {
      messages: [
        {
          role: 'assistant' as const,
          tool_calls: [{ id: 'c', type: 'function' as const, function: { name: 'get it', arguments: '{}' } }],
        },
      ],
    };
    const { message: read } = readEvents(
      provider,
      [start(), open(0, { type: 'tool_use', id: 't', name: 'get_it', input: {} }), close(0), ended('tool_use'), stop],
      { request },
    );
    expect(read['tool_calls']).toMatchObject([{ function: { name: 'get it' } }]);
  });
});

describe('structured answers of Anthropic', () => {
  const schema = { type: 'object', properties: { a: { type: 'integer', minimum: 1 } } };
  const format = { type: 'json_schema' as const, json_schema: { name: 'x', schema } };
  const request = { messages: [{ role: 'user' as const, content: 'a' }], response_format: format };
  const tool = [
    open(1, { type: 'tool_use', id: 't', name: 'json', input: {} }),
    json(1, '{"a"'),
    json(1, ':1}'),
    close(1),
  ];

  it('T-J02 the input of the tool is the content, and nothing tells of the tool', () => {
    const more = { request, upstreamModel: 'claude-3-5-haiku-latest' };
    const events = [start(), ...saying('Here it is:'), ...tool, ended('tool_use'), stop];
    const { merged } = readEvents(provider, events, more);
    expect(merged).toMatchObject({
      message: { content: '{"a":1}' },
      finish_reason: 'stop',
      native_finish_reason: 'tool_use',
    });
    expect(merged['message']).not.toHaveProperty('tool_calls');
    const whole = message([{ type: 'tool_use', id: 't', name: 'json', input: { a: 1 } }], { stop_reason: 'tool_use' });
    expect(readWhole(provider, whole, more).choices[0]).toMatchObject({
      message: { content: '{"a":1}' },
      finish_reason: 'stop',
    });
  });

  it("T-J02 a call of the client's own tool stays a call", () => {
    const tools = [{ type: 'function' as const, function: { name: 'json' } }];
    const { merged } = readEvents(provider, [start(), ...tool, ended('tool_use'), stop], {
      request: { ...request, tools },
      upstreamModel: 'claude-3-5-haiku-latest',
    });
    expect(merged).toMatchObject({
      message: { content: null, tool_calls: [{ function: { name: 'json', arguments: '{"a":1}' } }] },
      finish_reason: 'tool_calls',
    });
  });

  it('T-J02 models with a field for it answer in text', () => {
    const { merged } = readEvents(provider, [start(), ...saying('{"a":1}'), ended('end_turn'), stop], {
      request,
      upstreamModel: 'claude-sonnet-4-5',
    });
    expect(merged).toMatchObject({ message: { content: '{"a":1}' }, finish_reason: 'stop' });
  });
});
