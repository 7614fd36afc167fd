import {
  type ChatCompletion,
  type ChatRequest,
  createGateway,
  defineProvider,
  type Gateway,
  type GatewayOptions,
  middleOut,
  redact,
  responseFilter,
  routingRules,
  systemPrompt,
} from '@gatehouse/core';
import { afterEach, describe, expect, it } from 'vitest';
import { KEY, post, readStream, streamOf } from '../tools/stream-of.js';

const WORDS = 'every request passes the gate on its way to a model and back again ';

interface Seen {
  readonly provider: string;
  readonly request: ChatRequest;
}

const gateways: Gateway[] = [];
afterEach(() => Promise.all(gateways.splice(0).map((gateway) => gateway.close())));

/** Providers of one model by their context lengths; each says what `say` makes of a request, in small pieces. */
function fixture(
  contexts: Readonly<Record<string, number>>,
  options: Partial<GatewayOptions> = {},
  say: (request: ChatRequest) => string = () => 'Hello there',
): { readonly gateway: Gateway; readonly seen: Seen[] } {
  const seen: Seen[] = [];
  const gateway = createGateway({
    providers: Object.entries(contexts).map(([slug, contextLength], index) =>
      defineProvider({
        slug,
        name: slug,
        models: [
          { id: 'acme/small', contextLength, pricing: { prompt: `0.00000${index + 1}`, completion: '0.000002' } },
          { id: 'acme/large', contextLength: 1_000_000 },
        ],
        async *generate(request) {
          seen.push({ provider: slug, request });
          for (const character of say(request).match(/.{1,3}/gs) ?? []) yield character;
        },
      }),
    ),
    auth: { keys: [KEY] },
    ...options,
  });
  gateways.push(gateway);
  return { gateway, seen };
}

function long(messages: number, times: number): ChatRequest['messages'] {
  return Array.from({ length: messages }, (_, index) => ({
    role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
    content: `${index} ${WORDS.repeat(times)}`,
  }));
}

/** A token for four bytes and four a message: what is charged where a provider counts nothing. */
function counted(messages: ChatRequest['messages']): number {
  return messages.reduce((sum, { content }) => sum + 4 + Math.ceil(Buffer.byteLength(content as string) / 4), 0);
}

async function whole(gateway: Gateway, body: Readonly<Record<string, unknown>>): Promise<ChatCompletion> {
  const response = await post(gateway, body, { 'x-openrouter-metadata': 'enabled' });
  expect(response.status).toBe(200);
  return (await response.json()) as ChatCompletion;
}

async function refused(
  gateway: Gateway,
  body: Readonly<Record<string, unknown>>,
): Promise<{ code: string; message: string }> {
  const response = await post(gateway, body);
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  expect(response.status).toBe(400);
  return error;
}

