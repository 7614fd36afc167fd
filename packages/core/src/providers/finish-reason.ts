import type { FinishReason } from '../wire/chat.js';

/** Providers' words, lower-case, that do not mean `stop`. Every other word, known or not, does. */
const words: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ...['length', 'max_tokens', 'max_output_tokens', 'model_length', 'model_context_window_exceeded'].map(
    (word) => [word, 'length'] as const,
  ),
  ...['tool_calls', 'tool_call', 'tool_use', 'function_call'].map((word) => [word, 'tool_calls'] as const),
  ...[
    'content_filter',
    'content_filtered',
    'refusal',
    'safety',
    'recitation',
    'blocklist',
    'prohibited_content',
    'spii',
    // Gemini: the answer was stopped because of its language.
    'language',
    'image_safety',
    'image_prohibited_content',
    'image_recitation',
    'guardrail_intervened',
    'error_toxic',
  ].map((word) => [word, 'content_filter'] as const),
  ...['error', 'abort', 'malformed_function_call', 'unexpected_tool_call', 'insufficient_system_resource'].map(
    (word) => [word, 'error'] as const,
  ),
]);

/**
 * A provider's finish reason in the wire's words. `stop` and `tool_calls` follow from whether the model called a tool,
 * because providers disagree on the word: an answer with calls is `tool_calls`, one without is `stop`.
 */
export function toFinishReason(native: string | null, calledTools: boolean): FinishReason {
  const reason = (native === null ? undefined : words.get(native.toLowerCase())) ?? 'stop';
  if (reason === 'stop' || reason === 'tool_calls') return calledTools ? 'tool_calls' : 'stop';
  return reason;
}
