/**
 * The port between a host (Express, Koa, node:http, anything with a socket) and the gateway. Plain data; nothing here
 * knows a framework or Node itself, so an adapter is a translation of some twenty lines.
 */

/** A permission of the wire, checked once, where the route table says so. */
export type Scope =
  | 'chat'
  | 'route:explain'
  | 'models:read'
  | 'usage:own'
  | 'usage:read'
  | 'credits:read'
  | 'keys:read'
  | 'keys:write'
  | 'chat:grant';

/** A scope, or `inference` or `management` for all that such a key needs. */
export type ScopeName = Scope | 'inference' | 'management';

/** When a spending limit starts anew, 00:00 UTC: each day, each Monday, each first of the month. */
export type LimitReset = 'daily' | 'weekly' | 'monthly';

/** What a caller may use up; each bound by default none. */
export interface CallerLimits {
  /** USD in a window, at most nine decimals; 0: free models only. */
  readonly limit?: number | undefined;
  /** When the window ends; by default never. */
  readonly limitReset?: LimitReset | undefined;
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
}

/** Who is calling, as told by a host that has authenticated the caller itself. */
export interface CallerIdentity extends CallerLimits {
  /**
   * Names the caller within the account: its limits count for it alone, and usage can be grouped by it. Without one the
   * account is all that is charged, and a limit is that of all its nameless callers together.
   */
  readonly id?: string | undefined;
  /** The account that owns the request; `default` where the host has only one. */
  readonly account?: string | undefined;
  /** A name for people: shown where a key would show its label. */
  readonly label?: string | undefined;
  /** What the caller may do; by default what an inference key may do. */
  readonly scopes?: readonly ScopeName[] | undefined;
  /** Globs of model ids that the caller may use (`*` matches any run of characters); by default all. */
  readonly models?: readonly string[] | undefined;
  /** Whether streamed answers are held back until they are whole; by default as the gateway does. */
  readonly streamRecovery?: 'buffer' | 'none' | undefined;
  /** Added to the tags of every request. */
  readonly tags?: readonly string[] | undefined;
  /** Names of transforms that run for every request of the caller and that none switches off. */
  readonly transforms?: readonly string[] | undefined;
}

/** Undefined: the host does not know the caller, the key decides. */
export type MaybeIdentity = CallerIdentity | undefined;

/** The request body: the untouched socket, or what a body parser of the host made of it. */
export type HttpBody =
  | { readonly kind: 'stream'; readonly chunks: AsyncIterable<Uint8Array> }
  | { readonly kind: 'parsed'; readonly value: unknown };

/**
 * Tells that the client is gone. Every `AbortSignal` is one; an adapter may hand over something lighter, because a signal
 * of its own for every request is the dearest object of a small one.
 */
export interface ClientSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** What a host hands over for one request. */
export interface HttpRequest {
  readonly method: string;
  /** Below the mount, without query, percent-encoding untouched: `/chat/completions`. */
  readonly path: string;
  /** Without the question mark; empty if there is none. */
  readonly query: string;
  /** Lower-case names. Node's own object may be handed over as it is. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /**
   * `parsed` values may be a JSON value, a string or bytes of JSON, whatever the host's parser made. `undefined` means
   * that somebody read the stream and kept nothing, which is answered with an error, never with a wait.
   */
  readonly body: HttpBody;
  /** Aborts when the client goes away before the answer is complete. */
  readonly signal: ClientSignal;
  /**
   * Set where the host has authenticated the caller; the `Authorization` header is not looked at then. A function is
   * asked once the route is known, and what it throws is a failure of the host: 500, and no word of it to the client.
   */
  readonly identity?: CallerIdentity | (() => MaybeIdentity | Promise<MaybeIdentity>) | undefined;
  /** The client's address, where the host knows it; asked for only where a key was refused. */
  readonly address?: (() => string | undefined) | undefined;
  /** Drops the client's connection. Called when the client has stopped reading for too long. */
  readonly disconnect?: (() => void) | undefined;
}

/** What the host writes back. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * A whole body, or pieces to write as they come. Pieces are pulled one at a time: a host that waits for `drain` before
   * it asks for the next one stops the upstream too. A host that gives up calls the iterator's `return`.
   */
  readonly body: string | AsyncIterable<string>;
  /** No route of the gateway has this path and method; a host that shares the mount may pass the request on. */
  readonly unhandled?: true;
}

/** Total: it never rejects, every failure is a response. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;
