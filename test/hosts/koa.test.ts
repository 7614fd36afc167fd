import { createGateway, defineProvider } from '@gatehouse/core';
import { toKoa } from '@gatehouse/koa';
import Koa from 'koa';
import { describe, expect, it } from 'vitest';
import { listen } from '../tools/hosts.js';
import { ask } from '../tools/http-client.js';
import { describeHost } from './describe-host.js';
import { koaKind } from './koa-kind.js';

describeHost(koaKind('Koa 3', Koa));

describe('middleware above the gateway in Koa', () => {
  it('sees status, headers and a body that is a stream', async () => {
    const gateway = createGateway({
      providers: [
        defineProvider({
          slug: 'echo',
          name: 'Echo',
          models: ['echo/one'],
          async *generate() {
            yield 'hello';
          },
        }),
      ],
      auth: { keys: ['sk-or-v1-middleware-above'] },
    });
    const seen: unknown[] = [];
    const app = new Koa();
    app.use(async (context, next) => {
      await next();
      const body: unknown = context.body;
      const readable = typeof body === 'object' && body !== null && 'pipe' in body;
      seen.push([context.status, context.response.get('content-type'), readable]);
    });
    app.use(toKoa(gateway, { prefix: '/api/v1' }));
    const host = await listen(app.callback());
    const answer = await ask(`${host.origin}/api/v1/chat/completions`, {
      headers: { authorization: 'Bearer sk-or-v1-middleware-above', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'echo/one', messages: [{ role: 'user', content: 'go' }], stream: true }),
    });
    expect(answer.text).toMatch(/hello.*\[DONE\]/s);
    expect(seen).toEqual([[200, 'text/event-stream; charset=utf-8', true]]);
    await host.close();
    await gateway.close();
  });
});
