import type { ChatRequest } from '../../wire/chat.js';
import { foreignReasoning, unknownTo } from '../adjustments.js';
import { callsOf, checkToolTurns, withQuestion } from '../conversation.js';
import { type Renaming, rename, sanitised } from '../rename.js';
import { instructedSchema, withInstruction } from '../structured.js';
import type { Adjustment, CallContext, Unsuitable, UpstreamRequest } from '../types.js';
import { type Content, checkMedia, contentParts, type Part, REASONING_FORMAT, toContents } from './contents.js';
import { type GeminiProfile, profileOf } from './models.js';
import { toOpenApiSchema } from './schema.js';
import { thinkingConfig } from './thinking.js';

const FITTING_NAME = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/;
const FOREIGN = /[^a-zA-Z0-9_.:-]/g;
const MAX_STOPS = 5;
/** What this API has no field for. */
const LACKS = [
  'logit_bias',
  'parallel_tool_calls',
  'repetition_penalty',
  'min_p',
  'top_a',
  'verbosity',
  'audio',
  'prediction',
  'web_search_options',
  'prompt_cache_key',
  'cache_control',
  'service_tier',
] as const satisfies readonly (keyof ChatRequest)[];

/** What rules an endpoint out for a request: media that it cannot take, calls without results. */
export function checkRequest({ messages }: ChatRequest): Unsuitable | undefined {
  return checkToolTurns(messages) ?? checkMedia(messages);
}

/** The body of a generateContent call. Pure, and it never changes the request. */
export function encodeRequest(
  request: ChatRequest,
  context: CallContext,
  extraBody: Readonly<Record<string, unknown>> | undefined,
): UpstreamRequest {
  const adjustments: Adjustment[] = [];
  const profile = profileOf(context.upstreamModel);
  const names = toolNames(request);
  const instructed = isInstructed(request, profile);
  const instruction = instructed ? instructedSchema(request.response_format) : undefined;
  if (instruction !== undefined) {
    const detail = 'the model takes no schema beside tools: it stands in an instruction';
    adjustments.push({ param: 'response_format', action: 'rewritten', detail });
  }
  const messages = withInstruction(withQuestion(request.messages), instruction);
  const system = systemParts(messages);
  const contents = toContents(messages, { profile, names, adjustments });
  const generationConfig = {
    ...encodeSampling(request, adjustments),
    ...(instructed ? {} : encodeFormat(request, profile)),
    ...encodeOutput(request),
    ...nonEmpty('thinkingConfig', thinkingConfig(request, profile, outputLimit(request, context), adjustments)),
  };
  const body = {
    contents: profile.instructions ? contents : prefixed(contents, system),
    ...(profile.instructions && system.length > 0 && { systemInstruction: { parts: system } }),
    ...encodeTools(request, profile, names),
    ...nonEmpty('generationConfig', generationConfig),
    ...extraBody,
  };
  return {
    method: 'POST',
    path: pathOf(context),
    headers: {},
    body,
    adjustments: [
      ...adjustments,
      ...unknownTo('Google', request, LACKS),
      ...foreignReasoning(request, REASONING_FORMAT),
    ],
  };
}

/** The client's names of the tools, for what this API calls them. */
export function toolNames(request: ChatRequest): Renaming {
  const offered = (request.tools ?? []).map((tool) => tool.function.name);
  return rename(
    [...offered, ...callsOf(request.messages).map((call) => call.function.name)],
    (name) => FITTING_NAME.test(name),
    (name, attempt) => {
      const clean = sanitised(name, attempt, FOREIGN, 63);
      return FITTING_NAME.test(clean) ? clean : `_${clean}`;
    },
  );
}

/** An id with a slash names its collection itself. */
function pathOf({ upstreamModel, stream }: CallContext): string {
  const named = upstreamModel.includes('/') ? upstreamModel : `models/${upstreamModel}`;
  const encoded = named.split('/').map(encodeURIComponent).join('/');
  return `/${encoded}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`;
}

function outputLimit({ max_tokens: asked }: ChatRequest, { maxOutputTokens }: CallContext): number | undefined {
  return asked ?? maxOutputTokens;
}

function nonEmpty(name: string, value: object | undefined): Readonly<Record<string, unknown>> {
  return value === undefined || Object.keys(value).length === 0 ? {} : { [name]: value };
}

function systemParts(messages: ChatRequest['messages']): readonly Part[] {
  return messages.flatMap((message) =>
    message.role === 'system' || message.role === 'developer' ? contentParts(message.content) : [],
  );
}

