import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Gateway, type HttpRequest, locate, type MaybeIdentity } from '@gatehouse/core';
import { toHttpRequest } from './to-http-request.js';
import { writeResponse } from './write-response.js';

/** How a gateway is mounted on a Node request listener. */
export interface NodeHandlerOptions<Request extends IncomingMessage = IncomingMessage> {
  /** Where the API begins: `/api/v1`. Default: at the root. */
  readonly prefix?: string | undefined;
  /** Requests that the gateway has no route for: `answer` (default) with its own JSON 404 or 405, or `next`. */
  readonly unhandled?: 'answer' | 'next' | undefined;
  /** Tells who is calling, where the host knows better than a bearer key; undefined leaves it to the key. */
  readonly identify?: ((request: Request) => MaybeIdentity | Promise<MaybeIdentity>) | undefined;
}

/** A request listener; `next` is what middleware hosts call for requests that are not ours, and for errors of the host. */
export type NodeHandler<Request extends IncomingMessage = IncomingMessage> = (
  request: Request,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/** No route has this path: what lies outside of the prefix is answered like any unknown route. */
const OUTSIDE = { path: '/', query: '' };

/**
 * The gateway as a request listener.
 *
 * @example
 * import { createServer } from 'node:http';
 * import { toNodeHandler } from '@gatehouse/node';
 *
 * createServer(toNodeHandler(gateway, { prefix: '/api/v1' })).listen(8787);
 */
export function toNodeHandler<Request extends IncomingMessage = IncomingMessage>(
  gateway: Pick<Gateway, 'handle'>,
  options: NodeHandlerOptions<Request> = {},
): NodeHandler<Request> {
  const { prefix = '', unhandled = 'answer', identify } = options;
  return (request, response, next) => {
    const located = locate(request.url ?? '/', prefix);
    const pass = unhandled === 'next' ? next : undefined;
    if (located === undefined && pass !== undefined) {
      pass();
      return;
    }
    const identity = identify && (() => identify(request));
    const described = toHttpRequest(request, response, { ...(located ?? OUTSIDE), identity });
    // The gateway never rejects; a host's own response may.
    serve(gateway, described, request, response, pass).catch(() => response.destroy());
  };
}

async function serve(
  gateway: Pick<Gateway, 'handle'>,
  described: HttpRequest,
  request: IncomingMessage,
  response: ServerResponse,
  pass: (() => void) | undefined,
): Promise<void> {
  const answer = await gateway.handle(described);
  if (answer.unhandled === true && pass !== undefined) pass();
  else await writeResponse(request, response, answer);
}
