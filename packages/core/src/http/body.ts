import { isUtf8 } from 'node:buffer';
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import { fieldError } from '../wire/validation-error.js';
import { inspectJson, type JsonLimits, scanJson } from './json-limits.js';
import type { HttpRequest } from './types.js';

/** Bounds of a request body. */
export interface BodyLimits extends JsonLimits {
  readonly bytes: number;
  /** Milliseconds until the whole body must be there. */
  readonly timeoutMs: number;
}

const JSON_TYPE = /^application\/(?:[\w.+-]{1,100}\+)?json\s*(?:;|$)/i;
const MAX_TYPE_LENGTH = 256;

/**
 * Reads and parses a JSON body within limits, whether the socket is untouched or a body parser of the host came first.
 *
 * @throws GatewayError `unsupported_media_type`, `payload_too_large`, `request_timeout` or `invalid_request`.
 */
export async function readJsonBody(request: HttpRequest, limits: BodyLimits, clock: Clock): Promise<unknown> {
  checkType(request.headers['content-type']);
  const { body } = request;
  if (body.kind === 'parsed') return parsedValue(body.value, limits);
  checkEncoding(request.headers['content-encoding']);
  if (Number(request.headers['content-length']) > limits.bytes) throw tooLong(limits);
  return parseBytes(await collect(request, body.chunks, limits, clock), limits);
}

function checkType(type: string | readonly string[] | undefined): void {
  if (type === undefined || type === '') return;
  if (typeof type === 'string' && type.length <= MAX_TYPE_LENGTH && JSON_TYPE.test(type)) return;
  throw new GatewayError('unsupported_media_type', 'Content-Type: expected application/json');
}

function checkEncoding(encoding: string | readonly string[] | undefined): void {
  if (encoding === undefined || encoding === '' || encoding === 'identity') return;
  throw new GatewayError('unsupported_media_type', 'Content-Encoding: expected an uncompressed body');
}

/** What a host's parser left: a JSON value, or the text or bytes of one. */
function parsedValue(value: unknown, limits: BodyLimits): unknown {
  if (value === undefined) {
    throw new GatewayError(
      'invalid_request',
      'the request body was read before it reached the gateway: mount the gateway before whatever reads it, or parse it as JSON',
    );
  }
  if (typeof value === 'string') return parseBytes(Buffer.from(value), limits);
  if (value instanceof Uint8Array) return parseBytes(value, limits);
  inspectJson(value, limits);
  return value;
}

function parseBytes(bytes: Uint8Array, limits: BodyLimits): unknown {
  if (bytes.length > limits.bytes) throw tooLong(limits);
  if (bytes.length === 0) throw fieldError('', 'expected a JSON object as request body, it is empty');
  if (!isUtf8(bytes)) throw fieldError('', 'expected the request body in UTF-8');
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  scanJson(buffer, limits);
  let value: unknown;
  try {
    value = JSON.parse(buffer.toString('utf8'));
  } catch {
    throw fieldError('', 'expected a JSON object as request body, it is not valid JSON');
  }
  inspectJson(value, limits);
  return value;
}

function tooLong(limits: BodyLimits): GatewayError {
  return new GatewayError('payload_too_large', `expected a request body of at most ${limits.bytes} bytes`, {
    headers: { connection: 'close' },
  });
}

/** Collects the body; stops at the first byte too many, at the deadline, and when the client goes away. */
function collect(
  request: HttpRequest,
  chunks: AsyncIterable<Uint8Array>,
  limits: BodyLimits,
  clock: Clock,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limits.timeoutMs, () => reject(tooSlow(limits)));
    drain(chunks, limits).then(
      (bytes) => {
        cancel();
        resolve(bytes);
      },
      (error: unknown) => {
        cancel();
        reject(unreadable(error, request));
      },
    );
  });
}

async function drain(chunks: AsyncIterable<Uint8Array>, limits: BodyLimits): Promise<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  let total = 0;
  for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) {
    pieces.push(step.value);
    total += step.value.length;
    if (total > limits.bytes) throw tooLong(limits);
  }
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces, total);
}

function unreadable(error: unknown, request: HttpRequest): unknown {
  if (request.signal.aborted) return new GatewayError('client_closed', 'the client went away', { cause: error });
  return error instanceof GatewayError ? error : fieldError('', 'the request body ended too early');
}

function tooSlow(limits: BodyLimits): GatewayError {
  return new GatewayError('request_timeout', `expected the whole request body within ${limits.timeoutMs} ms`, {
    headers: { connection: 'close' },
  });
}
