/**
 * The chat-completion wire: OpenAI's request, answer and chunk in OpenRouter's dialect. It is also the only form in which
 * the gateway thinks; every other provider's language is translated from and to it.
 * Fields that are `null` on the wire are absent here.
 */

import type { RoutingMetadata } from './routing-metadata.js';

/** A mark for providers that cache prompts by explicit breakpoints. */
export interface CacheControl {
  readonly type: 'ephemeral';
  readonly ttl?: '5m' | '1h' | undefined;
}

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
  readonly cache_control?: CacheControl | undefined;
}

export interface ImagePart {
  readonly type: 'image_url';
  readonly image_url: { readonly url: string; readonly detail?: 'auto' | 'low' | 'high' | 'original' | undefined };
  readonly cache_control?: CacheControl | undefined;
}

export interface AudioPart {
  readonly type: 'input_audio';
  /** `data` is base64. */
  readonly input_audio: { readonly data: string; readonly format: string };
  readonly cache_control?: CacheControl | undefined;
}

export interface VideoPart {
  readonly type: 'video_url';
  readonly video_url: { readonly url: string };
  readonly cache_control?: CacheControl | undefined;
}

export interface FilePart {
  readonly type: 'file';
  readonly file: {
    readonly filename?: string | undefined;
    readonly file_data?: string | undefined;
    readonly file_id?: string | undefined;
  };
  readonly cache_control?: CacheControl | undefined;
}

export type ContentPart = TextPart | ImagePart | AudioPart | VideoPart | FilePart;

/** A call that the model asked for; `arguments` is JSON as text, as the model wrote it. */
export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
  /** Vendor data that must come back with the call (Gemini's thought signature). */
  readonly extra_content?: Readonly<Record<string, unknown>> | undefined;
}

/** One piece of a model's reasoning, with whatever its provider needs to recognise it again. */
export interface ReasoningDetail {
  readonly type: string;
  readonly index?: number | undefined;
  readonly id?: string | undefined;
  readonly format?: string | undefined;
  readonly text?: string | undefined;
  readonly signature?: string | undefined;
  readonly summary?: string | undefined;
  readonly data?: string | undefined;
  readonly [field: string]: unknown;
}

export interface UrlCitation {
  readonly type: 'url_citation';
  readonly url_citation: {
    readonly url: string;
    readonly title: string;
    readonly start_index?: number | undefined;
    readonly end_index?: number | undefined;
    readonly content?: string | undefined;
  };
}

export interface ImageOutput {
  readonly type: 'image_url';
  readonly image_url: { readonly url: string };
}

export interface SystemMessage {
  readonly role: 'system' | 'developer';
  readonly content: string | readonly TextPart[];
  readonly name?: string | undefined;
}

export interface UserMessage {
  readonly role: 'user';
  readonly content: string | readonly ContentPart[];
  readonly name?: string | undefined;
}

export interface AssistantMessage {
  readonly role: 'assistant';
  readonly content?: string | readonly ContentPart[] | undefined;
  readonly name?: string | undefined;
  readonly refusal?: string | undefined;
  readonly tool_calls?: readonly ToolCall[] | undefined;
  readonly reasoning?: string | undefined;
  readonly reasoning_details?: readonly ReasoningDetail[] | undefined;
  readonly images?: readonly ImageOutput[] | undefined;
  readonly audio?: Readonly<Record<string, unknown>> | undefined;
  readonly annotations?: readonly Readonly<Record<string, unknown>>[] | undefined;
}

export interface ToolMessage {
  readonly role: 'tool';
  readonly content: string | readonly ContentPart[];
  readonly tool_call_id: string;
  readonly name?: string | undefined;
  /** The call failed; `content` says how. For providers that tell failures apart. */
  readonly is_error?: boolean | undefined;
}

export type ChatMessage = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

export interface FunctionTool {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description?: string | undefined;
    /** A JSON Schema; passed on whole. */
    readonly parameters?: Readonly<Record<string, unknown>> | undefined;
    readonly strict?: boolean | undefined;
  };
  readonly cache_control?: CacheControl | undefined;
}

export type ToolChoice =
  | 'none'
  | 'auto'
  | 'required'
  | { readonly type: 'function'; readonly function: { readonly name: string } }
  | {
      readonly type: 'allowed_tools';
      readonly allowed_tools: {
        readonly mode: 'auto' | 'required';
        readonly tools: readonly { readonly type: 'function'; readonly function: { readonly name: string } }[];
      };
    };

