/**
 * What a provider is: a codec of pure functions beside a transport that does the I/O. Timeouts, framing, aborts and
 * failover are written once, outside of both.
 */
import type { Cancellation } from '../cancellation.js';
import type { DataPolicy, ModelDeclaration, ModelDeclarationObject, Pricing, ServiceTier } from '../catalog/types.js';
import type { Clock } from '../clock.js';
import type { Failure } from '../failure.js';
import type { ServerSentEvent } from '../sse/types.js';
import type { ChatChunk, ChatRequest, Choice } from '../wire/chat.js';

/** A model at a provider, as far as a codec has to know it. */
export interface CallTarget {
  /** Canonical id of the model, as it stands in the answer. */
  readonly model: string;
  /** The provider's own id of the model. */
  readonly upstreamModel: string;
  /** The most tokens that it writes; undefined where nobody knows. */
  readonly maxOutputTokens: number | undefined;
}

/** One concrete call: which endpoint, under which identity, for which client. */
export interface CallContext extends CallTarget {
  /** What is asked; an answer cannot always be read without it. */
  readonly request: ChatRequest;
  /** Display name of the provider, as it stands in the answer. */
  readonly provider: string;
  /** The `gen-…` id of the answer. */
  readonly generationId: string;
  /** Unix seconds. */
  readonly created: number;
  /** Whether the upstream is asked to stream. */
  readonly stream: boolean;
  /** Keyed hash of the client's `user`, where one is to be sent. */
  readonly user: string | undefined;
  /** The client's fields that the wire does not know; only OpenAI-shaped upstreams get them. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** Names of Anthropic's beta features that the client asks for. */
  readonly betas: readonly string[];
  /** Events of broken JSON that a stream may have before it is given up. */
  readonly malformedEvents: number;
  /** A fresh `call_…` id, for tool calls whose upstream gives none. */
  newToolCallId(): string;
}

/** A parameter that could not be passed on as it was. */
export interface Adjustment {
  readonly param: string;
  readonly action: 'dropped' | 'clamped' | 'rewritten';
  readonly detail: string;
}

/** What goes upstream, without origin and credential: those are added by the transport from configuration alone. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'POST';
  /** Below the provider's base URL: `/chat/completions`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A JSON value; the transport writes it, unless the method is GET. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly adjustments: readonly Adjustment[];
}

/** Token counts as a provider reported them. What is left out is none. */
export interface UsageReport {
  /** All input; what was read from a cache or written to it is included. */
  readonly prompt: number;
  /** All output; reasoning is included. */
  readonly completion: number;
  readonly cachedRead?: number;
  /** Written to a cache for five minutes, or for as long as the provider keeps it. */
  readonly cacheWrite5m?: number;
  readonly cacheWrite1h?: number;
  readonly audioIn?: number;
  readonly imageIn?: number;
  readonly reasoning?: number;
  readonly audioOut?: number;
  readonly imageOut?: number;
  /** Not tokens: searches that are charged one by one. */
  readonly webSearches?: number;
}

/** A whole answer as its codec read it; the gateway adds usage in wire form. */
export interface DecodedAnswer {
  readonly choices: readonly Choice[];
  readonly systemFingerprint: string | null;
  readonly serviceTier: string | undefined;
  readonly usage: UsageReport | undefined;
}

/**
 * Reads one stream. `push` turns an event into the chunks that it causes, never more than the finish: finish chunks come
 * from `end`, when usage is known.
 */
export interface StreamDecoder {
  /** Usage comes with every event and so does not tell that the last one has come. */
  readonly usageRepeats?: boolean;
  /** `open`: more is coming; `finished`: every choice has its reason, usage may follow; `complete`: nothing can follow. */
  readonly state: 'open' | 'finished' | 'complete';
  /** @throws Failure where the event is an error or breaks a bound. */
  push(event: ServerSentEvent): readonly ChatChunk[];
  /** The finish chunks. @throws Failure `truncated` if the stream ended before it was finished. */
  end(): readonly ChatChunk[];
  /** What is known of usage so far, also after a failure. */
  usage(): UsageReport | undefined;
}

/** Response headers, lower-case names. */
export type UpstreamHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** An upstream's refusal: status, headers and at most 4 KiB of its body. */
export interface UpstreamRefusal {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly text: string;
}

/** Why an endpoint cannot take a request, although it serves the model. */
export interface Unsuitable {
  /** `no_endpoints`: another endpoint might take it; otherwise the request itself is at fault. */
  readonly code: 'no_endpoints' | 'invalid_request' | 'invalid_prompt';
  /** Names the field and what was expected. */
  readonly message: string;
  /** Path of the field, where the request is at fault. */
  readonly path?: string;
  /** With `no_endpoints`: the filter, in the wire's words. */
  readonly excludedBy?: string;
}

