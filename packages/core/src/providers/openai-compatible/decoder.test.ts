import { describe, expect, it } from 'vitest';
import type { Failure } from '../../failure.js';
import { createSseDecoder } from '../../sse/decode.js';
import { accumulate } from '../../wire/accumulate.js';
import type { ChatChunk } from '../../wire/chat.js';
import type { CallContext } from '../types.js';
import { OpenAiDecoder } from './decoder.js';
import { customVendor } from './vendors.js';

let numbered = 0;
const context: CallContext = {
  model: 'acme/small',
  upstreamModel: 'small',
  maxOutputTokens: undefined,
  request: { messages: [] },
  provider: 'Acme',
  generationId: 'gen-1',
  created: 1,
  stream: true,
  user: undefined,
  extra: {},
  betas: [],
  malformedEvents: 3,
  newToolCallId: () => `call_made_${numbered++}`,
};

function decode(events: readonly string[]): { chunks: ChatChunk[]; decoder: OpenAiDecoder } {
  numbered = 0;
  const decoder = new OpenAiDecoder(customVendor('acme', 'Acme'), context);
  const chunks = events.flatMap((data) => decoder.push({ data }));
  chunks.push(...decoder.end());
  return { chunks, decoder };
}

const event = (delta: object, finish: string | null = null, more: object = {}): string =>
  JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }], ...more });
const done = '[DONE]';

/** The one choice that a stream amounts to. */
function choiceOf(events: readonly string[]): unknown {
  return accumulate(decode(events).chunks).choices[0];
}

function kindOf(run: () => unknown): string {
  try {
    run();
    return 'no failure';
  } catch (error) {
    return (error as Failure).kind;
  }
}

describe('OpenAiDecoder', () => {
  it('sends the role once, before the first content, and not for preamble', () => {
    const { chunks } = decode([
      event({ role: 'assistant', content: '' }),
      event({ role: 'assistant', content: 'a' }),
      event({ content: 'b' }),
      event({}, 'stop'),
      done,
    ]);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta)).toEqual([
      { role: 'assistant', content: '' },
      { content: 'a' },
      { content: 'b' },
      {},
    ]);
  });

  it('T-O57 one reasoning text under two names counts once', () => {
    expect(
      choiceOf([
        event({ reasoning: 'hm', reasoning_content: 'hm' }),
        event({ reasoning_content: ' ok' }),
        event({ content: 'x' }, 'stop'),
        done,
      ]),
    ).toMatchObject({
      message: {
        reasoning: 'hm ok',
        reasoning_details: [{ type: 'reasoning.text', text: 'hm ok', format: 'unknown', index: 0 }],
      },
    });
  });

  it.each([
    [
      'by index',
      [{ index: 0, id: 'a', function: { name: 'f', arguments: '{"x"' } }],
      [{ index: 0, function: { arguments: ':1}' } }],
    ],
    ['by id', [{ id: 'a', function: { name: 'f', arguments: '{"x"' } }], [{ id: 'a', function: { arguments: ':1}' } }]],
    ['by position', [{ function: { name: 'f', arguments: '{"x"' } }], [{ function: { arguments: ':1}' } }]],
    [
      'repeating id and name',
      [{ index: 0, id: 'a', function: { name: 'f', arguments: '{"x"' } }],
      [{ index: 0, id: 'a', function: { name: 'f', arguments: ':1}' } }],
    ],
  ])('T-O58 joins fragments of a tool call %s', (_, first, second) => {
    const { chunks } = decode([
      event({ tool_calls: first }),
      event({ tool_calls: second }),
      event({}, 'tool_calls'),
      done,
    ]);
    expect(accumulate(chunks).choices[0]?.message.tool_calls).toMatchObject([
      { function: { name: 'f', arguments: '{"x":1}' } },
    ]);
    const ids = chunks
      .flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? [])
      .filter((call) => call.id !== undefined);
    expect(ids).toHaveLength(1);
  });

  it('T-O58 a new id at a used index is another call; calls without arguments get an object', () => {
    const calls = [{ index: 0, id: 'a', function: { name: 'f', arguments: '' } }];
    const more = [{ index: 0, id: 'b', function: { name: 'g', arguments: '{}' } }];
    expect(
      choiceOf([event({ tool_calls: calls }), event({ tool_calls: more }), event({}, 'stop'), done]),
    ).toMatchObject({
      finish_reason: 'tool_calls',
      native_finish_reason: 'stop',
      message: {
        content: null,
        tool_calls: [
          { id: 'a', function: { arguments: '{}' } },
          { id: 'b', function: { name: 'g' } },
        ],
      },
    });
  });

  it.each([
    ['stop', 'stop'],
    ['eos', 'stop'],
    ['some_new_word', 'stop'],
    ['length', 'length'],
    ['model_length', 'length'],
    ['content_filter', 'content_filter'],
    ['tool_calls', 'stop'],
  ])('T-O59 %s without calls is %s', (native, expected) => {
    expect(choiceOf([event({ content: 'x' }), event({}, native), done])).toMatchObject({
      finish_reason: expected,
      native_finish_reason: native,
    });
  });

  it('T-O59 empty and absent reasons mean not finished', () => {
    const open = [event({ content: 'x' }, ''), JSON.stringify({ choices: [{ delta: { content: 'y' } }] })];
    expect(kindOf(() => decode(open))).toBe('truncated');
    expect(choiceOf([...open, done])).toMatchObject({
      message: { content: 'xy' },
      finish_reason: 'stop',
      native_finish_reason: null,
    });
  });

  it('T-O60 reads content parts, passes logprobs, refusals, annotations and images', () => {
    const logprobs = { content: [{ token: 'a' }] };
    const annotation = { type: 'url_citation', url_citation: { url: 'https://a.test', title: null } };
    const image = { type: 'image_url', image_url: { url: 'data:x' } };
    const events = [
      JSON.stringify({
        choices: [
          {
            index: 0,
            delta: {
              content: [
                { type: 'text', text: 'a' },
                { type: 'text', text: 'b' },
              ],
            },
            logprobs,
          },
        ],
      }),
      event({ refusal: 'no' }),
      event({ annotations: [annotation], images: [image] }),
      event({}, 'stop'),
      done,
    ];
    const { chunks } = decode(events);
    expect(chunks.flatMap((chunk) => chunk.choices[0]?.delta.annotations ?? [])).toMatchObject([
      { index: 0, url_citation: { title: 'https://a.test' } },
    ]);
    expect(accumulate(chunks).choices[0]).toMatchObject({
      message: { content: 'ab', refusal: 'no', images: [image] },
      logprobs,
    });
  });

  it('T-O61 an error inside the stream is a failure of its own code', () => {
    expect(kindOf(() => decode(['{"error":{"code":429,"message":"x"}}']))).toBe('rate_limited');
    expect(kindOf(() => decode(['{"error":{"message":"x"}}']))).toBe('server_error');
    expect(kindOf(() => decode(['{"error":{"code":"context_length_exceeded"}}']))).toBe('context_length');
  });

  it('T-O56 the last usage wins, wherever it stands', () => {
    const usage = (completion: number): object => ({
      prompt_tokens: 3,
      completion_tokens: completion,
      total_tokens: 3 + completion,
    });
    const { decoder } = decode([
      event({ content: 'x' }, null, { usage: usage(1) }),
      event({}, 'stop', { x_groq: { usage: usage(2) }, usage: null }),
      done,
    ]);
    expect(decoder.usage()).toMatchObject({ prompt: 3, completion: 2 });
  });

  it('T-S02 three broken events are skipped, the fourth is too many', () => {
    const broken = ['{', 'x', '[1]'];
    expect(choiceOf([...broken, event({ content: 'x' }, 'stop'), done])).toMatchObject({ message: { content: 'x' } });
    expect(kindOf(() => decode([...broken, '"y"']))).toBe('bad_response');
  });

  it('T-C11 what ends early is truncated, what says nothing is empty', () => {
    expect(kindOf(() => decode([event({ content: 'x' })]))).toBe('truncated');
    expect(kindOf(() => decode([]))).toBe('truncated');
    expect(kindOf(() => decode([done]))).toBe('empty_response');
  });

  it('T-C15 wild indices and endless calls are refused', () => {
    expect(kindOf(() => decode([JSON.stringify({ choices: [{ index: 99, delta: { content: 'x' } }] })]))).toBe(
      'bad_response',
    );
    const calls = Array.from({ length: 129 }, (_, number) => ({
      index: number,
      id: `c${number}`,
      function: { name: 'f', arguments: '' },
    }));
    expect(kindOf(() => decode([event({ tool_calls: calls })]))).toBe('bad_response');
  });

  it('gives every choice its own finish', () => {
    const two = JSON.stringify({
      choices: [
        { index: 1, delta: { content: 'b' }, finish_reason: 'length' },
        { index: 0, delta: { content: 'a' }, finish_reason: 'stop' },
      ],
    });
    expect(accumulate(decode([two, done]).chunks).choices).toMatchObject([
      { index: 0, message: { content: 'a' }, finish_reason: 'stop' },
      { index: 1, message: { content: 'b' }, finish_reason: 'length' },
    ]);
  });
});

