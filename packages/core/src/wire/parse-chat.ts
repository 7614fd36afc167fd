import { z } from 'zod';
import { GatewayError } from '../errors.js';
import type { AutoRouter, ChatMessage, ChatRequest, ProviderPreferences, ReasoningOptions } from './chat.js';
import { extraFields } from './extra-fields.js';
import { checkToolResults, messageSchema } from './parse-message.js';
import { preferencesSchema } from './parse-preferences.js';
import { checkTools, toolChoiceSchema, toolSchema } from './parse-tools.js';
import { cacheControl, optional, plainObject } from './schema-parts.js';
import { pluginsSchema, type TransformChoice, toTransformChoice, transformsSchema } from './transform-choice.js';
import { fieldError, toValidationError } from './validation-error.js';

/** A checked request, and beside it the client's fields that the wire does not know. */
export interface ParsedChat {
  readonly request: ChatRequest;
  /** For OpenAI-shaped upstreams only. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** For Anthropic only: names of beta features, from the header `x-anthropic-beta`. */
  readonly betas: readonly string[];
  /** The conversation that the request belongs to, from the header `x-session-id`. */
  readonly session: string | undefined;
  readonly transforms: TransformChoice;
}

/** What a client says in headers. */
export interface ClientHints {
  readonly betas?: readonly string[] | undefined;
  readonly session?: string | undefined;
}

const MAX_MODELS = 10;
const MAX_TRACE_CHARACTERS = 4096;

const modelId = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21-\x7e]+$/, 'expected printable ASCII characters without blanks');
const limit = z.int().min(1);
const unit = z.number().min(0).max(1);
const penalty = z.number().min(-2).max(2);
const effort = z.enum(['max', 'xhigh', 'high', 'medium', 'low', 'minimal', 'none']);

const responseFormat = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object') }),
    z.object({
      type: z.literal('json_schema'),
      json_schema: z.object({
        name: optional(
          z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 characters of A-Z a-z 0-9 _ -'),
        ).transform((name) => name ?? 'response'),
        schema: plainObject,
        strict: optional(z.boolean()),
        description: optional(z.string()),
      }),
    }),
  ],
  { error: 'expected an object with a type of text, json_object or json_schema' },
);

const AUTO_ROUTER = 'auto-router';
const modelGlobs = z.array(z.string().min(1).max(256)).max(100);
const autoRouter = z
  .strictObject({
    id: z.string(),
    enabled: optional(z.boolean()),
    allowed_models: optional(modelGlobs),
    excluded_models: optional(modelGlobs),
    min_quality: optional(z.number().min(0).max(1)),
  })
  .transform(({ id: _, enabled: __, ...router }) => router);

