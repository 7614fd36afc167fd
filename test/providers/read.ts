import type { CallContext, ChatChunk, DecodedAnswer, Failure, Provider, UsageReport } from '@gatehouse/core';
import { callOf } from './encoded.js';
import { mergeChunks } from './merge.js';

/** What a provider's decoder makes of events; `failure` is what it threw, if it did. */
export interface ReadEvents {
  readonly chunks: readonly ChatChunk[];
  /** As `mergeChunks` gives it. */
  readonly merged: Readonly<Record<string, unknown>>;
  readonly message: Readonly<Record<string, unknown>>;
  readonly usage: UsageReport | undefined;
  readonly failure: Failure | undefined;
  /** Chunks that had come before `end`. */
  readonly pushed: number;
}

/** Pushes events, objects or raw data, one by one. */
export function readEvents(
  provider: Provider,
  events: readonly (object | string)[],
  more: Partial<CallContext> = {},
): ReadEvents {
  const context = callOf(more.request ?? { messages: [] }, { stream: true, ...more });
  const decoder = provider.codec.decoder(context);
  const chunks: ChatChunk[] = [];
  let failure: Failure | undefined;
  let pushed = 0;
  try {
    for (const event of events) {
      chunks.push(...decoder.push({ data: typeof event === 'string' ? event : JSON.stringify(event) }));
      pushed = chunks.length;
    }
    chunks.push(...decoder.end());
  } catch (error) {
    failure = error as Failure;
  }
  const merged = mergeChunks(chunks);
  return {
    chunks,
    merged,
    message: merged['message'] as Readonly<Record<string, unknown>>,
    usage: decoder.usage(),
    failure,
    pushed,
  };
}

/** Reads a whole answer. */
export function readWhole(provider: Provider, body: unknown, more: Partial<CallContext> = {}): DecodedAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return provider.codec.decodeBody(text, callOf(more.request ?? { messages: [] }, more));
}

/** The kind of the failure that a refusal is. */
export function kindOf(provider: Provider, status: number, body: unknown): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return provider.codec.classify({ status, headers: {}, text }).kind;
}