describe('createSseDecoder', () => {
  const limits = { eventBytes: 1000, streamBytes: 10_000 };
  const read = (pieces: readonly Uint8Array[]): string[] => {
    const decoder = createSseDecoder(limits);
    return [...pieces.flatMap((piece) => decoder.push(piece)), ...decoder.end()].map(({ data }) => data);
  };
  const text =
    '\ufeff: comment\nevent: x\ndata: {"a":"ö👋"}\n\ndata:one\ndata: two\nid: 7\nretry: 5\nunknown: z\n\ndata: [DONE]';

  for (const [name, ending] of Object.entries({ LF: '\n', CRLF: '\r\n', CR: '\r' })) {
    it(`T-S01 reads ${name} lines split at every offset`, () => {
      const bytes = Buffer.from(text.replaceAll('\n', ending));
      for (let at = 0; at <= bytes.length; at += 1) {
        expect(read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(['{"a":"ö👋"}', 'one\ntwo', '[DONE]']);
      }
      expect(read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(['{"a":"ö👋"}', 'one\ntwo', '[DONE]']);
    });
  }

  it('T-S01 a last event without its blank line counts if it is whole', () => {
    expect(read([Buffer.from('data: {"a":1}')])).toEqual(['{"a":1}']);
    expect(kindOf(() => read([Buffer.from('data: {"a":')]))).toBe('truncated');
  });

  it('T-S05 bounds events and streams, and reads 4 MB in small pieces in linear time', () => {
    expect(kindOf(() => read([Buffer.from(`data: ${'x'.repeat(2000)}`)]))).toBe('bad_response');
    expect(kindOf(() => read([Buffer.from(': x\n'.repeat(3000))]))).toBe('bad_response');
    const decoder = createSseDecoder({ eventBytes: 8_000_000, streamBytes: 8_000_000 });
    const piece = Buffer.alloc(1000, 'x');
    decoder.push(Buffer.from('data: "'));
    for (let count = 0; count < 4000; count += 1) decoder.push(piece);
    expect(decoder.push(Buffer.from('"\n\n'))[0]?.data).toHaveLength(4_000_002);
  });
});
