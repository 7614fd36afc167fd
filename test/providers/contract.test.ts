import {
  anthropic,
  type ChatCompletion,
  type ChatMessage,
  createGateway,
  type Gateway,
  google,
  type ModelDeclaration,
  mistral,
  openai,
  type Pricing,
  type Provider,
} from '@gatehouse/core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { completion, failure, jsonAnswer } from '../tools/openai-answers.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { KEY, post, streamOf } from '../tools/stream-of.js';
import { end, head, writeAtOnce } from '../tools/upstream-steps.js';
import { encoded } from './encoded.js';

const GPT = 'openai/gpt-4o-mini';
const CLAUDE = 'anthropic/claude-sonnet-4.5';
const GEMINI = 'google/gemini-3-flash-preview';
const PNG = 'iVBORw0KGgo=';

let upstream: ScriptedUpstream;
let gateway: Gateway;
beforeEach(async () => {
  upstream = await startUpstream();
  const at = { apiKey: 'upstream-key', baseUrl: upstream.baseUrl };
  gateway = createGateway({
    providers: [openai(at), anthropic({ ...at, models: [CLAUDE] }), google({ ...at, models: [GEMINI] })],
    auth: { keys: [KEY] },
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

type Answer = ChatCompletion & {
  readonly error?: { code: string; message: string; metadata: Record<string, unknown>; availability?: unknown };
};
async function ask(
  body: Readonly<Record<string, unknown>>,
): Promise<{ readonly status: number; readonly body: Answer }> {
  const response = await post(gateway, body);
  return { status: response.status, body: (await response.json()) as Answer };
}

const claudeSays = (text: string, more: object = {}): object => ({
  id: 'msg_1',
  content: [{ type: 'text', text }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 10, output_tokens: 5 },
  ...more,
});
const user = (content: unknown): unknown => ({ role: 'user', content });
const remote = user([{ type: 'image_url', image_url: { url: 'https://a.example/b.png' } }]);

describe('the contract of providers, seen by a client', () => {
  it('T-C13 the model of the answer is the canonical id, never an alias or the id upstream', async () => {
    upstream.always(jsonAnswer(200, claudeSays('hi')));
    for (const model of [CLAUDE, 'claude-sonnet-4.5', 'anthropic/claude-sonnet-4-5']) {
      const { body } = await ask({ model });
      expect(body).toMatchObject({ model: CLAUDE, provider: 'Anthropic' });
    }
    expect((await upstream.request(0)).json()).toMatchObject({ model: 'claude-sonnet-4-5' });
  });

  it('T-C06 T-A23 T-C16 a fallback gets the request as it came, whatever the first provider needed', async () => {
    const tools = [
      {
        type: 'function',
        function: {
          name: '9lives',
          strict: true,
          parameters: { type: 'object', additionalProperties: false, $defs: {} },
        },
      },
    ];
    const response_format = { type: 'json_schema', json_schema: { name: 'x', schema: { oneOf: [{ minimum: 1 }] } } };
    upstream.respond(({ path }) => {
      if (path.endsWith('/messages')) return failure(529, { error: { type: 'overloaded_error' } });
      if (path.includes('generateContent')) return failure(503, { error: { status: 'UNAVAILABLE' } });
      return completion('from the last one');
    });
    const messages = [user('hello')];
    const { body } = await ask({ model: CLAUDE, models: [GEMINI, GPT], messages, tools, response_format });
    expect(body).toMatchObject({ model: GPT, choices: [{ message: { content: 'from the last one' } }] });
    expect(upstream.requests.at(-1)?.json()).toMatchObject({ messages, tools, response_format });
  });

  it('T-J12 T-A19 an endpoint that needs bytes is passed over for a remote picture; alone it is a 404', async () => {
    upstream.always(completion('seen'));
    const { body } = await ask({ model: GEMINI, models: [GPT], messages: [remote] });
    expect(body.model).toBe(GPT);
    expect(upstream.requests).toHaveLength(1);
    const alone = await ask({ model: GEMINI, messages: [remote] });
    expect(alone).toMatchObject({
      status: 404,
      body: { error: { code: 'no_endpoints', availability: { excluded_by: 'modality' } } },
    });
  });

  it.each([
    ['bad base64', [{ type: 'image_url', image_url: { url: 'data:image/png;base64,***' } }]],
    ['half a quantum', [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAAA' } }]],
    ['a data URL without data', [{ type: 'image_url', image_url: { url: 'data:image/png' } }]],
    ['a bad file', [{ type: 'file', file: { file_data: 'data:application/pdf;base64,%%' } }]],
    ['bad audio', [{ type: 'input_audio', input_audio: { data: '!', format: 'wav' } }]],
  ])('T-J11 %s is a 400 that names the part, before anything is sent', async (_name, content) => {
    const { status, body } = await ask({ model: GPT, messages: [user('a'), user(content)] });
    expect(status).toBe(400);
    expect(body.error?.message).toContain('messages.1.content.0');
    expect(upstream.requests).toHaveLength(0);
  });

  it('T-J11 a type that no endpoint takes is a 400 with the place', async () => {
    const tiff = user([{ type: 'image_url', image_url: { url: 'data:image/tiff;base64,AAAA' } }]);
    const { status, body } = await ask({ model: CLAUDE, messages: [tiff] });
    expect({ status, code: body.error?.code }).toEqual({ status: 400, code: 'invalid_prompt' });
    expect(body.error?.metadata['issues']).toMatchObject([{ path: 'messages.0.content.0' }]);
  });

  it('T-A18 a prefill that the only model refuses is a 400, and goes to another that takes it', async () => {
    const messages = [user('a'), { role: 'assistant', content: 'It is' }];
    upstream.always(completion(' so'));
    const opus = createGateway({
      providers: [
        anthropic({ apiKey: 'k', baseUrl: upstream.baseUrl, models: ['anthropic/claude-opus-4.6'] }),
        openai({ apiKey: 'k', baseUrl: upstream.baseUrl }),
      ],
      auth: { keys: [KEY] },
    });
    const alone = await post(opus, { model: 'anthropic/claude-opus-4.6', messages });
    expect(alone.status).toBe(400);
    expect(await alone.json()).toMatchObject({ error: { code: 'invalid_prompt' } });
    const other = await post(opus, { model: 'anthropic/claude-opus-4.6', models: [GPT], messages });
    expect(await other.json()).toMatchObject({ model: GPT });
    await opus.close();
  });

  it('T-R02 excluded reasoning is used, counted and not shown', async () => {
    const thinking = { type: 'thinking', thinking: 'secret thought', signature: 's' };
    const answer = claudeSays('hi', { content: [thinking, { type: 'text', text: 'hi' }] });
    upstream.always(jsonAnswer(200, answer));
    const shown = await ask({ model: CLAUDE, reasoning: { effort: 'low' }, max_tokens: 4000 });
    expect(shown.body.choices[0]?.message).toMatchObject({ content: 'hi', reasoning: 'secret thought' });
    for (const hidden of [{ reasoning: { effort: 'low', exclude: true } }, { include_reasoning: false }]) {
      const { body } = await ask({ model: CLAUDE, max_tokens: 4000, ...hidden });
      expect(body.choices[0]?.message).toEqual({ role: 'assistant', content: 'hi', refusal: null });
      expect(body.usage.completion_tokens).toBe(5);
      const streamed = await streamOf(gateway, { model: CLAUDE, max_tokens: 4000, ...hidden });
      expect(streamed.content).toBe('hi');
      expect(streamed.text).not.toContain('secret thought');
    }
  });

  it('T-R03 contradicting wishes for reasoning are a 400', async () => {
    for (const wish of [
      { reasoning: { effort: 'low', max_tokens: 100 } },
      { reasoning: { effort: 'low' }, reasoning_effort: 'high' },
      { reasoning: { max_tokens: 100 }, max_tokens: 100 },
    ]) {
      expect(await ask({ model: GPT, ...wish })).toMatchObject({
        status: 400,
        body: { error: { code: 'invalid_request' } },
      });
    }
  });

  const loop = (more: object): readonly unknown[] => [
    user('a'),
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' }, ...more }],
      reasoning_details: [{ type: 'reasoning.text', format: 'anthropic-claude-v1', text: 'Hm.', signature: 'stale' }],
    },
    { role: 'tool', tool_call_id: 'c', content: 'r' },
  ];

  it('T-R08 a signature that is refused is left out once, at the same endpoint', async () => {
    const refusal = {
      error: { type: 'invalid_request_error', message: 'messages.1: Invalid `signature` in `thinking` block' },
    };
    upstream.next(failure(400, refusal));
    upstream.next(jsonAnswer(200, claudeSays('mended')));
    const { body } = await ask({ model: CLAUDE, messages: loop({}) });
    expect(body.choices[0]?.message.content).toBe('mended');
    expect((await upstream.request(0)).body.toString()).toContain('stale');
    expect((await upstream.request(1)).body.toString()).not.toContain('stale');
    upstream.always(failure(400, refusal));
    expect((await ask({ model: CLAUDE, messages: loop({}) })).status).toBe(400);
    expect(upstream.requests).toHaveLength(4);
  });

  it('T-R08 T-R07 Gemini then gets the placeholder', async () => {
    const refusal = { error: { code: 400, status: 'INVALID_ARGUMENT', message: 'Corrupted thought signature.' } };
    upstream.next(failure(400, refusal));
    upstream.next(
      jsonAnswer(200, { candidates: [{ content: { parts: [{ text: 'mended' }] }, finishReason: 'STOP' }] }),
    );
    const extra = { extra_content: { google: { thought_signature: 'stale' } } };
    const { body } = await ask({ model: GEMINI, messages: loop(extra) });
    expect(body.choices[0]?.message.content).toBe('mended');
    expect((await upstream.request(1)).body.toString()).toContain('skip_thought_signature_validator');
  });

  it('T-R08 a signed conversation goes on at the provider that signed it', async () => {
    const shared = 'shared/model';
    const at = { apiKey: 'k', baseUrl: upstream.baseUrl };
    const served = (pricing: Pricing): ModelDeclaration[] => [{ id: shared, pricing, maxCompletionTokens: 100 }];
    const paid = { prompt: '0.000001', completion: '0.000001' };
    const two = createGateway({
      providers: [openai({ ...at, models: served('free') }), anthropic({ ...at, models: served(paid) })],
      auth: { keys: [KEY] },
    });
    upstream.respond(({ path }) =>
      path.endsWith('/messages') ? jsonAnswer(200, claudeSays('claude')) : completion('gpt'),
    );
    const contentFor = async (messages: readonly unknown[]): Promise<unknown> =>
      ((await (await post(two, { model: shared, messages })).json()) as Answer).choices[0]?.message.content;
    expect(await contentFor([user('a')])).toBe('gpt');
    expect(await contentFor(loop({}))).toBe('claude');
    await two.close();
  });

  it('T-C17 what follows from a failure: the code that a client sees', async () => {
    const cases: readonly [number, object, number, string][] = [
      [401, { error: { type: 'authentication_error' } }, 502, 'provider_error'],
      [402, { error: { type: 'billing_error' } }, 502, 'provider_error'],
      [404, { error: { type: 'not_found_error' } }, 404, 'no_endpoints'],
      [413, { error: { type: 'request_too_large' } }, 413, 'payload_too_large'],
      [429, { error: { type: 'rate_limit_error' } }, 429, 'rate_limit_exceeded'],
      [500, { error: { type: 'api_error' } }, 502, 'provider_error'],
      [504, { error: { type: 'timeout_error' } }, 504, 'timeout'],
      [529, { error: { type: 'overloaded_error' } }, 503, 'provider_overloaded'],
    ];
    for (const [upstreamStatus, error, status, code] of cases) {
      upstream.always(failure(upstreamStatus, error));
      expect(await ask({ model: CLAUDE })).toMatchObject({ status, body: { error: { code } } });
    }
    upstream.always(jsonAnswer(200, { promptFeedback: { blockReason: 'SAFETY' } }));
    expect(await ask({ model: GEMINI, models: [GPT] })).toMatchObject({
      status: 403,
      body: { error: { code: 'moderation_blocked', metadata: { reasons: ['SAFETY'] } } },
    });
  });

  it('T-U01 T-U03 usage in the words of the wire, totals made by us', async () => {
    const usage = {
      input_tokens: 10,
      cache_read_input_tokens: 1000,
      cache_creation_input_tokens: 100,
      cache_creation: { ephemeral_5m_input_tokens: 60, ephemeral_1h_input_tokens: 40 },
      output_tokens: 5,
      server_tool_use: { web_search_requests: 2 },
    };
    upstream.always(jsonAnswer(200, claudeSays('hi', { usage })));
    const { body } = await ask({ model: CLAUDE });
    expect(body.usage).toMatchObject({
      prompt_tokens: 1110,
      completion_tokens: 5,
      total_tokens: 1115,
      prompt_tokens_details: { cached_tokens: 1000, cache_write_tokens: 100 },
      completion_tokens_details: { reasoning_tokens: 0 },
      server_tool_use_details: { web_search_requests: 2 },
      // 10 × 3 000 + 1 000 × 300 + 60 × 3 750 + 40 × 6 000 + 5 × 15 000, and two searches of a cent each.
      cost: 0.02087,
    });
  });

  it('T-G47 what broke off in a whole answer is kept, marked and free', async () => {
    upstream.always(
      jsonAnswer(200, {
        candidates: [{ content: { parts: [{ text: 'half' }] }, finishReason: 'MALFORMED_FUNCTION_CALL' }],
        usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 1 },
      }),
    );
    const { status, body } = await ask({ model: GEMINI });
    expect(status).toBe(200);
    expect(body.choices[0]).toMatchObject({
      message: { content: 'half' },
      finish_reason: 'error',
      error: { code: 'provider_error', metadata: { error_type: 'provider_unavailable', code: 'provider_error' } },
    });
    expect(body.usage.cost).toBe(0);
  });

  it('T-S05 an event of 4 MB in pieces of 1 KB arrives whole', async () => {
    const long = 'x'.repeat(4 * 1_048_576);
    const events = [
      { type: 'message_start', message: { id: 'm', content: [], usage: { input_tokens: 1, output_tokens: 1 } } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: long } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } },
      { type: 'message_stop' },
    ];
    const bytes = Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
    const pieces = Array.from({ length: Math.ceil(bytes.length / 1024) }, (_, index) =>
      bytes.subarray(index * 1024, (index + 1) * 1024),
    );
    upstream.always(head(200, { 'content-type': 'text/event-stream' }), writeAtOnce(pieces), end());
    const { content, finishes } = await streamOf(gateway, { model: CLAUDE });
    expect(content.length).toBe(long.length);
    expect(finishes).toEqual(['stop']);
  });
});

describe('one conversation for every provider', () => {
  const providers: Readonly<Record<string, readonly [Provider, string]>> = {
    openai: [openai({ apiKey: 'k' }), 'gpt-4o'],
    mistral: [mistral({ apiKey: 'k' }), 'mistral-large'],
    anthropic: [anthropic({ apiKey: 'k' }), 'claude-sonnet-4-5'],
    google: [google({ apiKey: 'k' }), 'gemini-3-pro-preview'],
  };
  const call = (id: string, args: string): object => ({
    id,
    type: 'function',
    function: { name: 'get weather', arguments: args },
  });
  const history: ChatMessage[] = [
    { role: 'system', content: 'Be brief.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Look' },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } },
      ],
    },
    {
      role: 'assistant',
      content: '',
      tool_calls: [call('call 1', '{"city":"Oslo"}'), call('call_2', '{"city":')] as never,
      reasoning_details: [
        { type: 'reasoning.text', format: 'anthropic-claude-v1', index: 0, text: 'Hm.', signature: 's' },
        { type: 'reasoning.encrypted', format: 'google-gemini-v1', index: 1, data: 'd', id: 'call 1' },
        { type: 'reasoning.text', format: 'unknown', index: 2, text: 'Ha.' },
      ],
    },
    { role: 'tool', tool_call_id: 'call_2', content: '' },
    { role: 'tool', tool_call_id: 'call 1', content: '21' },
    { role: 'developer', content: 'Be polite.' },
    { role: 'assistant', content: '' },
    { role: 'user', content: 'And?' },
  ];

  for (const [name, [provider, upstreamModel]] of Object.entries(providers)) {
    it(`T-X01 T-X02 T-X03 T-X04 T-X05 T-X06 ${name} gets all that it can use and nothing of others`, () => {
      const { body } = encoded(provider, { messages: history }, { upstreamModel });
      const text = JSON.stringify(body);
      for (const kept of ['Be brief.', 'Be polite.', 'Look', PNG, 'Oslo', '21', 'And?']) expect(text).toContain(kept);
      expect(text.includes('Hm.')).toBe(name === 'anthropic');
      expect(text.includes('thoughtSignature')).toBe(name === 'google');
      expect(text).not.toContain('Ha.');
    });
  }

  it('T-C16 whatever ids and names a history has, each call keeps its own result', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1, maxLength: 80 }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.string({ minLength: 1, maxLength: 80 }), { minLength: 12, maxLength: 12 }),
        (ids, tools) => {
          const messages: ChatMessage[] = [
            { role: 'user', content: 'a' },
            {
              role: 'assistant',
              tool_calls: ids.map((id, index) => ({
                id,
                type: 'function',
                function: { name: tools[index] ?? 'f', arguments: '{}' },
              })),
            },
            ...ids
              .toReversed()
              .map((id): ChatMessage => ({ role: 'tool', tool_call_id: id, content: `result of ${id}` })),
          ];
          const { body } = encoded(anthropic({ apiKey: 'k' }), { messages }, { upstreamModel: 'claude-sonnet-4-5' });
          const [, made, answered] = body['messages'] as readonly { content: readonly Record<string, string>[] }[];
          const sent = made?.content.map(({ id }) => id) ?? [];
          expect(new Set(sent).size).toBe(ids.length);
          for (const [index, id] of ids.entries()) {
            expect(sent[index]).toMatch(/^[a-zA-Z0-9_-]{1,256}$/);
            expect(made?.content[index]?.['name']).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
            expect(answered?.content[index]).toMatchObject({ tool_use_id: sent[index], content: `result of ${id}` });
          }
          const nines = encoded(mistral({ apiKey: 'k' }), { messages }).body['messages'] as readonly Record<
            string,
            unknown
          >[];
          const given = ((nines[1]?.['tool_calls'] ?? []) as readonly { id: string }[]).map(({ id }) => id);
          expect(new Set(given).size).toBe(ids.length);
          expect(nines.slice(2).map((one) => one['tool_call_id'])).toEqual(given.toReversed());
        },
      ),
      { numRuns: 200 },
    );
  });
});
