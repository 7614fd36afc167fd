import type { StoreChange } from './accounting/store-guard.js';
import type { CatalogOptions } from './catalog/catalog.js';
import type { Clock } from './clock.js';
import type { ConfiguredKey } from './http/caller-directory.js';
import type { Provider } from './providers/types.js';
import type { Random } from './random.js';
import type { UpstreamDetail } from './routing/blame.js';
import type { DrainLimits } from './routing/drains.js';
import type { HealthChange } from './routing/health.js';
import type { RoutingPolicy, Timeouts } from './routing/types.js';
import type { CrashPolicy, GenerationRecord, HoldRef, Store } from './stores/types.js';
import type { Transform, TransformEntry } from './transforms/types.js';
import type { CodeFormOption } from './wire/problem.js';

/** What `createGateway` takes. Everything but `providers` has a default; times are milliseconds, sizes bytes. */
export interface GatewayOptions {
  /** Who serves which models. Earlier providers are tried first. */
  readonly providers: readonly Provider[];
  /** What the host changes about models and prices. */
  readonly catalog?: CatalogOptions | undefined;
  readonly auth?:
    | {
        /** Keys that clients may use. Without any, only callers whom the host identifies get in. */
        readonly keys?: readonly (string | ConfiguredKey)[] | undefined;
        /** Opens the model routes to callers without a key. Default false. */
        readonly publicModels?: boolean | undefined;
        /** What the text of a new key begins with, 1 to 32 characters of `a-z 0-9 -`. Default `sk-or-v1-`. */
        readonly keyPrefix?: string | undefined;
        /**
         * Milliseconds for which a key that was found in the store is not asked for again. Default 0: a revocation takes
         * effect at once, in every process; with a cache, within its time.
         */
        readonly keyCacheMs?: number | undefined;
        /** Milliseconds for which a key that was found is good for authentication while the store is down. Default 30 000. */
        readonly staleKeyMs?: number | undefined;
        /** Keys of one address that may be refused in a minute before it is answered 429. Default 600. */
        readonly failuresPerMinute?: number | undefined;
      }
    | undefined;
  /**
   * Where keys, money, usage and rates are kept. By default in memory: they are gone with the process. The gateway opens
   * it, and closes it with itself.
   */
  readonly store?: Store | undefined;
  /**
   * Whether this process shows the others of its store that it lives, and resolves what dead ones left held. Default true;
   * false for one that only administers and answers no requests.
   */
  readonly lease?: boolean | undefined;
  /** How many processes share the store; by default as the store counts them. */
  readonly instances?: number | undefined;
  readonly billing?:
    | {
        /** Refuses accounts that were never granted anything. Default false: they have no limit of their own. */
        readonly creditsRequired?: boolean | undefined;
        /** `free` (default): an answer that broke off costs the client nothing. `observed`: it costs what came of it. */
        readonly midStreamError?: 'free' | 'observed' | undefined;
        /**
         * What a request is charged whose process died: `floor` (default) what is known for certain, `hold` all that was
         * held, `free` nothing.
         */
        readonly crashPolicy?: CrashPolicy | undefined;
      }
    | undefined;
  /** Of requests with an `Idempotency-Key`: `replay` (default) keeps JSON answers for 24 hours, `reject` keeps none. */
  readonly idempotency?: 'replay' | 'reject' | undefined;
  /** The model of requests that name none; without it they are refused. */
  readonly defaultModel?: string | undefined;
  /** Whether fields that the wire does not know go to OpenAI-compatible upstreams. Default true. */
  readonly passthrough?: boolean | undefined;
  /** At least 32 bytes; with it, upstreams that take a `user` get an HMAC-SHA256 of the client's. Without it they get none. */
  readonly userHashSecret?: string | undefined;
  readonly errors?:
    | {
        /** Whether `error.code` is a word or a status; `auto` (default) gives official OpenRouter SDKs the number they need. */
        readonly code?: CodeFormOption | undefined;
        /** `none` keeps upstream error bodies from clients altogether. Default `full`: errors that a client can mend show it. */
        readonly upstreamDetail?: UpstreamDetail | undefined;
      }
    | undefined;
  readonly stream?:
    | {
        /** `merged` (default): usage on the finish chunk. `separate`: on a chunk of its own, as OpenRouter does. */
        readonly usageChunk?: 'merged' | 'separate' | undefined;
        /** Silence after which a comment is sent. Default 10 000. */
        readonly keepAliveMs?: number | undefined;
        /** Default `OPENROUTER PROCESSING`. */
        readonly keepAliveComment?: string | undefined;
        /** Events of a provider that are not JSON: `skip` (default) up to three of them in a stream, or `error`. */
        readonly malformedEvents?: 'skip' | 'error' | undefined;
      }
    | undefined;
  readonly sse?:
    | {
        /** Adds `id:` lines to every event. Default false; a client may ask with `X-SSE-Event-Ids: true`. */
        readonly eventIds?: boolean | undefined;
      }
    | undefined;
  /** What holds for all requests; no request relaxes it. */
  readonly routing?:
    | (RoutingPolicy & {
        /** A provider's refusal of the content leaves other models to be tried. Default false: the request ends. */
        readonly fallbackOnModeration?: boolean | undefined;
      })
    | undefined;
  /**
   * `buffer` holds streamed answers back, with keep-alive comments, until they are whole: then a cut in the middle fails
   * over as well. Default `none`. A key may say otherwise.
   */
  readonly streamRecovery?: 'buffer' | 'none' | undefined;
  /** Told about each request that is over, once its charge is written; charge and cost are nano-USD. */
  readonly onGeneration?: ((generation: GenerationRecord) => void) | undefined;
  /** Told about holds that processes left behind and that this one has resolved. */
  readonly onSweep?: ((holds: readonly HoldRef[]) => void) | undefined;
  /** Told when the store stops answering, and when it answers again. By default a line on the console. */
  readonly onStoreChange?: ((change: StoreChange) => void) | undefined;
  /** Told when an endpoint's health changes: it fails, cools down, refuses its credential, or is well again. */
  readonly onHealthChange?: ((change: HealthChange) => void) | undefined;
  /**
   * Middleware for prompts and answers. A transform alone runs unless a request says `transforms: []`; an entry says how
   * else it is used. The order is that of running. The built-in ones are known by name without standing here.
   */
  readonly transforms?: readonly (Transform | TransformEntry)[] | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly timeouts?: Partial<GatewayTimeouts> | undefined;
  /** Time; injected by tests. */
  readonly clock?: Clock | undefined;
  /** Random bytes; injected by tests. */
  readonly random?: Random | undefined;
  /** Told about defects (`internal_error`), which clients see only masked. By default they go to `console.error`. */
  readonly onError?: ((error: unknown, context: { readonly requestId: string }) => void) | undefined;
}

