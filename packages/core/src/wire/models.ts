/** A model as `GET /models` lists it: OpenRouter's entry, and what OpenAI's clients read. */
export interface ModelEntry {
  readonly id: string;
  readonly object: 'model';
  readonly canonical_slug: string;
  readonly name: string;
  /** Unix seconds. */
  readonly created: number;
  readonly owned_by: string;
  readonly provider: string;
  /** Slugs of the providers that serve it. */
  readonly providers: readonly string[];
  readonly description: string;
  /** Tokens. */
  readonly context_length: number | null;
  readonly architecture: {
    readonly modality: string | null;
    readonly input_modalities: readonly string[];
    readonly output_modalities: readonly string[];
    readonly tokenizer: string;
    readonly instruct_type: string | null;
  };
  /** USD per token or unit, as decimal strings; `-1` where the price is not known. */
  readonly pricing: Readonly<Record<string, string>>;
  readonly top_provider: {
    readonly context_length: number | null;
    readonly max_completion_tokens: number | null;
    readonly is_moderated: boolean;
  };
  readonly per_request_limits: null;
  readonly supported_parameters: readonly string[];
  readonly default_parameters: null;
  readonly supported_voices: null;
  readonly links: { readonly details: string };
  readonly hugging_face_id: string | null;
  readonly knowledge_cutoff: string | null;
  readonly expiration_date: string | null;
  readonly capabilities: Readonly<Record<string, boolean>>;
}

/** A model at one provider, as `GET /models/{author}/{slug}/endpoints` lists it. */
export interface ModelEndpoint {
  readonly name: string;
  readonly model_id: string;
  readonly model_name: string;
  readonly provider_name: string;
  /** Slug of the provider. */
  readonly tag: string;
  /** Tokens; 0 where unknown. */
  readonly context_length: number;
  readonly max_completion_tokens: number | null;
  readonly max_prompt_tokens: number | null;
  readonly quantization: string | null;
  readonly supported_parameters: readonly string[];
  readonly supports_implicit_caching: boolean;
  readonly supports_tool_choice: {
    readonly auto: boolean;
    readonly none: boolean;
    readonly required: boolean;
    readonly function: boolean;
  };
  readonly pricing: Readonly<Record<string, string>>;
  /** 0 healthy, -1 degraded, -5 down. */
  readonly status: 0 | -1 | -5;
  /** Per cent. */
  readonly uptime_last_5m: number | null;
  readonly uptime_last_30m: number | null;
  readonly uptime_last_1d: number | null;
  /** Milliseconds, by percentile. */
  readonly latency_last_30m: Readonly<Record<'p50' | 'p75' | 'p90' | 'p99', number>> | null;
  /** Tokens a second, by percentile. */
  readonly throughput_last_30m: Readonly<Record<'p50' | 'p75' | 'p90' | 'p99', number>> | null;
}
