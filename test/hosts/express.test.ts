import { createGateway, defineProvider } from '@gatehouse/core';
import { toExpress } from '@gatehouse/express';
import compression from 'compression';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { gate } from '../tools/gate.js';
import { listen } from '../tools/hosts.js';
import { open } from '../tools/http-client.js';
import { describeHost } from './describe-host.js';
import { expressKind } from './express-kind.js';

describeHost(expressKind('Express 5', express));

describe('behind compression()', () => {
  it('each piece of a stream arrives before the next one is made', async () => {
    const first = gate();
    const gateway = createGateway({
      providers: [
        defineProvider({
          slug: 'slow',
          name: 'Slow',
          models: ['slow/one'],
          async *generate() {
            yield 'first';
            await first.arrive();
            yield 'second';
          },
        }),
      ],
      auth: { keys: ['sk-or-v1-behind-compression'] },
    });
    const app = express();
    app.use(compression({ threshold: 0 }));
    app.use('/api/v1', toExpress(gateway));
    const host = await listen(app);
    const { response } = await open(`${host.origin}/api/v1/chat/completions`, {
      headers: {
        authorization: 'Bearer sk-or-v1-behind-compression',
        'content-type': 'application/json',
        'accept-encoding': 'gzip',
      },
      body: JSON.stringify({ model: 'slow/one', messages: [{ role: 'user', content: 'go' }], stream: true }),
    });
    expect(response.headers['content-encoding']).toBeUndefined();
    let text = '';
    for await (const piece of response) {
      text += String(piece);
      if (text.includes('first')) first.open();
    }
    expect(text).toMatch(/first.*second.*\[DONE\]/s);
    await host.close();
    await gateway.close();
  });
});
