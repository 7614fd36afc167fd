import type { CreditAdministration } from '../accounting/credits.js';
import type { Keys } from '../accounting/keys.js';
import type { Allowance } from '../accounting/rate-limiter.js';
import type { Attribution } from '../accounting/types.js';
import type { Catalog } from '../catalog/catalog.js';
import type { Endpoint as ModelEndpoint } from '../catalog/model.js';
import type { Clock } from '../clock.js';
import type { GatewayError } from '../errors.js';
import type { CircuitState } from '../routing/circuit.js';
import type { GenerationRecord, ReplayStore, Spending, UsageQuery, UsageReportPage } from '../stores/types.js';
import type { AnswerStream } from '../transforms/staged-stream.js';
import type { ChatCompletion, Percentile } from '../wire/chat.js';
import type { ParsedChat } from '../wire/parse-chat.js';
import type { CodeForm, CodeFormOption } from '../wire/problem.js';
import type { Explanation, RoutingMetadata } from '../wire/routing-metadata.js';
import type { BodyLimits } from './body.js';
import type { Caller } from './caller.js';
import type { CallerDirectory } from './caller-directory.js';
import type { ClientSignal, HttpRequest, HttpResponse } from './types.js';

/** How streams are written. */
interface StreamSettings {
  /** `merged`: finish reason and usage on one chunk. `separate`: usage on a chunk of its own after it. */
  readonly usageChunk: 'merged' | 'separate';
  readonly keepAliveMs: number;
  readonly keepAliveComment: string;
  /** Milliseconds after which a client that does not read is dropped. */
  readonly clientStallMs: number;
  readonly eventIds: boolean;
}

/** A stream after its first content, counted, charged, and as the client is to see it. */
export type OpenStream = AnswerStream;

/** How an endpoint has done. */
export interface EndpointFigures {
  readonly state: CircuitState;
  /** Milliseconds to the first content, of the last half hour. */
  readonly latency: Readonly<Record<Percentile, number>> | undefined;
  /** Tokens a second, of the last half hour. */
  readonly throughput: Readonly<Record<Percentile, number>> | undefined;
  /** Per cent of requests that it answered. */
  readonly uptime5m: number | undefined;
  readonly uptime30m: number | undefined;
}

/** Where a request came from, for its record. */
export interface CallOrigin {
  /** Id of the generation that it may become. */
  readonly generationId: string;
  readonly requestId: string;
  readonly attribution: Attribution;
  /** The client's, lower-case, without credentials. */
  headers(): Readonly<Record<string, string>>;
  /** What the caller's limits of rate allow; undefined: it has none. */
  readonly allowance: Allowance | undefined;
}

/** One chat call under way. */
export interface ChatCall {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  /** The first model that the client asked for. */
  readonly requestedModel: string;
  /** Estimated. */
  readonly promptTokens: number;
  complete(): Promise<ChatCompletion>;
  /** Resolves at the first content. */
  open(): Promise<OpenStream>;
  /** How it was routed so far. */
  metadata(): RoutingMetadata;
  /** Nothing of the call is needed any more. Unless it is `complete`, whatever still runs is stopped. */
  end(complete?: 'complete'): void;
}

/** What endpoints use of the gateway. */
export interface Services {
  readonly clock: Clock;
  readonly catalog: Catalog;
  readonly directory: CallerDirectory;
  readonly bodyLimits: BodyLimits;
  readonly streams: StreamSettings;
  readonly errorCode: CodeFormOption;
  readonly keys: Keys;
  readonly credits: CreditAdministration;
  readonly replays: ReplayStore;
  /** Whether answers are kept for requests that carry an idempotency key. */
  readonly keepReplays: boolean;
  /** Milliseconds after which the claim of a call lapses whose process died. */
  readonly replayLapseMs: number;
  newRequestId(): string;
  newGenerationId(): string;
  /** @throws GatewayError `service_unavailable` while the gateway drains. */
  refuseWhileDraining(): void;
  /**
   * Lets transforms see the request, checks models and permissions and makes the id. Rejects with a GatewayError before
   * anything is sent.
   */
  beginChat(parsed: ParsedChat, caller: Caller, signal: ClientSignal, origin: CallOrigin): Promise<ChatCall>;
  /** What would become of a request; nobody is asked. @throws GatewayError as `beginChat` does. */
  explain(parsed: ParsedChat, caller: Caller, origin: Omit<CallOrigin, 'allowance' | 'generationId'>): Explanation;
  /** The figures of an endpoint. */
  figures(endpoint: ModelEndpoint): EndpointFigures;
  /** Counts a request of a caller whose rate is limited. @throws GatewayError `rate_limit_exceeded`. */
  admit(caller: Caller): Promise<Allowance | undefined>;
  /** What spenders have spent. */
  spending(spenders: readonly string[]): Promise<ReadonlyMap<string, Spending>>;
  usage(query: UsageQuery): Promise<UsageReportPage>;
  generation(id: string, account: string): Promise<GenerationRecord | undefined>;
  /** Tells the host about a defect. */
  report(error: GatewayError, requestId: string): void;
}

/** One request on its way through the gateway. */
export interface Exchange {
  readonly request: HttpRequest;
  readonly requestId: string;
  readonly caller: Caller;
  /** What the caller's limits of rate allow; undefined: it has none. */
  readonly allowance: Allowance | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly codeForm: CodeForm;
  readonly services: Services;
  /** Headers of the answer, whatever it is; grows as more is known. */
  readonly headers: Record<string, string>;
}

/** Answers one request, or throws. */
export type Endpoint = (exchange: Exchange) => Promise<HttpResponse> | HttpResponse;
