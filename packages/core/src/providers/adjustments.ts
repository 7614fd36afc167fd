import type { ChatRequest } from '../wire/chat.js';
import type { Adjustment } from './types.js';

/** Notes of what a request asks for and a provider has no field for. */
export function unknownTo(
  provider: string,
  request: ChatRequest,
  params: readonly (keyof ChatRequest)[],
): readonly Adjustment[] {
  return params
    .filter((param) => request[param] !== undefined)
    .map((param) => ({ param, action: 'dropped', detail: `${provider} does not take it` }));
}

/** The note that reasoning of another format than this one was left out; none where there is none. */
export function foreignReasoning({ messages }: ChatRequest, format: string): readonly Adjustment[] {
  const foreign = messages.some(
    (message) =>
      message.role === 'assistant' &&
      message.reasoning_details?.some((detail) => detail.format !== undefined && detail.format !== format),
  );
  if (!foreign) return [];
  const detail = 'reasoning of other providers stays with them';
  return [{ param: 'messages.reasoning_details', action: 'dropped', detail }];
}
