import { anthropic, type ChatMessage, google, openai } from '@gatehouse/core';
import { describe, expect, it } from 'vitest';
import { encoded, refused } from './encoded.js';

const claude = anthropic({ apiKey: 'key' });
const gemini = google({ apiKey: 'key' });
const gpt = openai({ apiKey: 'key' });
const sonnet = { upstreamModel: 'claude-sonnet-4-5' };
const haiku = { upstreamModel: 'claude-3-5-haiku-latest' };
const fable = { upstreamModel: 'claude-fable-5' };

const PNG = 'iVBORw0KGgo=';
const PDF = 'JVBERi0xLjQ=';
const format = (schema: Readonly<Record<string, unknown>>): object => ({
  response_format: { type: 'json_schema', json_schema: { name: 'response', schema } },
});
const schemaOf = (schema: Readonly<Record<string, unknown>>): unknown =>
  (encoded(claude, format(schema), sonnet).body['output_config'] as { format: { schema: unknown } }).format.schema;

describe('structured output', () => {
  it('T-A21 T-J02 goes to the field of Claude models that have one', () => {
    expect(encoded(claude, format({ type: 'string' }), sonnet).body['output_config']).toEqual({
      format: { type: 'json_schema', schema: { type: 'string' } },
    });
  });

  it('T-A21 T-J02 is a forced tool for others', () => {
    const schema = { type: 'object', properties: { a: { type: 'integer', minimum: 1 } } };
    const { body } = encoded(claude, { ...format(schema), reasoning: { effort: 'none' } }, haiku);
    expect(body).toMatchObject({
      tools: [{ name: 'json', input_schema: schema }],
      tool_choice: { type: 'tool', name: 'json', disable_parallel_tool_use: true },
    });
    expect(body).not.toHaveProperty('output_config');
    const own = { type: 'function' as const, function: { name: 'json' } };
    expect(encoded(claude, { ...format(schema), tools: [own] }, haiku).body).toMatchObject({
      tools: [{ name: 'json' }, { name: 'json_2' }],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
    });
  });

  it.each([
    ['none', { type: 'tool', name: 'json' }],
    ['auto', { type: 'any' }],
    ['required', { type: 'any' }],
    [undefined, { type: 'any' }],
    [
      { type: 'function', function: { name: 'get weather' } },
      { type: 'tool', name: 'get_weather' },
    ],
  ])('T-J02 T-A15 beside the tool for the answer the choice %j is kept', (tool_choice, expected) => {
    const tools = ['get weather', 'time'].map((name) => ({ type: 'function' as const, function: { name } }));
    const asked = { ...format({ type: 'object' }), tools, ...(tool_choice !== undefined && { tool_choice }) };
    const { body } = encoded(claude, asked as object, haiku);
    expect(body['tools']).toMatchObject([{ name: 'get_weather' }, { name: 'time' }, { name: 'json' }]);
    expect(body['tool_choice']).toEqual({ ...expected, disable_parallel_tool_use: true });
  });

  it('T-J02 T-J04 any object at all is a tool too, or an instruction where no tool can be forced', () => {
    const asked = { response_format: { type: 'json_object' as const } };
    expect(encoded(claude, asked, sonnet).body['tools']).toMatchObject([{ input_schema: { type: 'object' } }]);
    const { body, adjusted } = encoded(claude, asked, fable);
    expect(body['system']).toMatchObject([{ text: expect.stringContaining('JSON object') }]);
    expect(adjusted).toEqual(['response_format: rewritten']);
    expect(encoded(claude, { response_format: { type: 'text' } }, haiku).body).not.toHaveProperty('tools');
  });

  it.each([
    [
      { type: 'object', properties: {} },
      { type: 'object', properties: {}, additionalProperties: false },
    ],
    [
      {
        type: 'object',
        additionalProperties: true,
        required: ['a'],
        properties: { a: { oneOf: [{ type: 'string' }] } },
      },
      {
        type: 'object',
        additionalProperties: false,
        required: ['a'],
        properties: { a: { anyOf: [{ type: 'string' }] } },
      },
    ],
    [
      { type: 'integer', description: 'Age', minimum: 0, maximum: 150 },
      { type: 'integer', description: 'Age\nminimum: 0, maximum: 150' },
    ],
    [
      { type: 'string', pattern: '^a', format: 'email' },
      { type: 'string', description: 'pattern: "^a"', format: 'email' },
    ],
    [
      { type: 'string', format: 'novelty' },
      { type: 'string', description: 'format: "novelty"' },
    ],
    [
      { type: 'array', items: { type: 'object', properties: { minimum: { const: 1 } } }, minItems: 1 },
      {
        type: 'array',
        items: { type: 'object', properties: { minimum: { const: 1 } }, additionalProperties: false },
        description: 'minItems: 1',
      },
    ],
    [
      { $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } } }, $ref: '#/$defs/node' },
      {
        $defs: {
          node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } }, additionalProperties: false },
        },
        $ref: '#/$defs/node',
      },
    ],
    [{}, {}],
  ])('T-J03 the schema %j', (schema, expected) => {
    expect(schemaOf(schema)).toEqual(expected);
  });

  it('T-J01 others get the schema as it is', () => {
    const asked = format({ type: 'object', additionalProperties: true, properties: { a: { minimum: 1 } } });
    expect(encoded(gpt, asked).body).toMatchObject(asked);
  });
});

