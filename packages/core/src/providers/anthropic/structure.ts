import type { ChatRequest } from '../../wire/chat.js';
import { profileOf } from './models.js';
import { sanitiseSchema } from './schema.js';
import type { JsonTool } from './tools.js';

/** How a structured answer is had. */
export type Structure =
  | { readonly kind: 'none' | 'instruction' }
  | { readonly kind: 'format'; readonly schema: Readonly<Record<string, unknown>> }
  | { readonly kind: 'tool'; readonly tool: JsonTool };

/** The tool whose input is the answer, where a structured answer is had in that way. */
export function jsonToolOf(request: ChatRequest, upstreamModel: string): JsonTool | undefined {
  const structure = structureOf(request, upstreamModel);
  return structure.kind === 'tool' ? structure.tool : undefined;
}

/**
 * A schema goes into the field for it where the model has one. `json_object` does not: that field closes every object,
 * and an object without properties would have to be empty. There, and for older models, a tool takes the answer.
 */
export function structureOf({ response_format: format, tools = [] }: ChatRequest, upstreamModel: string): Structure {
  const profile = profileOf(upstreamModel);
  if (format === undefined || format.type === 'text') return { kind: 'none' };
  if (format.type === 'json_schema' && profile.structured) {
    return { kind: 'format', schema: sanitiseSchema(format.json_schema.schema) };
  }
  if (!profile.canRest) return { kind: 'instruction' };
  const taken = tools.map((tool) => tool.function.name);
  const name = ['json', ...taken.map((_, index) => `json_${index + 2}`)].find((one) => !taken.includes(one)) ?? 'json';
  return format.type === 'json_schema'
    ? { kind: 'tool', tool: { name, schema: format.json_schema.schema, description: format.json_schema.description } }
    : { kind: 'tool', tool: { name, schema: { type: 'object' }, description: undefined } };
}