describe('prompts that are too long', () => {
  it('are refused with the figures where compression is off', async () => {
    const { gateway, seen } = fixture({ one: 10_000 });
    const error = await refused(gateway, { messages: long(40, 30), max_tokens: 100 });
    expect(error.code).toBe('context_length_exceeded');
    expect(error.message).toMatch(
      /^This endpoint's maximum context length is 10000 tokens\. However, you requested about \d+ tokens \(\d+ of text input, 0 of tool input, 100 in the output\)\. Please reduce/,
    );
    expect(seen).toEqual([]);
  });

  for (const asked of [{ transforms: ['middle-out'] }, { plugins: [{ id: 'context-compression' }] }]) {
    it(`are cut where ${Object.keys(asked).join()} asks for it, and the metadata says so`, async () => {
      const { gateway, seen } = fixture({ one: 10_000 });
      const messages = long(40, 30);
      const { openrouter_metadata: metadata, usage } = await whole(gateway, { messages, ...asked });
      const sent = seen[0]?.request.messages ?? [];
      expect(sent.length).toBeLessThan(40);
      // The provider counts nothing: what is charged is what was sent, not what was cut away.
      expect(usage.prompt_tokens).toBe(counted(sent));
      expect(usage.prompt_tokens).toBeLessThan(counted(messages) * 0.7);
      expect(sent[0]).toEqual(messages[0]);
      expect(sent.at(-1)).toEqual(messages.at(-1));
      expect(metadata?.pipeline).toEqual([
        {
          type: 'context_compression',
          name: 'context-compression',
          data: { engine: 'middle-out', input_type: 'messages', original_count: 40, compressed_count: sent.length },
        },
      ]);
    });
  }

  it('are cut unasked for contexts of 8192 tokens and less, unless the client wants no transforms', async () => {
    const { gateway, seen } = fixture({ one: 8192 });
    await whole(gateway, { messages: long(40, 25) });
    expect(seen[0]?.request.messages.length).toBeLessThan(40);
    expect((await refused(gateway, { messages: long(40, 25), transforms: [] })).code).toBe('context_length_exceeded');
    const off = { plugins: [{ id: 'context-compression', enabled: false }] };
    expect((await refused(gateway, { messages: long(40, 25), ...off })).code).toBe('context_length_exceeded');
  });

  it('go whole to whoever takes them whole, and cut to whoever has half, each cut for its own context', async () => {
    let failures = 0;
    const { gateway, seen } = fixture(
      { tiny: 4000, half: 12_000, most: 16_000, whole: 40_000 },
      { transforms: [middleOut()] },
      () => {
        failures += 1;
        if (failures < 3) throw new Error('not now');
        return 'at last';
      },
    );
    await whole(gateway, { messages: long(40, 30), provider: { sort: 'price' } });
    expect(seen.map(({ provider, request }) => [provider, request.messages.length])).toEqual([
      ['whole', 40],
      ['half', expect.any(Number)],
      ['most', expect.any(Number)],
    ]);
    const [, half, most] = seen.map(({ request }) => request.messages.length);
    expect(half).toBeLessThan(most ?? 0);
    expect(most).toBeLessThan(40);
    const { candidates } = gateway.explain({ model: 'acme/small', messages: long(40, 30) });
    expect(candidates.find(({ endpoint }) => endpoint === 'tiny')?.excluded_by).toBe('context_length');
  });

  it('go to the largest where nobody has half', async () => {
    const { gateway, seen } = fixture({ tiny: 2000, large: 4000 }, { transforms: [middleOut()] });
    await whole(gateway, { messages: long(40, 30) });
    expect(seen.map(({ provider }) => provider)).toEqual(['large']);
  });

  it('are refused where what has to be kept is too long itself', async () => {
    const { gateway } = fixture({ one: 4000 }, { transforms: [middleOut()] });
    expect((await refused(gateway, { messages: long(1, 1000) })).code).toBe('context_length_exceeded');
  });
});

