import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGateway, type Gateway } from '@gatehouse/core';
import { toExpress } from '@gatehouse/express';
import express from 'express';
import { logRequest, openStore, setUp } from './accounts.js';
import { clientKey } from './client-key.js';
import { demoProvider } from './demo-provider.js';
import { providersFromEnvironment } from './providers-from-environment.js';
import { welcome } from './welcome.js';

const HOST = '127.0.0.1';
const DRAIN_MS = 10_000;
const EXAMPLE = join(dirname(fileURLToPath(import.meta.url)), '..');

const port = parsePort(process.env['PORT']);
const { key, origin } = clientKey(process.env, join(EXAMPLE, '.gatehouse', 'key'));
const { providers, notes } = providersFromEnvironment(process.env);

const managementKey = process.env['GATEHOUSE_MANAGEMENT_KEY']?.trim() ?? '';
const place = process.env['GATEHOUSE_DB']?.trim() || join(EXAMPLE, '.gatehouse', 'gateway.db');

const gateway: Gateway = createGateway({
  providers: providers.length > 0 ? providers : [demoProvider()],
  store: await openStore(place).catch((error: Error) => {
    console.error(`Gatehouse could not open its database ${withoutPassword(place)}: ${error.message}`);
    process.exit(1);
  }),
  auth: {
    keys: [
      { key, label: 'quickstart' },
      ...(managementKey === '' ? [] : [{ key: managementKey, label: 'management', scopes: ['management'] as const }]),
    ],
  },
  onGeneration: (generation) => {
    logRequest(gateway, generation).catch((error: Error) =>
      console.error(`The balance is not known: ${error.message}`),
    );
  },
});
const accountNotes = await setUp(gateway, managementKey !== '');

// Only so that the welcome can name the models: requests need not wait for lists of models.
await gateway.ready;

const app = express();
app.use('/api/v1', toExpress(gateway));
app.get('/', (_request, response) => {
  response.type('text').send('Gatehouse is mounted under /api/v1 of this Express app.\n');
});

const server = createServer(app);
server.on('error', (error: NodeJS.ErrnoException) => {
  const reason = error.code === 'EADDRINUSE' ? `port ${port} is taken: set PORT to another one` : error.message;
  console.error(`Gatehouse could not start: ${reason}.`);
  process.exitCode = 1;
  void gateway.close();
});
server.listen(port, HOST, () => {
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  const models = gateway.models().map(({ id }) => id);
  console.log(
    welcome({
      baseUrl: `http://${HOST}:${bound}/api/v1`,
      key,
      origin,
      models,
      database: withoutPassword(place),
      notes: [...accountNotes, ...notes],
      demo: providers.length === 0,
    }),
  );
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(gateway));

/** Lets running answers finish, then stops; a second Ctrl-C does not wait. */
async function stop(running: Gateway): Promise<void> {
  console.log('\nStopping: running answers may finish. Press Ctrl-C again to stop at once.');
  process.once('SIGINT', () => process.exit(130));
  server.close();
  await running.drain({ timeoutMs: DRAIN_MS });
  await running.close();
  server.closeAllConnections();
  process.exit(0);
}

function withoutPassword(text: string): string {
  return text.replace(/(:\/\/[^:@/]*):[^@/]*@/, '$1:***@');
}

function parsePort(text: string | undefined): number {
  if (text === undefined || text.trim() === '') return 8787;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  console.error(`PORT: expected a number from 0 to 65535, got ${JSON.stringify(text)}.`);
  process.exit(1);
}
