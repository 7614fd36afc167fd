import { anthropic, createGateway, type Gateway, google, openai, type Provider } from '@gatehouse/core';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { generateText, type ModelMessage, stepCountIs, streamText, tool } from 'ai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { anthropicFamily, geminiFamily } from '../providers/families.js';
import { hosts, listen, type RunningHost } from '../tools/hosts.js';
import { completion, eventStream, jsonAnswer } from '../tools/openai-answers.js';
import { type RequestRecord, type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { KEY, post } from '../tools/stream-of.js';
import { end, head, type Script, write } from '../tools/upstream-steps.js';

let upstream: ScriptedUpstream;
let gateway: Gateway;
let host: RunningHost;

async function start(provider: (baseUrl: string) => Provider): Promise<void> {
  upstream = await startUpstream();
  gateway = createGateway({ providers: [provider(upstream.baseUrl)], auth: { keys: [KEY] } });
  host = await listen((hosts['node:http'] as NonNullable<(typeof hosts)[string]>)(gateway));
}
afterEach(async () => {
  await host.close();
  await gateway.close();
  await upstream.close();
});

const model = (id: string) =>
  createOpenRouter({ apiKey: KEY, baseURL: `${host.origin}/api/v1` })(id, { reasoning: { effort: 'low' } });
const weather = tool({
  description: 'The weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => `21 degrees in ${city}`,
});

/** A conversation of two questions, the first of which needs a tool; streamed or not. */
async function converse(id: string, streamed: boolean): Promise<readonly [string, string]> {
  const options = {
    model: model(id),
    tools: { weather },
    stopWhen: stepCountIs(3),
    maxRetries: 0,
    maxOutputTokens: 4000,
  };
  const messages: ModelMessage[] = [{ role: 'user', content: 'Is it warm in Oslo?' }];
  const ask = async (): Promise<string> => {
    const result = streamed ? streamText({ ...options, messages }) : await generateText({ ...options, messages });
    const text = await result.text;
    messages.push(...(await result.response).messages);
    return text;
  };
  const first = await ask();
  messages.push({ role: 'user', content: 'And in Rome?' });
  return [first, await ask()];
}

describe('the AI SDK with Claude behind it', () => {
  const thinking = { type: 'thinking', thinking: 'I must look.', signature: 'c2lnbmVk' };
  const call = { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Oslo' } };
  const usage = { input_tokens: 10, output_tokens: 5 };
  const wholes: readonly object[] = [
    { id: 'm1', content: [thinking, call], stop_reason: 'tool_use', usage },
    { id: 'm2', content: [{ type: 'text', text: 'It is.' }], stop_reason: 'end_turn', usage },
    { id: 'm3', content: [{ type: 'text', text: 'Warmer.' }], stop_reason: 'end_turn', usage },
  ];
  const streams: readonly (readonly object[])[] = [
    [
      { type: 'message_start', message: { id: 'm1', content: [], usage } },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'I must ' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'look.' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'c2lnbmVk' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { ...call, input: {} } },
      { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"city":"Oslo"}' } },
      { type: 'content_block_stop', index: 1 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage },
      { type: 'message_stop' },
    ],
    ...['It is.', 'Warmer.'].map((text) => [
      { type: 'message_start', message: { id: 'm', content: [], usage } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage },
      { type: 'message_stop' },
    ]),
  ];
  const scriptOf = (streamed: boolean, index: number): Script => {
    if (!streamed) return jsonAnswer(200, wholes[index] ?? {});
    const text = anthropicFamily.frame((streams[index] ?? []).map((event) => JSON.stringify(event)));
    return [head(200, eventStream), write(text), end()];
  };

  beforeEach(() => start((baseUrl) => anthropic({ apiKey: 'k', baseUrl })));

  it.each([false, true])(
    'T-R01 T-R04 T-R05 holds a conversation with tools and reasoning (streamed: %s)',
    async (streamed) => {
      upstream.respond((_request, index) => scriptOf(streamed, index));
      expect(await converse('anthropic/claude-sonnet-4.5', streamed)).toEqual(['It is.', 'Warmer.']);
      const [, second, third] = upstream.requests.map(
        (request) => request.json() as { messages: { content: unknown }[] },
      );
      expect(second?.messages).toEqual([
        { role: 'user', content: [{ type: 'text', text: 'Is it warm in Oslo?' }] },
        { role: 'assistant', content: [thinking, call] },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '21 degrees in Oslo' }],
        },
      ]);
      expect(third?.messages).toMatchObject([
        {},
        { content: [thinking, call] },
        {},
        { role: 'assistant', content: [{ type: 'text', text: 'It is.' }] },
        { role: 'user', content: [{ type: 'text', text: 'And in Rome?' }] },
      ]);
      expect(second).toMatchObject({ thinking: { type: 'enabled' } });
    },
  );
});

