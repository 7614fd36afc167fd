import { Failure, type FailureKind } from '../../failure.js';
import { codeOf, kindOfStatus, rawOf } from '../failure-kind.js';
import { isRecord, type JsonRecord, parseJson } from '../json.js';
import { retryAfterMs } from '../retry-after.js';
import type { UpstreamRefusal } from '../types.js';

/** What a status word means. Source: google.rpc.Code. */
const WORDS: ReadonlyMap<unknown, FailureKind> = new Map<unknown, FailureKind>([
  ['INVALID_ARGUMENT', 'invalid_request'],
  ['FAILED_PRECONDITION', 'invalid_request'],
  ['OUT_OF_RANGE', 'invalid_request'],
  ['UNAUTHENTICATED', 'upstream_auth'],
  ['PERMISSION_DENIED', 'upstream_auth'],
  ['NOT_FOUND', 'model_unavailable'],
  ['INTERNAL', 'server_error'],
  ['UNKNOWN', 'server_error'],
  ['RESOURCE_EXHAUSTED', 'rate_limited'],
  ['UNAVAILABLE', 'overloaded'],
  ['DEADLINE_EXCEEDED', 'timeout'],
]);
/** How the API words a prompt that is too long, which has no code of its own. */
const TOO_LONG = /token count .{0,80}exceeds|exceeds the maximum number of tokens|input context is too long/i;

/** A refusal by status, headers and body, which is an object or a list that holds one. */
export function classifyRefusal({ status, headers, text }: UpstreamRefusal): Failure {
  const error = errorOf(parseJson(text)) ?? {};
  return new Failure(kindOf(error, status), `the upstream answered ${status}`, {
    status,
    providerCode: codeOf(error['status']),
    retryAfterMs: retryAfterMs(headers) ?? retryDelayMs(error),
    raw: rawOf(text),
  });
}

/** An error object inside a stream or under status 200. */
export function classifyError(error: JsonRecord): Failure {
  const status = Number.isInteger(error['code']) ? Number(error['code']) : 500;
  return new Failure(kindOf(error, status), 'the upstream answered with an error', {
    status,
    providerCode: codeOf(error['status']),
    retryAfterMs: retryDelayMs(error),
    raw: rawOf(JSON.stringify({ error })),
  });
}

/** The error of a body; undefined where it has none. */
export function errorOf(body: unknown): JsonRecord | undefined {
  const first: unknown = Array.isArray(body) ? body[0] : body;
  return isRecord(first) && isRecord(first['error']) ? first['error'] : undefined;
}

function kindOf(error: JsonRecord, status: number): FailureKind {
  const kind = WORDS.get(error['status']) ?? kindOfStatus(status);
  if (kind !== 'invalid_request') return kind;
  if (detailsOf(error).some((detail) => detail['reason'] === 'API_KEY_INVALID')) return 'upstream_auth';
  const { message } = error;
  return typeof message === 'string' && TOO_LONG.test(message) ? 'context_length' : kind;
}

/** `google.rpc.RetryInfo`: a duration such as `34.4s`. */
function retryDelayMs(error: JsonRecord): number | undefined {
  for (const { retryDelay } of detailsOf(error) as readonly { readonly retryDelay?: unknown }[]) {
    const seconds = typeof retryDelay === 'string' ? /^(\d{1,6}(?:\.\d{1,9})?)s$/.exec(retryDelay)?.[1] : undefined;
    if (seconds !== undefined) return Math.round(Number(seconds) * 1000);
  }
  return undefined;
}

function detailsOf(error: JsonRecord): readonly JsonRecord[] {
  return Array.isArray(error['details']) ? error['details'].filter(isRecord) : [];
}