const bodySchema = z.object({
  messages: z.array(messageSchema).min(1).optional(),
  prompt: z.string().optional(),
  model: modelId.optional(),
  models: z.array(modelId).max(MAX_MODELS, `'models' array must have ${MAX_MODELS} items or fewer.`).optional(),
  provider: preferencesSchema.optional(),
  transforms: transformsSchema.optional(),
  plugins: pluginsSchema.optional(),
  preset: z.string().optional(),
  stream: z.boolean().optional(),
  stream_options: plainObject.optional(),
  usage: plainObject.optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: unit.optional(),
  min_p: unit.optional(),
  top_a: unit.optional(),
  top_k: z.int().min(0).optional(),
  frequency_penalty: penalty.optional(),
  presence_penalty: penalty.optional(),
  repetition_penalty: z.number().gt(0).max(2).optional(),
  seed: z.int().optional(),
  max_tokens: limit.optional(),
  max_completion_tokens: limit.optional(),
  n: z.int().min(1).max(8).optional(),
  stop: z
    .union([
      z
        .string()
        .min(1)
        .transform((text) => [text]),
      z.array(z.string().min(1)).max(4),
    ])
    .optional(),
  logit_bias: z
    .record(z.string().regex(/^\d+$/, 'expected a token id'), z.number().min(-100).max(100))
    .refine((map) => Object.keys(map).length <= 1024, 'expected at most 1024 entries')
    .optional(),
  logprobs: z.boolean().optional(),
  top_logprobs: z.int().min(0).max(20).optional(),
  tools: z.array(toolSchema).max(128).optional(),
  tool_choice: toolChoiceSchema.optional(),
  parallel_tool_calls: z.boolean().optional(),
  response_format: responseFormat.optional(),
  structured_outputs: z.boolean().optional(),
  verbosity: z.string().max(16).optional(),
  modalities: z.array(z.enum(['text', 'image', 'audio'])).optional(),
  audio: plainObject.optional(),
  prediction: plainObject.optional(),
  image_config: plainObject.optional(),
  web_search_options: plainObject.optional(),
  reasoning: z
    .object({
      effort: optional(effort),
      max_tokens: optional(limit),
      exclude: optional(z.boolean()),
      enabled: optional(z.boolean()),
      summary: optional(z.string().max(64)),
    })
    .optional(),
  reasoning_effort: effort.optional(),
  include_reasoning: z.boolean().optional(),
  service_tier: z.enum(['auto', 'default', 'fast', 'flex', 'priority', 'scale']).optional(),
  cache_control: cacheControl.optional(),
  prompt_cache_key: z.string().max(256).optional(),
  route: z.enum(['fallback', 'sort']).optional(),
  user: z.string().max(256).optional(),
  session_id: z.string().max(256).optional(),
  metadata: z
    .record(z.string().min(1).max(64), z.union([z.string().max(512), z.array(z.string().max(64)).max(10)]))
    .refine((map) => Object.keys(map).length <= 16, 'expected at most 16 entries')
    .optional(),
  trace: plainObject
    .refine((trace) => JSON.stringify(trace).length <= MAX_TRACE_CHARACTERS, 'expected at most 4096 characters')
    .optional(),
});
type Body = z.infer<typeof bodySchema>;

/** Fields that the wire knows: never sent on as unknown ones. The last row has no effect here. */
const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(bodySchema.shape),
  ...['debug', 'max_tool_calls', 'stop_server_tools_when', 'x_search_filter', 'includeReasoning'],
]);

/** Fields that have done their work once a request is parsed. */
const CONSUMED = [
  'prompt',
  'max_completion_tokens',
  'reasoning_effort',
  'include_reasoning',
  'service_tier',
  'transforms',
  'plugins',
  'preset',
  'stream_options',
  'usage',
  'route',
  'trace',
] as const satisfies readonly (keyof Body)[];

/**
 * Checks a chat body. The caller's value is not changed; `null` fields are read as absent.
 *
 * @throws GatewayError `invalid_request`, `invalid_prompt` or `unsupported_feature`, naming the path of the field.
 */
export function parseChat(body: unknown, { betas = [], session }: ClientHints = {}): ParsedChat {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw fieldError('', 'expected a JSON object as request body');
  }
  const given = withoutNulls(body);
  refuseUnbuiltTools(given['tools']);
  const result = bodySchema.safeParse(given);
  if (!result.success) throw toValidationError(result.error);
  refuseUnbuilt(result.data);
  const transforms = toTransformChoice(result.data.transforms, result.data.plugins);
  return { request: toRequest(result.data), extra: extraFields(given, KNOWN), betas, session, transforms };
}

/**
 * Checks what a transform made of a request, which is a request in the form that `parseChat` gives. Fields that no request
 * has are left out.
 *
 * @throws GatewayError as `parseChat` does.
 */
export function parseRequest(value: unknown): ChatRequest {
  const { request } = parseChat(value);
  const { auto } = value as { readonly auto?: AutoRouter };
  return auto === undefined ? request : { ...request, auto };
}

function withoutNulls(body: object): Readonly<Record<string, unknown>> {
  const given: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(body)) {
    if (value !== null) given[name] = value;
  }
  return given;
}

