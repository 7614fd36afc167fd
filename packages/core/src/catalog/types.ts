/** A rate, by the name that it has on the wire. Text, cache, audio and image rates are per token. */
export type RateName =
  | 'prompt'
  | 'completion'
  | 'request'
  | 'image'
  | 'web_search'
  | 'internal_reasoning'
  | 'input_cache_read'
  | 'input_cache_write'
  | 'input_cache_write_1h'
  | 'audio'
  | 'image_token'
  | 'audio_output'
  | 'image_output';

/** Other rates for long prompts or for a part of the day; they replace the usual ones for the whole request. */
export type PriceOverride = Readonly<Partial<Record<RateName, string>>> & {
  /** Prompts of more tokens than this. */
  readonly above_prompt_tokens?: number | undefined;
  /** A window of the UTC day at which the request is sent: `16:30-00:30`. */
  readonly utc?: string | undefined;
};

/** Decimal strings in USD, as providers publish them: `'0.00000015'` a token. */
export type PriceDeclaration = Readonly<Partial<Record<RateName, string>>> & {
  readonly prompt: string;
  readonly completion: string;
  readonly overrides?: readonly PriceOverride[] | undefined;
};

/** A price, or the statement that there is none to pay. */
export type Pricing = PriceDeclaration | 'free';

/** What a model takes and gives. */
export type Modality = 'text' | 'image' | 'file' | 'audio' | 'video';

/** What is known of a model, whoever serves it. */
export interface ModelFacts {
  /** Display name. */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** Unix seconds. */
  readonly created?: number | undefined;
  /** Tokens. */
  readonly contextLength?: number | undefined;
  /** Tokens. */
  readonly maxCompletionTokens?: number | undefined;
  /** Default: text. */
  readonly inputModalities?: readonly Modality[] | undefined;
  /** Default: text. */
  readonly outputModalities?: readonly Modality[] | undefined;
  /** Family of its tokenizer: `GPT`, `Claude`, `Gemini`, `Llama3`, … */
  readonly tokenizer?: string | undefined;
  /** Request parameters that it takes, by their names on the wire. */
  readonly supportedParameters?: readonly string[] | undefined;
  /** Where a capability is not what parameters and modalities say. */
  readonly capabilities?: Readonly<Partial<Record<CapabilityName, boolean>>> | undefined;
  /** 0 to 1; the host's own judgement or a public benchmark. */
  readonly quality?: number | undefined;
  /** Its answers may be used to train other models. Default false. */
  readonly distillable?: boolean | undefined;
}

/** What a model can do. */
export type CapabilityName =
  | 'function_calling'
  | 'tools'
  | 'tool_choice'
  | 'parallel_tool_calls'
  | 'structured_output'
  | 'json_mode'
  | 'vision'
  | 'audio_input'
  | 'video_input'
  | 'file_input'
  | 'image_output'
  | 'audio_output'
  | 'reasoning'
  | 'logprobs'
  | 'prompt_caching'
  | 'streaming';

/** What a provider does with what it is sent; what is not stated counts as the worse. */
export interface DataPolicy {
  /** It may keep prompts or learn from them. Default true. */
  readonly collects?: boolean | undefined;
  /** It keeps nothing at all. Default false. */
  readonly zeroRetention?: boolean | undefined;
}

/** A service level that is asked for and charged on its own. */
export type ServiceTier = 'priority' | 'flex';

/** A model that a provider serves, as a host writes it. */
export interface ModelDeclarationObject extends ModelFacts {
  /** `author/slug`, or a bare name, which gets the provider's slug as author. */
  readonly id: string;
  /** The provider's own id. By default `id`, without the author where the author is the provider itself. */
  readonly upstreamId?: string | undefined;
  readonly pricing?: Pricing | undefined;
  /** How the provider has shrunk its weights: `fp8`, `int4`, … */
  readonly quantization?: string | undefined;
  /** Where it differs from the provider's. */
  readonly dataPolicy?: DataPolicy | undefined;
}

export type ModelDeclaration = string | ModelDeclarationObject;
