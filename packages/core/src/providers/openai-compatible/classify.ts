import { Failure, type FailureKind } from '../../failure.js';
import { codeOf, kindOfStatus, rawOf } from '../failure-kind.js';
import { isRecord, type JsonRecord, parseJson } from '../json.js';
import { retryAfterMs } from '../retry-after.js';
import type { UpstreamRefusal } from '../types.js';

/** Codes and types of error bodies that are clearer than their status. */
const byCode: ReadonlyMap<string, FailureKind> = new Map<string, FailureKind>([
  ['context_length_exceeded', 'context_length'],
  ['string_too_long', 'context_length'],
  ['content_filter', 'content_policy'],
  ['content_policy_violation', 'content_policy'],
  ['moderation_blocked', 'content_policy'],
  ['insufficient_quota', 'upstream_payment'],
  ['invalid_api_key', 'upstream_auth'],
  ['model_not_found', 'model_unavailable'],
  ['rate_limit_exceeded', 'rate_limited'],
  ['server_error', 'server_error'],
  ['overloaded_error', 'overloaded'],
]);

/** How the family words a prompt that is too long, for servers that send no code with it. */
const TOO_LONG = /maximum context length|context length exceeded|context window|prompt is too long|too many tokens/i;

/** A refusal by status, headers and body. */
export function classifyRefusal(refusal: UpstreamRefusal): Failure {
  const body = parseJson(refusal.text);
  const first: unknown = Array.isArray(body) ? body[0] : body;
  const error = isRecord(first) ? (errorOf(first) ?? first) : {};
  const kind = kindOf(error, refusal.status);
  return new Failure(kind, `the upstream answered ${refusal.status}`, {
    status: refusal.status,
    providerCode: codeOf(error['code'] ?? error['type']),
    retryAfterMs: retryAfterMs(refusal.headers),
    raw: rawOf(refusal.text),
  });
}

/** An error object under status 200 or inside a stream; its numeric code, if any, is read as a status. */
export function classifyError(error: JsonRecord, status: number | undefined): Failure {
  const stated = Number(error['code'] ?? error['status']);
  const meant = Number.isInteger(stated) && stated >= 400 && stated < 600 ? stated : (status ?? 500);
  return new Failure(kindOf(error, meant), 'the upstream answered with an error', {
    status: meant,
    providerCode: codeOf(error['code'] ?? error['type']),
    raw: rawOf(JSON.stringify({ error })),
  });
}

/** The error of an event or a body; some servers have a text in its place. Undefined where there is none. */
export function errorOf(body: JsonRecord): JsonRecord | undefined {
  const { error } = body;
  if (isRecord(error)) return error;
  return typeof error === 'string' && error !== '' ? { message: error, type: body['error_type'] } : undefined;
}

function kindOf(error: JsonRecord, status: number): FailureKind {
  for (const word of [error['code'], error['type']]) {
    const kind = typeof word === 'string' ? byCode.get(word) : undefined;
    if (kind !== undefined) return kind;
  }
  const { message } = error;
  if ((status === 400 || status === 413) && typeof message === 'string' && TOO_LONG.test(message))
    return 'context_length';
  return kindOfStatus(status);
}
