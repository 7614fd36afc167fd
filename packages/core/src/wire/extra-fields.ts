import { fieldError } from './validation-error.js';

const MAX_FIELDS = 64;
const MAX_CHARACTERS = 65_536;

/**
 * Names by which client libraries are told to talk to another place, or with another credential. They never leave the
 * gateway inside an unknown field (CVE-2024-6587 was such a field).
 */
const REDIRECTING: ReadonlySet<string> = new Set([
  'api_base',
  'base_url',
  'baseURL',
  'endpoint',
  'host',
  'url',
  'custom_host',
  'api_key',
  'headers',
  'extra_headers',
]);

/** Older or vendors' own names of what costs money and has a place of its own here: under these it is not paid for. */
const UNPAID: ReadonlySet<string> = new Set(['functions', 'function_call', 'search_parameters']);

const NONE: Readonly<Record<string, unknown>> = Object.freeze({});

/**
 * The fields of a body that `known` does not name, without redirecting names at any depth.
 *
 * @throws GatewayError `invalid_request` for more than 64 fields or 64 KiB.
 */
export function extraFields(
  body: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): Readonly<Record<string, unknown>> {
  const unknown = Object.keys(body).filter((name) => !known.has(name) && !REDIRECTING.has(name) && !UNPAID.has(name));
  if (unknown.length === 0) return NONE;
  if (unknown.length > MAX_FIELDS) throw fieldError('', `expected at most ${MAX_FIELDS} unknown fields`);
  const extra: Record<string, unknown> = Object.create(null);
  for (const name of unknown) extra[name] = withoutRedirects(body[name]);
  if (JSON.stringify(extra).length > MAX_CHARACTERS) {
    throw fieldError('', `expected at most ${MAX_CHARACTERS} characters of unknown fields`);
  }
  return extra;
}

/** A deep copy; depth was bounded when the body was read. */
function withoutRedirects(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRedirects);
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = Object.create(null);
  for (const [name, inner] of Object.entries(value)) {
    if (!REDIRECTING.has(name)) copy[name] = withoutRedirects(inner);
  }
  return copy;
}