export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema';
      readonly json_schema: {
        readonly name: string;
        readonly schema: Readonly<Record<string, unknown>>;
        readonly strict?: boolean | undefined;
        readonly description?: string | undefined;
      };
    };

export type ReasoningEffort = 'max' | 'xhigh' | 'high' | 'medium' | 'low' | 'minimal' | 'none';

export interface ReasoningOptions {
  readonly effort?: ReasoningEffort | undefined;
  readonly max_tokens?: number | undefined;
  /** Used by the model, not shown to the client. */
  readonly exclude?: boolean | undefined;
  readonly enabled?: boolean | undefined;
  readonly summary?: string | undefined;
}

/** What candidates may be sorted by. */
export type RoutingSort = 'price' | 'throughput' | 'latency' | 'exacto' | 'quality';

/** The value that this share of requests reaches, or better. */
export type Percentile = 'p50' | 'p75' | 'p90' | 'p99';

/** A bound that a share of requests has to keep. */
export type PercentileCutoffs = Readonly<Partial<Record<Percentile, number | undefined>>>;

/** Which providers may serve a request, and in which order they are tried. Names are provider slugs or display names. */
export interface ProviderPreferences {
  /** These first, in this order. */
  readonly order?: readonly string[] | undefined;
  readonly only?: readonly string[] | undefined;
  readonly ignore?: readonly string[] | undefined;
  readonly allow_fallbacks?: boolean | undefined;
  /** Only endpoints that list every parameter that is sent. */
  readonly require_parameters?: boolean | undefined;
  /** `deny`: only endpoints that are marked as not collecting. */
  readonly data_collection?: 'allow' | 'deny' | undefined;
  /** Only endpoints that are marked as keeping nothing. */
  readonly zdr?: boolean | undefined;
  readonly enforce_distillable_text?: boolean | undefined;
  readonly quantizations?: readonly string[] | undefined;
  /** `partition: 'none'` sorts the endpoints of all models together. */
  readonly sort?:
    | { readonly by?: RoutingSort | undefined; readonly partition?: 'model' | 'none' | undefined }
    | undefined;
  /** USD: prompt, completion and audio per million tokens, others per unit. */
  readonly max_price?:
    | Readonly<Partial<Record<'prompt' | 'completion' | 'request' | 'image' | 'audio', number | undefined>>>
    | undefined;
  /** Tokens a second. */
  readonly preferred_min_throughput?: PercentileCutoffs | undefined;
  /** Seconds to the first token. */
  readonly preferred_max_latency?: PercentileCutoffs | undefined;
}

/** How `openrouter/auto` chooses. */
export interface AutoRouter {
  /** Globs of model ids. */
  readonly allowed_models?: readonly string[] | undefined;
  readonly excluded_models?: readonly string[] | undefined;
  /** 0 to 1. */
  readonly min_quality?: number | undefined;
}

/** A chat request after its checks. Unknown fields of the client's body are not in here; they travel beside it. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly model?: string | undefined;
  /** Further models, tried in order. */
  readonly models?: readonly string[] | undefined;
  readonly provider?: ProviderPreferences | undefined;
  readonly auto?: AutoRouter | undefined;
  readonly stream?: boolean | undefined;
  readonly temperature?: number | undefined;
  readonly top_p?: number | undefined;
  readonly min_p?: number | undefined;
  readonly top_a?: number | undefined;
  readonly top_k?: number | undefined;
  readonly frequency_penalty?: number | undefined;
  readonly presence_penalty?: number | undefined;
  readonly repetition_penalty?: number | undefined;
  readonly seed?: number | undefined;
  /** The smaller of the client's `max_tokens` and `max_completion_tokens`. */
  readonly max_tokens?: number | undefined;
  readonly n?: number | undefined;
  readonly stop?: readonly string[] | undefined;
  readonly logit_bias?: Readonly<Record<string, number>> | undefined;
  readonly logprobs?: boolean | undefined;
  readonly top_logprobs?: number | undefined;
  readonly tools?: readonly FunctionTool[] | undefined;
  readonly tool_choice?: ToolChoice | undefined;
  readonly parallel_tool_calls?: boolean | undefined;
  readonly response_format?: ResponseFormat | undefined;
  readonly structured_outputs?: boolean | undefined;
  readonly verbosity?: string | undefined;
  readonly modalities?: readonly string[] | undefined;
  readonly audio?: Readonly<Record<string, unknown>> | undefined;
  readonly prediction?: Readonly<Record<string, unknown>> | undefined;
  readonly image_config?: Readonly<Record<string, unknown>> | undefined;
  readonly web_search_options?: Readonly<Record<string, unknown>> | undefined;
  readonly reasoning?: ReasoningOptions | undefined;
  readonly service_tier?: 'auto' | 'default' | 'flex' | 'priority' | 'scale' | undefined;
  readonly cache_control?: CacheControl | undefined;
  readonly prompt_cache_key?: string | undefined;
  readonly user?: string | undefined;
  readonly session_id?: string | undefined;
  readonly metadata?: Readonly<Record<string, string | readonly string[]>> | undefined;
}

