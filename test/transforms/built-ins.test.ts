import {
  type ChatMessage,
  type ChatRequest,
  type Choice,
  middleOut,
  type RoutingCondition,
  type RoutingRulesOptions,
  responseHealing,
  routingRules,
  systemPrompt,
  type TransformContext,
} from '@gatehouse/core';
import { describe, expect, it } from 'vitest';
import { completionOf, contextOf } from '../tools/transform-hooks.js';

const hello: ChatRequest = { model: 'acme/small', messages: [{ role: 'user', content: 'Hello!' }] };

describe('system-prompt', () => {
  const table: readonly (readonly [position: 'prepend' | 'append', before: readonly ChatMessage[], at: number])[] = [
    ['prepend', [], 0],
    ['prepend', [{ role: 'system', content: 'mine' }], 0],
    [
      'append',
      [
        { role: 'system', content: 'mine' },
        { role: 'developer', content: 'too' },
      ],
      2,
    ],
    ['append', [], 0],
  ];
  for (const [position, before, at] of table) {
    it(`${position}s among ${before.length} of the client's own`, async () => {
      const transform = systemPrompt({ text: 'Be kind.', position });
      const made = await transform.request?.(
        { ...hello, messages: [...before, ...hello.messages] },
        contextOf(transform),
      );
      expect(made?.messages).toHaveLength(before.length + 2);
      expect(made?.messages[at]).toEqual({ role: 'system', content: 'Be kind.' });
      expect(made?.messages.at(-1)).toEqual(hello.messages[0]);
    });
  }

  it('takes a text of 1 to 16 KiB', () => {
    expect(() => systemPrompt({ text: 'ä'.repeat(8192) })).not.toThrow();
    expect(() => systemPrompt({ text: 'ä'.repeat(8193) })).toThrow(TypeError);
    expect(() => systemPrompt({ text: '' })).toThrow(TypeError);
  });
});

