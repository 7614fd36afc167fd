import { LLMock } from '@copilotkit/aimock';
import {
  anthropic,
  azure,
  createGateway,
  deepseek,
  fireworks,
  flo2,
  type Gateway,
  google,
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
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { OpenRouter } from '@openrouter/sdk';
import { generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hosts, listen, type RunningHost } from '../tools/hosts.js';

const KEY = 'sk-or-v1-test-of-every-provider';
const GREETING = 'Hello, wörld! 👋 How can I help?';
const WEATHER = 'It is 21 degrees in Oslo.';
const citySchema = z.object({ city: z.string() });
const cityJson = {
  type: 'object' as const,
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

const mock = new LLMock({ port: 0, chunkSize: 4 });
mock.onToolResult('call_weather', { content: WEATHER });
mock.on({ userMessage: 'weather', hasToolResult: true }, { content: WEATHER });
mock.onMessage('weather', { toolCalls: [{ id: 'call_weather', name: 'weather', arguments: '{"city":"Oslo"}' }] });
mock.onMessage('hello', { content: GREETING });
mock.onMessage('structure', { content: '{"city":"Oslo"}' });
await mock.start();

const apiKey = 'upstream-key';
const v1 = `${mock.url}/v1`;
const own = [{ id: 'acme/model', upstreamId: 'gpt-4o', pricing: 'free' as const }];
const at = { apiKey, baseUrl: v1, models: own };
/** Every provider, before the mock that speaks its format. */
const providers: Readonly<Record<string, readonly [Provider, string]>> = {
  openai: [openai({ apiKey, baseUrl: v1 }), 'openai/gpt-4o-mini'],
  anthropic: [anthropic({ apiKey, baseUrl: v1 }), 'anthropic/claude-sonnet-4.5'],
  google: [google({ apiKey, baseUrl: `${mock.url}/v1beta` }), 'google/gemini-2.5-flash'],
  azure: [azure({ ...at, resource: 'acme' }), 'acme/model'],
  groq: [groq(at), 'acme/model'],
  mistral: [mistral(at), 'acme/model'],
  together: [together(at), 'acme/model'],
  fireworks: [fireworks(at), 'acme/model'],
  deepseek: [deepseek(at), 'acme/model'],
  xai: [xai(at), 'acme/model'],
  perplexity: [perplexity(at), 'acme/model'],
  openrouter: [openrouter(at), 'acme/model'],
  flo2: [flo2(at), 'acme/model'],
  ollama: [ollama(at), 'acme/model'],
  vllm: [vllm(at), 'acme/model'],
  generic: [openaiCompatible({ ...at, slug: 'acme' }), 'acme/model'],
};
/** The one that has no tools. */
const callsTools = (name: string): boolean => name !== 'perplexity';

afterAll(() => mock.stop());

for (const [name, [provider, model]] of Object.entries(providers)) {
  describe(`official clients before ${name}`, () => {
    let gateway: Gateway;
    let host: RunningHost;
    beforeAll(async () => {
      gateway = createGateway({ providers: [provider], auth: { keys: [KEY] } });
      host = await listen((hosts['node:http'] as NonNullable<(typeof hosts)[string]>)(gateway));
    });
    afterAll(async () => {
      await host.close();
      await gateway.close();
    });
    const asked = (content: string): { model: string; messages: { role: 'user'; content: string }[] } => ({
      model,
      messages: [{ role: 'user', content }],
    });

    describe('openai', () => {
      const client = (): OpenAI => new OpenAI({ baseURL: `${host.origin}/api/v1`, apiKey: KEY, maxRetries: 0 });

      it('completes and streams the same', async () => {
        const whole = await client().chat.completions.create(asked('hello'));
        expect(whole).toMatchObject({ model, choices: [{ message: { content: GREETING }, finish_reason: 'stop' }] });
        const streamed = await client().chat.completions.stream(asked('hello')).finalChatCompletion();
        expect(streamed.choices[0]).toMatchObject({ message: { content: GREETING }, finish_reason: 'stop' });
      });

      it.runIf(callsTools(name))('calls a tool in a stream, once, and goes on with its result', async () => {
        const cities: string[] = [];
        const runner = client().chat.completions.runTools({
          ...asked('weather'),
          stream: true,
          tools: [
            {
              type: 'function',
              function: {
                name: 'weather',
                description: 'The weather of a city',
                parameters: cityJson,
                parse: (text: string) => citySchema.parse(JSON.parse(text)),
                function: ({ city }: { city: string }) => {
                  cities.push(city);
                  return '21';
                },
              },
            },
          ],
        });
        expect(await runner.finalContent()).toBe(WEATHER);
        expect(cities).toEqual(['Oslo']);
      });

      it('gets structured output', async () => {
        const response_format = { type: 'json_schema' as const, json_schema: { name: 'city', schema: cityJson } };
        const whole = await client().chat.completions.create({ ...asked('structure'), response_format });
        expect(JSON.parse(whole.choices[0]?.message.content ?? '')).toEqual({ city: 'Oslo' });
      });
    });

    describe('@openrouter/sdk', () => {
      const client = (): OpenRouter =>
        new OpenRouter({ apiKey: KEY, serverURL: `${host.origin}/api/v1`, retryConfig: { strategy: 'none' } });

      it('completes and streams the same', async () => {
        const whole = await client().chat.send({ chatRequest: asked('hello') });
        expect('choices' in whole && whole.choices[0]?.message.content).toBe(GREETING);
        const stream = await client().chat.send({ chatRequest: { ...asked('hello'), stream: true } });
        let text = '';
        if (!('choices' in stream)) for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
        expect(text).toBe(GREETING);
      });

      it.runIf(callsTools(name))('calls a tool and goes on with its result', async () => {
        const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: cityJson } }];
        const first = await client().chat.send({ chatRequest: { ...asked('weather'), tools } });
        const call = 'choices' in first ? first.choices[0]?.message.toolCalls?.[0] : undefined;
        expect(call?.function).toEqual({ name: 'weather', arguments: '{"city":"Oslo"}' });
        const messages = [
          ...asked('weather').messages,
          { role: 'assistant' as const, toolCalls: call === undefined ? [] : [call] },
          { role: 'tool' as const, toolCallId: call?.id ?? '', content: '21' },
        ];
        const second = await client().chat.send({ chatRequest: { model, messages, tools } });
        expect('choices' in second && second.choices[0]?.message.content).toBe(WEATHER);
      });

      it('gets structured output', async () => {
        const responseFormat = { type: 'json_schema' as const, jsonSchema: { name: 'city', schema: cityJson } };
        const whole = await client().chat.send({ chatRequest: { ...asked('structure'), responseFormat } });
        const content: unknown = 'choices' in whole ? whole.choices[0]?.message.content : undefined;
        expect(typeof content === 'string' && JSON.parse(content)).toEqual({ city: 'Oslo' });
      });
    });

    describe('ai with @openrouter/ai-sdk-provider', () => {
      const chat = () => createOpenRouter({ apiKey: KEY, baseURL: `${host.origin}/api/v1` })(model);

      it('completes and streams the same', async () => {
        expect((await generateText({ model: chat(), prompt: 'hello', maxRetries: 0 })).text).toBe(GREETING);
        expect(await streamText({ model: chat(), prompt: 'hello', maxRetries: 0 }).text).toBe(GREETING);
      });

      it.runIf(callsTools(name))('calls a tool and goes on with its result, streamed and not', async () => {
        const weather = tool({
          description: 'The weather of a city',
          inputSchema: citySchema,
          execute: ({ city }) => `21 degrees in ${city}`,
        });
        const options = {
          model: chat(),
          prompt: 'weather',
          tools: { weather },
          stopWhen: stepCountIs(3),
          maxRetries: 0,
        };
        const whole = await generateText(options);
        expect(whole.text).toBe(WEATHER);
        expect(whole.steps[0]?.toolCalls[0]?.input).toEqual({ city: 'Oslo' });
        expect(await streamText(options).text).toBe(WEATHER);
      });

      it('gets structured output', async () => {
        const { object } = await generateObject({
          model: chat(),
          prompt: 'structure',
          schema: citySchema,
          maxRetries: 0,
        });
        expect(object).toEqual({ city: 'Oslo' });
      });
    });
  });
}
