import {
  azure,
  type ChatMessage,
  deepseek,
  fireworks,
  flo2,
  groq,
  mistral,
  ollama,
  openai,
  openaiCompatible,
  openrouter,
  type Provider,
  perplexity,
  together,
  vllm,
  xai,
} from '@gatehouse/core';
import { describe, expect, it } from 'vitest';
import { encoded } from './encoded.js';
import { kindOf, readEvents, readWhole } from './read.js';

const apiKey = 'key';
const presets = {
  openai: openai({ apiKey }),
  azure: azure({ apiKey, resource: 'acme', models: [{ id: 'openai/gpt-4o', upstreamId: 'ours', pricing: 'free' }] }),
  groq: groq({ apiKey }),
  mistral: mistral({ apiKey }),
  together: together({ apiKey }),
  fireworks: fireworks({ apiKey }),
  deepseek: deepseek({ apiKey }),
  xai: xai({ apiKey }),
  perplexity: perplexity({ apiKey }),
  openrouter: openrouter({ apiKey }),
  flo2: flo2({ apiKey, baseUrl: 'http://127.0.0.1:1/v1' }),
  ollama: ollama({}),
  vllm: vllm({}),
  generic: openaiCompatible({ slug: 'acme', baseUrl: 'http://127.0.0.1:1/v1', models: ['m'], pricing: 'free' }),
} satisfies Record<string, Provider>;
type Name = keyof typeof presets;
const names = Object.keys(presets) as Name[];
const all = <T>(value: T, others: Partial<Record<Name, T>> = {}): readonly [Name, T][] =>
  names.map((name) => [name, others[name] ?? value]);

const user = (content: string): ChatMessage => ({ role: 'user', content });
const bodyOf = (name: Name, asked: object, more: object = {}): Readonly<Record<string, unknown>> =>
  encoded(presets[name], asked, more).body;
const messagesOf = (
  name: Name,
  messages: readonly ChatMessage[],
  more: object = {},
): readonly Record<string, unknown>[] =>
  bodyOf(name, { messages }, more)['messages'] as readonly Record<string, unknown>[];
const weather = { type: 'function' as const, function: { name: 'weather', parameters: { type: 'object' } } };
const calling = (id: string, more: object = {}): ChatMessage => ({
  role: 'assistant',
  tool_calls: [{ id, type: 'function', function: { name: 'weather', arguments: '{}' } }],
  ...more,
});
const result = (id: string, content = 'r'): ChatMessage => ({ role: 'tool', tool_call_id: id, content });