/** Models without a place for instructions find them before the first question. */
function prefixed(contents: readonly Content[], system: readonly Part[]): readonly Content[] {
  if (system.length === 0) return contents;
  const first = contents.findIndex(({ role }) => role === 'user');
  if (first === -1) return [{ role: 'user', parts: system }, ...contents];
  return contents.map((content, position) =>
    position === first ? { ...content, parts: [...system, ...content.parts] } : content,
  );
}

function encodeSampling(request: ChatRequest, adjustments: Adjustment[]): Readonly<Record<string, unknown>> {
  const { stop = [], top_k: topK } = request;
  if (stop.length > MAX_STOPS) {
    adjustments.push({ param: 'stop', action: 'clamped', detail: `there may be ${MAX_STOPS} of them` });
  }
  const fields = {
    maxOutputTokens: request.max_tokens,
    temperature: request.temperature,
    topP: request.top_p,
    topK: topK === 0 ? undefined : topK,
    seed: request.seed,
    presencePenalty: request.presence_penalty,
    frequencyPenalty: request.frequency_penalty,
    stopSequences: stop.length === 0 ? undefined : stop.slice(0, MAX_STOPS),
    candidateCount: request.n,
    responseLogprobs: request.logprobs,
    logprobs: request.top_logprobs,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The wish for structured output stands in words, because the model cannot have a schema beside tools. */
function isInstructed({ response_format: format, tools = [] }: ChatRequest, profile: GeminiProfile): boolean {
  return format !== undefined && format.type !== 'text' && tools.length > 0 && !profile.schemaWithTools;
}

function encodeFormat(
  { response_format: format }: ChatRequest,
  { jsonSchema }: GeminiProfile,
): Readonly<Record<string, unknown>> {
  if (format === undefined || format.type === 'text') return {};
  const type = { responseMimeType: 'application/json' };
  if (format.type === 'json_object') return type;
  const { schema } = format.json_schema;
  return jsonSchema ? { ...type, responseJsonSchema: schema } : { ...type, responseSchema: toOpenApiSchema(schema) };
}

/** What is to come out besides text. */
function encodeOutput({ modalities, image_config: image }: ChatRequest): Readonly<Record<string, unknown>> {
  const { aspect_ratio: aspectRatio, image_size: imageSize } = image ?? {};
  const imageConfig = {
    ...(aspectRatio !== undefined && { aspectRatio }),
    ...(imageSize !== undefined && { imageSize }),
  };
  return {
    ...(modalities !== undefined && { responseModalities: modalities.map((modality) => modality.toUpperCase()) }),
    ...nonEmpty('imageConfig', imageConfig),
  };
}

function encodeTools(
  { tools = [], tool_choice: choice }: ChatRequest,
  { jsonSchema }: GeminiProfile,
  names: Renaming,
): Readonly<Record<string, unknown>> {
  if (tools.length === 0) return {};
  const functionDeclarations = tools.map(({ function: { name, description, parameters } }) => {
    const schema = parameters && (jsonSchema ? parameters : toOpenApiSchema(parameters));
    return {
      name: names.of(name),
      ...(description !== undefined && { description }),
      ...(schema !== undefined && { [jsonSchema ? 'parametersJsonSchema' : 'parameters']: schema }),
    };
  });
  const strict = tools.some((tool) => tool.function.strict === true);
  const calling = callingConfig(choice, strict, names);
  return {
    tools: [{ functionDeclarations }],
    ...(calling !== undefined && { toolConfig: { functionCallingConfig: calling } }),
  };
}

function callingConfig(choice: ChatRequest['tool_choice'], strict: boolean, names: Renaming): object | undefined {
  const free = { mode: strict ? 'VALIDATED' : 'AUTO' };
  switch (choice) {
    case undefined:
      return strict ? free : undefined;
    case 'auto':
      return free;
    case 'none':
      return { mode: 'NONE' };
    case 'required':
      return { mode: 'ANY' };
    default: {
      const chosen = choice.type === 'function' ? [choice] : choice.allowed_tools.tools;
      const allowedFunctionNames = chosen.map((tool) => names.of(tool.function.name));
      // `AUTO` takes no list of names; `VALIDATED` does, and leaves the model the choice.
      const optional = choice.type === 'allowed_tools' && choice.allowed_tools.mode === 'auto';
      return { mode: optional ? 'VALIDATED' : 'ANY', allowedFunctionNames };
    }
  }
}
