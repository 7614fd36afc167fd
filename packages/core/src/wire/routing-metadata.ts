/** How a request was routed; on answers to clients that ask for it. */
export interface RoutingMetadata {
  /** The model that the client asked for. */
  readonly requested: string;
  readonly strategy: 'direct' | 'fallback' | 'alias' | 'auto';
  readonly region: null;
  readonly summary: string;
  /** Which attempt succeeded, from 1; 0 where none did. */
  readonly attempt: number;
  readonly is_byok: false;
  readonly endpoints: {
    readonly total: number;
    readonly available: readonly { readonly provider: string; readonly model: string; readonly selected: boolean }[];
  };
  readonly attempts: readonly { readonly provider: string; readonly model: string; readonly status: number }[];
  /** What changed the prompt, the routing or the answer, in order. */
  readonly pipeline?: readonly PipelineStep[];
  /** Milliseconds. */
  readonly generation_time: number;
}

/** Something on the way of a request that changed it, or its answer. */
export interface PipelineStep {
  readonly type: string;
  readonly name: string;
  readonly summary?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** One candidate of a request, as `POST /route/explain` tells it. */
export interface ExplainedCandidate {
  /** From 1 in the order of trying; null for those that may not serve the request. */
  readonly position: number | null;
  readonly model: string;
  /** Display name. */
  readonly provider: string;
  /** Slug of the provider. */
  readonly endpoint: string;
  /** Estimated USD; null where nobody knows. */
  readonly price: number | null;
  readonly tier: string | null;
  readonly health: string;
  readonly excluded_by?: string;
  readonly reason: string;
}

/** What would become of a request. */
export interface Explanation {
  readonly requested: string;
  readonly strategy: RoutingMetadata['strategy'];
  readonly candidates: readonly ExplainedCandidate[];
}
