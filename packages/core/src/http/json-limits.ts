import { fieldError } from '../wire/validation-error.js';

/** Bounds of a request body, checked before anything recursive touches it. */
export interface JsonLimits {
  readonly depth: number;
  /** Values of any kind, keys not counted. */
  readonly nodes: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Scans JSON bytes for depth and size without parsing them: one pass, no recursion, strings are jumped over.
 * Malformed input passes or fails here, it fails in the parser either way.
 *
 * @throws GatewayError `invalid_request` beyond a limit.
 */
export function scanJson(bytes: Buffer, limits: JsonLimits): void {
  let depth = 0;
  let nodes = 1;
  const end = bytes.length;
  for (let position = 0; position < end; position += 1) {
    const byte = bytes[position];
    if (byte === QUOTE) {
      position = endOfString(bytes, position + 1);
    } else if (byte === COMMA) {
      nodes += 1;
      if (nodes > limits.nodes) throw tooLarge(limits);
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      nodes += 1;
      if (depth > limits.depth) throw tooDeep(limits);
      if (nodes > limits.nodes) throw tooLarge(limits);
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
    }
  }
}

/** The position of the quote that closes a string, or the end of the input. */
function endOfString(bytes: Buffer, start: number): number {
  let quote = bytes.indexOf(QUOTE, start);
  while (quote !== -1) {
    let backslashes = 0;
    while (quote - 1 - backslashes >= start && bytes[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
    quote = bytes.indexOf(QUOTE, quote + 1);
  }
  return bytes.length;
}

/** Where the walk is: `data` is content that the gateway passes on without reading it, such as a JSON Schema. */
interface Place {
  readonly value: object;
  readonly depth: number;
  readonly parentKey: string;
  readonly data: boolean;
}

/**
 * Walks a parsed body without recursion: depth, size, and keys that reach for prototypes. `__proto__` is refused
 * anywhere; `constructor` and `prototype` are refused except inside JSON Schemas, where they are plain property names.
 *
 * @throws GatewayError `invalid_request`.
 */
export function inspectJson(root: unknown, limits: JsonLimits): void {
  if (typeof root !== 'object' || root === null) return;
  const open: Place[] = [{ value: root, depth: 1, parentKey: '', data: false }];
  let nodes = 1;
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (place.depth > limits.depth) throw tooDeep(limits);
    const { value, depth, data } = place;
    if (Array.isArray(value)) {
      nodes += value.length;
      for (const inner of value) {
        if (typeof inner === 'object' && inner !== null) {
          open.push({ value: inner, depth: depth + 1, parentKey: place.parentKey, data });
        }
      }
    } else {
      nodes += inspectObject(place, open);
    }
    if (nodes > limits.nodes) throw tooLarge(limits);
  }
}

/** Checks the keys of one object, queues its objects, and answers how many values it has. */
function inspectObject(place: Place, open: Place[]): number {
  const entries = Object.entries(place.value);
  for (const [key, inner] of entries) {
    if (key === '__proto__' || (!place.data && (key === 'constructor' || key === 'prototype'))) {
      throw fieldError('', 'a field name that is reserved by the language is not accepted');
    }
    if (typeof inner === 'object' && inner !== null) {
      const data = place.data || isSchema(place.parentKey, key);
      open.push({ value: inner, depth: place.depth + 1, parentKey: key, data });
    }
  }
  return entries.length;
}

function isSchema(parentKey: string, key: string): boolean {
  return (parentKey === 'function' && key === 'parameters') || (parentKey === 'json_schema' && key === 'schema');
}

function tooDeep(limits: JsonLimits): Error {
  return fieldError('', `expected JSON of at most ${limits.depth} levels`);
}

function tooLarge(limits: JsonLimits): Error {
  return fieldError('', `expected JSON of at most ${limits.nodes} values`);
}
