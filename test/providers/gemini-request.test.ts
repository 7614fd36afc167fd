import { type ChatMessage, google, type ReasoningOptions } from '@gatehouse/core';
import { describe, expect, it } from 'vitest';
import { encoded, refused } from './encoded.js';

const provider = google({ apiKey: 'key' });
const flash = { upstreamModel: 'gemini-2.5-flash', maxOutputTokens: 65_536 };
const pro = { upstreamModel: 'gemini-2.5-pro', maxOutputTokens: 65_536 };
const third = { upstreamModel: 'gemini-3-flash-preview' };
const thirdPro = { upstreamModel: 'gemini-3-pro-preview' };
const old = { upstreamModel: 'gemini-2.0-flash' };
const gemma = { upstreamModel: 'gemma-3-27b-it' };
const user = (content: string): ChatMessage => ({ role: 'user', content });
const call = (id: string, name = 'weather', args = '{}'): object => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});
const calling = (calls: readonly object[], more: object = {}): ChatMessage =>
  ({ role: 'assistant', tool_calls: calls, ...more }) as ChatMessage;
const result = (id: string, content: string, more: object = {}): ChatMessage => ({
  role: 'tool',
  tool_call_id: id,
  content,
  ...more,
});
const weather = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};
const contentsOf = (messages: readonly ChatMessage[], model: object = flash): unknown =>
  encoded(provider, { messages }, model).body['contents'];
const configOf = (asked: object, model: object = flash): unknown =>
  encoded(provider, asked, model).body['generationConfig'];