describe('requests of the OpenAI family', () => {
  it.each(all('max_tokens', { xai: 'max_completion_tokens' }))('T-O55 output limit: %s says %s', (name, field) => {
    const body = bodyOf(name, { max_tokens: 9 }, { upstreamModel: 'plain' });
    expect(body[field]).toBe(9);
    expect('max_tokens' in body && 'max_completion_tokens' in body).toBe(false);
  });

  it('T-O55 reasoning models of OpenAI take their own limit, role and samplers', () => {
    const asked = {
      messages: [{ role: 'system' as const, content: 's' }, user('a')],
      max_tokens: 9,
      temperature: 0.5,
      top_p: 0.5,
      logprobs: true,
      top_logprobs: 2,
      presence_penalty: 1,
      frequency_penalty: 1,
      logit_bias: { 1: 1 },
    };
    const bodyFor = (upstreamModel: string, more: object = {}): Readonly<Record<string, unknown>> =>
      bodyOf('openai', { ...asked, ...more }, { upstreamModel });
    for (const model of ['o1', 'o4-mini', 'gpt-5', 'gpt-5-nano', 'gpt-6']) {
      const { messages, ...body } = bodyFor(model);
      expect(body).toEqual({ model, max_completion_tokens: 9 });
      expect(messages).toMatchObject([{ role: 'developer' }, {}]);
    }
    for (const model of ['gpt-4o', 'gpt-5-chat-latest']) {
      expect(bodyFor(model)).toMatchObject({ max_tokens: 9, temperature: 0.5, logit_bias: { 1: 1 } });
      expect(bodyFor(model)['messages']).toMatchObject([{ role: 'system' }, {}]);
    }
    const awake = bodyFor('gpt-5.1', { reasoning: { effort: 'none' } });
    expect(awake).toMatchObject({ temperature: 0.5, top_p: 0.5, logprobs: true, reasoning_effort: 'none' });
    expect(awake).not.toHaveProperty('presence_penalty');
    expect(bodyFor('gpt-5', { reasoning: { effort: 'none' } })).not.toHaveProperty('temperature');
    expect(encoded(presets.openai, asked, { upstreamModel: 'o3' }).adjusted).toHaveLength(7);
  });

  it('T-O55 azure knows the family by the id of the model, not by the name of the deployment', () => {
    const more = { model: 'openai/gpt-5', upstreamModel: 'our-deployment' };
    expect(bodyOf('azure', { max_tokens: 9, temperature: 1 }, more)).toMatchObject({
      model: 'our-deployment',
      max_completion_tokens: 9,
    });
    expect(encoded(presets.azure, {}, more).path).toBe('/chat/completions');
    const byPath = azure({ apiKey, resource: 'acme', apiVersion: '2024-10-21', deploymentPaths: true, models: [] });
    expect(encoded(byPath, {}, more).path).toBe('/deployments/our-deployment/chat/completions');
    expect(() => azure({ apiKey, models: [] })).toThrow('expected resource or baseUrl');
  });

  const asks = { groq: false, mistral: false, perplexity: false, openrouter: false };
  it.each(all(true, asks))('T-O55 stream options: %s %s', (name, sent) => {
    const body = bodyOf(name, {}, { stream: true });
    expect(body['stream']).toBe(true);
    expect(body['stream_options']).toEqual(sent ? { include_usage: true } : undefined);
    expect(bodyOf(name, {})).not.toHaveProperty('stream');
  });

  it.each(all('prefix', { openai: 'field', azure: 'field', openrouter: 'field' }))(
    'T-O62 names: %s takes a %s',
    (name, how) => {
      const [first, second] = messagesOf(name, [
        { role: 'user', content: 'a', name: 'ann' },
        { role: 'user', content: [{ type: 'text', text: 'b' }], name: 'bob' },
      ]);
      if (how === 'field') {
        expect(first).toEqual({ role: 'user', content: 'a', name: 'ann' });
      } else {
        expect(first).toEqual({ role: 'user', content: 'ann: a' });
        expect(JSON.stringify(second)).toContain('bob: ');
        expect(second).not.toHaveProperty('name');
      }
    },
  );

  it('T-O62 a message without text has no name in front of it', () => {
    const call = calling('c1', { content: null, name: 'ann' });
    const empty: ChatMessage = { role: 'assistant', content: '', name: 'ann' };
    const [called, said] = messagesOf('groq', [call, empty, result('c1')]);
    expect(called).toMatchObject({ content: null, tool_calls: [{ id: 'c1' }] });
    expect(said).toEqual({ role: 'assistant', content: '' });
    expect(messagesOf('groq', [{ role: 'user', content: [], name: 'ann' }])[0]).toEqual({ role: 'user', content: [] });
    expect(messagesOf('openai', [call, result('c1')])[0]).toMatchObject({ content: null, name: 'ann' });
  });

  const hashed = { openai: true, azure: true, openrouter: true, groq: true, fireworks: true, xai: true };
  it.each(all(false, hashed))('T-O63 user: %s gets a hash: %s', (name, sent) => {
    const body = bodyOf(name, { user: 'eve' }, { user: 'hash' });
    expect(body['user']).toBe(sent ? 'hash' : undefined);
    expect(JSON.stringify(body)).not.toContain('eve');
    expect(bodyOf(name, { user: 'eve' })).not.toHaveProperty('user');
  });

  const efforts = (name: Name): readonly unknown[] =>
    (['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const).map(
      (effort) => bodyOf(name, { reasoning: { effort } })['reasoning_effort'],
    );
  it('T-O55 efforts are said as each vendor knows them', () => {
    const three = [undefined, 'low', 'low', 'medium', 'high', 'high', 'high'];
    expect(efforts('groq')).toEqual(three);
    expect(efforts('fireworks')).toEqual(three);
    expect(efforts('openai')).toEqual(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);
    expect(bodyOf('deepseek', { reasoning: { effort: 'none' } })['thinking']).toEqual({ type: 'disabled' });
    expect(bodyOf('deepseek', { reasoning: { effort: 'low' } })['thinking']).toEqual({ type: 'enabled' });
    expect(bodyOf('deepseek', { reasoning: { exclude: true } })).not.toHaveProperty('thinking');
    const reasoning = { effort: 'low', exclude: true };
    expect(bodyOf('openrouter', { reasoning })['reasoning']).toEqual(reasoning);
    expect(encoded(presets.openai, { reasoning: { max_tokens: 100 } }).adjusted).toEqual(['reasoning: dropped']);
  });

  const samplers = ['top_k', 'min_p', 'top_a', 'repetition_penalty'];
  it.each<[Name, readonly string[]]>([
    ['openai', samplers],
    ['azure', samplers],
    ['groq', ['logprobs', 'top_logprobs', 'logit_bias', 'n', ...samplers]],
    ['deepseek', ['seed', ...samplers]],
    [
      'perplexity',
      ['tools', 'tool_choice', 'parallel_tool_calls', 'stop', 'seed', 'logit_bias', 'n', 'min_p', 'top_a'],
    ],
    ['ollama', ['tool_choice', 'logit_bias', 'n']],
    ['vllm', ['parallel_tool_calls']],
    ['generic', []],
  ])('T-O55 T-C14 %s does not get %j', (name, lacks) => {
    const asked = {
      tools: [weather],
      tool_choice: 'auto' as const,
      parallel_tool_calls: true,
      stop: ['x'],
      seed: 1,
      n: 2,
      logprobs: true,
      top_logprobs: 2,
      logit_bias: { 1: 1 },
      top_k: 4,
      min_p: 0.1,
      top_a: 0.1,
      repetition_penalty: 1.1,
    };
    const { body, adjusted } = encoded(presets[name], asked, { upstreamModel: 'plain' });
    for (const param of Object.keys(asked)) expect(param in body).toBe(!lacks.includes(param));
    expect(adjusted.toSorted()).toEqual(lacks.map((param) => `${param}: dropped`).toSorted());
  });

  it('T-O55 xai: its names, and what its reasoning models do not take', () => {
    const asked = { parallel_tool_calls: false, stop: ['x'], frequency_penalty: 1, presence_penalty: 1 };
    const body = bodyOf('xai', asked, { upstreamModel: 'grok-4' });
    expect(body['parallel_function_calling']).toBe(false);
    for (const param of Object.keys(asked)) expect(body).not.toHaveProperty(param);
    expect(bodyOf('xai', asked, { upstreamModel: 'grok-2' })).toMatchObject({ stop: ['x'], frequency_penalty: 1 });
  });

  it('T-O55 T-J04 structured output as each vendor takes it', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    const response_format = { type: 'json_schema' as const, json_schema: { name: 'x', schema, strict: true } };
    for (const name of names) {
      const { body, adjusted } = encoded(presets[name], { response_format });
      if (name === 'perplexity') {
        expect(body['response_format']).toEqual({ type: 'json_schema', json_schema: { schema } });
      } else if (name === 'deepseek') {
        expect(body['response_format']).toEqual({ type: 'json_object' });
        expect(body['messages']).toMatchObject([{ role: 'system', content: expect.stringContaining('"a"') }, {}]);
        expect(adjusted).toEqual(['response_format: rewritten']);
      } else {
        // T-J01: as it is.
        expect(body['response_format']).toEqual(response_format);
      }
    }
    expect(bodyOf('deepseek', { response_format: { type: 'json_object' } })['messages']).toHaveLength(1);
  });

  describe('mistral', () => {
    it('T-O55 seed and tool choice have its names', () => {
      expect(bodyOf('mistral', { seed: 7 })).toMatchObject({ random_seed: 7 });
      expect(bodyOf('mistral', { seed: 7 })).not.toHaveProperty('seed');
      const other = { type: 'function' as const, function: { name: 'other' } };
      const tools = [weather, other];
      expect(bodyOf('mistral', { tools, tool_choice: 'required' })).toMatchObject({ tool_choice: 'any', tools });
      const named = { type: 'function' as const, function: { name: 'other' } };
      expect(bodyOf('mistral', { tools, tool_choice: named })).toMatchObject({ tool_choice: 'any', tools: [other] });
      expect(bodyOf('mistral', { tools, tool_choice: 'auto' })).toMatchObject({ tool_choice: 'auto' });
    });

    it('T-O55 T-C16 ids of calls have nine characters, the same for call and result; results are named', () => {
      const messages = [
        user('a'),
        calling('call_long_id'),
        result('call_long_id'),
        calling('abcDEF123'),
        result('abcDEF123'),
      ];
      const [, call, answer, kept, keptAnswer] = messagesOf('mistral', messages);
      const [{ id } = { id: '' }] = (call?.['tool_calls'] ?? []) as readonly { id: string }[];
      expect(id).toMatch(/^[A-Za-z0-9]{9}$/);
      expect(answer).toMatchObject({ tool_call_id: id, name: 'weather' });
      expect(kept?.['tool_calls']).toMatchObject([{ id: 'abcDEF123' }]);
      expect(keptAnswer).toMatchObject({ tool_call_id: 'abcDEF123' });
    });

    it('T-O55 a prefill is marked, and its echo taken off the answer', () => {
      const messages: ChatMessage[] = [user('a'), { role: 'assistant', content: 'It is' }];
      expect(messagesOf('mistral', messages)[1]).toEqual({ role: 'assistant', content: 'It is', prefix: true });
      expect(messagesOf('groq', messages)[1]).not.toHaveProperty('prefix');
      const more = { request: { messages } };
      for (const pieces of [['It is', ' so'], ['It', ' is so'], ['It is so'], [' so']]) {
        const events = pieces.map((content) => ({ choices: [{ index: 0, delta: { content } }] }));
        const end = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
        expect(readEvents(presets.mistral, [...events, end], more).message['content']).toBe(' so');
        const whole = { choices: [{ message: { content: pieces.join('') }, finish_reason: 'stop' }] };
        expect(readWhole(presets.mistral, whole, more).choices[0]?.message.content).toBe(' so');
      }
    });

    it('T-J10 images are a plain string; T-O57 thinking parts are reasoning', () => {
      const url = 'data:image/png;base64,iVBORw0KGgo=';
      const image: ChatMessage = { role: 'user', content: [{ type: 'image_url', image_url: { url } }] };
      expect(messagesOf('mistral', [image])[0]).toEqual({
        role: 'user',
        content: [{ type: 'image_url', image_url: url }],
      });
      const content = [
        { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
        { type: 'text', text: 'a' },
      ];
      const whole = { choices: [{ message: { content }, finish_reason: 'model_length' }] };
      expect(readWhole(presets.mistral, whole).choices[0]).toMatchObject({
        message: { content: 'a', reasoning: 'Hm.' },
        finish_reason: 'length',
        native_finish_reason: 'model_length',
      });
    });
  });

  describe('deepseek', () => {
    const messages = [
      user('a'),
      { role: 'assistant' as const, content: 'b', reasoning: 'old' },
      user('c'),
      calling('c1', { reasoning: 'new' }),
      result('c1'),
    ];
    const reasonings = (upstreamModel: string): readonly unknown[] =>
      messagesOf('deepseek', messages, { upstreamModel })
        .filter(({ role }) => role === 'assistant')
        .map((message) => message['reasoning_content']);

    it('T-O55 T-R06 each generation gets the reasoning that it wants', () => {
      expect(reasonings('deepseek-reasoner')).toEqual([undefined, 'new']);
      expect(reasonings('deepseek-v4')).toEqual(['old', 'new']);
      expect(reasonings('deepseek-chat')).toEqual([undefined, undefined]);
      const plain = [user('a'), { role: 'assistant' as const, content: 'b' }, user('c')];
      expect(messagesOf('deepseek', plain, { upstreamModel: 'deepseek-v4' })[1]).toMatchObject({
        reasoning_content: '',
      });
    });

    it('T-O55 text of users is a plain string unless there are images', () => {
      const text: ChatMessage = {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      };
      expect(messagesOf('deepseek', [text])[0]).toEqual({ role: 'user', content: 'ab' });
      const mixed: ChatMessage = {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'image_url', image_url: { url: 'https://a.example/b.png' } },
        ],
      };
      expect(messagesOf('deepseek', [mixed])[0]?.['content']).toHaveLength(2);
    });
  });

  it('T-R06 openrouter gets reasoning as it was given, others none', () => {
    const details = [
      { type: 'reasoning.text', text: 'Hm.', signature: 's', format: 'anthropic-claude-v1', novelty: 1 },
    ];
    const message: ChatMessage = { role: 'assistant', content: 'b', reasoning: 'Hm.', reasoning_details: details };
    const messages = [user('a'), message, user('c')];
    expect(messagesOf('openrouter', messages)[1]).toEqual(message);
    for (const name of names.filter((one) => one !== 'openrouter' && one !== 'deepseek')) {
      expect(messagesOf(name, messages)[1]).toEqual({ role: 'assistant', content: 'b' });
    }
  });

  it('T-C01 unknown fields never replace known ones, and the host has the last word', () => {
    const { body } = encoded(
      presets.generic,
      { temperature: 0.5 },
      { extra: { novelty: { a: 1 }, temperature: 2, model: 'x' } },
    );
    expect(body).toMatchObject({ novelty: { a: 1 }, temperature: 0.5, model: 'small' });
    const forced = openrouter({ apiKey, extraBody: { provider: { zdr: true } } });
    expect(encoded(forced, {}).body['provider']).toEqual({ zdr: true });
    const routing = { provider: { order: ['x'] }, models: ['y'], session_id: 's', metadata: { a: 'b' }, stream: true };
    for (const name of names) {
      for (const field of Object.keys(routing)) expect(bodyOf(name, routing)).not.toHaveProperty(field);
    }
  });

  it('T-J10 plain text files are text', () => {
    const file: ChatMessage = {
      role: 'user',
      content: [
        { type: 'file', file: { filename: 'a.txt', file_data: 'data:text/plain;charset=utf-8;base64,R3LDvMOfZQ==' } },
      ],
    };
    expect(messagesOf('openai', [file])[0]?.['content']).toEqual([{ type: 'text', text: 'Grüße' }]);
  });
});

