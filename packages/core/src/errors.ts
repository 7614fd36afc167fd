/**
 * The one error class of the gateway and the one table that fixes what each code means on the wire.
 * Statuses and typed words are those that OpenRouter's official SDK knows; `retry` is what `x-should-retry` says.
 */

interface ErrorRow {
  readonly status: number;
  /** OpenRouter's typed word, `error.metadata.error_type`. */
  readonly type: string;
  readonly retry: boolean;
  /** Where set, this text is shown instead of the error's own, whatever happened inside. */
  readonly fixedMessage?: string;
}

/** The string code of an error, `error.metadata.code` on the wire. */
export type ErrorCode =
  | 'invalid_request'
  | 'invalid_prompt'
  | 'model_not_found'
  | 'model_ambiguous'
  | 'unsupported_feature'
  | 'context_length_exceeded'
  | 'invalid_image'
  | 'invalid_api_key'
  | 'insufficient_credits'
  | 'key_limit_exceeded'
  | 'permission_denied'
  | 'model_not_allowed'
  | 'moderation_blocked'
  | 'guardrail_blocked'
  | 'not_found'
  | 'no_endpoints'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'conflict'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'unprocessable'
  | 'rate_limit_exceeded'
  | 'client_closed'
  | 'internal_error'
  | 'provider_error'
  | 'provider_unavailable'
  | 'provider_overloaded'
  | 'service_unavailable'
  | 'timeout';

const table: Readonly<Record<ErrorCode, ErrorRow>> = {
  invalid_request: { status: 400, type: 'invalid_request', retry: false },
  invalid_prompt: { status: 400, type: 'invalid_prompt', retry: false },
  model_not_found: { status: 400, type: 'invalid_request', retry: false },
  model_ambiguous: { status: 400, type: 'invalid_request', retry: false },
  unsupported_feature: { status: 400, type: 'invalid_request', retry: false },
  context_length_exceeded: { status: 400, type: 'context_length_exceeded', retry: false },
  invalid_image: { status: 400, type: 'invalid_image', retry: false },
  invalid_api_key: { status: 401, type: 'authentication', retry: false },
  insufficient_credits: { status: 402, type: 'payment_required', retry: false },
  key_limit_exceeded: { status: 402, type: 'payment_required', retry: false },
  permission_denied: { status: 403, type: 'permission_denied', retry: false },
  model_not_allowed: { status: 403, type: 'permission_denied', retry: false },
  moderation_blocked: { status: 403, type: 'content_policy_violation', retry: false },
  guardrail_blocked: { status: 403, type: 'permission_denied', retry: false },
  not_found: { status: 404, type: 'not_found', retry: false },
  no_endpoints: { status: 404, type: 'not_found', retry: false },
  method_not_allowed: { status: 405, type: 'invalid_request', retry: false },
  request_timeout: { status: 408, type: 'timeout', retry: true },
  conflict: { status: 409, type: 'invalid_request', retry: false },
  payload_too_large: { status: 413, type: 'payload_too_large', retry: false },
  unsupported_media_type: { status: 415, type: 'invalid_request', retry: false },
  unprocessable: { status: 422, type: 'unprocessable', retry: false },
  rate_limit_exceeded: { status: 429, type: 'rate_limit_exceeded', retry: true },
  client_closed: { status: 499, type: 'invalid_request', retry: false },
  internal_error: { status: 500, type: 'server', retry: true, fixedMessage: 'Internal Server Error' },
  provider_error: { status: 502, type: 'provider_unavailable', retry: true },
  provider_unavailable: { status: 502, type: 'provider_unavailable', retry: true },
  provider_overloaded: { status: 503, type: 'provider_overloaded', retry: true },
  service_unavailable: { status: 503, type: 'server', retry: true },
  timeout: { status: 504, type: 'timeout', retry: true },
};

/** What may come with an error besides its message. */
export interface ErrorDetails {
  /** Joins `error_type` and `code` in `error.metadata`; never holds secrets. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Response headers of this error, lower-case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Overrides the table where one kind of an error can be retried and another cannot. */
  readonly retryable?: boolean;
  /** Milliseconds after which the same request may succeed. */
  readonly retryAfterMs?: number | undefined;
  /** What caused it; for the host's log, never shown to a client. */
  readonly cause?: unknown;
  /** Fields that stand beside `error` in the body. */
  readonly beside?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * An error that a client may see. Whatever else is thrown becomes `internal_error` at the boundary, with a fixed text.
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  /** The HTTP status that the table gives the code. */
  readonly status: number;
  /** OpenRouter's typed word for the code. */
  readonly errorType: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Fields that stand beside `error` in the body. */
  readonly beside: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const row = table[code];
    super(row.fixedMessage ?? message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = row.status;
    this.errorType = row.type;
    this.retryable = details.retryable ?? row.retry;
    this.retryAfterMs = details.retryAfterMs ?? (row.status === 503 ? 1000 : undefined);
    this.metadata = details.metadata ?? {};
    this.headers = details.headers ?? {};
    this.beside = details.beside ?? {};
  }
}

/** The same error, with fields beside it in its body. */
export function withBeside(error: GatewayError, beside: Readonly<Record<string, unknown>>): GatewayError {
  const { message, metadata, headers, retryable, retryAfterMs, cause } = error;
  return new GatewayError(error.code, message, { metadata, headers, retryable, retryAfterMs, cause, beside });
}

/** Whatever was thrown, as the one error class: an unknown value is a defect and becomes a masked `internal_error`. */
export function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError('internal_error', 'Internal Server Error', { cause: thrown });
}