describe('the AI SDK with Gemini behind it', () => {
  const call = { functionCall: { name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'c2lnbmVk' };
  const thought = { text: 'I must look.', thought: true };
  const counts = { usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5 } };
  const answer = (parts: readonly object[]): object => ({
    candidates: [{ index: 0, content: { role: 'model', parts }, finishReason: 'STOP' }],
    ...counts,
  });
  const answers = [answer([thought, call]), answer([{ text: 'It is.' }]), answer([{ text: 'Warmer.' }])];

  beforeEach(() => start((baseUrl) => google({ apiKey: 'k', baseUrl })));

  it.each([false, true])(
    'T-R01 T-R04 T-R07 holds a conversation with tools and reasoning (streamed: %s)',
    async (streamed) => {
      upstream.respond((_request, index) => {
        const body = answers[index] ?? {};
        if (!streamed) return jsonAnswer(200, body);
        return [head(200, eventStream), write(geminiFamily.frame([JSON.stringify(body)])), end()];
      });
      expect(await converse('google/gemini-3-flash-preview', streamed)).toEqual(['It is.', 'Warmer.']);
      const [, second, third] = upstream.requests.map(
        (request) => request.json() as { contents: { parts: unknown }[] },
      );
      // The client leaves thoughts without a signature out by itself; the signature of the call must be there.
      expect(second?.contents[1]).toMatchObject({ role: 'model', parts: [call] });
      expect(second?.contents[2]).toMatchObject({
        role: 'user',
        parts: [{ functionResponse: { name: 'weather', response: { result: '21 degrees in Oslo' } } }],
      });
      expect(third?.contents).toMatchObject([
        {},
        { parts: [call] },
        {},
        { role: 'model', parts: [{ text: 'It is.' }] },
        { role: 'user', parts: [{ text: 'And in Rome?' }] },
      ]);
    },
  );
});

describe('what goes over the wire, byte for byte', () => {
  const asked = {
    messages: [{ role: 'user', content: 'Grüße' }],
    max_tokens: 9,
    tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }],
    novelty: { a: 1 },
  };
  /** Names and values of the headers that the gateway chooses. */
  const headersOf = ({ rawHeaders }: RequestRecord): Readonly<Record<string, string>> => {
    const pairs = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : []));
    return Object.fromEntries(pairs.filter(([name]) => name !== 'host' && name !== 'connection')) as Record<
      string,
      string
    >;
  };
  const sent = async (model: string, more: object = {}): Promise<RequestRecord> => {
    upstream.always(completion('x'));
    await post(
      gateway,
      { model, ...asked, ...more },
      { 'x-anthropic-beta': 'b-1', cookie: 'secret', 'x-title': 'app' },
    );
    return upstream.request(0);
  };

  it('to OpenAI', async () => {
    await start((baseUrl) => openai({ apiKey: 'upstream-key', baseUrl }));
    const request = await sent('openai/gpt-4o-mini');
    const body =
      '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Grüße"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}],"max_tokens":9,"novelty":{"a":1}}';
    expect(`${request.method} ${request.path}`).toBe('POST /v1/chat/completions');
    expect(JSON.parse(request.body.toString())).toEqual(JSON.parse(body));
    expect(request.body.length).toBe(Buffer.byteLength(body));
    expect(headersOf(request)).toEqual({
      'content-type': 'application/json',
      accept: 'application/json',
      'accept-encoding': 'identity',
      authorization: 'Bearer upstream-key',
      'content-length': String(Buffer.byteLength(body)),
    });
  });

  it('to Anthropic', async () => {
    await start((baseUrl) => anthropic({ apiKey: 'upstream-key', baseUrl, allowedBetas: ['b-1'] }));
    const request = await sent('anthropic/claude-sonnet-4.5', { stream: true });
    const body =
      '{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"Grüße"}]}],"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"stream":true}';
    expect(`${request.method} ${request.path}`).toBe('POST /v1/messages');
    expect(request.body.toString()).toBe(body);
    expect(headersOf(request)).toEqual({
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'b-1',
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'accept-encoding': 'identity',
      'x-api-key': 'upstream-key',
      'content-length': String(Buffer.byteLength(body)),
    });
  });

  it('to Google', async () => {
    await start((baseUrl) => google({ apiKey: 'upstream-key', baseUrl }));
    const request = await sent('google/gemini-2.5-flash', { stream: true });
    const body =
      '{"contents":[{"role":"user","parts":[{"text":"Grüße"}]}],"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object","properties":{}}}]}],"generationConfig":{"maxOutputTokens":9}}';
    expect(`${request.method} ${request.path}`).toBe('POST /v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse');
    expect(request.body.toString()).toBe(body);
    expect(headersOf(request)).toEqual({
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'accept-encoding': 'identity',
      'x-goog-api-key': 'upstream-key',
      'content-length': String(Buffer.byteLength(body)),
    });
  });
});
