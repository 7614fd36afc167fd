import type { Pricing } from '../../catalog/types.js';

/**
 * What sets one OpenAI-shaped provider apart from another. A quirk is a column here, never a condition in a flow.
 * Sources: each vendor's public API reference of chat completions.
 */
export interface Vendor {
  readonly slug: string;
  /** Display name. */
  readonly name: string;
  /** Undefined: there is no public address, the host gives its own. */
  readonly baseUrl: string | undefined;
  /** The header that carries the key. */
  readonly credential: 'authorization' | 'api-key';
  /** What names the model's family: the provider's own id, or ours where the provider's is any name that a team gave. */
  readonly family: 'upstream' | 'canonical';
  /** Whose names tell that a model reasons, where that changes what it takes. */
  readonly reasoningModels: 'none' | 'openai' | 'xai';
  /** Where the output limit goes; `by-model`: OpenAI's reasoning models take only the newer field. */
  readonly outputLimit: 'max_tokens' | 'max_completion_tokens' | 'by-model';
  /** `developer-by-model`: OpenAI's reasoning models take instructions as `developer`, everybody else as `system`. */
  readonly instructions: 'system' | 'developer-by-model' | 'as-given';
  /** Usage in a stream has to be asked for with `stream_options`. */
  readonly streamOptions: boolean;
  /** Takes `messages[].name`; elsewhere the name becomes a prefix of the text. */
  readonly names: boolean;
  /** How a wish for reasoning is said; `three-efforts`: low, medium and high; `switch`: on or off. */
  readonly reasoning: 'effort' | 'three-efforts' | 'switch' | 'object';
  /** Which reasoning of earlier turns goes back: none, OpenRouter's fields, or what DeepSeek's models insist on. */
  readonly history: 'none' | 'as-given' | 'deepseek';
  /** Takes `cache_control` marks, as OpenRouter does. */
  readonly cacheControl: boolean;
  /** What it takes for structured output; `bare-schema`: only the schema of `json_schema`. */
  readonly structured: 'json_schema' | 'bare-schema' | 'json_object';
  readonly seed: 'seed' | 'random_seed';
  /** `any`: knows `auto`, `none` and `any`; a named tool is that tool alone and `any`. */
  readonly toolChoice: 'openai' | 'any';
  /** The only ids of tool calls that it takes. */
  readonly toolCallIds: 'free' | 'nine-alphanumerics';
  /** Tool results carry the name of the tool. */
  readonly toolNames: boolean;
  readonly parallelCalls: 'parallel_tool_calls' | 'parallel_function_calling';
  /** The start of the answer is marked with `prefix`, and comes back as part of it. */
  readonly prefix: boolean;
  /** User content is a plain string wherever it can be. */
  readonly plainUserText: boolean;
  /** Images are a plain string, not an object. */
  readonly plainImageUrls: boolean;
  /** Takes the client's `user`, as a keyed hash. */
  readonly user: boolean;
  /** `completion_tokens` leaves reasoning out. */
  readonly reasoningOutsideCompletion: boolean;
  /** Sources stand in lists beside the choices. */
  readonly citations: boolean;
  /** Content that begins with `<think>` is reasoning up to `</think>`. */
  readonly thinkTags: boolean;
  /** The price of models of which no other is known; one's own hardware sends no bill. */
  readonly pricing: Pricing | undefined;
  /** What it serves is known to nobody but itself. */
  readonly listsModels: boolean;
  /** What it does when a client leaves in the middle of an answer: stops charging, or charges for all of it. */
  readonly afterAbort: 'stops' | 'bills' | undefined;
  /** Parameters that the API answers with an error or does not look at; they are dropped. */
  readonly lacks: readonly string[];
  /** What its reasoning models lack besides. */
  readonly reasoningLacks: readonly string[];
}

/** A provider without any known quirk. */
const plain: Omit<Vendor, 'slug' | 'name' | 'baseUrl'> = {
  credential: 'authorization',
  family: 'upstream',
  reasoningModels: 'none',
  outputLimit: 'max_tokens',
  instructions: 'system',
  streamOptions: true,
  names: false,
  reasoning: 'effort',
  history: 'none',
  cacheControl: false,
  structured: 'json_schema',
  seed: 'seed',
  toolChoice: 'openai',
  toolCallIds: 'free',
  toolNames: false,
  parallelCalls: 'parallel_tool_calls',
  prefix: false,
  plainUserText: false,
  plainImageUrls: false,
  user: false,
  reasoningOutsideCompletion: false,
  citations: false,
  thinkTags: false,
  pricing: undefined,
  listsModels: false,
  afterAbort: undefined,
  lacks: [],
  reasoningLacks: [],
};

/** Samplers that only some open servers know. */
const SAMPLERS = ['top_k', 'min_p', 'top_a', 'repetition_penalty'];

const openai: Vendor = {
  ...plain,
  afterAbort: 'stops',
  slug: 'openai',
  name: 'OpenAI',
  baseUrl: 'https://api.openai.com/v1',
  reasoningModels: 'openai',
  outputLimit: 'by-model',
  instructions: 'developer-by-model',
  names: true,
  user: true,
  lacks: SAMPLERS,
  reasoningLacks: ['frequency_penalty', 'presence_penalty', 'logit_bias'],
};

/** The providers that have a preset. */
export type VendorSlug =
  | 'openai'
  | 'azure'
  | 'openrouter'
  | 'flo2'
  | 'groq'
  | 'mistral'
  | 'together'
  | 'fireworks'
  | 'deepseek'
  | 'xai'
  | 'perplexity'
  | 'ollama'
  | 'vllm';