/** Bounds on what comes in. */
export interface Limits {
  /** Request body, bytes. Default 20 MiB. */
  readonly bodyBytes: number;
  /** Levels of a request body. Default 64. */
  readonly bodyDepth: number;
  /** Values of a request body. Default 100 000. */
  readonly bodyNodes: number;
  /** One upstream event. Default 16 MiB. */
  readonly eventBytes: number;
  /** One upstream stream. Default 256 MiB. */
  readonly streamBytes: number;
  /** One whole upstream answer. Default 64 MiB. */
  readonly answerBytes: number;
  /** Requests that run at a time. Default 2048; more are refused at once. */
  readonly runningRequests: number;
  /** Requests that run at one endpoint at a time. Default 256. */
  readonly endpointRequests: number;
  /** Answers that are read to their end although their clients are gone, because their providers charge for all of it. */
  readonly drains: DrainLimits;
}

/** How long things may take. */
export interface GatewayTimeouts extends Timeouts {
  /** Until a request body is complete. Default 30 000. */
  readonly bodyMs: number;
  /** A client that takes nothing for this long is dropped. Default 30 000. */
  readonly clientStallMs: number;
  /** Each asynchronous hook of a transform. Default 10 000. */
  readonly transformMs: number;
}

const MEBIBYTE = 1_048_576;

/** Used where the host says nothing. */
export const defaultLimits: Limits = {
  bodyBytes: 20 * MEBIBYTE,
  bodyDepth: 64,
  bodyNodes: 100_000,
  eventBytes: 16 * MEBIBYTE,
  streamBytes: 256 * MEBIBYTE,
  answerBytes: 64 * MEBIBYTE,
  runningRequests: 2048,
  endpointRequests: 256,
  drains: { most: 64, timeoutMs: 60_000, bytes: 16 * MEBIBYTE },
};

/** Used where the host says nothing. */
export const defaultTimeouts: GatewayTimeouts = {
  bodyMs: 30_000,
  connectMs: 5000,
  headersMs: 30_000,
  softFirstContentMs: 12_000,
  firstContentMs: 120_000,
  firstContentReasoningMs: 300_000,
  idleMs: 30_000,
  progressMs: 180_000,
  totalMs: 600_000,
  finishGraceMs: 2000,
  clientStallMs: 30_000,
  transformMs: 10_000,
};
