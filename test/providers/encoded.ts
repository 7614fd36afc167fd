import type { CallContext, ChatRequest, Provider, Unsuitable, UpstreamRequest } from '@gatehouse/core';
import { expect } from 'vitest';

/** A call of a provider, for tests that look at what would be sent. */
export function callOf(request: ChatRequest, more: Partial<CallContext> = {}): CallContext {
  let ids = 0;
  return {
    model: 'acme/small',
    upstreamModel: 'small',
    maxOutputTokens: 8192,
    request,
    provider: 'Acme',
    generationId: 'gen-1',
    created: 1,
    stream: false,
    user: undefined,
    extra: {},
    betas: [],
    malformedEvents: 3,
    newToolCallId: () => `call_made_${ids++}`,
    ...more,
  };
}

interface Encoded extends UpstreamRequest {
  readonly body: Readonly<Record<string, unknown>>;
  /** `param: action` of every adjustment. */
  readonly adjusted: readonly string[];
}

/** What a provider sends for a request. The request is frozen, and encoding it again must give the same (T-C06). */
export function encoded(
  provider: Provider,
  asked: Omit<ChatRequest, 'messages'> & Partial<Pick<ChatRequest, 'messages'>>,
  more: Partial<CallContext> = {},
): Encoded {
  const request = frozen({ messages: [{ role: 'user', content: 'hello' }], ...asked } as ChatRequest);
  const context = callOf(request, more);
  expect(provider.codec.check?.(request, context)).toBeUndefined();
  const first = provider.codec.encode(request, context);
  expect(provider.codec.encode(request, context)).toEqual(first);
  return { ...first, adjusted: first.adjustments.map(({ param, action }) => `${param}: ${action}`) };
}

/** Why a provider would not take a request. */
export function refused(
  provider: Provider,
  asked: Omit<ChatRequest, 'messages'> & Partial<Pick<ChatRequest, 'messages'>>,
  more: Partial<CallContext> = {},
): Unsuitable | undefined {
  const request = { messages: [{ role: 'user', content: 'hello' }], ...asked } as ChatRequest;
  return provider.codec.check?.(request, callOf(request, more));
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) frozen(inner);
    Object.freeze(value);
  }
  return value;
}
