import type { ChatRequest } from '../../wire/chat.js';
import { foreignReasoning, unknownTo } from '../adjustments.js';
import { checkToolTurns, lastSpoken, withQuestion } from '../conversation.js';
import { instructedSchema, withInstruction } from '../structured.js';
import type { Adjustment, CallContext, CallTarget, Unsuitable, UpstreamRequest } from '../types.js';
import { limitBreakpoints } from './cache-control.js';
import { type ClaudeProfile, profileOf } from './models.js';
import { structureOf } from './structure.js';
import { chooseThinking, type Thinking } from './thinking.js';
import { toolIds, toolNames } from './tool-names.js';
import { encodeTools, forcesTool, type JsonTool } from './tools.js';
import { checkMedia, REASONING_FORMAT, type Turn, textBlocks, toTurns } from './turns.js';

/** What a host can say about its endpoint. */
export interface AnthropicEndpoint {
  /** Beta features of every call. */
  readonly betas: readonly string[];
  /** Beta features that clients may ask for. */
  readonly allowedBetas: ReadonlySet<string>;
  /** System messages may stand between the others. */
  readonly inlineSystem: boolean;
  /** Fields of the host's own; they replace ours. */
  readonly extraBody: Readonly<Record<string, unknown>> | undefined;
}

const VERSION = '2023-06-01';
/** What this API has no field for. */
const LACKS = [
  'logprobs',
  'top_logprobs',
  'seed',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'logit_bias',
  'min_p',
  'top_a',
  'verbosity',
  'modalities',
  'audio',
  'prediction',
  'image_config',
  'web_search_options',
  'prompt_cache_key',
] as const satisfies readonly (keyof ChatRequest)[];

/** What rules an endpoint out for a request: media, an unknown output limit, a prefill, calls without results. */
export function checkRequest(request: ChatRequest, target: CallTarget): Unsuitable | undefined {
  const { messages, max_tokens: asked, reasoning } = request;
  const profile = profileOf(target.upstreamModel);
  const limit = asked ?? target.maxOutputTokens;
  if (limit === undefined) {
    return { code: 'invalid_request', path: 'max_tokens', message: 'expected a value: the model has no known limit' };
  }
  const budgeted = profile.thinking === 'budget' || profile.budgets;
  if (budgeted && reasoning?.max_tokens !== undefined && reasoning.max_tokens >= outputLimit(request, target)) {
    return {
      code: 'invalid_request',
      path: 'reasoning.max_tokens',
      message: "expected less than the model's output limit",
    };
  }
  if (!profile.prefill && isPrefill(request)) {
    const message = 'expected a user or tool message last: the model does not continue an answer';
    return { code: 'invalid_prompt', path: `messages.${lastSpoken(messages)}`, message };
  }
  return checkToolTurns(messages) ?? checkMedia(messages);
}

/** The body of a Messages call. Pure, and it never changes the request. */
export function encodeRequest(
  request: ChatRequest,
  context: CallContext,
  endpoint: AnthropicEndpoint,
): UpstreamRequest {
  const adjustments: Adjustment[] = [];
  const profile = profileOf(context.upstreamModel);
  const maxTokens = outputLimit(request, context);
  if (request.max_tokens !== undefined && request.max_tokens > maxTokens) {
    adjustments.push({ param: 'max_tokens', action: 'clamped', detail: `the model writes at most ${maxTokens}` });
  }
  const names = toolNames(request);
  const structure = structureOf(request, context.upstreamModel);
  const conversation = withInstruction(
    withQuestion(request.messages),
    structure.kind === 'instruction' ? instructedSchema(request.response_format) : undefined,
  );
  const { system, turns } = toTurns(conversation, {
    ids: toolIds(request),
    names,
    inlineSystem: endpoint.inlineSystem,
    adjustments,
  });
  const jsonTool = structure.kind === 'tool' ? structure.tool : undefined;
  const obstacle = obstacleOf(request, profile, turns, jsonTool);
  const thinking = chooseThinking({ request, profile, maxTokens, obstacle, adjustments });
  if (structure.kind === 'instruction') {
    const detail = 'the model cannot be held to JSON while it thinks: it stands in an instruction';
    adjustments.push({ param: 'response_format', action: 'rewritten', detail });
  }
  const outputConfig = {
    ...(thinking.effort !== undefined && { effort: thinking.effort }),
    ...(structure.kind === 'format' && { format: { type: 'json_schema', schema: structure.schema } }),
  };
  const body: Record<string, unknown> = {
    model: context.upstreamModel,
    max_tokens: maxTokens,
    ...(system.length > 0 && { system }),
    messages: turns,
    ...encodeTools(request, {
      names,
      strict: profile.structured,
      jsonTool,
      unforceable: !profile.canRest,
      adjustments,
    }),
    ...encodeSampling(request, profile, thinking, adjustments),
    ...(thinking.field !== undefined && { thinking: thinking.field }),
    ...(Object.keys(outputConfig).length > 0 && { output_config: outputConfig }),
    ...encodeTier(request, adjustments),
    ...(request.cache_control !== undefined && { cache_control: request.cache_control }),
    ...(context.user !== undefined && { metadata: { user_id: context.user } }),
    ...(context.stream && { stream: true }),
    ...endpoint.extraBody,
  };
  const lacking: readonly (keyof ChatRequest)[] = (request.n ?? 1) > 1 ? ['n', ...LACKS] : LACKS;
  return {
    method: 'POST',
    path: '/messages',
    headers: encodeHeaders(context, endpoint),
    body: limitBreakpoints(body, adjustments),
    adjustments: [
      ...adjustments,
      ...unknownTo('Anthropic', request, lacking),
      ...foreignReasoning(request, REASONING_FORMAT),
    ],
  };
}