describe('media', () => {
  const image = (url: string): ChatMessage => ({ role: 'user', content: [{ type: 'image_url', image_url: { url } }] });
  const file = (filename: string, file_data: string): ChatMessage => ({
    role: 'user',
    content: [{ type: 'file', file: { filename, file_data } }],
  });
  const blockOf = (message: ChatMessage): unknown => {
    const [turn] = encoded(claude, { messages: [message] }, sonnet).body['messages'] as readonly {
      content: unknown[];
    }[];
    return turn?.content[0];
  };

  it.each([
    [
      'a picture',
      image(`data:image/png;base64,${PNG}`),
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
    ],
    [
      'a remote picture',
      image('https://a.example/b.png'),
      { type: 'image', source: { type: 'url', url: 'https://a.example/b.png' } },
    ],
    [
      'a document',
      file('a.pdf', `data:application/pdf;base64,${PDF}`),
      { type: 'document', title: 'a.pdf', source: { type: 'base64', media_type: 'application/pdf', data: PDF } },
    ],
    [
      'a remote document',
      file('a.pdf', 'https://a.example/a.pdf'),
      { type: 'document', title: 'a.pdf', source: { type: 'url', url: 'https://a.example/a.pdf' } },
    ],
    [
      'a text',
      file('a.txt', 'data:text/plain;base64,R3LDvMOfZQ=='),
      { type: 'document', title: 'a.txt', source: { type: 'text', media_type: 'text/plain', data: 'Grüße' } },
    ],
  ])('T-A19 T-J10 %s for Claude', (_name, message, expected) => {
    expect(blockOf(message)).toEqual(expected);
  });

  it('T-J10 T-J12 audio and video are not for Claude', () => {
    const audio: ChatMessage = {
      role: 'user',
      content: [{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }],
    };
    const video: ChatMessage = {
      role: 'user',
      content: [{ type: 'video_url', video_url: { url: 'https://a.example/v' } }],
    };
    for (const message of [audio, video]) {
      expect(refused(claude, { messages: [message] }, sonnet)).toMatchObject({
        code: 'no_endpoints',
        excludedBy: 'modality',
      });
    }
  });

  it('T-J11 the bytes tell the type, whatever was declared, and parameters do not disturb', () => {
    for (const url of [
      `data:image/jpeg;base64,${PNG}`,
      `data:image/png;charset=x;base64,${PNG}`,
      `data:;base64,${PNG}`,
    ]) {
      expect(blockOf(image(url))).toMatchObject({ type: 'image', source: { media_type: 'image/png', data: PNG } });
    }
    expect(blockOf(file('x', `data:application/octet-stream;base64,${PDF}`))).toMatchObject({ type: 'document' });
  });

  it('T-J10 data may be percent-encoded instead, bytes and text alike', () => {
    const png = 'data:image/png,%89PNG%0d%0A%1a%0A';
    expect(blockOf(image(png))).toMatchObject({ source: { type: 'base64', media_type: 'image/png', data: PNG } });
    const more = { upstreamModel: 'gemini-2.5-pro' };
    expect(encoded(gemini, { messages: [image(png)] }, more).body['contents']).toMatchObject([
      { parts: [{ inlineData: { mimeType: 'image/png', data: PNG } }] },
    ]);
    const block = (data: string): object => ({ source: { type: 'text', media_type: 'text/plain', data } });
    expect(blockOf(file('a.txt', 'data:text/plain,Gr%C3%BC%C3%9fe, ü'))).toMatchObject(block('Grüße, ü'));
  });

  it.each(['%', '%8', '%zz', '100%!'])('T-J11 what %j encodes is read, and refused where it is no picture', (data) => {
    expect(blockOf(file('a.txt', `data:text/plain,${data}`))).toMatchObject({ source: { data } });
    expect(encoded(gpt, { messages: [file('a.txt', `data:text/plain,${data}`)] }).body['messages']).toMatchObject([
      { content: [{ type: 'text', text: data }] },
    ]);
    for (const provider of [claude, gemini]) {
      expect(refused(provider, { messages: [image(`data:image/bmp,${data}`)] }, sonnet)).toMatchObject({
        code: 'invalid_prompt',
        path: 'messages.0.content.0',
      });
    }
  });

  it('T-J11 what Claude does not take is named', () => {
    expect(refused(claude, { messages: [image('data:image/tiff;base64,AAAA')] }, sonnet)).toMatchObject({
      code: 'invalid_prompt',
      path: 'messages.0.content.0',
    });
    const large = Buffer.alloc(6 * 1_048_576).toString('base64');
    expect(refused(claude, { messages: [image(`data:image/png;base64,${large}`)] }, sonnet)).toMatchObject({
      code: 'invalid_prompt',
      message: expect.stringContaining('at most'),
    });
    expect(
      refused(gemini, { messages: [image(`data:image/png;base64,${large}`)] }, { upstreamModel: 'gemini-2.5-pro' }),
    ).toBeUndefined();
  });
});
