/** A gateway in a process of its own, so that a test can kill it: on `node:http`, on a database that others share. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGateway, openaiCompatible } from '@gatehouse/core';
import { toNodeHandler } from '@gatehouse/node';
import { storeAt } from '@gatehouse/sql';

const { GATEHOUSE_DB: place = '', UPSTREAM: baseUrl = '', PRICING: pricing = '{}' } = process.env;

const gateway = createGateway({
  providers: [
    openaiCompatible({
      slug: 'acme',
      baseUrl,
      models: [{ id: 'acme/small', pricing: JSON.parse(pricing), contextLength: 8192, maxCompletionTokens: 1000 }],
    }),
  ],
  store: await storeAt(place),
  billing: { creditsRequired: true },
  onStoreChange: () => undefined,
});
await gateway.ready;

const server = createServer(toNodeHandler(gateway, { prefix: '/api/v1' }));
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit(0));
process.on('message', () => {
  server.close();
  server.closeAllConnections();
  void gateway.close().then(() => process.exit(0));
});
