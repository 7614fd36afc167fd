import type { FailureKind } from '../failure.js';

const byStatus: ReadonlyMap<number, FailureKind> = new Map<number, FailureKind>([
  [401, 'upstream_auth'],
  [402, 'upstream_payment'],
  [403, 'upstream_auth'],
  [404, 'model_unavailable'],
  [408, 'timeout'],
  [413, 'too_large'],
  [429, 'rate_limited'],
  [503, 'overloaded'],
  [504, 'timeout'],
  [524, 'timeout'],
  [529, 'overloaded'],
]);

/** What an HTTP status means where the body says nothing clearer. */
export function kindOfStatus(status: number): FailureKind {
  if (status >= 300 && status < 400) return 'bad_response';
  return byStatus.get(status) ?? (status >= 500 ? 'server_error' : 'invalid_request');
}

const MAX_RAW = 2048;
const SHORT_CODE = /^[\x21-\x7e]{1,64}$/;

/** As much of an upstream's body as is kept. */
export function rawOf(text: string): string | undefined {
  return text === '' ? undefined : text.slice(0, MAX_RAW);
}

/** An upstream's own code, if it is short and printable. */
export function codeOf(code: unknown): string | undefined {
  const text = typeof code === 'number' ? String(code) : code;
  return typeof text === 'string' && SHORT_CODE.test(text) ? text : undefined;
}
