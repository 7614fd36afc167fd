import type { Delta } from '@gatehouse/core';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY } from '../tools/stream-of.js';
import { cut, end, head, reset, write } from '../tools/upstream-steps.js';
import type { Subject } from './families.js';
import { mergeChunks, mergeWhole } from './merge.js';
import { piecesOf, type Stage, stage } from './replay.js';

/** Bytes above which a stream is not replayed at every single offset. */
const SMALL = 4096;

/** A stream that a provider is proved on. */
export interface Sample {
  readonly name: string;
  /** The JSON of each event. */
  readonly payloads: readonly string[];
}

/**
 * Proves a provider on real sockets: its streams in pieces of any size, against the whole answer of the same content,
 * cut, broken and polluted at every event.
 *
 * @example
 * describeProvider('acme', { family: openAiFamily, model: 'acme/small', provider: (baseUrl) => acme({ baseUrl }) }, samples);
 */
export function describeProvider(name: string, subject: Subject, samples: readonly Sample[]): void {
  const { family } = subject;
  describe(`${name}, in the format of ${family.name}`, () => {
    let on: Stage;
    beforeAll(async () => {
      on = await stage(subject);
    });
    afterAll(() => on.close());

    for (const { name: sample, payloads } of samples) {
      const bytes = Buffer.from(family.frame(payloads));

      describe(sample, () => {
        it('T-C08 T-S01 gives the same chunks in pieces of any size, and with CRLF', async () => {
          const { chunks, done } = await on.stream(bytes);
          expect(done).toBe(true);
          expect(chunks.at(-1)?.choices[0]?.finish_reason).not.toBe('error');
          for (const size of [7, 1]) {
            expect((await on.stream(bytes, { pieces: piecesOf(bytes, size) })).chunks).toEqual(chunks);
          }
          const crlf = Buffer.from(bytes.toString().replaceAll('\n', '\r\n'));
          for (const size of [crlf.length, 7]) {
            expect((await on.stream(crlf, { pieces: piecesOf(crlf, size) })).chunks).toEqual(chunks);
          }
        });

        it.runIf(bytes.length <= SMALL)('T-C08 gives the same chunks split at every offset', async () => {
          const { chunks } = await on.stream(bytes);
          for (let offset = 1; offset < bytes.length; offset += 1) {
            const split = await on.stream(bytes, { pieces: [bytes.subarray(0, offset), bytes.subarray(offset)] });
            if (JSON.stringify(split.chunks) !== JSON.stringify(chunks)) expect(split.chunks).toEqual(chunks);
          }
        });

        it('T-C07 gives the message of the whole answer', async () => {
          const streamed = mergeChunks((await on.stream(bytes)).chunks);
          const { status, body } = await on.whole(family.wholeOf(payloads));
          expect(status).toBe(200);
          expect(withReadArguments(streamed)).toEqual(withReadArguments(mergeWhole(body)));
        });

        it('T-C07 accumulates in the official client to what a whole answer gives', async () => {
          await on.stream(bytes);
          const client = new OpenAI({
            baseURL: 'http://gateway.test/v1',
            apiKey: KEY,
            maxRetries: 0,
            fetch: on.gateway().fetch as typeof fetch,
          });
          const request = { model: subject.model, messages: [{ role: 'user' as const, content: 'hello' }] };
          const streamed = await client.chat.completions.stream(request).finalChatCompletion();
          const { body } = await on.whole(family.wholeOf(payloads));
          const [expected] = body['choices'] as readonly OpenAI.ChatCompletion.Choice[];
          const [choice] = streamed.choices;
          expect(choice?.message.content || null).toEqual(expected?.message.content || null);
          expect(choice?.message.tool_calls?.map(plainCall)).toEqual(expected?.message.tool_calls?.map(plainCall));
          expect(choice?.finish_reason).toBe(expected?.finish_reason);
          expect(streamed.usage).toEqual(body['usage']);
        });

        it('T-C02 T-C05 T-S06 T-S07 emits nothing that breaks clients', async () => {
          const { chunks, text } = await on.stream(bytes);
          expect(text).not.toMatch(/^event:/m);
          expect(text).not.toContain('obfuscation');
          expect(new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`)).size).toBe(1);
          expect(chunks.filter((chunk) => chunk.choices[0]?.delta.role !== undefined)).toHaveLength(1);
          expect(chunks.filter((chunk) => chunk.usage !== undefined)).toEqual([chunks.at(-1)]);
          const finishes = chunks.flatMap((chunk) => chunk.choices.filter((choice) => choice.finish_reason !== null));
          expect(finishes).toHaveLength(1);
          for (const chunk of chunks) {
            expect(chunk.choices).toHaveLength(1);
            expect('system_fingerprint' in chunk && chunk.system_fingerprint === null).toBe(false);
            const delta: Delta = chunk.choices[0]?.delta ?? {};
            expect('tool_calls' in delta && delta.tool_calls === null).toBe(false);
            const entries = [...(delta.tool_calls ?? []), ...(delta.reasoning_details ?? [])] as { index?: unknown }[];
            for (const { index } of [...entries, ...((delta.annotations ?? []) as { index?: unknown }[])]) {
              expect(Number.isInteger(index)).toBe(true);
            }
          }
        });

        it('T-C11 T-S04 is never complete when it was cut', async () => {
          const { chunks } = await on.stream(bytes);
          const whole = JSON.stringify(mergeChunks(chunks));
          for (let count = 0; count < payloads.length; count += stride(payloads.length)) {
            const start = Buffer.from(family.frame(payloads.slice(0, count)).replace('data: [DONE]\n\n', ''));
            for (const ending of [[end()], [cut()], [reset()]]) {
              const result = await on.stream(start, { ending });
              if (JSON.stringify(mergeChunks(result.chunks)) === whole) continue;
              const finished = result.status === 200 && result.errors.length === 0;
              // The reason had come; at most usage was still to come, and is counted instead.
              if (finished)
                expect(result.chunks.at(-1)?.usage?.estimated ?? unreported(result.chunks, chunks)).toBe(true);
              else if (result.status === 200) expect(result.errors[0]?.code).toMatch(/^provider_/);
              else expect(result.status).toBe(502);
            }
          }
        });

        it('T-S07 T-O61 T-A35 an error is a status before the first content and in-band after', async () => {
          for (let count = 0; count < payloads.length; count += stride(payloads.length)) {
            const text = family.frame([...payloads.slice(0, count), family.overloaded]);
            const result = await on.stream(text);
            expect(result.text).not.toContain('secret of the upstream');
            if (result.status === 200 && result.errors.length > 0) {
              expect(result.errors[0]?.code).toBe('provider_overloaded');
              expect(result.chunks.at(-1)?.choices[0]?.finish_reason).toBe('error');
              expect(result.done).toBe(true);
            } else if (result.status !== 200) {
              expect(result.status).toBe(503);
            } else {
              expect(result.finishes).toHaveLength(1);
            }
          }
        });

        it('T-C10 ignores events that it does not know', async () => {
          const { chunks } = await on.stream(bytes);
          const polluted = payloads.flatMap((payload, position) =>
            position === 0 ? [payload] : [family.unknown, payload],
          );
          expect((await on.stream(family.frame(polluted))).chunks).toEqual(chunks);
        });

        it('T-S02 skips three broken events and gives up at the fourth', async () => {
          const { chunks } = await on.stream(bytes);
          const broken = (count: number): string => 'data: {"broken\n\n'.repeat(count) + bytes.toString();
          expect((await on.stream(broken(3))).chunks).toEqual(chunks);
          expect((await on.stream(broken(4))).status).toBe(502);
          const strict = { gateway: { stream: { malformedEvents: 'error' as const } } };
          expect((await on.stream(broken(1), strict)).status).toBe(502);
          expect((await on.stream(bytes, strict)).chunks).toEqual(chunks);
        });
      });
    }

    it('T-C18 tells errors by their status where bodies say nothing', async () => {
      for (const body of ['<html>busy</html>', '', '[]', '{"error":', '[null]', '{"error":null}']) {
        on.upstream.always(head(503, { 'content-type': 'text/html' }), write(body), end());
        const response = await on.gateway().fetch('http://gateway.test/chat/completions', {
          method: 'POST',
          headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
          body: JSON.stringify({ model: subject.model, messages: [{ role: 'user', content: 'hello' }] }),
        });
        expect(response.status).toBe(503);
      }
    });
  });
}

/** The provider's own counts of an earlier event, which stand in for those that never came. */
function unreported(
  cutShort: readonly { readonly usage?: unknown }[],
  whole: readonly { readonly usage?: unknown }[],
): boolean {
  return JSON.stringify(cutShort.at(-1)?.usage) !== JSON.stringify(whole.at(-1)?.usage);
}

/** Long streams are broken at some events only. */
function stride(events: number): number {
  return Math.max(1, Math.floor(events / 24));
}

function plainCall(call: OpenAI.ChatCompletionMessageToolCall): unknown {
  if (call.type !== 'function') return call;
  return { name: call.function.name, arguments: JSON.parse(call.function.arguments) as unknown };
}

/** Blanks in arguments are the provider's: where they come as an object there are none. */
function withReadArguments(merged: Readonly<Record<string, unknown>>): unknown {
  return JSON.parse(JSON.stringify(merged), (name: string, value: unknown) =>
    name === 'arguments' ? (JSON.parse(String(value)) as unknown) : value,
  ) as unknown;
}
