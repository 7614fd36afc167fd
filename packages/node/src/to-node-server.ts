import { createServer, type Server } from 'node:http';
import type { Gateway } from '@gatehouse/core';
import { type NodeHandlerOptions, toNodeHandler } from './to-node-handler.js';

/** Longer than any answer may take; bodies have a deadline of their own inside the gateway. */
const REQUEST_TIMEOUT_MS = 660_000;
const HEADERS_TIMEOUT_MS = 30_000;
/** Above the 60 s of common load balancers, so that the balancer closes idle connections first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/**
 * A ready `http.Server` that serves nothing but the gateway; call `listen` on it.
 *
 * @example
 * toNodeServer(gateway, { prefix: '/api/v1' }).listen(8787, '127.0.0.1');
 */
export function toNodeServer(gateway: Pick<Gateway, 'handle'>, options: NodeHandlerOptions = {}): Server {
  const handler = toNodeHandler(gateway, { ...options, unhandled: 'answer' });
  return createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    (request, response) => handler(request, response),
  );
}
