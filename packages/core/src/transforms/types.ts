import type { z } from 'zod';
import type { ChatChunk, ChatCompletion, ChatMessage, ChatRequest } from '../wire/chat.js';
import type { PipelineStep } from '../wire/routing-metadata.js';

/**
 * Middleware for prompts and answers, in the host's own process. A transform has one or more hooks; all of them are given
 * frozen copies, so nothing that they do to their input reaches another transform, another attempt or another request.
 *
 * Whatever a hook throws is a defect (`internal_error`, told to the host), unless it is a `GatewayError`: that reaches the
 * client as it is, so a transform refuses with `new GatewayError('guardrail_blocked', …)`.
 */
export interface Transform<Options = unknown> {
  /** What a request names it by: lower-case letters, digits and dashes. */
  readonly name: string;
  /** Checks the options that a request gives. Without it a request may give none. */
  readonly options?: z.ZodType<Options> | undefined;
  /** The options where a request gives none; a request's own go over them, field by field. */
  readonly defaults?: Options | undefined;
  /** Milliseconds for each asynchronous hook. By default the gateway's `timeouts.transformMs`. */
  readonly timeoutMs?: number | undefined;
  /**
   * `request` looks at nothing but its arguments, answers at once, and only rewrites model, fallbacks and provider
   * preferences: `POST /route/explain` runs it too. Default false.
   */
  readonly pure?: boolean | undefined;
  /** Before a model is chosen. Answers with the request as given, or with another one. */
  request?(request: ChatRequest, context: TransformContext<Options>): ChatRequest | Promise<ChatRequest>;
  /** Once it is known who could answer. Answers with some or all of the candidates, in the order of trying. */
  route?(candidates: readonly RouteCandidate[], context: TransformContext<Options>): readonly RouteCandidate[];
  /** A whole answer, already charged. `id`, `model`, `provider` and `usage` stay what they are. */
  completion?(completion: ChatCompletion, context: TransformContext<Options>): ChatCompletion | Promise<ChatCompletion>;
  /** A streamed answer: makes the stage of one stream, whose state lives in its closure. */
  stage?(context: TransformContext<Options>): ChunkStage;
}

/** What a transform without a check for its options finds there. */
export type NoOptions = Readonly<Record<string, never>>;

/** One step of a stream's way to the client. Synchronous: it runs for every token. */
export interface ChunkStage {
  /** What goes on instead of a chunk: itself, others, or nothing for now. */
  chunk(chunk: ChatChunk): readonly ChatChunk[];
  /**
   * What was held back; nothing comes after it. Called once, also where the answer breaks off or the client leaves, which
   * gets nothing of it.
   */
  end?(): readonly ChatChunk[];
}

/** What a hook may know of its call. Every hook of one transform gets the same object for one call. */
export interface TransformContext<Options = unknown> {
  readonly options: Options;
  readonly generationId: string;
  readonly requestId: string;
  readonly account: string;
  /** Label of the caller's key, or the name that the host gave. */
  readonly label: string;
  readonly tags: readonly string[];
  /** The client's, lower-case, without credentials; empty for calls that do not come over HTTP. */
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Aborts when the client leaves, the call's time is over or the hook's. */
  readonly signal: AbortSignal;
  /** Stands as `data` in the routing metadata of clients that ask for it. The last one counts. */
  note(data: Readonly<Record<string, unknown>>): void;
}

/** One candidate of a request, in plain figures. */
export interface RouteCandidate {
  /** Canonical id. */
  readonly model: string;
  /** Slug of the provider. */
  readonly provider: string;
  /** Display name of the provider. */
  readonly providerName: string;
  /** Estimated USD. */
  readonly price: number;
  /** Tokens; undefined where nobody knows. */
  readonly contextLength: number | undefined;
  /** Tokens; undefined where nobody knows. */
  readonly maxCompletionTokens: number | undefined;
  readonly tier: string | undefined;
  readonly health: string;
}

/** How a host takes a transform in. */
export interface TransformEntry {
  readonly transform: Transform;
  /**
   * `default`: runs unless a request says `transforms: []`. `requested`: runs where a request or a key names it.
   * `always`: no request switches it off or changes its options, and it runs behind whatever a request names. `never`: the
   * name is unknown, also of a built-in one.
   */
  readonly use?: TransformUse | undefined;
  /** A failure of it is told to the host and passed over. Default false: it fails the request. */
  readonly optional?: boolean | undefined;
}

export type TransformUse = 'default' | 'requested' | 'always' | 'never';

/** What a prompt has to be cut for. */
export interface FitTarget {
  readonly model: string;
  /** Tokens; undefined where nobody knows. */
  readonly contextLength: number | undefined;
  /** Messages that the provider takes at most. */
  readonly mostMessages: number | undefined;
}

/** The messages of a request, cut for one endpoint. */
export interface Fit {
  readonly messages: readonly ChatMessage[];
  readonly step: PipelineStep;
}