describe('routing-rules', () => {
  const tools: ChatRequest['tools'] = [{ type: 'function', function: { name: 'find' } }];
  const pictures: ChatMessage[] = [
    { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x/y.png' } }] },
  ];
  const long: ChatMessage[] = [{ role: 'user', content: 'word '.repeat(1000) }];
  // 2026-09-21 14:13:20 UTC
  const facts: Partial<TransformContext<RoutingRulesOptions>> = {
    tags: ['batch:nightly'],
    label: 'the team',
    headers: { 'x-team': 'research', 'x-empty': '' },
  };
  const fitting: readonly (readonly [when: RoutingCondition, request: Partial<ChatRequest>, fits: boolean])[] = [
    [{}, {}, true],
    [{ min_prompt_tokens: 500 }, {}, false],
    [{ min_prompt_tokens: 500 }, { messages: long }, true],
    [{ max_prompt_tokens: 500 }, {}, true],
    [{ max_prompt_tokens: 500 }, { messages: long }, false],
    [{ has_tools: true }, {}, false],
    [{ has_tools: true }, { tools }, true],
    [{ has_tools: false }, { tools }, false],
    [{ has_images: true }, { messages: pictures }, true],
    [{ has_images: true }, {}, false],
    [{ tag: 'batch:*' }, {}, true],
    [{ tag: 'other' }, {}, false],
    [{ key: 'the *' }, {}, true],
    [{ key: 'a key' }, {}, false],
    [{ model: 'acme/*' }, {}, true],
    [{ model: 'acme/large' }, {}, false],
    [{ header: 'X-Team' }, {}, true],
    [{ header: 'x-other' }, {}, false],
    [{ header: { 'X-Team': 'res*' } }, {}, true],
    [{ header: { 'x-team': 'sales' } }, {}, false],
    [{ utc_hours: [14, 15] }, {}, true],
    [{ utc_hours: [15, 14] }, {}, false],
    [{ utc_hours: [22, 15] }, {}, true],
    [{ has_tools: false, model: 'acme/*', tag: 'other' }, {}, false],
  ];
  for (const [when, request, fits] of fitting) {
    it(`${JSON.stringify(when)} ${fits ? 'fits' : 'does not fit'} ${JSON.stringify(Object.keys(request))}`, async () => {
      const transform = routingRules({ rules: [{ when, then: { model: 'acme/large' } }] });
      const made = await transform.request?.({ ...hello, ...request }, contextOf(transform, facts));
      expect(made?.model).toBe(fits ? 'acme/large' : 'acme/small');
    });
  }

  it('lets the first rule that fits rewrite model, fallbacks and preferences, and nothing else', async () => {
    const transform = routingRules({
      rules: [
        { when: { has_tools: true }, then: { model: 'acme/never' } },
        { when: { model: 'acme/*' }, then: { models: ['acme/b'], provider: { sort: { by: 'price' } } } },
        { when: {}, then: { model: 'acme/never' } },
      ],
    });
    const context = contextOf(transform);
    const made = await transform.request?.({ ...hello, provider: { only: ['x'] } }, context);
    expect(made).toEqual({ ...hello, models: ['acme/b'], provider: { only: ['x'], sort: { by: 'price' } } });
    expect(context.noted).toEqual([{ rule: 1 }]);
  });

  it('decides in code as well', async () => {
    const transform = routingRules((request, { promptTokens, tags }) =>
      promptTokens > 500 || tags.includes('big') ? { model: `${request.model}-large` } : undefined,
    );
    expect((await transform.request?.(hello, contextOf(transform)))?.model).toBe('acme/small');
    expect((await transform.request?.(hello, contextOf(transform, { tags: ['big'] })))?.model).toBe('acme/small-large');
    expect((await transform.request?.({ ...hello, messages: long }, contextOf(transform)))?.model).toBe(
      'acme/small-large',
    );
  });

  it('refuses rules that cannot work', () => {
    const wrong: readonly unknown[] = [
      { rules: [] },
      { rules: [{ when: {}, then: {} }] },
      { rules: [{ when: { what: 1 }, then: { model: 'a/b' } }] },
      { rules: [{ when: { utc_hours: [1] }, then: { model: 'a/b' } }] },
      { rules: [{ when: {}, then: { provider: { sort: 'beauty' } } }] },
      { rules: [{ when: {}, then: { model: 'a b' } }] },
    ];
    for (const one of wrong) expect(() => routingRules(one as RoutingRulesOptions)).toThrow(TypeError);
  });
});

describe('response-healing', () => {
  const schema = {
    type: 'object',
    properties: { name: { type: 'string', pattern: '(a+)+$' }, age: { type: 'integer' }, next: { $ref: '#' } },
    required: ['name'],
    additionalProperties: false,
  };

  async function healed(
    content: string,
    format: ChatRequest['response_format'],
    finish: Choice['finish_reason'] = 'stop',
  ) {
    const transform = responseHealing();
    const context = contextOf(transform, { stream: false });
    await transform.request?.({ ...hello, response_format: format }, context);
    const message = { role: 'assistant' as const, content, refusal: null };
    const choice: Choice = { index: 0, message, finish_reason: finish, native_finish_reason: finish, logprobs: null };
    const made = await transform.completion?.(completionOf([choice]), context);
    return made?.choices[0]?.message.content;
  }

  const repaired: readonly (readonly [broken: string, whole: string])[] = [
    ['```json\n{"name":"x"}\n```', '{"name":"x"}'],
    ['Here you are:\n```\n{"name":"x",}\n```\nBye.', '{"name":"x"}'],
    ['Sure! {"name":"x"} Done.', '{"name":"x"}'],
    ["{'name': 'it\\'s \"x\"'}", '{"name":"it\'s \\"x\\""}'],
    ['{name: "x", age: 1.0e2}', '{"name":"x","age":1.0e2}'],
    ['{"name":"a\nb"}', '{"name":"a\\nb"}'],
    ['{"name":"x" /* c */, // d\n "age": 12345678901234567890}', '{"name":"x","age":12345678901234567890}'],
    ['{"name":"x","next":{"name":"y"}', '{"name":"x","next":{"name":"y"}}'],
    ['{"name":"x","age":1', '{"name":"x","age":1}'],
    ['{"list":[1,2,True,None,],}', '{"list":[1,2,true,null]}'],
  ];
  for (const [broken, whole] of repaired) {
    it(`repairs ${JSON.stringify(broken)}`, async () => {
      expect(await healed(broken, { type: 'json_object' })).toBe(whole);
    });
  }

  const left: readonly string[] = [
    'no JSON at all',
    '{"a":1} or {"a":2}',
    '```\n{"a":1}\n```\n```\n{"a":2}\n```',
    '{"name":"cut off in the mid',
    '{"name":}',
    '{"a" 1}',
    '{"a":1 "b":2}',
    '{"a":1.2.3}',
    '{"a":1}}',
    '[1,2',
    `${'['.repeat(100)}1`,
    '{"a":maybe}',
  ];
  for (const broken of left) {
    it(`leaves ${JSON.stringify(broken.slice(0, 40))}, which could mean several things or no object`, async () => {
      expect(await healed(broken, { type: 'json_object' })).toBe(broken);
    });
  }

  it('keeps to the schema, or leaves the answer', async () => {
    const format = { type: 'json_schema', json_schema: { name: 'r', schema } } as const;
    expect(await healed('{name:"x",age:3}', format)).toBe('{"name":"x","age":3}');
    expect(await healed('{name:"x",age:"3"}', format)).toBe('{name:"x",age:"3"}');
    expect(await healed('{age:3}', format)).toBe('{age:3}');
    expect(await healed('{name:"x",more:1}', format)).toBe('{name:"x",more:1}');
    expect(await healed(`{name:"${'a'.repeat(40)}!"}`, format)).toBe(`{"name":"${'a'.repeat(40)}!"}`);
  });

  it('guesses nothing of an answer that was cut off, and touches none that is whole', async () => {
    expect(await healed('{"name":"x","age":1', { type: 'json_object' }, 'length')).toBe('{"name":"x","age":1');
    expect(await healed('{"name" : "x"}', { type: 'json_object' })).toBe('{"name" : "x"}');
    expect(await healed('```json\n{}\n```', { type: 'text' })).toBe('```json\n{}\n```');
    expect(await healed('```json\n{}\n```', undefined)).toBe('```json\n{}\n```');
  });
});

it('middle-out is named as clients name it', () => {
  expect(middleOut().name).toBe('middle-out');
});