describe('Gemini requests', () => {
  it('goes to the method of the model; the key is in no path', () => {
    expect(encoded(provider, {}, flash).path).toBe('/models/gemini-2.5-flash:generateContent');
    expect(encoded(provider, {}, { ...flash, stream: true }).path).toBe(
      '/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    );
    expect(encoded(provider, {}, { upstreamModel: 'tunedModels/our model' }).path).toBe(
      '/tunedModels/our%20model:generateContent',
    );
    expect(encoded(provider, {}, flash)).toMatchObject({
      headers: {},
      body: { contents: [{ role: 'user', parts: [{ text: 'hello' }] }] },
    });
    expect(Object.keys(encoded(provider, {}, flash).body)).toEqual(['contents']);
  });

  it('T-G38 T-X01 all system messages and parts, in order', () => {
    const messages: ChatMessage[] = [
      { role: 'system', content: 'One.' },
      user('a'),
      {
        role: 'developer',
        content: [
          { type: 'text', text: 'Two.' },
          { type: 'text', text: 'Three.' },
        ],
      },
      user('b'),
    ];
    expect(encoded(provider, { messages }, flash).body).toEqual({
      systemInstruction: { parts: [{ text: 'One.' }, { text: 'Two.' }, { text: 'Three.' }] },
      contents: [{ role: 'user', parts: [{ text: 'a' }, { text: 'b' }] }],
    });
    expect(encoded(provider, { messages }, gemma).body).toEqual({
      contents: [
        { role: 'user', parts: [{ text: 'One.' }, { text: 'Two.' }, { text: 'Three.' }, { text: 'a' }, { text: 'b' }] },
      ],
    });
    const only: ChatMessage[] = [
      { role: 'system', content: 'One.' },
      { role: 'system', content: 'Two.' },
    ];
    expect(encoded(provider, { messages: only }, flash).body).toEqual({
      systemInstruction: { parts: [{ text: 'One.' }] },
      contents: [{ role: 'user', parts: [{ text: 'Two.' }] }],
    });
  });

  it('T-G39 T-X02 text and calls of one answer are one content; roles alternate', () => {
    const messages = [
      user('a'),
      { role: 'assistant' as const, content: 'First.' },
      calling([call('c1', 'weather', '{"city":"Oslo"}')], { content: 'Looking.' }),
      result('c1', 'r'),
    ];
    expect(contentsOf(messages)).toEqual([
      { role: 'user', parts: [{ text: 'a' }] },
      {
        role: 'model',
        parts: [
          { text: 'First.' },
          { text: 'Looking.' },
          { functionCall: { id: 'c1', name: 'weather', args: { city: 'Oslo' } } },
        ],
      },
      { role: 'user', parts: [{ functionResponse: { id: 'c1', name: 'weather', response: { result: 'r' } } }] },
    ]);
  });

  it('T-G40 T-X03 T-X06 results are one content, as many as calls, in their order', () => {
    const messages = [
      user('a'),
      calling([call('c1', 'weather'), call('c2', 'time'), call('c3', 'time')]),
      result('c3', 'broke', { is_error: true }),
      result('c1', '{"degrees":21}'),
      result('c2', ''),
      user('and?'),
      result('c1', 'late'),
    ];
    expect(contentsOf(messages)).toMatchObject([
      {},
      {},
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'c1', name: 'weather', response: { degrees: 21 } } },
          { functionResponse: { id: 'c2', name: 'time', response: { result: '' } } },
          { functionResponse: { id: 'c3', name: 'time', response: { error: 'broke' } } },
          { text: 'and?' },
          { text: '[tool result c1]\nlate' },
        ],
      },
    ]);
    expect(
      refused(provider, { messages: [user('a'), calling([call('c1'), call('c2')]), result('c1', 'r')] }, flash),
    ).toMatchObject({ code: 'invalid_prompt', path: 'messages.1.tool_calls.1' });
  });

  it('T-G40 a result has the name of the call directly before it, though others had its id', () => {
    const messages = [
      user('a'),
      calling([call('c1', 'weather')]),
      result('c1', '1'),
      calling([call('c1', 'time')]),
      result('c1', '2'),
    ];
    expect(contentsOf(messages)).toMatchObject([
      {},
      {},
      { parts: [{ functionResponse: { name: 'weather', response: { result: '1' } } }] },
      {},
      { parts: [{ functionResponse: { name: 'time', response: { result: '2' } } }] },
    ]);
  });

  it('T-G40 images of results go inside where the model takes them there', () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
    const inline = { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } };
    const messages = [user('a'), calling([call('c1')]), result('c1', [{ type: 'text', text: 'seen' }, image] as never)];
    expect(contentsOf(messages, third)).toMatchObject([
      {},
      {},
      { parts: [{ functionResponse: { response: { result: 'seen' }, parts: [inline] } }] },
    ]);
    expect(contentsOf(messages, flash)).toMatchObject([
      {},
      {},
      { parts: [{ functionResponse: { response: { result: 'seen' } } }, inline] },
    ]);
  });

  it('T-G41 T-R07 signatures return beside the call that they belong to', () => {
    const encrypted = (data: string, id?: string): object => ({
      type: 'reasoning.encrypted',
      format: 'google-gemini-v1',
      data,
      ...(id !== undefined && { id }),
    });
    const extra = { extra_content: { google: { thought_signature: 'from extra' } } };
    const partsOf = (calls: readonly object[], details: readonly object[], model: object, content = 'T'): unknown => {
      const message = calling(calls, { content, reasoning_details: details });
      const results = calls.map((one) => result((one as { id: string }).id, 'r'));
      return (contentsOf([user('a'), message, ...results], model) as { parts: unknown }[])[1]?.parts;
    };
    expect(partsOf([{ ...call('c1'), ...extra }, call('c2')], [encrypted('of c1', 'c1')], third)).toEqual([
      { text: 'T' },
      { functionCall: { id: 'c1', name: 'weather', args: {} }, thoughtSignature: 'from extra' },
      { functionCall: { id: 'c2', name: 'weather', args: {} } },
    ]);
    expect(partsOf([call('c1'), call('c2')], [encrypted('of text'), encrypted('of c2', 'c2')], third)).toEqual([
      { text: 'T', thoughtSignature: 'of text' },
      { functionCall: { id: 'c1', name: 'weather', args: {} } },
      { functionCall: { id: 'c2', name: 'weather', args: {} }, thoughtSignature: 'of c2' },
    ]);
    expect(partsOf([call('c1'), call('c2')], [], third, '')).toEqual([
      {
        functionCall: { id: 'c1', name: 'weather', args: {} },
        thoughtSignature: 'skip_thought_signature_validator',
      },
      { functionCall: { id: 'c2', name: 'weather', args: {} } },
    ]);
    expect(JSON.stringify(partsOf([call('c1')], [], flash))).not.toContain('thoughtSignature');
    const thought = { type: 'reasoning.text', format: 'google-gemini-v1', index: 0, text: 'Hm.', signature: 's' };
    expect(partsOf([{ ...call('c1'), ...extra }], [thought], third)).toMatchObject([
      { text: 'Hm.', thought: true, thoughtSignature: 's' },
      { text: 'T' },
      {},
    ]);
  });

  it('T-R04 reasoning of others stays out and becomes no text', () => {
    const foreign = { type: 'reasoning.text', format: 'anthropic-claude-v1', text: 'Hm.', signature: 's' };
    const messages = [user('a'), { role: 'assistant' as const, content: 'b', reasoning_details: [foreign] }, user('c')];
    const { body, adjusted } = encoded(provider, { messages }, third);
    expect(JSON.stringify(body)).not.toContain('Hm.');
    expect(adjusted).toEqual(['messages.reasoning_details: dropped']);
  });

  const recursive = {
    type: 'object',
    $defs: { node: { type: 'object', description: 'A node', properties: { next: { $ref: '#/$defs/node' } } } },
    properties: { root: { $ref: '#/$defs/node' } },
  };

  it('T-G42 schemas go unchanged where the model takes them', () => {
    const format = { type: 'json_schema' as const, json_schema: { name: 'x', schema: recursive } };
    expect(configOf({ response_format: format })).toEqual({
      responseMimeType: 'application/json',
      responseJsonSchema: recursive,
    });
    const tools = [{ type: 'function' as const, function: { name: 'f', description: 'd', parameters: recursive } }];
    expect(encoded(provider, { tools }, flash).body['tools']).toEqual([
      { functionDeclarations: [{ name: 'f', description: 'd', parametersJsonSchema: recursive }] },
    ]);
  });

  const converted = (schema: Readonly<Record<string, unknown>>): unknown => {
    const tools = [{ type: 'function' as const, function: { name: 'f', parameters: schema } }];
    const [first] = encoded(provider, { tools }, old).body['tools'] as readonly {
      functionDeclarations: readonly { parameters?: unknown }[];
    }[];
    return first?.functionDeclarations[0]?.parameters;
  };
  const property = (schema: object): unknown =>
    (converted({ type: 'object', properties: { p: schema } }) as { properties: { p: unknown } }).properties.p;
  it.each([
    ['types with null', { type: ['string', 'null'] }, { type: 'string', nullable: true }],
    ['several types', { type: ['string', 'integer'] }, { anyOf: [{ type: 'string' }, { type: 'integer' }] }],
    ['const', { const: 'a' }, { type: 'string', format: 'enum', enum: ['a'] }],
    ['numbers in an enum', { enum: [1, 2] }, { type: 'string', format: 'enum', enum: ['1', '2'] }],
    [
      'unions',
      { oneOf: [{ type: 'string' }, { const: 1 }] },
      { anyOf: [{ type: 'string' }, { type: 'string', format: 'enum', enum: ['1'] }] },
    ],
    [
      'what is unknown',
      { $schema: 'x', $id: 'y', type: 'string', examples: [1], default: 'a', patternProperties: {} },
      { type: 'string' },
    ],
    [
      'lists',
      { type: 'array', items: { type: ['integer', 'null'] } },
      { type: 'array', items: { type: 'integer', nullable: true } },
    ],
  ])('T-G60 schemas for older models: %s', (_name, schema, expected) => {
    expect(property(schema)).toEqual(expected);
  });

  it('T-G60 references are written out, once; recursion ends in any object', () => {
    expect(converted(recursive)).toEqual({
      type: 'object',
      properties: {
        root: {
          type: 'object',
          description: 'A node',
          properties: { next: { type: 'object', description: 'A node' } },
        },
      },
    });
    expect(converted({ type: 'object', properties: {}, additionalProperties: false })).toBeUndefined();
    expect(converted({ type: 'object', properties: { p: { $ref: '#/$defs/__proto__' } } })).toEqual({
      type: 'object',
      properties: { p: { type: 'object' } },
    });
  });

  it('T-G43 sampling', () => {
    const asked = {
      max_tokens: 9,
      temperature: 1.5,
      top_p: 0.5,
      top_k: 40,
      seed: 7,
      presence_penalty: 0.1,
      frequency_penalty: 0.2,
      stop: ['a', 'b', 'c', 'd', 'e', 'f'],
      n: 2,
      logprobs: true,
      top_logprobs: 3,
      logit_bias: { 1: 1 },
      parallel_tool_calls: false,
      user: 'eve',
    };
    const { body, adjusted } = encoded(provider, asked, flash);
    expect(body['generationConfig']).toEqual({
      maxOutputTokens: 9,
      temperature: 1.5,
      topP: 0.5,
      topK: 40,
      seed: 7,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      stopSequences: ['a', 'b', 'c', 'd', 'e'],
      candidateCount: 2,
      responseLogprobs: true,
      logprobs: 3,
    });
    expect(adjusted).toEqual(['stop: clamped', 'logit_bias: dropped', 'parallel_tool_calls: dropped']);
    expect(JSON.stringify(body)).not.toContain('eve');
  });

  const thinking: readonly [string, ReasoningOptions, object, object | undefined][] = [
    ['3, minimal', { effort: 'minimal' }, third, { thinkingLevel: 'minimal', includeThoughts: true }],
    ['3, low', { effort: 'low' }, third, { thinkingLevel: 'low', includeThoughts: true }],
    ['3, medium', { effort: 'medium' }, third, { thinkingLevel: 'medium', includeThoughts: true }],
    ['3, xhigh', { effort: 'xhigh' }, third, { thinkingLevel: 'high', includeThoughts: true }],
    ['3, max', { effort: 'max' }, third, { thinkingLevel: 'high', includeThoughts: true }],
    ['3, none', { effort: 'none' }, third, { thinkingLevel: 'minimal', includeThoughts: true }],
    ['3 Pro, none', { effort: 'none' }, thirdPro, { thinkingLevel: 'low', includeThoughts: true }],
    ['3, tokens', { max_tokens: 500 }, third, { thinkingBudget: 500, includeThoughts: true }],
    [
      '3, enabled with tokens',
      { enabled: true, max_tokens: 500 },
      third,
      { thinkingBudget: 500, includeThoughts: true },
    ],
    [
      '2.5, enabled with tokens',
      { enabled: true, max_tokens: 500 },
      flash,
      { thinkingBudget: 500, includeThoughts: true },
    ],
    ['2.5, disabled with tokens', { enabled: false, max_tokens: 500 }, flash, { thinkingBudget: 0 }],
    ['2.5, none', { effort: 'none' }, flash, { thinkingBudget: 0 }],
    ['2.5 Pro, none', { effort: 'none' }, pro, { thinkingBudget: 128 }],
    ['2.5, low', { effort: 'low' }, flash, { thinkingBudget: 13_107, includeThoughts: true }],
    ['2.5, high', { effort: 'high' }, flash, { thinkingBudget: 24_576, includeThoughts: true }],
    ['2.5 Pro, high', { effort: 'high' }, pro, { thinkingBudget: 32_768, includeThoughts: true }],
    ['2.5, excluded', { effort: 'high', exclude: true }, flash, { thinkingBudget: 24_576 }],
    ['2.5, enabled', { enabled: true }, pro, { thinkingBudget: 32_768, includeThoughts: true }],
    ['2.0', { effort: 'high' }, old, undefined],
    ['nothing wished', { exclude: true }, third, undefined],
  ];
  it.each(thinking)('T-G44 thinking: %s', (_name, reasoning, model, expected) => {
    expect((configOf({ reasoning }, model) as { thinkingConfig?: object } | undefined)?.thinkingConfig).toEqual(
      expected,
    );
  });

  const image = (url: string): ChatMessage => ({ role: 'user', content: [{ type: 'image_url', image_url: { url } }] });

  it('T-G45 T-J10 media go inline', () => {
    const messages: ChatMessage[] = [
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,iVBORw0KGgo=' } },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } },
          { type: 'file', file: { filename: 'a.txt', file_data: 'data:text/plain;base64,aGk=' } },
          { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
          { type: 'video_url', video_url: { url: 'data:video/mp4;base64,AAAA' } },
        ],
      },
    ];
    expect(contentsOf(messages)).toEqual([
      {
        role: 'user',
        parts: [
          { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } },
          { inlineData: { mimeType: 'application/pdf', data: 'JVBERi0=' } },
          { inlineData: { mimeType: 'text/plain', data: 'aGk=' } },
          { inlineData: { mimeType: 'audio/wav', data: 'AAAA' } },
          { inlineData: { mimeType: 'video/mp4', data: 'AAAA' } },
        ],
      },
    ]);
  });

  it("T-J12 remote media are not for this endpoint, but for the provider's own files", () => {
    expect(refused(provider, { messages: [image('https://example.com/a.png')] }, flash)).toMatchObject({
      code: 'no_endpoints',
      excludedBy: 'modality',
    });
    const own = 'https://generativelanguage.googleapis.com/v1beta/files/abc';
    expect(contentsOf([image(own)])).toEqual([{ role: 'user', parts: [{ fileData: { fileUri: own } }] }]);
  });

  it('T-J11 types that the provider does not take are named', () => {
    expect(refused(provider, { messages: [image('data:image/gif;base64,R0lGODlh')] }, flash)).toMatchObject({
      code: 'invalid_prompt',
      path: 'messages.0.content.0',
    });
  });

  it.each([
    [{}, undefined],
    [{ tool_choice: 'auto' }, { mode: 'AUTO' }],
    [{ tool_choice: 'none' }, { mode: 'NONE' }],
    [{ tool_choice: 'required' }, { mode: 'ANY' }],
    [
      { tool_choice: { type: 'function', function: { name: 'weather' } } },
      { mode: 'ANY', allowedFunctionNames: ['weather'] },
    ],
    [
      {
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'weather' } }] },
        },
      },
      { mode: 'ANY', allowedFunctionNames: ['weather'] },
    ],
  ])('T-G46 tool choice %j', (choice, expected) => {
    const { body } = encoded(provider, { tools: [weather], ...(choice as object) }, flash);
    expect(body['toolConfig']).toEqual(expected && { functionCallingConfig: expected });
    expect(encoded(provider, { tools: [], ...(choice as object) }, flash).body).not.toHaveProperty('tools');
  });

  it('T-G46 strict tools are validated', () => {
    const strict = { type: 'function' as const, function: { name: 'f', strict: true } };
    expect(encoded(provider, { tools: [strict] }, flash).body).toMatchObject({
      toolConfig: { functionCallingConfig: { mode: 'VALIDATED' } },
    });
  });

  it('T-C16 names that the API refuses are rewritten', () => {
    const tools = ['9lives', '-x', 'ok'].map((name) => ({ type: 'function' as const, function: { name } }));
    const [first] = encoded(provider, { tools }, flash).body['tools'] as readonly {
      functionDeclarations: readonly { name: string }[];
    }[];
    expect(first?.functionDeclarations.map(({ name }) => name)).toEqual(['_9lives', '_-x', 'ok']);
  });

  it('T-J05 a schema beside tools goes where the model takes both; elsewhere it is an instruction', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    const asked = {
      tools: [weather],
      response_format: { type: 'json_schema' as const, json_schema: { name: 'x', schema } },
    };
    expect(configOf(asked, third)).toMatchObject({ responseJsonSchema: schema });
    const { body, adjusted } = encoded(provider, asked, flash);
    expect(body).not.toHaveProperty('generationConfig');
    expect(JSON.stringify(body['systemInstruction'])).toContain('JSON Schema');
    expect(adjusted).toEqual(['response_format: rewritten']);
    expect(configOf({ response_format: { type: 'json_object' } })).toEqual({ responseMimeType: 'application/json' });
    expect(configOf({ response_format: asked.response_format }, old)).toEqual({
      responseMimeType: 'application/json',
      responseSchema: schema,
    });
  });

  it('T-X05 malformed arguments of the history go as text', () => {
    const messages = [user('a'), calling([call('c', 'weather', '{"city":')]), result('c', 'r')];
    expect(contentsOf(messages)).toMatchObject([
      {},
      { parts: [{ functionCall: { args: { raw_arguments: '{"city":' } } }] },
      {},
    ]);
  });
});
