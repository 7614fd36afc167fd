import type { GatewayError } from '../errors.js';
import { type CodeForm, toAnswerError } from '../wire/problem.js';
import type { HttpResponse } from './types.js';

/** Of every answer that is neither a stream nor a table. */
export const JSON_TYPE = 'application/json; charset=utf-8';

/** A JSON answer. */
export function json(status: number, body: unknown): HttpResponse & { readonly body: string } {
  return { status, headers: { 'content-type': JSON_TYPE }, body: JSON.stringify(body) };
}

/** An error as a response: the one place where errors before the first content become bytes. */
export function problem(error: GatewayError, form: CodeForm): HttpResponse {
  return {
    status: error.status,
    headers: { 'content-type': JSON_TYPE, ...error.headers, ...retryHeaders(error) },
    body: JSON.stringify({ error: toAnswerError(error, form), ...error.beside }),
  };
}

/** `retry-after` in whole seconds for everybody, `retry-after-ms` and `x-should-retry` for the official clients. */
function retryHeaders(error: GatewayError): Record<string, string> {
  const headers: Record<string, string> = { 'x-should-retry': String(error.retryable) };
  if (error.retryAfterMs !== undefined) {
    headers['retry-after'] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
    headers['retry-after-ms'] = String(Math.max(1, Math.ceil(error.retryAfterMs)));
  }
  return headers;
}
