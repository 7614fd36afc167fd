import { google } from '@gatehouse/core';
import { describe, expect, it } from 'vitest';
import { callOf } from './encoded.js';
import { kindOf, readEvents, readWhole } from './read.js';

const provider = google({ apiKey: 'key' });
const usage = { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 };
const candidate = (parts: readonly object[], finishReason?: string, more: object = {}): object => ({
  candidates: [
    { index: 0, content: { role: 'model', parts }, ...(finishReason !== undefined && { finishReason }), ...more },
  ],
  usageMetadata: usage,
});
const text = (value: string): object => ({ text: value });
const call = (name: string, args: object | undefined = {}, more: object = {}): object => ({
  functionCall: { name, ...(args && { args }) },
  ...more,
});

describe('answers of Gemini', () => {
  it.each<[string, string]>([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ...['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'LANGUAGE', 'IMAGE_SAFETY'].map(
      (word): [string, string] => [word, 'content_filter'],
    ),
    ['IMAGE_PROHIBITED_CONTENT', 'content_filter'],
    ['IMAGE_RECITATION', 'content_filter'],
    ['OTHER', 'stop'],
    ['NO_IMAGE', 'stop'],
    ['FINISH_REASON_UNSPECIFIED', 'stop'],
    ['A_NOVELTY', 'stop'],
  ])('T-G47 %s with content is %s', (reason, finish) => {
    const { merged } = readEvents(provider, [candidate([text('a')], reason)]);
    expect(merged).toMatchObject({ finish_reason: finish, native_finish_reason: reason });
    expect(readWhole(provider, candidate([text('a')], reason)).choices[0]).toMatchObject({ finish_reason: finish });
  });

  it('T-G47 T-C03 calls in an earlier chunk make STOP tool_calls', () => {
    const { merged } = readEvents(provider, [candidate([call('f')]), candidate([text('')], 'STOP')]);
    expect(merged).toMatchObject({ finish_reason: 'tool_calls', native_finish_reason: 'STOP' });
  });

  it.each(['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL'])(
    'T-G47 %s is a failure, or an error of a whole answer',
    (reason) => {
      expect(readEvents(provider, [candidate([], reason)]).failure?.kind).toBe('bad_response');
      expect(readEvents(provider, [candidate([text('a')]), candidate([], reason)]).failure?.kind).toBe('bad_response');
      expect(readWhole(provider, candidate([text('a')], reason)).choices[0]).toMatchObject({
        message: { content: 'a' },
        finish_reason: 'error',
        native_finish_reason: reason,
      });
      expect(() => readWhole(provider, candidate([], reason))).toThrow(
        expect.objectContaining({ kind: 'bad_response' }),
      );
    },
  );

  it.each(['OTHER', 'NO_IMAGE', 'IMAGE_OTHER', 'FINISH_REASON_UNSPECIFIED', 'A_NOVELTY'])(
    'T-G47 %s without content is an empty response',
    (reason) => {
      expect(readEvents(provider, [candidate([], reason)]).failure?.kind).toBe('empty_response');
      expect(() => readWhole(provider, candidate([], reason))).toThrow(
        expect.objectContaining({ kind: 'empty_response' }),
      );
    },
  );

  it('T-G48 a blocked prompt is a policy failure with its reason; no candidates at all are nothing', () => {
    const blocked = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 9 } };
    const { failure, usage: counted } = readEvents(provider, [blocked]);
    expect(failure).toMatchObject({ kind: 'content_policy', reason: 'PROHIBITED_CONTENT' });
    expect(counted).toMatchObject({ prompt: 9, completion: 0 });
    expect(() => readWhole(provider, blocked)).toThrow(expect.objectContaining({ kind: 'content_policy' }));
    expect(() => readWhole(provider, { usageMetadata: usage })).toThrow(
      expect.objectContaining({ kind: 'empty_response' }),
    );
    const skipped = readEvents(provider, [{ candidates: [] }, candidate([text('a')], 'STOP')]);
    expect(skipped.message['content']).toBe('a');
  });

  it('T-G49 all tokens spent on thoughts is a length, not an empty answer', () => {
    const spent = {
      candidates: [{ finishReason: 'MAX_TOKENS', index: 0 }],
      usageMetadata: { ...usage, thoughtsTokenCount: 8 },
    };
    expect(readEvents(provider, [spent]).merged).toMatchObject({ message: { content: '' }, finish_reason: 'length' });
    expect(readWhole(provider, spent).choices[0]).toMatchObject({ message: { content: '' }, finish_reason: 'length' });
  });

  it('T-G50 T-J13 every part counts, several kinds in one chunk too', () => {
    const { message, chunks } = readEvents(provider, [
      candidate([
        { text: 'Hm.', thought: true },
        text('a'),
        { executableCode: { code: 'x' } },
        { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
        { codeExecutionResult: { output: 'y' } },
        call('f', { a: 1 }),
        text('b'),
      ]),
      candidate([], 'STOP'),
    ]);
    expect(message).toEqual({
      role: 'assistant',
      content: 'ab',
      refusal: null,
      reasoning: 'Hm.',
      reasoning_details: [{ type: 'reasoning.text', index: 0, format: 'google-gemini-v1', text: 'Hm.' }],
      images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }],
      tool_calls: [{ id: 'call_made_0', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
    });
    expect(chunks.filter(({ choices }) => choices[0]?.delta.images !== undefined)).toHaveLength(1);
  });

  it('T-G51 calls are numbered across chunks, with ids of their own and whole arguments', () => {
    const { chunks } = readEvents(provider, [
      candidate([call('f', { a: 1 }), call('f', { a: 2 })]),
      candidate([{ functionCall: { id: 'given', name: 'g' } }]),
      candidate([], 'STOP'),
    ]);
    expect(chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])).toEqual([
      { index: 0, id: 'call_made_0', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
      { index: 1, id: 'call_made_1', type: 'function', function: { name: 'f', arguments: '{"a":2}' } },
      { index: 2, id: 'given', type: 'function', function: { name: 'g', arguments: '{}' } },
    ]);
  });

  it('T-G52 T-U06 usage repeats; the last one counts', () => {
    const counts = {
      promptTokenCount: 100,
      toolUsePromptTokenCount: 7,
      cachedContentTokenCount: 60,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 30,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 80 },
        { modality: 'AUDIO', tokenCount: 15 },
        { modality: 'IMAGE', tokenCount: 5 },
      ],
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 12 }],
    };
    const { usage: read } = readEvents(provider, [
      candidate([text('a')]),
      { ...candidate([text('b')], 'STOP'), usageMetadata: counts },
    ]);
    expect(read).toEqual({
      prompt: 107,
      completion: 50,
      cachedRead: 60,
      reasoning: 30,
      audioIn: 15,
      imageIn: 5,
      audioOut: 0,
      imageOut: 12,
    });
  });

  it('T-G53 the last reason counts; signatures of text are details; sources come once', () => {
    const grounding = (urls: readonly string[]): object => ({
      groundingMetadata: { groundingChunks: urls.map((uri) => ({ web: { uri, title: 'T' } })) },
    });
    const { merged, message } = readEvents(provider, [
      candidate([text('a')], 'STOP', grounding(['https://a.example/'])),
      candidate(
        [{ text: '', thoughtSignature: 's' }],
        'MAX_TOKENS',
        grounding(['https://a.example/', 'https://b.example/']),
      ),
    ]);
    expect(merged).toMatchObject({ finish_reason: 'length', native_finish_reason: 'MAX_TOKENS' });
    expect(message['reasoning_details']).toEqual([
      { type: 'reasoning.encrypted', index: 0, format: 'google-gemini-v1', data: 's' },
    ]);
    expect(message['annotations']).toMatchObject([
      { url_citation: { url: 'https://a.example/', title: 'T' } },
      { url_citation: { url: 'https://b.example/', title: 'T' } },
    ]);
  });

  it('T-G54 several candidates keep their index', () => {
    const both = {
      candidates: [0, 1].map((index) => ({ index, content: { parts: [text(`${index}`)] }, finishReason: 'STOP' })),
      usageMetadata: usage,
    };
    expect(readWhole(provider, both).choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, '0'],
      [1, '1'],
    ]);
  });

  it.each([
    ['INVALID_ARGUMENT', 400, 'invalid_request'],
    ['FAILED_PRECONDITION', 400, 'invalid_request'],
    ['OUT_OF_RANGE', 400, 'invalid_request'],
    ['UNAUTHENTICATED', 401, 'upstream_auth'],
    ['PERMISSION_DENIED', 403, 'upstream_auth'],
    ['NOT_FOUND', 404, 'model_unavailable'],
    ['RESOURCE_EXHAUSTED', 429, 'rate_limited'],
    ['INTERNAL', 500, 'server_error'],
    ['UNKNOWN', 500, 'server_error'],
    ['UNAVAILABLE', 503, 'overloaded'],
    ['DEADLINE_EXCEEDED', 504, 'timeout'],
  ])('T-G54 T-C17 %s is %s', (status, code, kind) => {
    const error = { error: { code, status, message: 'x' } };
    expect(kindOf(provider, code, error)).toBe(kind);
    expect(kindOf(provider, code, [error])).toBe(kind);
    expect(readEvents(provider, [error]).failure?.kind).toBe(kind);
  });

  it('T-G54 T-C18 a bad key and a prompt that is too long hide behind INVALID_ARGUMENT', () => {
    const invalid = { code: 400, status: 'INVALID_ARGUMENT' };
    const key = { ...invalid, message: 'x', details: [{ reason: 'API_KEY_INVALID' }] };
    expect(kindOf(provider, 400, { error: key })).toBe('upstream_auth');
    const long = 'The input token count (1050000) exceeds the maximum number of tokens allowed (1048576).';
    expect(kindOf(provider, 400, { error: { ...invalid, message: long } })).toBe('context_length');
    expect(kindOf(provider, 500, '<html>')).toBe('server_error');
  });

  it('T-C11 T-C09 a stream without a reason was cut; empty parts are no content', () => {
    expect(readEvents(provider, [candidate([text('a')])]).failure?.kind).toBe('truncated');
    expect(readEvents(provider, []).failure?.kind).toBe('truncated');
    const { pushed } = readEvents(provider, [{ candidates: [] }, candidate([text('')]), candidate([], 'STOP')]);
    expect(pushed).toBe(0);
  });

  it('T-G53 content behind a reason is content, and only the end of the stream is its end', () => {
    const decoder = provider.codec.decoder(callOf({ messages: [] }, { stream: true }));
    const push = (event: object): string =>
      decoder
        .push({ data: JSON.stringify(event) })
        .map(({ choices }) => choices[0]?.delta.content ?? '')
        .join('');
    const steps = [candidate([text('a')], 'STOP'), candidate([text('b')]), candidate([text('c')], 'STOP')];
    expect(steps.map((event) => [push(event), decoder.state])).toEqual([
      ['a', 'finished'],
      ['b', 'open'],
      ['c', 'open'],
    ]);
    expect(decoder.end().map(({ choices }) => choices[0]?.finish_reason)).toEqual(['stop']);
    const { merged } = readEvents(provider, steps.slice(0, 2));
    expect(merged).toMatchObject({ message: { content: 'ab' }, finish_reason: 'stop', native_finish_reason: 'STOP' });
  });

  it('T-C11 the end is one only when every choice has its reason', () => {
    const of = (index: number, finishReason?: string): object => ({
      candidates: [{ index, content: { parts: [text(`${index}`)] }, finishReason }],
    });
    expect(readEvents(provider, [of(0, 'STOP'), of(1)]).failure?.kind).toBe('truncated');
    expect(readEvents(provider, [of(0, 'STOP'), of(1), of(0)]).failure?.kind).toBe('truncated');
    const { failure, chunks } = readEvents(provider, [of(0, 'STOP'), of(1), of(0), of(1, 'STOP')]);
    expect(failure).toBeUndefined();
    expect(chunks.flatMap(({ choices }) => choices.filter((choice) => choice.finish_reason === 'stop'))).toHaveLength(
      2,
    );
  });

  it('T-C15 indices of choices are bounded', () => {
    const far = { candidates: [{ index: 1e9, content: { parts: [text('a')] } }] };
    expect(readEvents(provider, [far]).failure?.kind).toBe('bad_response');
    const calls = Array.from({ length: 129 }, () => call('f'));
    expect(readEvents(provider, [candidate(calls)]).failure?.kind).toBe('bad_response');
  });

  it.each([
    [{ promptTokenCount: -1 }],
    [{ promptTokenCount: 1, candidatesTokenCount: 1e12 }],
    [{ promptTokenCount: 1, cachedContentTokenCount: 5 }],
    [{ candidatesTokenCount: 1 }],
  ])('T-U02 the report %j is not believed', (usageMetadata) => {
    expect(readWhole(provider, { ...candidate([text('a')], 'STOP'), usageMetadata }).usage).toBeUndefined();
  });

  it('gives logprobs in the shape that clients know', () => {
    const logprobsResult = {
      chosenCandidates: [{ token: 'a', logProbability: -0.1 }],
      topCandidates: [{ candidates: [{ token: 'b', logProbability: -2 }] }],
    };
    expect(readWhole(provider, candidate([text('a')], 'STOP', { logprobsResult })).choices[0]?.logprobs).toEqual({
      content: [{ token: 'a', logprob: -0.1, bytes: [97], top_logprobs: [{ token: 'b', logprob: -2, bytes: [98] }] }],
      refusal: null,
    });
  });
});
