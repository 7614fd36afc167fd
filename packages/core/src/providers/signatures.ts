import type { Failure } from '../failure.js';
import type { ChatMessage, ChatRequest } from '../wire/chat.js';

/** Whether an upstream refused a request because of a signature in its history. */
export function complainsOfSignature({ kind, raw }: Failure): boolean {
  return kind === 'invalid_request' && raw !== undefined && /signature/i.test(raw);
}

/** A request without the signed reasoning of its history; undefined where it has none. */
export function withoutReasoning(request: ChatRequest): ChatRequest | undefined {
  if (!request.messages.some(isSigned)) return undefined;
  return { ...request, messages: request.messages.map(unsigned) };
}

function isSigned(message: ChatMessage): boolean {
  if (message.role !== 'assistant') return false;
  return message.reasoning_details !== undefined || (message.tool_calls ?? []).some((call) => call.extra_content);
}

function unsigned(message: ChatMessage): ChatMessage {
  if (message.role !== 'assistant') return message;
  const { reasoning_details: _, tool_calls: calls, ...rest } = message;
  if (calls === undefined) return rest;
  return { ...rest, tool_calls: calls.map(({ id, type, function: called }) => ({ id, type, function: called })) };
}
