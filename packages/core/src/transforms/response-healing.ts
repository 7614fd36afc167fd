import type { ChatRequest, Choice } from '../wire/chat.js';
import { defineTransform } from './define-transform.js';
import { type SchemaCheck, schemaCheck } from './json-schema.js';
import { repairJson } from './repair-json.js';
import type { Transform, TransformContext } from './types.js';

/**
 * Repairs the JSON of answers whose request asks for `json_object` or a `json_schema`, not streamed: words and fences around
 * it, wrong or missing quotes, trailing commas, comments, brackets that were not closed. Only where it is clear what is
 * meant, and, with a schema, only where the result keeps to it (checked with zod's reading of JSON Schema, which is a
 * dependency already); otherwise the answer stays as it was.
 *
 * The plugin `response-healing` is the same.
 *
 * @example
 * createGateway({ providers, transforms: [responseHealing()] });
 */
export function responseHealing(): Transform {
  const formats = new WeakMap<TransformContext, NonNullable<ChatRequest['response_format']>>();
  return defineTransform<unknown>({
    name: 'response-healing',
    request(request, context) {
      if (request.response_format !== undefined) formats.set(context, request.response_format);
      return request;
    },
    completion(completion, context) {
      const format = formats.get(context);
      if (format === undefined || format.type === 'text') return completion;
      const check = format.type === 'json_schema' ? schemaCheck(format.json_schema.schema) : isObject;
      const choices = completion.choices.map((choice) => healed(choice, check));
      const isSame = choices.every((choice, index) => choice === completion.choices[index]);
      return isSame ? completion : { ...completion, choices };
    },
  });
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function healed(choice: Choice, check: SchemaCheck | undefined): Choice {
  const { content } = choice.message;
  if (content === null || content === '' || isJson(content)) return choice;
  const repaired = repairJson(content, choice.finish_reason === 'length');
  if (repaired === undefined || !isJson(repaired)) return choice;
  if (check !== undefined && !check(JSON.parse(repaired))) return choice;
  return { ...choice, message: { ...choice.message, content: repaired }, logprobs: null };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
