import { z } from 'zod';
import type { FunctionTool, ToolChoice } from './chat.js';
import { cacheControl, optional, plainObject } from './schema-parts.js';
import { fieldError } from './validation-error.js';

const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** A tool that the client offers to the model. */
export const toolSchema: z.ZodType<FunctionTool> = z.object({
  type: z.literal('function'),
  function: z.object({
    name: z.string().regex(TOOL_NAME, 'expected 1 to 64 characters of A-Z a-z 0-9 _ -'),
    description: optional(z.string()),
    parameters: optional(plainObject),
    strict: optional(z.boolean()),
  }),
  cache_control: optional(cacheControl),
});

const namedFunction = z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) });

/** Which tools the model may or must call. */
export const toolChoiceSchema: z.ZodType<ToolChoice> = z.union([
  z.enum(['none', 'auto', 'required']),
  namedFunction,
  z.object({
    type: z.literal('allowed_tools'),
    allowed_tools: z.object({ mode: z.enum(['auto', 'required']), tools: z.array(namedFunction).min(1).max(128) }),
  }),
]);

/**
 * Checks the tools against each other and against the choice.
 *
 * @throws GatewayError `invalid_request` naming the field.
 */
export function checkTools(tools: readonly FunctionTool[] | undefined, choice: ToolChoice | undefined): void {
  const names = new Set<string>();
  for (const [index, tool] of (tools ?? []).entries()) {
    if (names.has(tool.function.name)) throw fieldError(`tools.${index}.function.name`, 'expected a name of its own');
    names.add(tool.function.name);
  }
  if (choice === 'required' && names.size === 0) throw fieldError('tool_choice', 'expected `tools` beside `required`');
  if (typeof choice !== 'object') return;
  const chosen =
    choice.type === 'function'
      ? [{ path: 'tool_choice.function.name', name: choice.function.name }]
      : choice.allowed_tools.tools.map((tool, index) => ({
          path: `tool_choice.allowed_tools.tools.${index}.function.name`,
          name: tool.function.name,
        }));
  const unknown = chosen.find(({ name }) => !names.has(name));
  if (unknown !== undefined) throw fieldError(unknown.path, 'expected the name of one of `tools`');
}
