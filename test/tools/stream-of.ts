import type { ChatChunk, Gateway } from '@gatehouse/core';

/** The key of gateways that `asks` talks to. */
export const KEY = 'sk-or-v1-key-of-the-fault-tests';

/** What a client made of a stream of server-sent events. */
export interface ReadStream {
  readonly status: number;
  readonly text: string;
  readonly chunks: readonly ChatChunk[];
  /** All content, in order. */
  readonly content: string;
  /** Finish reasons, in order. */
  readonly finishes: readonly string[];
  readonly errors: readonly NonNullable<ChatChunk['error']>[];
  readonly done: boolean;
}

/** Asks a gateway for a chat completion through `gateway.fetch`. */
export function post(
  gateway: Gateway,
  body: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return gateway.fetch('http://gateway.test/api/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'acme/small', messages: [{ role: 'user', content: 'hello' }], ...body }),
  });
}

/** Asks for a stream and reads all of it. */
export async function streamOf(gateway: Gateway, body: Readonly<Record<string, unknown>> = {}): Promise<ReadStream> {
  const response = await post(gateway, { ...body, stream: true });
  return readStream(response.status, await response.text());
}

/** Reads the text of a stream. */
export function readStream(status: number, text: string): ReadStream {
  const events = text.split('\n\n').filter((event) => event.startsWith('data: '));
  const chunks = events
    .filter((event) => event !== 'data: [DONE]')
    .map((event) => JSON.parse(event.slice(6)) as ChatChunk);
  return {
    status,
    text,
    chunks,
    content: chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? '').join(''),
    finishes: chunks.flatMap((chunk) => chunk.choices.flatMap((choice) => choice.finish_reason ?? [])),
    errors: chunks.flatMap((chunk) => chunk.error ?? []),
    done: text.endsWith('data: [DONE]\n\n'),
  };
}
