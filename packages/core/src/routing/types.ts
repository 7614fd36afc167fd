import type { Cancellation } from '../cancellation.js';
import type { Endpoint, Model } from '../catalog/model.js';
import type { ServiceTier } from '../catalog/types.js';
import type { GatewayError } from '../errors.js';
import type { Adjustment, PaidCall, UsageReport } from '../providers/types.js';
import type { ChatChunk, ChatRequest, Choice, Percentile, RoutingSort } from '../wire/chat.js';
import type { CircuitState } from './circuit.js';

/** A model that a request names, and what its name asks for besides. */
export interface WantedModel {
  readonly model: Model;
  /** `:nitro` and `:floor` sort. */
  readonly sort?: RoutingSort | undefined;
  /** They admit a service level, too. */
  readonly tier?: ServiceTier | undefined;
}

/** An endpoint with one of its credentials: what can be tried, and what health is known of. */
export interface Candidate {
  readonly wanted: WantedModel;
  readonly endpoint: Endpoint;
  /** Number of the credential, from 0. */
  readonly credential: number;
  /** Names it for health and affinity. */
  readonly unit: string;
}

/** A candidate that is to be tried. */
export interface Attempt extends Candidate {
  readonly state: CircuitState;
  /** Estimated USD. */
  readonly price: number;
  /** Tokens: the most that may be written, where the money at hand allows no more than this. */
  readonly outputCap?: number | undefined;
}

/** What the host lays down for all requests; it never relaxes by a request. */
export interface RoutingPolicy {
  /** Names of providers. */
  readonly only?: readonly string[] | undefined;
  readonly ignore?: readonly string[] | undefined;
  readonly dataCollection?: 'allow' | 'deny' | undefined;
  readonly zdr?: boolean | undefined;
  /** Of requests that ask for no order themselves. By default load is balanced by price. */
  readonly sort?: RoutingSort | undefined;
}

/** What planning sees of the world; read only. */
export interface World {
  health(unit: string): { readonly state: CircuitState; readonly lastFailureAt: number };
  /** Milliseconds to the first content. */
  latency(unit: string, percentile: Percentile): number | undefined;
  /** Tokens a second. */
  throughput(unit: string, percentile: Percentile): number | undefined;
  /** From 0 up to 1. */
  random(): number;
}

/** How a prompt stands against the contexts of endpoints. */
export interface PromptSize {
  /** Whether all of it fits into so many tokens, with the output that is asked for. */
  fits(context: number): boolean;
  /** Whether it may be cut to fit: where the context is half of what is needed, or the `largest` there is. */
  mayCut(context: number, largest: boolean): boolean;
  /** Why no endpoint is left, of which the largest has so many tokens. */
  refusal(context: number): GatewayError;
}

/** What a plan follows from. */
export interface PlanInput {
  readonly request: ChatRequest;
  /** In the order of the request. */
  readonly models: readonly WantedModel[];
  /** Estimated. */
  readonly promptTokens: number;
  /** Counted more closely than `promptTokens`, for contexts; without it those decide. */
  readonly prompt?: PromptSize | undefined;
  /** Milliseconds since the epoch; prices may depend on it. */
  readonly atMs: number;
  readonly host: RoutingPolicy;
  readonly world: World;
  /** The candidate that answered this session last. */
  readonly affinity: string | undefined;
}

/** How long each phase of a call may take, in milliseconds. */
export interface Timeouts {
  /** Connection and TLS handshake. */
  readonly connectMs: number;
  /** Streams: request sent to response headers. */
  readonly headersMs: number;
  /** Streams: request sent to first content, while another endpoint is left to try and no reasoning was asked for. */
  readonly softFirstContentMs: number;
  /** Streams: request sent to first content. */
  readonly firstContentMs: number;
  /** The same where the client asked for reasoning. */
  readonly firstContentReasoningMs: number;
  /** Streams, after first content: between data events. Comments do not count. */
  readonly idleMs: number;
  /** Streams, after first content: between events with content. */
  readonly progressMs: number;
  /** From the request to the end of its answer. */
  readonly totalMs: number;
  /** From the finish reason to trailing usage. */
  readonly finishGraceMs: number;
}

/** One attempt, as far as it has come. */
export interface AttemptRecord {
  readonly attempt: Attempt;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  endedAt: number | undefined;
  /** 200, or the status that the failure stands for; undefined while nothing has come of it. */
  status: number | undefined;
  /** The provider answered with a 2xx, whatever came after it. */
  answered: boolean;
  /** The provider's own id of its answer. */
  upstreamId: string | undefined;
  /** The request as this endpoint got it, where it was cut for it. */
  sent?: ChatRequest | undefined;
  /** What of the request could not be passed on as it was. */
  adjustments: readonly Adjustment[];
  /** What the provider has reported so far. */
  usage(): UsageReport | undefined;
}

/** What pays for a call's attempts. */
export interface Payment extends PaidCall {
  /** To be awaited before an attempt is sent. Rejects where nothing may be sent. */
  dispatch(attempt: Attempt): Promise<void>;
}

/** What one call needs from beginning to end, whichever endpoints it tries. */
export interface Call {
  readonly request: ChatRequest;
  readonly extra: Readonly<Record<string, unknown>>;
  /** Names of Anthropic's beta features that the client asks for. */
  readonly betas: readonly string[];
  /** Keyed hash of the client's `user`. */
  readonly user: string | undefined;
  readonly generationId: string;
  /** Unix seconds. */
  readonly created: number;
  /** Estimated. */
  readonly promptTokens: number;
  /** Milliseconds since the epoch at which the call is over, whatever came of it. */
  readonly deadline: number;
  /** Names the client's session, where it has one. */
  readonly session: string | undefined;
  /** Whether a streamed answer is held back until it is whole. */
  readonly buffer: boolean;
  /** What can end the call from outside: the client leaves, time is up, the gateway closes. */
  readonly scope: Cancellation;
  /** Grows with every attempt. */
  readonly records: AttemptRecord[];
  readonly payment: Payment;
  /** The request as one endpoint gets it, with a prompt that fits; by default as it is. */
  readonly fit?: ((request: ChatRequest, attempt: Attempt) => ChatRequest) | undefined;
}

/** A streamed answer after its first content: from here on there is no other endpoint. */
interface ChunkSource {
  /** Canonical id of the model that answers. */
  readonly model: string;
  /** Display name of the provider that answers. */
  readonly provider: string;
  /** The batch that `read` gave last was the last one. */
  readonly ended: boolean;
  /** The next chunks, at least one; undefined after the end. @throws GatewayError where the upstream breaks off. */
  read(): Promise<readonly ChatChunk[] | undefined>;
  /** Nobody wants the rest: the upstream stops now. */
  cancel(): void;
}

/** A stream as routing hands it over, not yet counted or priced. */
export interface RoutedStream extends ChunkSource {
  readonly endpoint: Endpoint;
  /** Its client is gone, and it is read to its end all the same. */
  readonly draining: boolean;
  /** Bytes of text that the provider wrote so far and its client did not want to see. */
  readonly hiddenBytes: number;
  /** What the provider has reported so far. */
  usage(): UsageReport | undefined;
}

/** A whole answer as routing hands it over. */
export interface RoutedAnswer {
  readonly endpoint: Endpoint;
  readonly choices: readonly Choice[];
  readonly systemFingerprint: string | null;
  readonly serviceTier: string | undefined;
  readonly usage: UsageReport | undefined;
  /** Bytes of text that the provider wrote and the client did not want to see. */
  readonly hiddenBytes: number;
}