/** Translates between the canonical form and one provider's language. All members are pure. */
export interface ProviderCodec {
  /** Whether an endpoint can take a request at all; `encode` is called only where nothing speaks against it. */
  check?(request: ChatRequest, target: CallTarget): Unsuitable | undefined;
  /** The `format` of this provider's entries in `reasoning_details`; a conversation that has some goes on where they came from. */
  readonly reasoningFormat?: string | undefined;
  /** The request again, without what the upstream complained of; undefined where nothing can be mended. */
  repair?(request: ChatRequest, failure: Failure): ChatRequest | undefined;
  encode(request: ChatRequest, context: CallContext): UpstreamRequest;
  /** @throws Failure for a body that is an error or no answer. */
  decodeBody(text: string, context: CallContext): DecodedAnswer;
  decoder(context: CallContext): StreamDecoder;
  classify(refusal: UpstreamRefusal): Failure;
}

/** An upstream's answer, being received. Exactly one of `text` and `events` is called, or `discard`. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  /** The whole body as text. @throws Failure if it is longer than `limit` bytes, or cut. */
  text(limit: number): Promise<string>;
  /** At most the first `limit` bytes, the rest is thrown away. Never throws: a broken error body is still an error. */
  head(limit: number): Promise<string>;
  events(): EventReader;
  /** Gives the connection up without reading on. */
  discard(): void;
}

/** Pulls events out of a streamed answer, a network read at a time. */
export interface EventReader {
  /** The events of the next read (may be none), or undefined at the end. @throws Failure for a cut or a broken bound. */
  read(): Promise<readonly ServerSentEvent[] | undefined>;
  /** No more is wanted: finish the body in the background within bounds, so that the connection can be used again. */
  release(): void;
  /** No more is wanted and the upstream must stop now. */
  discard(): void;
}

/** How a provider tells which models it serves. */
export interface ModelDiscovery {
  /** Below the provider's base URL: `/models`. */
  readonly path: string;
  /** Reads the list; pure. @throws Failure for what is none. */
  read(text: string): readonly ModelDeclarationObject[];
  /** Milliseconds from one list to the next. Default an hour. */
  readonly everyMs?: number | undefined;
  /** Milliseconds that a list may take. Default 10 000. */
  readonly timeoutMs?: number | undefined;
}

/** Something that pays for a request. */
export interface PaidCall {
  /** @throws Error where nothing may be sent on its account any more. */
  assertLive(): void;
}

/** How one request is sent. */
export interface SendOptions {
  /** Stops the exchange, whatever it is doing; what is waited for rejects with its reason. */
  readonly cancellation: Cancellation;
  readonly stream: boolean;
  /** Which of the provider's credentials goes with it, from 0. Default 0. */
  readonly credential?: number | undefined;
  /** What pays for it; only lists of models go without. */
  readonly payment?: PaidCall | undefined;
}

/** Carries one request to an upstream. @throws Failure `network` or `timeout`; Error where nothing pays for it. */
export interface Transport {
  send(request: UpstreamRequest, options: SendOptions): Promise<UpstreamAnswer>;
  /** `text` without any credential of this upstream: for bodies that echo what they were sent. */
  mask(text: string): string;
  /** Closes every connection. */
  close(): Promise<void>;
}

/** What a transport gets from the gateway that it belongs to. */
export interface TransportSettings {
  readonly clock: Clock;
  readonly connectMs: number;
  readonly eventBytes: number;
  readonly streamBytes: number;
}

/** A provider as `createGateway` takes it: a description, without any connection yet. */
export interface Provider {
  readonly slug: string;
  /** Display name. */
  readonly name: string;
  /** What it serves; by default everything that the catalogue knows of it. */
  readonly models?: readonly ModelDeclaration[] | undefined;
  /** Served besides. */
  readonly extraModels?: readonly ModelDeclaration[] | undefined;
  /** The price of models of which no other is known. Without any price a model is not served. */
  readonly pricing?: Pricing | undefined;
  /** How to ask it what it serves besides; not at all by default. */
  readonly discovery?: ModelDiscovery | undefined;
  /** What it does with what it is sent. */
  readonly dataPolicy?: DataPolicy | undefined;
  /** It serves only requests that ask for this service level. */
  readonly tier?: ServiceTier | undefined;
  /** How many credentials it has; each has limits and a health of its own. Default 1. */
  readonly credentials?: number | undefined;
  /** The name under which the bundled catalogue knows this provider. */
  readonly catalog?: string | undefined;
  readonly codec: ProviderCodec;
  /**
   * What it does when a client leaves in the middle of an answer: `stops` writing and charging, or `bills` the whole answer
   * all the same. Undefined where nobody knows. Default unknown.
   */
  readonly afterAbort?: 'stops' | 'bills' | undefined;
  /** The upstream can only stream; whole answers are gathered from its stream. */
  readonly streamOnly?: boolean | undefined;
  /** Called once by the gateway that takes the provider. */
  connect(settings: TransportSettings): Transport;
}
