import { createServer, type RequestListener, type Server } from 'node:http';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import type { Gateway } from '@gatehouse/core';
import { toExpress } from '@gatehouse/express';
import { toKoa } from '@gatehouse/koa';
import { toNodeHandler } from '@gatehouse/node';
import express from 'express';
import express4 from 'express4';
import Koa from 'koa';
import Koa2 from 'koa2';

/** A host under test, listening on this machine. */
export interface RunningHost {
  /** `http://127.0.0.1:port`, without a trailing slash. */
  readonly origin: string;
  readonly server: Server;
  close(): Promise<void>;
}

/** Mounts the gateway under `/api/v1` of an otherwise empty host. */
export type ListenerOf = (gateway: Gateway) => RequestListener;

/** Every host that the gateway supports, each with the gateway under `/api/v1`. */
export const hosts: Readonly<Record<string, ListenerOf>> = {
  'node:http': (gateway) => toNodeHandler(gateway, { prefix: '/api/v1' }),
  'express 5': (gateway) => {
    const app = express();
    app.use('/api/v1', toExpress(gateway));
    return app;
  },
  'express 4': (gateway) => {
    const app = express4();
    app.use('/api/v1', toExpress(gateway));
    return app;
  },
  'koa 3': (gateway) => new Koa().use(toKoa(gateway, { prefix: '/api/v1' })).callback(),
  'koa 2': (gateway) => new Koa2().use(toKoa(gateway, { prefix: '/api/v1' })).callback(),
  'gateway.fetch': (gateway) => fetchListener(gateway),
};

/** Starts a request listener on a free port. */
export async function listen(listener: RequestListener): Promise<RunningHost> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the host did not get a port');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A minimal server around `gateway.fetch`, as runtimes with Web requests have it built in. */
export function fetchListener(gateway: Gateway): RequestListener {
  return (incoming, outgoing) => {
    const aborter = new AbortController();
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) aborter.abort();
    });
    const bodyless = incoming.method === 'GET' || incoming.method === 'HEAD' || incoming.method === 'OPTIONS';
    const headers = new Headers();
    for (let position = 0; position < incoming.rawHeaders.length; position += 2) {
      headers.append(incoming.rawHeaders[position] ?? '', incoming.rawHeaders[position + 1] ?? '');
    }
    const init: RequestInit & { duplex: 'half' } = {
      method: incoming.method ?? 'GET',
      headers,
      body: bodyless ? null : (Readable.toWeb(incoming) as ReadableStream),
      duplex: 'half',
      signal: aborter.signal,
    };
    gateway
      .fetch(`http://${incoming.headers.host ?? 'localhost'}${incoming.url ?? '/'}`, init)
      .then((response) => {
        outgoing.writeHead(response.status, Object.fromEntries(response.headers));
        if (response.body === null) outgoing.end();
        else {
          const body = Readable.fromWeb(response.body as NodeReadableStream);
          body.on('error', () => outgoing.destroy());
          outgoing.on('close', () => body.destroy());
          body.pipe(outgoing);
        }
      })
      .catch(() => outgoing.destroy());
  };
}