/** One row a preset. */
export const vendors: Readonly<Record<VendorSlug, Vendor>> = {
  openai,
  azure: {
    ...openai,
    slug: 'azure',
    name: 'Azure',
    baseUrl: undefined,
    credential: 'api-key',
    family: 'canonical',
  },
  openrouter: {
    ...plain,
    afterAbort: 'stops',
    slug: 'openrouter',
    name: 'OpenRouter',
    baseUrl: 'https://openrouter.ai/api/v1',
    instructions: 'as-given',
    streamOptions: false,
    names: true,
    reasoning: 'object',
    history: 'as-given',
    cacheControl: true,
    user: true,
  },
  flo2: { ...plain, slug: 'flo2', name: 'Flo2', baseUrl: undefined, listsModels: true },
  groq: {
    ...plain,
    afterAbort: 'bills',
    slug: 'groq',
    name: 'Groq',
    baseUrl: 'https://api.groq.com/openai/v1',
    streamOptions: false,
    reasoning: 'three-efforts',
    user: true,
    lacks: ['logprobs', 'top_logprobs', 'logit_bias', 'n', ...SAMPLERS],
  },
  mistral: {
    ...plain,
    afterAbort: 'bills',
    slug: 'mistral',
    name: 'Mistral',
    baseUrl: 'https://api.mistral.ai/v1',
    streamOptions: false,
    seed: 'random_seed',
    toolChoice: 'any',
    toolCallIds: 'nine-alphanumerics',
    toolNames: true,
    prefix: true,
    plainImageUrls: true,
    lacks: ['logprobs', 'top_logprobs', 'logit_bias', ...SAMPLERS],
  },
  together: {
    ...plain,
    afterAbort: 'stops',
    slug: 'together',
    name: 'Together',
    baseUrl: 'https://api.together.xyz/v1',
  },
  fireworks: {
    ...plain,
    afterAbort: 'stops',
    slug: 'fireworks',
    name: 'Fireworks',
    baseUrl: 'https://api.fireworks.ai/inference/v1',
    reasoning: 'three-efforts',
    user: true,
  },
  deepseek: {
    ...plain,
    afterAbort: 'stops',
    slug: 'deepseek',
    name: 'DeepSeek',
    baseUrl: 'https://api.deepseek.com',
    reasoning: 'switch',
    history: 'deepseek',
    structured: 'json_object',
    plainUserText: true,
    lacks: ['seed', ...SAMPLERS],
  },
  xai: {
    ...plain,
    afterAbort: 'stops',
    slug: 'xai',
    name: 'xAI',
    baseUrl: 'https://api.x.ai/v1',
    reasoningModels: 'xai',
    outputLimit: 'max_completion_tokens',
    parallelCalls: 'parallel_function_calling',
    user: true,
    reasoningOutsideCompletion: true,
    citations: true,
    lacks: ['logit_bias', ...SAMPLERS],
    reasoningLacks: ['stop', 'frequency_penalty', 'presence_penalty'],
  },
  perplexity: {
    ...plain,
    afterAbort: 'bills',
    slug: 'perplexity',
    name: 'Perplexity',
    baseUrl: 'https://api.perplexity.ai',
    streamOptions: false,
    structured: 'bare-schema',
    citations: true,
    lacks: ['tools', 'tool_choice', 'parallel_tool_calls', 'stop', 'seed', 'logit_bias', 'n', 'min_p', 'top_a'],
  },
  ollama: {
    ...plain,
    afterAbort: 'stops',
    slug: 'ollama',
    name: 'Ollama',
    baseUrl: 'http://localhost:11434/v1',
    pricing: 'free',
    listsModels: true,
    lacks: ['tool_choice', 'logit_bias', 'n'],
  },
  vllm: {
    ...plain,
    afterAbort: 'stops',
    slug: 'vllm',
    name: 'vLLM',
    baseUrl: 'http://localhost:8000/v1',
    pricing: 'free',
    listsModels: true,
    lacks: ['parallel_tool_calls'],
  },
};

/** A host's own provider: nothing is known of it, so nothing is taken for granted. */
export function customVendor(slug: string, name: string): Vendor {
  return { ...plain, slug, name, baseUrl: undefined };
}

/** OpenAI's: `o1`, `o3-mini`, `gpt-5` and later, but not their chat variants. xAI's: all but the early ones. */
const REASONING: Readonly<Record<'openai' | 'xai', RegExp>> = {
  openai: /^(?:o\d|gpt-(?:[5-9]|\d\d))(?!.*-chat)/,
  xai: /^grok-(?:3-mini|code|[4-9])(?!.*non-reasoning)/,
};
/** OpenAI's reasoning models that take samplers again once reasoning is off: `gpt-5.1` and later. */
const SAMPLES_WITHOUT_REASONING = /^gpt-(?:5\.[1-9]|[6-9]|\d\d)/;

/** Whether the name of a model tells that it is one of the vendor's reasoning models. */
export function isReasoningModel({ reasoningModels }: Vendor, family: string): boolean {
  return reasoningModels !== 'none' && REASONING[reasoningModels].test(family);
}

/** Samplers that OpenAI's reasoning models refuse, or refuse while they reason. */
export function refusedSamplers(
  { reasoningModels }: Vendor,
  family: string,
  effort: string | undefined,
): readonly string[] {
  if (reasoningModels !== 'openai' || !REASONING.openai.test(family)) return [];
  if (effort === 'none' && SAMPLES_WITHOUT_REASONING.test(family)) return [];
  return ['temperature', 'top_p', 'logprobs', 'top_logprobs'];
}
