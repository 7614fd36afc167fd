import { type ErrorCode, GatewayError } from '../errors.js';
import type { Failure, FailureKind } from '../failure.js';
import type { Attempt } from './types.js';

/** An attempt that failed. */
export interface FailedAttempt {
  readonly attempt: Attempt;
  readonly failure: Failure;
  /** `text` without the credentials of the upstream that wrote it. */
  mask(text: string): string;
}

interface Verdict {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable?: boolean;
  /** The client can do something about it, so it may see what the upstream wrote. */
  readonly showRaw?: boolean;
}

/** What the client is told. Texts are ours: an upstream's own words could hold anything. */
const verdicts: Readonly<Record<FailureKind, Verdict>> = {
  network: { code: 'provider_unavailable', message: 'The provider could not be reached' },
  server_error: { code: 'provider_error', message: 'The provider failed' },
  overloaded: { code: 'provider_overloaded', message: 'The provider is overloaded' },
  timeout: { code: 'timeout', message: 'The provider did not answer in time' },
  rate_limited: { code: 'rate_limit_exceeded', message: 'The provider limits the rate of requests', showRaw: true },
  bad_response: { code: 'provider_error', message: 'The provider gave an answer that cannot be read' },
  empty_response: { code: 'provider_error', message: 'The provider gave an empty answer' },
  truncated: { code: 'provider_error', message: 'The provider broke off in the middle of its answer' },
  upstream_auth: {
    code: 'provider_error',
    message: "The provider refused the gateway's credentials",
    retryable: false,
  },
  upstream_payment: { code: 'provider_error', message: "The provider refused the gateway's account", retryable: false },
  model_unavailable: { code: 'no_endpoints', message: 'The provider does not serve this model' },
  context_length: {
    code: 'context_length_exceeded',
    message: "The prompt is longer than the model's context",
    showRaw: true,
  },
  content_policy: { code: 'moderation_blocked', message: 'The provider refused the content', showRaw: true },
  invalid_request: { code: 'invalid_request', message: 'The provider refused the request as invalid', showRaw: true },
  too_large: { code: 'payload_too_large', message: 'The request is too large for the provider', showRaw: true },
};

/** Whether `errors.upstreamDetail` lets clients see what upstreams wrote. */
export type UpstreamDetail = 'full' | 'none';

/**
 * All attempts failed: the error that the client sees. The last one decides, except that a request which a fallback
 * calls invalid never hides an earlier failure of another kind.
 */
export function blame(failed: readonly FailedAttempt[], detail: UpstreamDetail): GatewayError {
  const last = failed.at(-1);
  if (last === undefined) return new GatewayError('service_unavailable', 'too many requests are running');
  const earlier = failed.findLast((one) => one.failure.kind !== 'invalid_request');
  const decisive = last.failure.kind === 'invalid_request' && earlier !== undefined ? earlier : last;
  const { failure, attempt } = decisive;
  const verdict = verdicts[failure.kind];
  const code = failure.kind === 'invalid_request' && failure.status === 422 ? 'unprocessable' : verdict.code;
  const previous = failed.filter((one) => one !== decisive).map(summary);
  const hints = failed.flatMap((one) => one.failure.retryAfterMs ?? []);
  const raw = verdict.showRaw && detail === 'full' ? failure.raw : undefined;
  return new GatewayError(code, verdict.message, {
    cause: failure,
    ...(verdict.retryable !== undefined && { retryable: verdict.retryable }),
    retryAfterMs: retryAfter(code, hints),
    metadata: {
      provider_name: attempt.endpoint.provider.name,
      model_slug: attempt.endpoint.model,
      ...(failure.providerCode !== undefined && { provider_code: decisive.mask(failure.providerCode) }),
      ...(raw !== undefined && { raw: decisive.mask(raw) }),
      ...(failure.reason !== undefined && { reasons: [failure.reason] }),
      is_byok: false,
      ...(code === 'rate_limit_exceeded' && { limit_source: 'upstream_provider' }),
      ...(previous.length > 0 && { previous_errors: previous }),
      ...availability(code, failed),
    },
  });
}

/** What clients that route for themselves want to know. */
function availability(code: ErrorCode, failed: readonly FailedAttempt[]): object {
  const word =
    code === 'rate_limit_exceeded' && failed.every(({ failure }) => failure.kind === 'rate_limited')
      ? 'capacity_exhausted'
      : code === 'provider_overloaded'
        ? 'temporarily_unavailable'
        : undefined;
  if (word === undefined) return {};
  const models = new Set(failed.map(({ attempt }) => attempt.endpoint.model));
  const providers = new Set(failed.map(({ attempt }) => attempt.endpoint.provider.name));
  return {
    availability: {
      code: word,
      retryable: true,
      requested_models: [...models],
      affected_providers: [...providers],
    },
  };
}

/** The status that a failure stands for. */
export function statusOf(failure: Failure): number {
  return failure.status ?? new GatewayError(verdicts[failure.kind].code, '').status;
}

/** The smallest hint of any attempt; a 429 always has one. */
function retryAfter(code: ErrorCode, hints: readonly number[]): number | undefined {
  if (hints.length > 0) return Math.min(...hints);
  return code === 'rate_limit_exceeded' ? 1000 : undefined;
}

function summary({ attempt, failure }: FailedAttempt): Readonly<Record<string, unknown>> {
  return {
    provider: attempt.endpoint.provider.name,
    model: attempt.endpoint.model,
    code: verdicts[failure.kind].code,
    status: failure.status ?? null,
  };
}
