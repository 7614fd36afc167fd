import { createGateway, defineProvider, memoryStore } from '@gatehouse/core';
import { toNodeHandler } from '@gatehouse/node';
import { afterEach, expect, it, vi } from 'vitest';
import { listen } from '../tools/hosts.js';

const KEY = 'sk-or-v1-key-of-the-callbacks-test';
const thrown = (): never => {
  throw new Error('the host failed');
};

afterEach(() => vi.restoreAllMocks());

it('functions of the options that throw or reject neither end the process nor cost an answer', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  let isDown = true;
  const gateway = createGateway({
    providers: [
      defineProvider({
        slug: 'shaky',
        name: 'Shaky',
        models: ['shaky/one'],
        async *generate() {
          if (isDown) throw new Error('down');
          yield 'Hello';
        },
      }),
    ],
    auth: { keys: [KEY] },
    store: memoryStore(),
    onError: thrown,
    onHealthChange: thrown,
    onGeneration: () => Promise.reject(new Error('the host failed later')),
    transforms: [{ transform: { name: 'broken', request: thrown }, use: 'requested' }],
  });
  const host = await listen(toNodeHandler(gateway, { prefix: '/api/v1' }));
  const ask = async (more: object = {}): Promise<number> => {
    const response = await fetch(`${host.origin}/api/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'shaky/one', messages: [{ role: 'user', content: 'hi' }], ...more }),
    });
    await response.text();
    return response.status;
  };
  for (let count = 0; count < 5; count += 1) expect(await ask()).toBeGreaterThanOrEqual(500);
  isDown = false;
  expect(await ask()).toBe(200);
  expect(await ask({ transforms: ['broken'] })).toBe(500);
  await gateway.drain();
  expect(log).toHaveBeenCalled();
  await host.close();
  await gateway.close();
});

it('a limit without a name is that of all nameless callers of its account', async () => {
  const pricing = { prompt: '0', completion: '0', request: '0.01' };
  const gateway = createGateway({
    providers: [
      defineProvider({
        slug: 'echo',
        name: 'Echo',
        models: [{ id: 'echo/one', pricing, contextLength: 1000 }],
        async *generate() {
          yield 'Hello';
        },
      }),
    ],
  });
  const request = { model: 'echo/one', messages: [{ role: 'user' as const, content: 'hi' }] };
  const identity = { account: 'team', limit: 0.02 };
  await gateway.chat(request, { identity });
  await gateway.chat(request, { identity });
  await expect(gateway.chat(request, { identity })).rejects.toMatchObject({ code: 'key_limit_exceeded' });
  await gateway.chat(request, { identity: { ...identity, account: 'another' } });
  await gateway.close();
});
