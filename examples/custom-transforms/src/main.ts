import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGateway, defineProvider } from '@gatehouse/core';
import { toNodeHandler } from '@gatehouse/node';
import { auditLog } from './audit-log.js';
import { glossary } from './glossary.js';
import { moderation } from './moderation.js';
import { startStandIn } from './stand-in.js';

const key = process.env['GATEHOUSE_KEY'] ?? 'sk-or-v1-example';
const given = process.env['MODERATION_URL'];
const standIn = given === undefined ? await startStandIn() : undefined;

/** A model that says what it was told, so that the glossary can be seen at work. */
const parrot = defineProvider({
  slug: 'parrot',
  name: 'Parrot',
  models: ['building/parrot'],
  async *generate({ messages }) {
    for (const { role, content } of messages) yield `${role}: ${typeof content === 'string' ? content : '…'}\n`;
  },
});

const gateway = createGateway({
  providers: [parrot],
  auth: { keys: [key] },
  transforms: [
    { transform: moderation(given ?? standIn?.url ?? ''), use: 'always' },
    glossary({ gatehouse: 'the building by the gate, and the library named after it' }),
    { transform: auditLog((entry) => console.log(`audit ${JSON.stringify(entry)}`)), use: 'always', optional: true },
  ],
});

const server = createServer(toNodeHandler(gateway, { prefix: '/api/v1' }));
server.listen(Number(process.env['PORT'] ?? 8787), '127.0.0.1', () => {
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
  const body = JSON.stringify({
    model: 'building/parrot',
    messages: [{ role: 'user', content: 'What is a gatehouse?' }],
  });
  console.log(`Gatehouse is running on ${baseUrl}`);
  console.log(`Prompts are moderated by ${given ?? 'a stand-in that flags the word sabotage; set MODERATION_URL'}\n`);
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
