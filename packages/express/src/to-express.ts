import type { IncomingMessage } from 'node:http';
import type { Gateway } from '@gatehouse/core';
import { type NodeHandler, type NodeHandlerOptions, toNodeHandler } from '@gatehouse/node';
import type { Request } from 'express';

/** How a gateway is mounted in Express. The mount path is Express's own; there is no prefix to give. */
export type ExpressOptions = Omit<NodeHandlerOptions<Request>, 'prefix'>;

/**
 * The gateway as Express middleware, for Express 4 and 5. Mount it before body parsers where you can: they have small
 * limits (`express.json()` stops at 100 kB) and answer errors in HTML.
 *
 * @example
 * import express from 'express';
 * import { toExpress } from '@gatehouse/express';
 *
 * const app = express();
 * app.use('/api/v1', toExpress(gateway));
 */
export function toExpress(gateway: Pick<Gateway, 'handle'>, options: ExpressOptions = {}): NodeHandler {
  const { identify, unhandled } = options;
  return toNodeHandler<IncomingMessage>(gateway, {
    unhandled,
    // Express hands its middleware nothing but its own requests.
    identify: identify && ((request) => identify(request as Request)),
  });
}
