import { LLMock } from '@copilotkit/aimock';
import { createGateway, type Gateway, openai } from '@gatehouse/core';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { OpenRouter } from '@openrouter/sdk';
import type { ChatResult, ChatStreamChunk } from '@openrouter/sdk/models';
import * as openRouterErrors from '@openrouter/sdk/models/errors';
import { APICallError, generateText, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hosts, listen, type RunningHost } from '../tools/hosts.js';

const KEY = 'sk-or-v1-test-of-the-official-clients';
const MODEL = 'openai/gpt-4o-mini';
const weatherParameters = {
  type: 'object' as const,
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

/** What OpenAI publishes for this model: $0.15 and $0.60 for a million tokens. */
function costOf(usage: { promptTokens: number; completionTokens: number } | undefined): number {
  return ((usage?.promptTokens ?? 0) * 150 + (usage?.completionTokens ?? 0) * 600) / 1e9;
}

const mock = new LLMock({ port: 0, chunkSize: 4 });
let gateway: Gateway;

beforeAll(async () => {
  mock.onToolResult('call_weather', { content: 'It is 21 degrees in Oslo.' });
  mock.onMessage('weather', {
    toolCalls: [{ id: 'call_weather', name: 'weather', arguments: '{"city":"Oslo"}' }],
  });
  mock.onMessage('hello', { content: 'Hello, wörld! 👋 How can I help?' });
  mock.onMessage('overload', { error: { message: 'secret stack trace', type: 'server_error' }, status: 500 });
  mock.onMessage('bad request', {
    error: { message: 'unknown parameter', type: 'invalid_request_error' },
    status: 400,
  });
  await mock.start();
  gateway = createGateway({
    providers: [openai({ apiKey: 'upstream-key', baseUrl: `${mock.url}/v1`, models: [MODEL] })],
    auth: { keys: [KEY] },
  });
});

afterAll(async () => {
  await gateway.close();
  await mock.stop();
});

for (const [name, listenerOf] of Object.entries(hosts)) {
  describe(`official clients on ${name}`, () => {
    let host: RunningHost;
    beforeAll(async () => {
      host = await listen(listenerOf(gateway));
    });
    afterAll(() => host.close());

    describe('openai', () => {
      const client = (apiKey = KEY): OpenAI => new OpenAI({ baseURL: `${host.origin}/api/v1`, apiKey, maxRetries: 0 });

      it('completes', async () => {
        const completion = await client().chat.completions.create({
          model: MODEL,
          messages: [{ role: 'user', content: 'hello' }],
        });
        expect(completion.id).toMatch(/^gen-\d{10}-[A-Za-z0-9]{20}$/);
        expect(completion.model).toBe(MODEL);
        expect(completion.choices[0]?.message.content).toBe('Hello, wörld! 👋 How can I help?');
        expect(completion.choices[0]?.finish_reason).toBe('stop');
        expect(completion.usage?.total_tokens).toBeGreaterThan(0);
      });

      it('streams', async () => {
        const stream = await client().chat.completions.create({
          model: MODEL,
          messages: [{ role: 'user', content: 'hello' }],
          stream: true,
        });
        let text = '';
        const finishes: unknown[] = [];
        let usage: OpenAI.CompletionUsage | null | undefined;
        const ids = new Set<string>();
        for await (const chunk of stream) {
          ids.add(chunk.id);
          text += chunk.choices[0]?.delta.content ?? '';
          if (chunk.choices[0]?.finish_reason) finishes.push(chunk.choices[0].finish_reason);
          usage = chunk.usage ?? usage;
        }
        expect(text).toBe('Hello, wörld! 👋 How can I help?');
        expect(finishes).toEqual(['stop']);
        expect(ids.size).toBe(1);
        expect(usage?.total_tokens).toBeGreaterThan(0);
      });

      it('accumulates a stream with its own helper', async () => {
        const stream = client().chat.completions.stream({
          model: MODEL,
          messages: [{ role: 'user', content: 'hello' }],
        });
        const completion = await stream.finalChatCompletion();
        expect(completion.choices[0]?.message.content).toBe('Hello, wörld! 👋 How can I help?');
      });

      it('calls a tool in a stream, once, and goes on with its result', async () => {
        const calls: string[] = [];
        const runner = client().chat.completions.runTools({
          model: MODEL,
          stream: true,
          messages: [{ role: 'user', content: 'weather' }],
          tools: [
            {
              type: 'function',
              function: {
                name: 'weather',
                description: 'The weather of a city',
                parameters: weatherParameters,
                parse: (text: string) => z.object({ city: z.string() }).parse(JSON.parse(text)),
                function: ({ city }: { city: string }) => {
                  calls.push(city);
                  return '21';
                },
              },
            },
          ],
        });
        expect(await runner.finalContent()).toBe('It is 21 degrees in Oslo.');
        expect(calls).toEqual(['Oslo']);
      });

      it('sees a wrong key as AuthenticationError', async () => {
        const answer = client('sk-or-v1-some-other-key').chat.completions.create({
          model: MODEL,
          messages: [{ role: 'user', content: 'hello' }],
        });
        await expect(answer).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
      });

      it('sees a bad field as BadRequestError that names it', async () => {
        const answer = client().chat.completions.create({
          model: MODEL,
          messages: [{ role: 'user', content: 'hello' }],
          temperature: 9,
        });
        await expect(answer).rejects.toBeInstanceOf(OpenAI.BadRequestError);
        await expect(answer).rejects.toMatchObject({ code: 'invalid_request' });
        await expect(answer).rejects.toThrow(/temperature/);
      });

      it('sees an upstream failure as InternalServerError without a word of the upstream', async () => {
        const answer = client().chat.completions.create({
          model: MODEL,
          messages: [{ role: 'user', content: 'overload' }],
          stream: true,
        });
        await expect(answer).rejects.toBeInstanceOf(OpenAI.InternalServerError);
        await expect(answer).rejects.not.toThrow(/secret stack trace/);
      });

      it('lists and finds models', async () => {
        const ids: string[] = [];
        for await (const model of client().models.list()) ids.push(model.id);
        expect(ids).toEqual([MODEL]);
        expect((await client().models.retrieve(MODEL)).id).toBe(MODEL);
        await expect(client().models.retrieve('no/such')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
      });
    });

    describe('@openrouter/sdk', () => {
      type Sent = Awaited<ReturnType<OpenRouter['chat']['send']>>;
      const whole = (sent: Sent): ChatResult => {
        if (!('choices' in sent)) throw new Error('expected a whole answer');
        return sent;
      };
      const streamed = (sent: Sent): AsyncIterable<ChatStreamChunk> => {
        if ('choices' in sent) throw new Error('expected a stream');
        return sent;
      };
      const client = (apiKey = KEY): OpenRouter =>
        new OpenRouter({ apiKey, serverURL: `${host.origin}/api/v1`, retryConfig: { strategy: 'none' } });

      it('completes', async () => {
        const chatRequest = { model: MODEL, messages: [{ role: 'user' as const, content: 'hello' }] };
        const result = whole(await client().chat.send({ chatRequest }));
        expect(result.choices[0]?.message.content).toBe('Hello, wörld! 👋 How can I help?');
        expect(result.usage?.cost).toBe(costOf(result.usage));
      });

      it('streams', async () => {
        const chatRequest = { model: MODEL, messages: [{ role: 'user' as const, content: 'hello' }], stream: true };
        const stream = streamed(await client().chat.send({ chatRequest }));
        let text = '';
        let usage: ChatStreamChunk['usage'];
        for await (const chunk of stream) {
          text += chunk.choices[0]?.delta.content ?? '';
          usage = chunk.usage ?? usage;
        }
        expect(text).toBe('Hello, wörld! 👋 How can I help?');
        expect(usage?.cost).toBe(costOf(usage));
      });

      it('calls a tool, streamed and not', async () => {
        const chatRequest = {
          model: MODEL,
          messages: [{ role: 'user' as const, content: 'weather' }],
          tools: [{ type: 'function' as const, function: { name: 'weather', parameters: weatherParameters } }],
        };
        const [choice] = whole(await client().chat.send({ chatRequest })).choices;
        expect(choice?.message.toolCalls?.[0]?.function).toEqual({ name: 'weather', arguments: '{"city":"Oslo"}' });
        expect(choice?.finishReason).toBe('tool_calls');
        let text = '';
        for await (const chunk of streamed(
          await client().chat.send({ chatRequest: { ...chatRequest, stream: true } }),
        )) {
          for (const call of chunk.choices[0]?.delta.toolCalls ?? []) text += call.function?.arguments ?? '';
        }
        expect(text).toBe('{"city":"Oslo"}');
      });

      it('sees errors as its own types', async () => {
        const send = (sdk: OpenRouter, content: string, stream: boolean): Promise<unknown> =>
          sdk.chat.send({ chatRequest: { model: MODEL, messages: [{ role: 'user', content }], stream } });
        for (const stream of [false, true]) {
          await expect(send(client('sk-or-v1-some-other-key'), 'hello', stream)).rejects.toBeInstanceOf(
            openRouterErrors.UnauthorizedResponseError,
          );
          await expect(send(client(), 'bad request', stream)).rejects.toBeInstanceOf(
            openRouterErrors.BadRequestResponseError,
          );
          await expect(send(client(), 'overload', stream)).rejects.toBeInstanceOf(
            openRouterErrors.BadGatewayResponseError,
          );
        }
      });

      it('lists models', async () => {
        const ids: string[] = [];
        for await (const page of await client().models.list()) ids.push(...page.result.data.map((model) => model.id));
        expect(ids).toEqual([MODEL]);
      });
    });

    describe('ai with @openrouter/ai-sdk-provider', () => {
      const model = (apiKey = KEY) => createOpenRouter({ apiKey, baseURL: `${host.origin}/api/v1` })(MODEL);
      const weather = tool({
        description: 'The weather of a city',
        inputSchema: z.object({ city: z.string() }),
        execute: ({ city }) => `21 degrees in ${city}`,
      });

      it('completes', async () => {
        const { text, usage } = await generateText({ model: model(), prompt: 'hello', maxRetries: 0 });
        expect(text).toBe('Hello, wörld! 👋 How can I help?');
        expect(usage.totalTokens).toBeGreaterThan(0);
      });

      it('streams', async () => {
        const result = streamText({ model: model(), prompt: 'hello', maxRetries: 0 });
        let text = '';
        for await (const piece of result.textStream) text += piece;
        expect(text).toBe('Hello, wörld! 👋 How can I help?');
        expect(await result.finishReason).toBe('stop');
      });

      it('calls a tool and goes on with its result, streamed and not', async () => {
        const options = {
          model: model(),
          prompt: 'weather',
          tools: { weather },
          stopWhen: stepCountIs(3),
          maxRetries: 0,
        };
        const whole = await generateText(options);
        expect(whole.text).toBe('It is 21 degrees in Oslo.');
        expect(whole.steps[0]?.toolCalls[0]?.input).toEqual({ city: 'Oslo' });
        expect(await streamText(options).text).toBe('It is 21 degrees in Oslo.');
      });

      it('sees errors as APICallError with the status', async () => {
        const answer = generateText({ model: model('sk-or-v1-some-other-key'), prompt: 'hello', maxRetries: 0 });
        await expect(answer).rejects.toSatisfy(APICallError.isInstance);
        await expect(answer).rejects.toMatchObject({ statusCode: 401 });
      });
    });
  });
}