function outputLimit({ max_tokens: asked }: ChatRequest, { maxOutputTokens: most }: CallTarget): number {
  if (most === undefined) return asked ?? 0;
  return Math.min(asked ?? most, most);
}

function isPrefill({ messages }: ChatRequest): boolean {
  const last = messages[lastSpoken(messages)];
  return last?.role === 'assistant' && last.tool_calls === undefined && textBlocks(last.content ?? '').length > 0;
}

/** What rules thinking out for this call. */
function obstacleOf(
  request: ChatRequest,
  profile: ClaudeProfile,
  turns: readonly Turn[],
  jsonTool: JsonTool | undefined,
): string | undefined {
  if (forcesTool(request) || jsonTool !== undefined) return 'the model does not think where it must call a tool';
  if (isPrefill(request)) return 'the model does not think where its answer is begun for it';
  if (profile.thinking !== 'budget' || !endsInToolLoop(turns)) return undefined;
  return 'the turn under way has no signed reasoning, and a thinking model would refuse it';
}

/** The last turn gives results of calls that were made without any thinking that could be shown. */
function endsInToolLoop(turns: readonly Turn[]): boolean {
  const last = turns.at(-1);
  if (last?.role !== 'user' || last.content[0]?.type !== 'tool_result') return false;
  const first = turns.at(-2)?.content[0]?.type;
  return first !== 'thinking' && first !== 'redacted_thinking';
}

function encodeSampling(
  request: ChatRequest,
  profile: ClaudeProfile,
  thinking: Thinking,
  adjustments: Adjustment[],
): Readonly<Record<string, unknown>> {
  const { temperature, top_p, top_k, stop } = request;
  const given = { temperature, top_p, top_k };
  const drop = (param: string, detail: string): void => {
    adjustments.push({ param, action: 'dropped', detail });
  };
  const encoded: Record<string, unknown> = {};
  for (const [param, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!profile.samples) drop(param, 'the model does not take it');
    else if (thinking.on) drop(param, 'the model does not take it while it thinks');
    else if (param === 'top_p' && temperature !== undefined)
      drop(param, 'the model takes one of temperature and top_p');
    else if (param !== 'top_k' || value > 0) encoded[param] = value;
  }
  if (encoded['temperature'] !== undefined && Number(encoded['temperature']) > 1) {
    encoded['temperature'] = 1;
    adjustments.push({ param: 'temperature', action: 'clamped', detail: 'the model takes at most 1' });
  }
  const stops = (stop ?? []).filter((text) => text.trim() !== '');
  if (stops.length > 0) encoded['stop_sequences'] = stops;
  return encoded;
}

function encodeTier({ service_tier: tier }: ChatRequest, adjustments: Adjustment[]): Readonly<Record<string, unknown>> {
  switch (tier) {
    case undefined:
      return {};
    case 'auto':
    case 'priority':
      return { service_tier: 'auto' };
    case 'default':
      return { service_tier: 'standard_only' };
    case 'flex':
    case 'scale':
      adjustments.push({ param: 'service_tier', action: 'dropped', detail: `there is no tier ${tier}` });
      return {};
    default:
      return tier satisfies never;
  }
}

function encodeHeaders(context: CallContext, endpoint: AnthropicEndpoint): Readonly<Record<string, string>> {
  const betas = new Set([...endpoint.betas, ...context.betas.filter((name) => endpoint.allowedBetas.has(name))]);
  return {
    'anthropic-version': VERSION,
    ...(betas.size > 0 && { 'anthropic-beta': [...betas].join(',') }),
  };
}
