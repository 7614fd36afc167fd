import type { ChatRequest, FunctionTool, ToolChoice } from '../../wire/chat.js';
import type { Renaming } from '../rename.js';
import type { Adjustment } from '../types.js';

/** The tool that carries a structured answer where the model has no field for one. */
export interface JsonTool {
  /** As it goes upstream; no tool of the client has this name. */
  readonly name: string;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly description: string | undefined;
}

/** What the tools of one call depend on. */
interface ToolContext {
  readonly names: Renaming;
  /** The model enforces schemas. */
  readonly strict: boolean;
  readonly jsonTool: JsonTool | undefined;
  /** The model cannot be made to call a tool: it thinks, and cannot be told not to. */
  readonly unforceable: boolean;
  readonly adjustments: Adjustment[];
}

/** `tools` and `tool_choice`; nothing of either without tools. */
export function encodeTools(request: ChatRequest, context: ToolContext): Readonly<Record<string, unknown>> {
  const { jsonTool } = context;
  const tools = [
    ...offered(request).map((tool) => encodeTool(tool, context)),
    ...(jsonTool === undefined ? [] : [encodeJsonTool(jsonTool)]),
  ];
  if (tools.length === 0) return {};
  const choice = jsonTool === undefined ? encodeChoice(request, context) : jsonChoice(request, jsonTool, context.names);
  return { tools, ...(choice !== undefined && { tool_choice: choice }) };
}

/** Whether a call must call a tool, and so cannot think. */
export function forcesTool({ tools = [], tool_choice: choice }: ChatRequest): boolean {
  if (tools.length === 0 || choice === undefined) return false;
  if (typeof choice === 'string') return choice === 'required';
  return choice.type === 'function' || choice.allowed_tools.mode === 'required';
}

/** The tools that the model may see: all, or those that the choice allows. */
function offered({ tools = [], tool_choice: choice }: ChatRequest): readonly FunctionTool[] {
  if (typeof choice !== 'object' || choice.type !== 'allowed_tools') return tools;
  const allowed = choice.allowed_tools.tools.map((tool) => tool.function.name);
  return tools.filter((tool) => allowed.includes(tool.function.name));
}

function encodeTool(tool: FunctionTool, { names, strict }: ToolContext): Readonly<Record<string, unknown>> {
  const { name, description, parameters, strict: wanted } = tool.function;
  return {
    name: names.of(name),
    ...(description !== undefined && { description }),
    input_schema: parameters === undefined ? { type: 'object', properties: {} } : withType(parameters),
    ...(strict && wanted !== undefined && { strict: wanted }),
    ...(tool.cache_control !== undefined && { cache_control: tool.cache_control }),
  };
}

function withType(schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return schema['type'] === undefined ? { type: 'object', ...schema } : schema;
}

function encodeJsonTool({ name, schema, description }: JsonTool): Readonly<Record<string, unknown>> {
  return { name, description: description ?? 'Gives the answer.', input_schema: withType(schema) };
}

/** The answer is a call: of the client's own tools only where the client lets the model choose them. */
function jsonChoice({ tools = [], tool_choice: wish }: ChatRequest, { name }: JsonTool, names: Renaming): object {
  const named = typeof wish === 'object' && wish.type === 'function' ? names.of(wish.function.name) : undefined;
  const none = tools.length === 0 || wish === 'none';
  const choice = none ? { type: 'tool', name } : named === undefined ? { type: 'any' } : { type: 'tool', name: named };
  return { ...choice, disable_parallel_tool_use: true };
}

function encodeChoice(request: ChatRequest, context: ToolContext): object | undefined {
  const { tool_choice: choice, parallel_tool_calls: parallel } = request;
  const single = parallel === false ? { disable_parallel_tool_use: true } : {};
  if (choice === undefined) return parallel === false ? { type: 'auto', ...single } : undefined;
  if (choice === 'none') return { type: 'none' };
  if (context.unforceable && forcesTool(request)) {
    const detail = 'the model cannot be made to call a tool';
    context.adjustments.push({ param: 'tool_choice', action: 'rewritten', detail });
    return { type: 'auto', ...single };
  }
  return { ...namedChoice(choice, context.names), ...single };
}

function namedChoice(choice: Exclude<ToolChoice, 'none'>, names: Renaming): object {
  if (choice === 'auto') return { type: 'auto' };
  if (choice === 'required') return { type: 'any' };
  if (choice.type === 'function') return { type: 'tool', name: names.of(choice.function.name) };
  return { type: choice.allowed_tools.mode === 'required' ? 'any' : 'auto' };
}