describe('transforms on their way through a gateway', () => {
  it('filters a stream as it filters a whole answer, and leaves usage alone', async () => {
    const say = (): string => 'write to jane@example.com or +49 171 2345678, ACME-123456.';
    const body = {
      transforms: [{ name: 'response-filter', rules: [{ detector: 'email' }, { pattern: 'ACME-\\d{6}' }] }],
    };
    const { gateway } = fixture({ one: 100_000 }, {}, say);
    const filtered = await whole(gateway, body);
    const plain = await whole(gateway, {});
    expect(filtered.choices[0]?.message.content).toBe('write to [REDACTED] or +49 171 2345678, [REDACTED].');
    expect(filtered.usage).toEqual(plain.usage);
    const stream = await streamOf(gateway, body);
    expect(stream.content).toBe(filtered.choices[0]?.message.content);
    expect(stream.chunks.at(-1)?.usage).toEqual(plain.usage);
    expect(stream.finishes).toEqual(['stop']);
    expect(stream.done).toBe(true);
    expect(filtered.openrouter_metadata?.pipeline).toEqual([
      { type: 'plugin', name: 'response-filter', data: { options: { rules: body.transforms[0]?.rules }, found: 2 } },
    ]);
    expect(plain.openrouter_metadata).not.toHaveProperty('pipeline');
  });

  it('sends placeholders upstream and shows values to the client', async () => {
    const say = ({ messages }: ChatRequest): string => `You wrote: ${String(messages.at(-1)?.content as string)}`;
    const { gateway, seen } = fixture({ one: 100_000 }, { transforms: [{ transform: redact(), use: 'always' }] }, say);
    const messages = [{ role: 'user', content: 'I am jane@example.com, my card is 4111 1111 1111 1111.' }];
    const said = `You wrote: ${messages[0]?.content}`;
    expect((await whole(gateway, { messages, transforms: [] })).choices[0]?.message.content).toBe(said);
    expect((await streamOf(gateway, { messages })).content).toBe(said);
    for (const { request } of seen) {
      expect(request.messages).toEqual([{ role: 'user', content: 'I am [[EMAIL_1]], my card is [[CARD_1]].' }]);
    }
  });

  it('runs what a key enforces, for that key alone', async () => {
    const other = 'sk-or-v1-another-key-of-the-tests';
    const { gateway, seen } = fixture(
      { one: 100_000 },
      {
        auth: { keys: [KEY, { key: other, transforms: ['system-prompt'] }] },
        transforms: [{ transform: systemPrompt({ text: 'Be brief.' }), use: 'requested' }],
      },
    );
    await post(gateway, { transforms: [] }, { authorization: `Bearer ${other}` });
    await post(gateway, {});
    expect(seen.map(({ request }) => request.messages.length)).toEqual([2, 1]);
    expect(() => fixture({ one: 1 }, { auth: { keys: [{ key: other, transforms: ['nobody'] }] } })).toThrow(TypeError);
  });

  it('routes by rules, for a plan that is only explained as well, and never beyond the rights of the key', async () => {
    const limited = 'sk-or-v1-a-limited-key-of-the-tests';
    const { gateway, seen } = fixture(
      { one: 100_000 },
      {
        auth: { keys: [KEY, { key: limited, models: ['acme/small'] }] },
        transforms: [routingRules({ rules: [{ when: { tag: 'big' }, then: { model: 'acme/large' } }] })],
      },
    );
    const body = { metadata: { tags: 'big' } };
    expect((await whole(gateway, body)).model).toBe('acme/large');
    expect((await whole(gateway, {})).model).toBe('acme/small');
    expect(seen).toHaveLength(2);
    const explained = gateway.explain({
      model: 'acme/small',
      messages: [{ role: 'user', content: 'x' }],
      metadata: { tags: 'big' },
    });
    expect(explained.candidates[0]?.model).toBe('acme/large');
    const response = await post(gateway, body, { authorization: `Bearer ${limited}` });
    expect(response.status).toBe(403);
  });

  it('heals a structured answer through the plugin', async () => {
    const { gateway } = fixture({ one: 100_000 }, {}, () => 'Sure!\n```json\n{"a": 1,}\n```');
    const body = { response_format: { type: 'json_object' }, plugins: [{ id: 'response-healing' }] };
    expect((await whole(gateway, body)).choices[0]?.message.content).toBe('{"a":1}');
    expect((await whole(gateway, { ...body, plugins: [] })).choices[0]?.message.content).toContain('Sure!');
  });

  it('lets a hook for routing choose among candidates', async () => {
    const { gateway, seen } = fixture(
      { cheap: 100_000, dear: 100_000 },
      {
        transforms: [
          {
            transform: {
              name: 'dearest',
              route: (candidates) => candidates.toSorted((a, b) => b.price - a.price),
            },
          },
        ],
      },
    );
    const { openrouter_metadata: metadata } = await whole(gateway, { provider: { sort: 'price' } });
    expect(seen.map(({ provider }) => provider)).toEqual(['dear']);
    expect(metadata?.pipeline).toEqual([{ type: 'plugin', name: 'dearest' }]);
    const none = fixture({ one: 1000 }, { transforms: [{ transform: { name: 'none', route: () => [] } }] });
    expect((await post(none.gateway, {})).status).toBe(404);
  });

  it('goes through gateway.chat as well', async () => {
    const { gateway } = fixture({ one: 100_000 }, { transforms: [responseFilter({ rules: [{ literal: 'there' }] })] });
    const request = { model: 'acme/small', messages: [{ role: 'user' as const, content: 'x' }] };
    expect((await gateway.chat(request)).choices[0]?.message.content).toBe('Hello [REDACTED]');
    const off = await gateway.chat(request, { transforms: [] });
    expect(off.choices[0]?.message.content).toBe('Hello there');
    let content = '';
    for await (const { choices } of await gateway.chat({ ...request, stream: true }))
      content += choices[0]?.delta.content ?? '';
    expect(content).toBe('Hello [REDACTED]');
  });

  it('says nothing of what it held when the provider breaks off, but what may be said', async () => {
    const broken = createGateway({
      providers: [
        defineProvider({
          slug: 'one',
          name: 'one',
          models: ['acme/small'],
          async *generate() {
            yield 'the secr';
            yield 'et is out, and a sec';
            throw new Error('cut');
          },
        }),
      ],
      auth: { keys: [KEY] },
      transforms: [responseFilter({ rules: [{ literal: 'secret' }] })],
    });
    gateways.push(broken);
    const response = await post(broken, { stream: true });
    const { content, errors, text, done } = readStream(response.status, await response.text());
    expect(content).toBe('the [REDACTED] is out, and a sec');
    expect(errors).toHaveLength(1);
    expect(text).not.toContain('secret');
    expect(done).toBe(true);
  });
});
