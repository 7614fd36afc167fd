import type { ChatRequest, ReasoningEffort } from '../../wire/chat.js';
import { instructedSchema, withInstruction } from '../structured.js';
import type { Adjustment, CallContext, UpstreamRequest } from '../types.js';
import { encodeMessages } from './encode-messages.js';
import { isReasoningModel, refusedSamplers, type Vendor } from './vendors.js';

/** Fields that go upstream under their own name wherever the vendor does not lack them. */
const PASSED: ReadonlySet<string> = new Set<keyof ChatRequest>([
  'temperature',
  'top_p',
  'min_p',
  'top_a',
  'top_k',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'n',
  'stop',
  'logit_bias',
  'logprobs',
  'top_logprobs',
  'structured_outputs',
  'verbosity',
  'modalities',
  'audio',
  'prediction',
  'image_config',
  'web_search_options',
  'service_tier',
  'prompt_cache_key',
]);

/** Efforts of a scale of three. */
const THREE_EFFORTS: Readonly<Record<ReasoningEffort, string | undefined>> = {
  none: undefined,
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
};

/** Where calls go, and what goes with each of them besides. */
export interface EncodeOptions {
  /** Below the base URL. */
  path(context: CallContext): string;
  /** Fields of the host's own; they replace ours. */
  readonly extraBody: Readonly<Record<string, unknown>> | undefined;
}

/** The body of a chat-completion call. Pure, and it never changes the request. */
export function encodeRequest(
  vendor: Vendor,
  request: ChatRequest,
  context: CallContext,
  options: EncodeOptions,
): UpstreamRequest {
  const adjustments: Adjustment[] = [];
  const family = familyOf(vendor, context);
  const reasons = isReasoningModel(vendor, family);
  const instructed = vendor.structured === 'json_object' && request.response_format?.type === 'json_schema';
  const instruction = instructed ? instructedSchema(request.response_format) : undefined;
  const body: Record<string, unknown> = {
    model: context.upstreamModel,
    messages: encodeMessages(vendor, withInstruction(request.messages, instruction), {
      developer: reasons,
      family,
      adjustments,
    }),
  };
  for (const name in request) {
    if (PASSED.has(name)) body[name] = request[name as keyof ChatRequest];
  }
  if (request.seed !== undefined) body[vendor.seed] = request.seed;
  if (request.max_tokens !== undefined) body[outputLimitField(vendor, reasons)] = request.max_tokens;
  encodeTools(vendor, request, body);
  encodeFormat(vendor, request, body, adjustments);
  encodeReasoning(vendor, request, body, adjustments);
  if (vendor.cacheControl && request.cache_control !== undefined) body['cache_control'] = request.cache_control;
  if (vendor.user && context.user !== undefined) body['user'] = context.user;
  // Unknown fields never replace known ones.
  for (const name in context.extra) body[name] ??= context.extra[name];
  const lacks = [
    ...vendor.lacks,
    ...(reasons ? vendor.reasoningLacks : []),
    ...refusedSamplers(vendor, family, request.reasoning?.effort),
  ];
  for (const param of lacks) {
    if (body[param] === undefined) continue;
    delete body[param];
    adjustments.push({ param, action: 'dropped', detail: `${vendor.name} does not take it` });
  }
  if (context.stream) {
    body['stream'] = true;
    if (vendor.streamOptions) body['stream_options'] = { include_usage: true };
  }
  return {
    method: 'POST',
    path: options.path(context),
    headers: {},
    body: options.extraBody === undefined ? body : { ...body, ...options.extraBody },
    adjustments,
  };
}

/** The name that tells the model's family. */
function familyOf(vendor: Vendor, { model, upstreamModel }: CallContext): string {
  return vendor.family === 'upstream' ? upstreamModel : model.slice(model.indexOf('/') + 1);
}

function outputLimitField(vendor: Vendor, reasons: boolean): string {
  if (vendor.outputLimit === 'by-model') return reasons ? 'max_completion_tokens' : 'max_tokens';
  return vendor.outputLimit;
}

function encodeTools(vendor: Vendor, request: ChatRequest, body: Record<string, unknown>): void {
  const { tool_choice: choice, parallel_tool_calls: parallel } = request;
  if (parallel !== undefined) body[vendor.parallelCalls] = parallel;
  if (choice !== undefined) body['tool_choice'] = choice;
  if (request.tools === undefined || request.tools.length === 0) return;
  const tools = vendor.cacheControl
    ? request.tools
    : request.tools.map(({ type, function: declaration }) => ({ type, function: declaration }));
  body['tools'] = tools;
  if (vendor.toolChoice === 'openai' || choice === undefined || choice === 'none' || choice === 'auto') return;
  if (typeof choice === 'object') {
    const names = namesOf(choice);
    body['tools'] = tools.filter((tool) => names.includes(tool.function.name));
  }
  body['tool_choice'] =
    typeof choice === 'object' && choice.type === 'allowed_tools' && choice.allowed_tools.mode === 'auto'
      ? 'auto'
      : 'any';
}

function namesOf(choice: Exclude<NonNullable<ChatRequest['tool_choice']>, string>): readonly string[] {
  return choice.type === 'function'
    ? [choice.function.name]
    : choice.allowed_tools.tools.map((tool) => tool.function.name);
}

function encodeFormat(
  vendor: Vendor,
  { response_format: format }: ChatRequest,
  body: Record<string, unknown>,
  adjustments: Adjustment[],
): void {
  if (format === undefined) return;
  body['response_format'] = format;
  if (format.type !== 'json_schema' || vendor.structured === 'json_schema') return;
  if (vendor.structured === 'bare-schema') {
    body['response_format'] = { type: 'json_schema', json_schema: { schema: format.json_schema.schema } };
    return;
  }
  body['response_format'] = { type: 'json_object' };
  const detail = `${vendor.name} takes no schema: it stands in an instruction`;
  adjustments.push({ param: 'response_format', action: 'rewritten', detail });
}

function encodeReasoning(
  vendor: Vendor,
  { reasoning }: ChatRequest,
  body: Record<string, unknown>,
  adjustments: Adjustment[],
): void {
  if (reasoning === undefined) return;
  const { effort, enabled, max_tokens: budget } = reasoning;
  const adjust = (action: Adjustment['action'], detail: string): void => {
    adjustments.push({ param: 'reasoning', action, detail });
  };
  switch (vendor.reasoning) {
    case 'object':
      body['reasoning'] = reasoning;
      return;
    case 'switch':
      if (effort === undefined && enabled === undefined && budget === undefined) return;
      body['thinking'] = { type: effort === 'none' || enabled === false ? 'disabled' : 'enabled' };
      if (budget !== undefined) adjust('rewritten', `${vendor.name} can only turn it on or off`);
      return;
    case 'three-efforts': {
      const known = effort && THREE_EFFORTS[effort];
      if (known !== undefined) body['reasoning_effort'] = known;
      if (effort !== undefined && known !== effort) {
        adjust(known === undefined ? 'dropped' : 'rewritten', `${vendor.name} takes low, medium and high`);
      }
      break;
    }
    case 'effort':
      if (effort !== undefined) body['reasoning_effort'] = effort;
      break;
    default:
      vendor.reasoning satisfies never;
  }
  if (effort === undefined && (budget !== undefined || enabled !== undefined)) {
    adjust('dropped', `${vendor.name} takes an effort only`);
  }
}
