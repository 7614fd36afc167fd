/** What went wrong at an upstream, in the words that decide what happens next. */
export type FailureKind =
  | 'network'
  | 'server_error'
  | 'overloaded'
  | 'timeout'
  | 'rate_limited'
  | 'bad_response'
  | 'empty_response'
  | 'truncated'
  | 'upstream_auth'
  | 'upstream_payment'
  | 'model_unavailable'
  | 'context_length'
  | 'content_policy'
  | 'invalid_request'
  | 'too_large';

/** What a codec or a transport knows of a failure. */
export interface FailureDetails {
  /** The upstream's HTTP status, or the status that an error inside a stream stands for. */
  readonly status?: number | undefined;
  /** The upstream's own code, short and printable. */
  readonly providerCode?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** What the upstream wrote, at most 2048 characters, secrets masked. */
  readonly raw?: string | undefined;
  /** The upstream's explanation, for the kinds whose reason belongs to the client. */
  readonly reason?: string | undefined;
  readonly cause?: unknown;
}

/** A failed attempt. Thrown inside the gateway only; what a client sees is made of it in one place (`routing/blame.ts`). */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly kind: FailureKind;
  readonly status: number | undefined;
  readonly providerCode: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly raw: string | undefined;
  readonly reason: string | undefined;

  constructor(kind: FailureKind, message: string, details: FailureDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.status = details.status;
    this.providerCode = details.providerCode;
    this.retryAfterMs = details.retryAfterMs;
    this.raw = details.raw;
    this.reason = details.reason;
  }
}
