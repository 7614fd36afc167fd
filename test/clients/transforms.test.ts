import { createGateway, defineProvider, type Gateway } from '@gatehouse/core';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { OpenRouter } from '@openrouter/sdk';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hosts, listen, type RunningHost } from '../tools/hosts.js';

const KEY = 'sk-or-v1-test-of-transforms-by-clients';
const MODEL = 'acme/model';
const LEAK = 'Write to jane@example.com.';
const CLEAN = 'Write to [REDACTED].';
const transforms = [{ name: 'response-filter', rules: [{ detector: 'email' }] }];
const plugins = [{ id: 'context-compression' as const, enabled: true }];
/** Far more than the model's context. */
const history = Array.from({ length: 60 }, (_, index) => ({
  role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
  content: `${index} ${'and so it went on and on '.repeat(60)}`,
}));
const conversation = [...history, { role: 'user' as const, content: 'Where do I write to?' }];
const question = [{ role: 'user' as const, content: 'Where do I write to?' }];

const sizes: number[] = [];
let gateway: Gateway;
beforeAll(() => {
  gateway = createGateway({
    providers: [
      defineProvider({
        slug: 'acme',
        name: 'Acme',
        models: [{ id: MODEL, contextLength: 12_000 }],
        async *generate({ messages }) {
          sizes.push(messages.length);
          yield* LEAK.match(/.{1,5}/g) ?? [];
        },
      }),
    ],
    auth: { keys: [KEY] },
  });
});
afterAll(() => gateway.close());

describe.each(Object.entries(hosts))('transforms and plugins by official clients on %s', (_, listenerOf) => {
  let host: RunningHost;
  beforeAll(async () => {
    host = await listen(listenerOf(gateway));
  });
  afterAll(() => host.close());

  it('openai, through extra fields of the body', async () => {
    const client = new OpenAI({ baseURL: `${host.origin}/api/v1`, apiKey: KEY, maxRetries: 0 });
    const extra = { transforms, plugins };
    const whole = await client.chat.completions.create({ model: MODEL, messages: conversation, ...extra });
    expect(whole.choices[0]?.message.content).toBe(CLEAN);
    expect(sizes.at(-1)).toBeLessThan(conversation.length);
    const stream = client.chat.completions.stream({ model: MODEL, messages: question, ...extra });
    expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe(CLEAN);
    const refused = client.chat.completions.create({ model: MODEL, messages: conversation, ...{ transforms: [] } });
    await expect(refused).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded' });
  });

  it('@openrouter/sdk, through plugins', async () => {
    const client = new OpenRouter({
      apiKey: KEY,
      serverURL: `${host.origin}/api/v1`,
      retryConfig: { strategy: 'none' },
    });
    const whole = await client.chat.send({ chatRequest: { model: MODEL, messages: conversation, plugins } });
    if (!('choices' in whole)) throw new Error('expected a whole answer');
    expect(whole.choices[0]?.message.content).toBe(LEAK);
    expect(sizes.at(-1)).toBeLessThan(conversation.length);
    const stream = await client.chat.send({
      chatRequest: { model: MODEL, messages: conversation, plugins, stream: true },
    });
    if ('choices' in stream) throw new Error('expected a stream');
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe(LEAK);
    const healing = { model: MODEL, messages: question, plugins: [{ id: 'response-healing' as const }] };
    expect(await client.chat.send({ chatRequest: healing })).toHaveProperty('choices');
    const without = client.chat.send({ chatRequest: { model: MODEL, messages: conversation } });
    await expect(without).rejects.toThrow(/maximum context length is 12000 tokens/);
  });

  it('ai with @openrouter/ai-sdk-provider, through extra fields of the body', async () => {
    const provider = createOpenRouter({ apiKey: KEY, baseURL: `${host.origin}/api/v1`, extraBody: { transforms } });
    const model = provider(MODEL, { plugins: [{ id: 'response-healing' }] });
    expect((await generateText({ model, messages: question, maxRetries: 0 })).text).toBe(CLEAN);
    expect(await streamText({ model, messages: question, maxRetries: 0 }).text).toBe(CLEAN);
    const cut = createOpenRouter({ apiKey: KEY, baseURL: `${host.origin}/api/v1`, extraBody: { plugins } })(MODEL);
    expect((await generateText({ model: cut, messages: conversation, maxRetries: 0 })).text).toBe(LEAK);
    expect(sizes.at(-1)).toBeLessThan(conversation.length);
  });
});