/** Why a choice ended, in the five words that clients know. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'error';

/** Token counts and the charge of one answer. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: {
    readonly cached_tokens: number;
    readonly cache_write_tokens: number;
    readonly audio_tokens: number;
  };
  readonly completion_tokens_details: {
    readonly reasoning_tokens: number;
    readonly audio_tokens?: number;
    readonly image_tokens?: number;
  };
  /** Tools that the provider ran by itself, where it ran any. */
  readonly server_tool_use_details?: { readonly web_search_requests: number };
  /** USD, at most nine decimals. */
  readonly cost: number;
  readonly is_byok: false;
  /** USD; the two parts add up to the whole. */
  readonly cost_details: {
    readonly upstream_inference_cost: number;
    readonly upstream_inference_prompt_cost: number;
    readonly upstream_inference_completions_cost: number;
  };
  /** The provider reported nothing usable and the counts are the gateway's own. */
  readonly estimated?: true;
}

/** An error inside an answer that had already begun; the same shape as the body of an error response. */
export interface AnswerError {
  readonly code: string | number;
  readonly message: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Why no endpoint could serve the request, for clients that route for themselves. */
  readonly availability?: unknown;
}

export interface AnswerMessage {
  readonly role: 'assistant';
  readonly content: string | null;
  readonly refusal: string | null;
  readonly tool_calls?: readonly ToolCall[];
  readonly reasoning?: string;
  readonly reasoning_details?: readonly ReasoningDetail[];
  readonly annotations?: readonly unknown[];
  readonly images?: readonly ImageOutput[];
  readonly audio?: unknown;
}

export interface Choice {
  readonly index: number;
  readonly message: AnswerMessage;
  readonly finish_reason: FinishReason;
  /** The provider's own word. */
  readonly native_finish_reason: string | null;
  readonly logprobs: unknown;
  readonly error?: AnswerError;
}

/** A whole answer. */
export interface ChatCompletion {
  readonly id: string;
  readonly object: 'chat.completion';
  /** Unix seconds. */
  readonly created: number;
  readonly model: string;
  /** Display name of the provider that answered. */
  readonly provider: string;
  readonly system_fingerprint: string | null;
  readonly service_tier?: string;
  readonly choices: readonly Choice[];
  readonly usage: Usage;
  /** For clients that ask with `X-OpenRouter-Metadata: enabled`. */
  readonly openrouter_metadata?: RoutingMetadata;
}

/** The first fragment of a call carries `id`, `type` and `name`; later ones only `index` and more `arguments`. */
export interface ToolCallDelta {
  readonly index: number;
  readonly id?: string;
  readonly type?: 'function';
  readonly function: { readonly name?: string; readonly arguments: string };
  readonly extra_content?: Readonly<Record<string, unknown>> | undefined;
}

export interface Delta {
  readonly role?: 'assistant';
  readonly content?: string | null;
  readonly reasoning?: string;
  readonly reasoning_details?: readonly ReasoningDetail[];
  readonly tool_calls?: readonly ToolCallDelta[];
  readonly refusal?: string;
  readonly annotations?: readonly unknown[];
  readonly images?: readonly unknown[];
  readonly audio?: unknown;
}

export interface ChunkChoice {
  readonly index: number;
  readonly delta: Delta;
  readonly finish_reason: FinishReason | null;
  readonly native_finish_reason: string | null;
  readonly logprobs: unknown;
}

/** One step of a streamed answer. */
export interface ChatChunk {
  readonly id: string;
  readonly object: 'chat.completion.chunk';
  /** Unix seconds. */
  readonly created: number;
  readonly model: string;
  readonly provider: string;
  readonly system_fingerprint?: string;
  readonly service_tier?: string;
  readonly choices: readonly ChunkChoice[];
  readonly usage?: Usage;
  readonly error?: AnswerError;
  /** On the last chunk, for clients that ask with `X-OpenRouter-Metadata: enabled`. */
  readonly openrouter_metadata?: RoutingMetadata;
}
