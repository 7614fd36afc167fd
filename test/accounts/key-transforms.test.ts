import {
  createGateway,
  defineProvider,
  defineTransform,
  type Gateway,
  type GatewayOptions,
  memoryStore,
  systemPrompt,
} from '@gatehouse/core';
import { afterEach, describe, expect, it } from 'vitest';

const policy = systemPrompt({ text: 'Be brief.' });
const seen: string[] = [];
let gateway: Gateway;

function open(
  store = memoryStore(),
  transforms: GatewayOptions['transforms'] = [{ transform: policy, use: 'requested' }],
): Gateway {
  gateway = createGateway({
    providers: [
      defineProvider({
        slug: 'echo',
        name: 'Echo',
        models: ['echo/parrot'],
        async *generate({ messages }) {
          seen.push(messages.map(({ role }) => role).join(' '));
          yield 'Hello';
        },
      }),
    ],
    store,
    transforms,
    onError: () => undefined,
  });
  return gateway;
}

afterEach(async () => {
  seen.length = 0;
  await gateway.close();
});

async function send(
  method: string,
  path: string,
  key: string,
  body?: object,
): Promise<{
  status: number;
  body: {
    data?: { hash: string; transforms: string[] };
    key?: string;
    error?: { metadata: { field?: string; issues?: { path: string }[] } };
  };
}> {
  const response = await gateway.fetch(`http://gateway${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const chat = (key: string, more: object = {}): ReturnType<typeof send> =>
  send('POST', '/chat/completions', key, {
    model: 'echo/parrot',
    messages: [{ role: 'user', content: 'hi' }],
    ...more,
  });

describe('transforms that a key enforces', () => {
  it('run for each of its requests, and no request switches them off', async () => {
    open();
    const { key } = await gateway.keys.create({ name: 'bound', transforms: ['system-prompt'] });
    const { key: free } = await gateway.keys.create({ name: 'free' });
    for (const more of [{}, { transforms: [] }]) expect((await chat(key, more)).status).toBe(200);
    expect((await chat(free)).status).toBe(200);
    expect(seen).toEqual(['system user', 'system user', 'user']);
    expect((await chat(key, { transforms: [{ name: 'system-prompt', text: 'Be long.' }] })).status).toBe(400);
  });

  it('are passed on to the keys that it makes, which cannot be without them', async () => {
    open();
    const { key: manager } = await gateway.keys.create({
      name: 'manager',
      scopes: ['management'],
      transforms: ['system-prompt'],
    });
    const child = await send('POST', '/keys', manager, { name: 'child' });
    expect([child.status, child.body.data?.transforms]).toEqual([201, ['system-prompt']]);
    for (const transforms of [[], null, ['redact']]) {
      const refused = await send('POST', '/keys', manager, { name: 'loose', transforms });
      expect([refused.status, refused.body.error?.metadata.field]).toEqual([403, 'transforms']);
      const changed = await send('PATCH', `/keys/${child.body.data?.hash}`, manager, { transforms });
      expect([changed.status, changed.body.error?.metadata.field]).toEqual([403, 'transforms']);
    }
    const more = await send('PATCH', `/keys/${child.body.data?.hash}`, manager, {
      transforms: ['system-prompt', 'redact'],
    });
    expect([more.status, more.body.data?.transforms]).toEqual([200, ['system-prompt', 'redact']]);
  });

  it('have to be there, and to need no options', async () => {
    open();
    const { key } = await gateway.keys.create({ name: 'manager', scopes: ['management'] });
    for (const name of ['nothing', 'response-filter']) {
      const { status, body } = await send('POST', '/keys', key, { name: 'x', transforms: ['redact', name] });
      expect([status, body.error?.metadata.issues?.[0]?.path]).toEqual([400, 'transforms.1']);
    }
  });

  it('fail a request where the gateway does not have them any more, rather than let it pass', async () => {
    const store = memoryStore();
    const audit = defineTransform({ name: 'audit', request: (request) => request });
    open(store, [{ transform: audit, use: 'requested' }]);
    const { key } = await gateway.keys.create({ name: 'audited', transforms: ['audit'] });
    expect((await chat(key)).status).toBe(200);
    open(store);
    expect((await chat(key)).status).toBe(500);
    expect(seen).toEqual(['user']);
  });
});
