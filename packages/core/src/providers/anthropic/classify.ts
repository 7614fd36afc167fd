import { Failure, type FailureKind } from '../../failure.js';
import { codeOf, kindOfStatus, rawOf } from '../failure-kind.js';
import { isRecord, type JsonRecord, parseJson } from '../json.js';
import { retryAfterMs } from '../retry-after.js';
import type { UpstreamRefusal } from '../types.js';

/** What an error's type means, and the status that it stands for where there is none. */
const TYPES: ReadonlyMap<unknown, { readonly kind: FailureKind; readonly status: number }> = new Map([
  ['invalid_request_error', { kind: 'invalid_request', status: 400 }],
  ['authentication_error', { kind: 'upstream_auth', status: 401 }],
  ['billing_error', { kind: 'upstream_payment', status: 402 }],
  ['permission_error', { kind: 'upstream_auth', status: 403 }],
  ['not_found_error', { kind: 'model_unavailable', status: 404 }],
  ['request_too_large', { kind: 'too_large', status: 413 }],
  ['rate_limit_error', { kind: 'rate_limited', status: 429 }],
  ['api_error', { kind: 'server_error', status: 500 }],
  ['timeout_error', { kind: 'timeout', status: 504 }],
  ['overloaded_error', { kind: 'overloaded', status: 529 }],
]);

/** How the API words what has no type of its own. */
const TOO_LONG = /prompt is too long|exceed context limit|context window|input length and `max_tokens`/i;
const NO_MONEY = /credit balance|spend(?:ing)? limit|usage limits/i;

/** A refusal by status, headers and body. */
export function classifyRefusal({ status, headers, text }: UpstreamRefusal): Failure {
  const body = parseJson(text);
  const error = isRecord(body) && isRecord(body['error']) ? body['error'] : {};
  return new Failure(kindOf(error, status), `the upstream answered ${status}`, {
    status,
    providerCode: codeOf(error['type']),
    retryAfterMs: retryAfterMs(headers),
    raw: rawOf(text),
  });
}

/** An error object inside a stream or under status 200. */
export function classifyError(error: JsonRecord): Failure {
  const status = TYPES.get(error['type'])?.status ?? 500;
  return new Failure(kindOf(error, status), 'the upstream answered with an error', {
    status,
    providerCode: codeOf(error['type']),
    raw: rawOf(JSON.stringify({ error })),
  });
}

function kindOf({ type, message }: JsonRecord, status: number): FailureKind {
  const kind = TYPES.get(type)?.kind ?? kindOfStatus(status);
  if ((kind !== 'invalid_request' && kind !== 'too_large') || typeof message !== 'string') return kind;
  if (TOO_LONG.test(message)) return 'context_length';
  return NO_MONEY.test(message) ? 'upstream_payment' : kind;
}