describe('answers of the OpenAI family', () => {
  const generic = presets.generic;
  const piece = (delta: object, finish: unknown = null, more: object = {}): object => ({
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...more,
  });

  it('T-O56 the last usage of a stream counts, wherever it stands; it is never added up', () => {
    const usage = (prompt_tokens: number): object => ({
      usage: { prompt_tokens, completion_tokens: 1, total_tokens: 0 },
    });
    const events = [
      piece({ content: 'a' }, null, usage(1)),
      piece({}, 'stop', usage(2)),
      { choices: [], ...usage(3) },
      '[DONE]',
    ];
    expect(readEvents(generic, events).usage).toMatchObject({ prompt: 3, completion: 1 });
    const inGroq = [piece({ content: 'a' }), piece({}, 'stop', { x_groq: usage(7), usage: null }), '[DONE]'];
    expect(readEvents(presets.groq, inGroq).usage).toMatchObject({ prompt: 7 });
    expect(readEvents(generic, [piece({ content: 'a' }, 'stop'), '[DONE]']).usage).toBeUndefined();
  });

  it('T-O57 reasoning under any of its names comes once; tags are left alone unless the endpoint says otherwise', () => {
    const events = [
      piece({ reasoning: 'Hm', reasoning_content: 'Hm' }),
      piece({ reasoning_content: '.' }),
      piece({ content: 'a' }, 'stop'),
    ];
    expect(readEvents(generic, events).message).toMatchObject({ reasoning: 'Hm.', content: 'a' });
    const tagged = ['<th', 'ink>H', 'm</', 'think>\n\na<think>', 'b'].map((content) => piece({ content }));
    expect(readEvents(generic, [...tagged, piece({}, 'stop')]).message['content']).toBe(
      '<think>Hm</think>\n\na<think>b',
    );
    const thinking = vllm({ thinkTags: true });
    expect(readEvents(thinking, [...tagged, piece({}, 'stop')]).message).toMatchObject({
      reasoning: 'Hm',
      content: 'a<think>b',
    });
    expect(readEvents(thinking, [piece({ content: '<thin' }), piece({}, 'stop')]).message['content']).toBe('<thin');
    expect(readEvents(thinking, [piece({ content: '<think>Hm</th' }), piece({}, 'stop')]).message['reasoning']).toBe(
      'Hm</th',
    );
  });

  it.each([
    ['with the tag', ['<think>Hm</think>\n', '\n', ' a', ' b\n']],
    ['alone', ['<think>Hm', '</think>', '\n\n', ' \t', 'a b', '\n']],
    ['at the end', ['<think>Hm</think>', 'a', ' ', 'b\n']],
  ])('T-O57 blanks behind thoughts are no text, whatever piece they come in: %s', (_name, pieces) => {
    const { message } = readEvents(vllm({ thinkTags: true }), [
      ...pieces.map((content) => piece({ content })),
      piece({}, 'stop'),
    ]);
    expect(message).toMatchObject({ reasoning: 'Hm', content: 'a b\n' });
  });

  const call = (fields: object, name?: string, args = ''): object => ({
    ...fields,
    function: { ...(name && { name }), arguments: args },
  });
  it.each([
    [
      'by index',
      [
        call({ index: 0, id: 'a' }, 'f'),
        call({ index: 1, id: 'b' }, 'g'),
        call({ index: 0 }, undefined, '{}'),
        call({ index: 1 }, undefined, '[]'),
      ],
    ],
    [
      'by id',
      [
        call({ id: 'a' }, 'f'),
        call({ id: 'b' }, 'g'),
        call({ id: 'a' }, undefined, '{}'),
        call({ id: 'b' }, undefined, '[]'),
      ],
    ],
    [
      'the last open one',
      [call({ id: 'a' }, 'f'), call({}, undefined, '{}'), call({ id: 'b' }, 'g'), call({}, undefined, '[]')],
    ],
    ['a new id at a used index', [call({ index: 0, id: 'a' }, 'f', '{}'), call({ index: 0, id: 'b' }, 'g', '[]')]],
    [
      'repeated ids and names',
      [
        call({ index: 0, id: 'a' }, 'f'),
        call({ index: 0, id: 'a' }, 'f', '{}'),
        call({ index: 1, id: 'b' }, 'g', '[]'),
      ],
    ],
  ])('T-O58 fragments of calls: %s', (_name, fragments) => {
    const events = fragments.map((fragment) => piece({ tool_calls: [fragment] }));
    const { message, chunks } = readEvents(generic, [...events, piece({}, 'tool_calls')]);
    expect(message['tool_calls']).toEqual([
      { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
      { id: 'b', type: 'function', function: { name: 'g', arguments: '[]' } },
    ]);
    const deltas = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    expect(deltas.filter(({ id }) => id !== undefined)).toHaveLength(2);
    expect(deltas.filter(({ function: { name } }) => name !== undefined)).toHaveLength(2);
  });

  it('T-O58 a missing id is made, a missing type is function', () => {
    const { message } = readEvents(generic, [
      piece({ tool_calls: [call({ index: 0 }, 'f')] }),
      piece({}, 'tool_calls'),
    ]);
    expect(message['tool_calls']).toEqual([
      { id: 'call_made_0', type: 'function', function: { name: 'f', arguments: '{}' } },
    ]);
    const calls = [{ function: { name: 'f', arguments: { a: 1 } } }, { function: { name: 'g', arguments: '' } }];
    const whole = readWhole(generic, {
      choices: [{ message: { content: null, tool_calls: calls }, finish_reason: 'stop' }],
    });
    expect(whole.choices[0]).toMatchObject({
      message: {
        content: null,
        tool_calls: [{ function: { name: 'f', arguments: '{"a":1}' } }, { function: { arguments: '{}' } }],
      },
      finish_reason: 'tool_calls',
      native_finish_reason: 'stop',
    });
  });

  it.each([
    ['function_call', 'stop'],
    ['tool_calls', 'stop'],
    ['eos', 'stop'],
    ['eos_token', 'stop'],
    ['model_length', 'length'],
    ['content_filter', 'content_filter'],
    ['a novelty', 'stop'],
  ])('T-O59 T-C03 %s without calls is %s', (native, finish) => {
    const { merged } = readEvents(generic, [
      piece({ content: 'a' }, ''),
      piece({ content: 'b' }, null),
      piece({}, native),
    ]);
    expect(merged).toMatchObject({ message: { content: 'ab' }, finish_reason: finish, native_finish_reason: native });
  });

  it('T-O59 an upstream that breaks off is a failure of a stream, and an error of a whole answer', () => {
    const events = [piece({ content: 'a' }), piece({}, 'insufficient_system_resource')];
    expect(readEvents(presets.deepseek, events).failure?.kind).toBe('server_error');
    const whole = { choices: [{ message: { content: 'a' }, finish_reason: 'insufficient_system_resource' }] };
    expect(readWhole(presets.deepseek, whole).choices[0]).toMatchObject({
      message: { content: 'a' },
      finish_reason: 'error',
    });
  });

  it('T-O60 T-C04 content of either kind, and what passes through', () => {
    const logprobs = { content: [{ token: 'a', logprob: -1, bytes: [97], top_logprobs: [] }], refusal: null };
    const message = {
      content: [{ type: 'text', text: 'a' }, { type: 'novelty' }, { type: 'text', text: 'b' }],
      refusal: 'no',
      audio: { id: 'x', data: 'AAAA' },
      annotations: [{ type: 'url_citation', url_citation: { url: 'https://a.example/', title: null } }],
      images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }],
    };
    expect(readWhole(generic, { choices: [{ message, finish_reason: 'stop', logprobs }] }).choices[0]).toEqual({
      index: 0,
      message: {
        role: 'assistant',
        content: 'ab',
        refusal: 'no',
        audio: message.audio,
        annotations: [
          { type: 'url_citation', url_citation: { url: 'https://a.example/', title: 'https://a.example/' } },
        ],
        images: message.images,
      },
      finish_reason: 'stop',
      native_finish_reason: 'stop',
      logprobs,
    });
    expect(readWhole(generic, { choices: [{ message: {}, finish_reason: 'stop' }] }).choices[0]?.message.content).toBe(
      '',
    );
  });

  it('T-O61 an error under status 200 is classified by its code', () => {
    const error = (code: unknown): object => ({ error: { message: 'x', code } });
    expect(() => readWhole(generic, error(429))).toThrow(expect.objectContaining({ kind: 'rate_limited' }));
    expect(() => readWhole(generic, error('context_length_exceeded'))).toThrow(
      expect.objectContaining({ kind: 'context_length' }),
    );
    expect(
      readEvents(presets.openrouter, [piece({ content: 'a' }), { ...error(502), choices: [] }]).failure?.kind,
    ).toBe('server_error');
    expect(readEvents(generic, [error(undefined)]).failure?.kind).toBe('server_error');
  });

  it('T-O61 an error may be a mere text', () => {
    const error = { error: 'the model has fallen over' };
    expect(readEvents(generic, [error]).failure?.kind).toBe('server_error');
    expect(readEvents(generic, [piece({ content: 'a' }), error, '[DONE]']).failure?.kind).toBe('server_error');
    expect(() => readWhole(generic, error)).toThrow(expect.objectContaining({ kind: 'server_error' }));
    const busy = { ...error, error_type: 'overloaded_error' };
    expect(readEvents(generic, [busy]).failure).toMatchObject({ kind: 'overloaded', providerCode: 'overloaded_error' });
    expect(kindOf(generic, 500, busy)).toBe('overloaded');
    const long = { error: "This model's maximum context length is 8192 tokens." };
    expect(kindOf(generic, 400, long)).toBe('context_length');
    for (const none of ['', null, false]) {
      expect(readEvents(generic, [piece({ content: 'a' }, 'stop', { error: none })]).merged).toMatchObject({
        message: { content: 'a' },
        finish_reason: 'stop',
      });
    }
  });

  it('T-C17 T-C18 refusals', () => {
    expect(kindOf(presets.azure, 400, { error: { code: 'content_filter', message: 'x' } })).toBe('content_policy');
    const long = { error: { message: "This model's maximum context length is 8192 tokens." } };
    expect(kindOf(generic, 400, long)).toBe('context_length');
    expect(kindOf(generic, 500, long)).toBe('server_error');
    for (const body of ['', '<html>', '[]', '{"error":', 'null']) {
      const kinds = [400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 503, 504, 529].map((status) =>
        kindOf(generic, status, body),
      );
      expect(kinds).toEqual([
        'invalid_request',
        'upstream_auth',
        'upstream_payment',
        'upstream_auth',
        'model_unavailable',
        'timeout',
        'too_large',
        'invalid_request',
        'rate_limited',
        'server_error',
        'overloaded',
        'timeout',
        'overloaded',
      ]);
    }
  });

  it('T-C09 T-O55 preamble of Azure is no content', () => {
    const { pushed } = readEvents(presets.azure, [
      { choices: [], prompt_filter_results: [{ prompt_index: 0 }] },
      piece({ role: 'assistant', content: '' }),
      { choices: [] },
      piece({}, 'stop'),
      '[DONE]',
    ]);
    expect(pushed).toBe(0);
  });

  it('T-C11 T-S03 [DONE] with content but no reason is a stop, and with nothing an empty response', () => {
    expect(readEvents(generic, [piece({ content: 'a' }), ' [DONE] ']).merged).toMatchObject({
      finish_reason: 'stop',
      native_finish_reason: null,
    });
    for (const nothing of [[], [piece({ role: 'assistant', content: '' })], [piece({}), piece({ content: null })]]) {
      expect(readEvents(generic, [...nothing, '[DONE]']).failure?.kind).toBe('empty_response');
    }
    expect(() => readWhole(generic, { choices: [{ message: { content: '' } }] })).toThrow(
      expect.objectContaining({ kind: 'empty_response' }),
    );
    expect(readEvents(generic, [piece({}, 'stop'), '[DONE]']).merged).toMatchObject({ finish_reason: 'stop' });
    expect(readEvents(vllm({ thinkTags: true }), [piece({ content: '<thi' }), '[DONE]']).message['content']).toBe(
      '<thi',
    );
    expect(readEvents(generic, [piece({ content: 'a' })]).failure?.kind).toBe('truncated');
    expect(
      readEvents(generic, [piece({ content: 'a' }), '[DONE]', piece({ content: 'b' }), '[DONE]']).message['content'],
    ).toBe('a');
  });

  it('T-O55 citations become annotations once', () => {
    const citations = ['https://a.example/', 'https://b.example/'];
    const more = { citations, usage: { prompt_tokens: 1, completion_tokens: 1 } };
    const events = [piece({ content: 'a' }, null, more), piece({ content: 'b' }, null, more), piece({}, 'stop', more)];
    const annotations = citations.map((url) => ({
      type: 'url_citation',
      url_citation: { url, title: url, start_index: 0, end_index: 0 },
    }));
    for (const provider of [presets.perplexity, presets.xai]) {
      expect(readEvents(provider, events).message['annotations']).toEqual(annotations);
    }
    const titled = {
      search_results: [{ url: 'https://a.example/', title: 'A' }],
      choices: [{ message: { content: 'a' }, finish_reason: 'stop' }],
    };
    expect(readWhole(presets.perplexity, titled).choices[0]?.message.annotations).toMatchObject([
      { url_citation: { title: 'A' } },
    ]);
  });

  it('T-U05 T-U07 T-U08 T-U09 usage as each vendor counts it', () => {
    const of = (provider: Provider, usage: object): unknown =>
      readWhole(provider, { choices: [{ message: { content: 'a' }, finish_reason: 'stop' }], usage }).usage;
    const reasoning = { completion_tokens_details: { reasoning_tokens: 30 } };
    expect(of(presets.xai, { prompt_tokens: 10, completion_tokens: 5, ...reasoning })).toMatchObject({
      completion: 35,
      reasoning: 30,
    });
    expect(
      of(presets.xai, { prompt_tokens: 4, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 9 } }),
    ).toMatchObject({ prompt: 13, cachedRead: 9 });
    expect(of(presets.deepseek, { prompt_tokens: 10, completion_tokens: 5, prompt_cache_hit_tokens: 4 })).toMatchObject(
      { prompt: 10, cachedRead: 4 },
    );
    expect(of(presets.perplexity, { prompt_tokens: 10, completion_tokens: 50, reasoning_tokens: 30 })).toMatchObject({
      completion: 50,
      reasoning: 30,
    });
    for (const cached of [
      { num_cached_tokens: 4 },
      { prompt_tokens_details: { cached_tokens: 4 } },
      { prompt_token_details: { cached_tokens: 4 } },
    ]) {
      expect(of(presets.mistral, { prompt_tokens: 10, completion_tokens: 5, ...cached })).toMatchObject({
        cachedRead: 4,
      });
    }
    expect(
      of(presets.generic, { prompt_tokens: 10, completion_tokens: 50, total_tokens: 60, ...reasoning }),
    ).toMatchObject({ completion: 50 });
    expect(
      of(presets.generic, { prompt_tokens: 10, completion_tokens: 50, total_tokens: 90, ...reasoning }),
    ).toMatchObject({ completion: 80 });
    for (const wrong of [
      { prompt_tokens: -1, completion_tokens: 1 },
      { prompt_tokens: 1, completion_tokens: 1e12 },
      { prompt_tokens: 1, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 5 } },
    ]) {
      expect(of(presets.generic, wrong)).toBeUndefined();
    }
  });
});
