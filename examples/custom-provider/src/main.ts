import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGateway } from '@gatehouse/core';
import { toNodeHandler } from '@gatehouse/node';
import { clock, llama } from './providers.js';
import { startStandIn } from './stand-in.js';

const key = process.env['GATEHOUSE_KEY'] ?? 'sk-or-v1-example';
const given = process.env['LLAMA_URL'];
const standIn = given === undefined ? await startStandIn() : undefined;

const gateway = createGateway({
  providers: [llama(given ?? standIn?.url ?? ''), clock],
  auth: { keys: [key] },
});

const server = createServer(toNodeHandler(gateway, { prefix: '/api/v1' }));
server.listen(Number(process.env['PORT'] ?? 8787), '127.0.0.1', () => {
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
  const body = JSON.stringify({ model: 'building/llama', messages: [{ role: 'user', content: 'Hello!' }] });
  console.log(`Gatehouse is running on ${baseUrl}`);
  console.log(`Models: building/llama (${given ?? 'a stand-in without a model; set LLAMA_URL'}), building/clock\n`);
  console.log(
    `curl ${baseUrl}/chat/completions -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\`,
  );
  console.log(`  -d '${body}'`);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    server.close();
    standIn?.server.close();
    await gateway.close();
    server.closeAllConnections();
    process.exit(0);
  });
}