function toRequest(body: Body): ChatRequest {
  checkTools(body.tools, body.tool_choice);
  if (body.top_logprobs !== undefined && body.logprobs !== true) {
    throw fieldError('top_logprobs', 'expected `logprobs: true` beside it');
  }
  const maxTokens = smaller(body.max_tokens, body.max_completion_tokens);
  const reasoning = reasoningOf(body);
  const provider = preferencesOf(body);
  const auto = autoRouterOf(body);
  return {
    ...omit(body, CONSUMED),
    ...(provider !== undefined && { provider }),
    ...(auto !== undefined && { auto }),
    messages: messagesOf(body),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(reasoning !== undefined && { reasoning }),
    ...(body.service_tier !== undefined && { service_tier: tierOf(body.service_tier) }),
  };
}

/** `provider`, with the older `route` as its partition where it says nothing of one. */
function preferencesOf({ provider, route }: Body): ProviderPreferences | undefined {
  if (route === undefined) return provider;
  const partition = provider?.sort?.partition ?? (route === 'sort' ? 'none' : 'model');
  return { ...provider, sort: { ...provider?.sort, partition } };
}

/** What the `auto-router` plugin says. */
function autoRouterOf({ plugins = [] }: Body): AutoRouter | undefined {
  const index = plugins.findIndex(({ id, enabled }) => id === AUTO_ROUTER && enabled !== false);
  if (index === -1) return undefined;
  const result = autoRouter.safeParse(plugins[index]);
  if (result.success) return result.data;
  throw toValidationError(result.error, ['plugins', index]);
}

function omit<T extends object, K extends keyof T>(value: T, names: readonly K[]): Omit<T, K> {
  const rest: Partial<T> & Omit<T, K> = { ...value };
  for (const name of names) {
    if (name in rest) delete rest[name];
  }
  return rest;
}

function tierOf(tier: NonNullable<Body['service_tier']>): NonNullable<ChatRequest['service_tier']> {
  return tier === 'fast' ? 'priority' : tier;
}

function messagesOf(body: Body): readonly ChatMessage[] {
  if (body.messages !== undefined && body.prompt !== undefined) {
    throw fieldError('prompt', 'expected either `messages` or `prompt`, not both');
  }
  if (body.prompt !== undefined) return [{ role: 'user', content: body.prompt }];
  if (body.messages === undefined) throw fieldError('messages', 'expected an array of at least one message');
  checkToolResults(body.messages);
  return body.messages;
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

/** `reasoning` with its two older spellings folded in. */
function reasoningOf(body: Body): ReasoningOptions | undefined {
  const { reasoning, reasoning_effort: effortAlias, include_reasoning: include } = body;
  if (reasoning === undefined && effortAlias === undefined && include === undefined) return undefined;
  if (reasoning?.effort !== undefined && effortAlias !== undefined && reasoning.effort !== effortAlias) {
    throw fieldError('reasoning_effort', 'expected the same value as `reasoning.effort`');
  }
  const effortGiven = reasoning?.effort ?? effortAlias;
  const budget = reasoning?.max_tokens;
  if (effortGiven !== undefined && budget !== undefined) {
    throw fieldError('reasoning', 'expected either `effort` or `max_tokens`, not both');
  }
  const outputLimit = smaller(body.max_tokens, body.max_completion_tokens);
  if (budget !== undefined && outputLimit !== undefined && budget >= outputLimit) {
    throw fieldError('reasoning.max_tokens', 'expected less than `max_tokens`');
  }
  return { ...reasoning, effort: effortGiven, exclude: reasoning?.exclude ?? (include === false ? true : undefined) };
}

function refuseUnbuilt(body: Body): void {
  if (body.preset !== undefined) throw unsupported('preset', 'preset');
}

/** Server tools have a type of their own; they deserve a clearer word than "unknown type". */
function refuseUnbuiltTools(tools: unknown): void {
  if (!Array.isArray(tools)) return;
  const index = tools.findIndex((tool) => {
    const type: unknown = typeof tool === 'object' && tool !== null ? (tool as { type?: unknown }).type : undefined;
    return typeof type === 'string' && type.startsWith('openrouter:');
  });
  if (index >= 0) throw unsupported(`tools.${index}`, 'server_tools');
}

function unsupported(path: string, feature: string): GatewayError {
  return new GatewayError('unsupported_feature', `${path}: not supported yet`, { metadata: { feature } });
}
