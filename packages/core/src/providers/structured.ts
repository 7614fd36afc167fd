import type { ChatMessage, ResponseFormat } from '../wire/chat.js';

/** The wish for structured output in words, for models that have no field for it; undefined where none is asked for. */
export function instructedSchema(format: ResponseFormat | undefined): string | undefined {
  if (format === undefined || format.type === 'text') return undefined;
  if (format.type === 'json_object') return 'Answer with one JSON object and nothing else.';
  const { schema, description } = format.json_schema;
  const purpose = description === undefined ? '' : ` It stands for: ${description}`;
  return `Answer with one JSON value that is valid under the following JSON Schema, and nothing else.${purpose}\n${JSON.stringify(schema)}`;
}

/** Messages with a further system message behind the leading ones. The given list is not changed. */
export function withInstruction(
  messages: readonly ChatMessage[],
  instruction: string | undefined,
): readonly ChatMessage[] {
  if (instruction === undefined) return messages;
  const leading = messages.findIndex(({ role }) => role !== 'system' && role !== 'developer');
  const position = leading === -1 ? messages.length : leading;
  return [...messages.slice(0, position), { role: 'system', content: instruction }, ...messages.slice(position)];
}
