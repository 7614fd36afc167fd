import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientSignal, HttpBody, HttpRequest } from '@gatehouse/core';
import { NodeBody } from './node-body.js';

/** A request as hosts have it: body parsers leave what they made in `body`, Express the client's address in `ip`. */
export type NodeRequest = IncomingMessage & { readonly body?: unknown; readonly ip?: string | undefined };

/** What an adapter knows of a request besides the request itself. */
export interface Located {
  /** Below the mount, without query. */
  readonly path: string;
  readonly query: string;
  readonly identity?: HttpRequest['identity'];
  /** The client's address as the host sees it, proxies considered; by default that of the socket. */
  readonly address?: HttpRequest['address'];
}

/**
 * Describes a request to the gateway. Headers are handed over as they are; the body is the untouched socket, or what a
 * body parser made of it.
 *
 * @param parsed what the host's body parser left, if the stream was read; by default `request.body`.
 */
export function toHttpRequest(
  request: NodeRequest,
  response: ServerResponse,
  located: Located,
  parsed: unknown = request.body,
): HttpRequest {
  return {
    method: request.method ?? 'GET',
    path: located.path,
    query: located.query,
    headers: headersOf(request),
    body: bodyOf(request, parsed),
    signal: new ClientGone(response),
    identity: located.identity,
    address: located.address ?? (() => request.ip ?? request.socket.remoteAddress),
    disconnect: () => response.destroy(),
  };
}

/**
 * Whether the stream was read tells whether a parser was there. Not `'body' in request`: Express 4 sets an empty `body`
 * on requests that it has not read.
 */
function bodyOf(request: NodeRequest, parsed: unknown): HttpBody {
  if (request.readableDidRead || request.readableEnded) return { kind: 'parsed', value: parsed };
  return { kind: 'stream', chunks: new NodeBody(request) };
}

/** Node keeps the first of several `Authorization` headers; which one was meant is not ours to guess. */
function headersOf(request: IncomingMessage): HttpRequest['headers'] {
  const { rawHeaders } = request;
  let first: string | undefined;
  for (let position = 0; position < rawHeaders.length; position += 2) {
    const name = rawHeaders[position];
    if (name?.length !== 13 || name.toLowerCase() !== 'authorization') continue;
    const value = rawHeaders[position + 1] ?? '';
    if (first !== undefined) return { ...request.headers, authorization: [first, value] };
    first = value;
  }
  return request.headers;
}

/**
 * Tells when the client leaves before the answer is complete. The response's `close` tells; the request's comes as soon
 * as its body has been read. Lighter than an `AbortSignal` of its own for every request.
 */
class ClientGone implements ClientSignal {
  aborted: boolean;
  #listeners: (() => void)[] = [];

  constructor(response: ServerResponse) {
    this.aborted = response.destroyed;
    response.once('close', () => {
      if (response.writableFinished || this.aborted) return;
      this.aborted = true;
      for (const listener of this.#listeners) listener();
      this.#listeners = [];
    });
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners = this.#listeners.filter((one) => one !== listener);
  }
}
