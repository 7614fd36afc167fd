import { createHash } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { createGateway, memoryStore, openaiCompatible } from '@gatehouse/core';
import { toNodeHandler } from '@gatehouse/node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hosts, listen } from '../tools/hosts.js';
import { ask } from '../tools/http-client.js';
import { manualClock } from '../tools/manual-clock.js';
import { type AccountGateway, accountGateways, dataOf, errorOf, NOON, until } from './account-gateway.js';

const SEED = 20_260_923;
const HEX = /^[0-9a-f]{64}$/;

const start = accountGateways();

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
/** The bytes of a text in UTF-8, without those that no header can carry. */
const bytesAsHeader = (text: string): string =>
  Buffer.from(Buffer.from(text).filter((byte) => byte === 9 || (byte >= 32 && byte !== 127))).toString('latin1');

/** Values of `Authorization` that open nothing, though many of them almost do. `real` is a key that would. */
function hostileValues(real: string, count: number): readonly string[] {
  const secret = real.slice('sk-or-v1-'.length);
  const hexDigit = fc.nat(15).map((value) => value.toString(16));
  const hex = fc.string({ unit: hexDigit, minLength: 64, maxLength: 64 });
  const almost = fc.oneof(
    fc.nat(63).map((at) => `sk-or-v1-${secret.slice(0, at)}${secret[at] === 'z' ? 'y' : 'z'}${secret.slice(at + 1)}`),
    fc.nat(62).map((length) => `sk-or-v1-${secret.slice(0, length + 1)}`),
    fc.string({ unit: hexDigit, minLength: 1, maxLength: 40 }).map((more) => real + more),
    fc
      .constantFrom('sk-or-v2-', 'SK-OR-V1-', 'sk-or-', 'sk-', '', 'sk-or-v1', 'sk_or_v1_', 'xsk-or-v1-')
      .map((prefix) => prefix + secret),
    fc.constantFrom(
      `sk-or-v1-${secret.toUpperCase()}`,
      sha256(real),
      `${real}=`,
      `"${real}"`,
      `${real},`,
      `%20${real}`,
    ),
    hex.map((other) => `sk-or-v1-${other}`),
    hex.map((other) => `sk-or-v1-${other.slice(0, 63)}${'ghijklmnop'[other.charCodeAt(0) % 10]}`),
  );
  const sql = fc.constantFrom(
    `sk-or-v1-' OR '1'='1`,
    `' OR 1=1 --`,
    `sk-or-v1-${secret}' OR 'a'='a`,
    `sk-or-v1-%`,
    `sk-or-v1-${'_'.repeat(64)}`,
    `'; DROP TABLE keys; --`,
    `1) UNION SELECT * FROM keys --`,
    `\\' OR hash IS NOT NULL --`,
    `{"$ne":null}`,
    `*`,
    `__proto__`,
  );
  const text = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: 'binary', maxLength: 120 }));
  const huge = fc.integer({ min: 500, max: 9000 }).map((length) => `sk-or-v1-${'a'.repeat(length)}`);
  const token = fc.oneof(
    { weight: 5, arbitrary: almost },
    { weight: 2, arbitrary: sql },
    { weight: 3, arbitrary: text },
    { weight: 1, arbitrary: huge },
  );
  const schemes = fc.constantFrom(
    'Bearer ',
    'bearer ',
    'BEARER   ',
    'Bearer\t',
    'Bearer',
    'Basic ',
    'Token ',
    '',
    'Bearer Bearer ',
  );
  const value = fc.tuple(schemes, token).map(([scheme, one]) => scheme + one);
  return fc.sample(value, { seed: SEED, numRuns: count });
}

describe('R-V01 R-M41 hostile Authorization values', () => {
  it('R-V01 of 10 000 all are 401, and the store sees digests of well-formed keys only', async () => {
    const { gateway, host, store, key } = await start({ auth: { failuresPerMinute: 1_000_000 } });
    const real = await key();
    const values = hostileValues(real.key, 10_000).map(bytesAsHeader);
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const before = store.calls.length;
    const statusOf = (authorization: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const sent = httpRequest(`${host.origin}/api/v1/key`, { agent, headers: { authorization } }, (response) => {
          let body = '';
          response.setEncoding('utf8');
          response.on('data', (piece: string) => {
            body += piece;
          });
          response.on('end', () => {
            const { error } = JSON.parse(body) as { error: { metadata: { reason: string } } };
            resolve(`${response.statusCode} ${error.metadata.reason}`);
          });
        });
        sent.on('error', reject);
        sent.end();
      });
    const reasons = new Map<string, number>();
    const queue = [...values];
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
          const reason = await statusOf(value);
          reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        }
      }),
    );
    agent.destroy();
    expect([...reasons.keys()].toSorted()).toEqual(['401 malformed', '401 missing', '401 unknown']);
    const calls = store.calls.slice(before).filter(({ part }) => part !== 'ledger');
    expect(new Set(calls.map(({ part, method }) => `${part}.${method}`))).toEqual(new Set(['keys.find']));
    for (const { args } of calls) expect(args).toEqual([expect.stringMatching(HEX)]);
    const wellFormed = new Set(
      values.flatMap((value) => /^bearer +(sk-or-v1-[0-9a-f]{64}) *$/i.exec(value)?.[1] ?? []).map(sha256),
    );
    expect(calls.filter(({ args }) => !wellFormed.has(String(args[0])))).toEqual([]);
    expect(calls.length).toBeGreaterThan(100);
    expect((await gateway.keys.read(real.hash)).last_used_at).toBeNull();
  });

  it('R-V01 that no socket would carry are refused alike', async () => {
    const { gateway, store, key } = await start({ auth: { failuresPerMinute: 1_000_000 } });
    const real = await key();
    const values = hostileValues(real.key, 2000).concat([
      'Bearer \0',
      `Bearer ${'x'.repeat(5_000_000)}`,
      'Bearer \n\r',
    ]);
    for (const authorization of values) {
      const { status } = await gateway.handle({
        method: 'GET',
        path: '/key',
        query: '',
        headers: { authorization },
        body: { kind: 'parsed', value: undefined },
        signal: new AbortController().signal,
      });
      expect([authorization.slice(0, 80), status]).toEqual([authorization.slice(0, 80), 401]);
    }
    for (const [hash] of store.callsOf('keys', 'find')) expect(hash).toMatch(HEX);
  });

  it('R-V01 a key in query, path, cookie or a header of another name opens nothing', async () => {
    const { ask: send, key } = await start();
    const { key: text } = await key();
    for (const path of [`/key?key=${text}`, `/key?api_key=${text}`, `/key?authorization=Bearer%20${text}`]) {
      const answer = await send(path, { headers: { cookie: `authorization=Bearer ${text}`, 'api-key': text } });
      expect([path, answer.status]).toEqual([path, 401]);
      expect(answer.text).not.toContain(text);
    }
  });
});

describe('R-M42 refusals say why', () => {
  it('R-M42 missing, malformed, unknown, disabled, expired; revoked counts as unknown', async () => {
    const { ask: send, gateway, clock, key } = await start();
    const reason = async (headers: Record<string, string>): Promise<unknown> => {
      const answer = await send('/key', { headers });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(answer.headers['x-should-retry']).toBe('false');
      const { code, metadata } = errorOf(answer);
      expect(code).toBe('invalid_api_key');
      expect(metadata['error_type']).toBe('authentication');
      return metadata['reason'];
    };
    const bearer = (text: string): Record<string, string> => ({ authorization: `Bearer ${text}` });
    expect(await reason({})).toBe('missing');
    expect(await reason({ authorization: 'Basic dXNlcjpwYXNz' })).toBe('malformed');
    expect(await reason({ 'x-api-key': 'two words' })).toBe('malformed');
    expect(await reason(bearer(`sk-or-v1-${'0'.repeat(64)}`))).toBe('unknown');
    const disabled = await key();
    await gateway.keys.change(disabled.hash, { disabled: true });
    expect(await reason(bearer(disabled.key))).toBe('disabled');
    const expiring = await key({ expires_at: new Date(NOON + 5000).toISOString() });
    expect((await send('/key', { key: expiring.key })).status).toBe(200);
    clock.advance(4999);
    expect((await send('/key', { key: expiring.key })).status).toBe(200);
    clock.advance(1);
    expect(await reason(bearer(expiring.key))).toBe('expired');
    const revoked = await key();
    await gateway.keys.revoke(revoked.hash);
    expect(await reason(bearer(revoked.key))).toBe('unknown');
  });

  it('R-M42 too many refused keys of one address are 429, and a good key still gets in', async () => {
    const { ask: send, key } = await start({ auth: { failuresPerMinute: 3 } });
    const good = await key();
    const wrong = (digit: string): string => `sk-or-v1-${digit.repeat(64)}`;
    for (const digit of ['1', '2', '3']) expect((await send('/key', { key: wrong(digit) })).status).toBe(401);
    const refused = await send('/key', { key: wrong('4') });
    expect(refused.status).toBe(429);
    expect(errorOf(refused).metadata).toMatchObject({
      limit_source: 'address',
      headers: {
        'X-RateLimit-Limit': '3',
        'X-RateLimit-Remaining': '0',
        'X-RateLimit-Reset': String(NOON + 60_000),
      },
    });
    expect(Number(refused.headers['retry-after'])).toBe(20);
    expect(refused.headers['x-should-retry']).toBe('true');
    expect((await send('/key', { key: good.key })).status).toBe(200);
  });
});

describe('keys of the configuration', () => {
  it('R-V30 are compared as digests: no length of what is presented throws, and the store is not asked', async () => {
    const keys = ['sixteen-letters-', 'x'.repeat(256), 'sk-or-v1-configured'];
    const { store, ask: send } = await start({ auth: { keys } });
    for (const key of keys) expect((await send('/key', { key })).status).toBe(200);
    for (const key of ['x', 'sixteen-letters', 'sixteen-letters--', 'x'.repeat(255), 'X'.repeat(256), 'sk-or-v1-']) {
      expect([key, (await send('/key', { key })).status]).toEqual([key, 401]);
    }
    expect(store.callsOf('keys', 'find')).toEqual([]);
    for (const key of ['too-short', 'x'.repeat(257), 'with blanks in the key', '']) {
      await expect(start({ auth: { keys: [key] } })).rejects.toThrow(/^auth\.keys: /);
    }
  });
});

describe('where a key is read', () => {
  it('x-api-key is read too; Authorization counts where both are there', async () => {
    const { ask: send, key } = await start();
    const a = await key({ name: 'a' });
    const b = await key({ name: 'b' });
    const asked = async (headers: Record<string, string>): Promise<unknown> =>
      dataOf(await send('/key', { headers }))['name'];
    expect(await asked({ 'x-api-key': a.key })).toBe('a');
    expect(await asked({ 'x-api-key': a.key, authorization: `Bearer ${b.key}` })).toBe('b');
    expect(await asked({ authorization: `bearer ${b.key}` })).toBe('b');
    const wrong = await send('/key', { headers: { 'x-api-key': a.key, authorization: 'Bearer nonsense' } });
    expect(wrong.status).toBe(401);
  });

  for (const [name, listenerOf] of Object.entries(hosts)) {
    it(`R-V29 two Authorization headers are 400 on ${name}`, async () => {
      const { gateway, key } = await start();
      const [a, b] = [await key(), await key()];
      const host = await listen(listenerOf(gateway));
      const answerTo = (second: string): Promise<string> =>
        new Promise((resolve, reject) => {
          const socket = connect(Number(new URL(host.origin).port), '127.0.0.1');
          let text = '';
          socket.on('data', (piece) => {
            text += piece.toString();
          });
          socket.on('close', () => resolve(text));
          socket.on('error', reject);
          const first = `Authorization: Bearer ${a.key}`;
          socket.write(`GET /api/v1/key HTTP/1.1\r\nHost: x\r\n${first}\r\n${second}Connection: close\r\n\r\n`);
        });
      try {
        expect(await answerTo('')).toMatch(/^HTTP\/1\.1 200 /);
        for (const second of [`Bearer ${b.key}`, `Bearer ${a.key}`, 'Basic dXNlcg==', 'Bearer x']) {
          expect(await answerTo(`Authorization: ${second}\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
        }
      } finally {
        await host.close();
      }
    });
  }
});

describe('R-V10 look-ups', () => {
  it('R-V10 of 500 concurrent requests on one cold key are one query', async () => {
    const { host, store, ask: send, key } = await start();
    const { key: text } = await key();
    let arrived = 0;
    host.server.on('request', () => {
      arrived += 1;
    });
    store.set('held', 'keys');
    const answers = Array.from({ length: 500 }, () => send('/key', { key: text }));
    await until(() => arrived === 500);
    store.release();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(store.callsOf('keys', 'find')).toHaveLength(1);
  });

  it('R-M41 a digest that nobody knows is asked for once in five seconds', async () => {
    const { store, clock, ask: send } = await start();
    const text = `sk-or-v1-${'d'.repeat(64)}`;
    for (let turn = 0; turn < 5; turn += 1) expect((await send('/key', { key: text })).status).toBe(401);
    expect(store.callsOf('keys', 'find')).toHaveLength(1);
    clock.advance(5000);
    expect((await send('/key', { key: text })).status).toBe(401);
    expect(store.callsOf('keys', 'find')).toHaveLength(2);
  });

  it('R-M41 a key that was found is asked for again at once, or after the time that the host allows', async () => {
    const plain = await start();
    const one = await plain.key();
    for (let turn = 0; turn < 3; turn += 1) await plain.ask('/key', { key: one.key });
    expect(plain.store.callsOf('keys', 'find')).toHaveLength(3);
    const caching = await start({ auth: { keyCacheMs: 10_000 } });
    const other = await caching.key({ expires_at: new Date(NOON + 3000).toISOString() });
    for (let turn = 0; turn < 3; turn += 1) await caching.ask('/key', { key: other.key });
    expect(caching.store.callsOf('keys', 'find')).toHaveLength(1);
    caching.clock.advance(3000);
    expect(errorOf(await caching.ask('/key', { key: other.key })).metadata['reason']).toBe('expired');
  });

  it('R-V03 keys that share prefix and label are never mixed up', async () => {
    const secrets = [`abc${'0'.repeat(58)}123`, `abc${'1'.repeat(58)}123`];
    let turn = 0;
    const { ask: send, key } = await start({
      auth: { keyCacheMs: 60_000 },
      random: (count) => {
        const secret = count === 32 ? secrets[turn++] : undefined;
        return secret === undefined ? new Uint8Array(count) : Buffer.from(secret, 'hex');
      },
    });
    const a = await key({ name: 'a' });
    const b = await key({ name: 'b' });
    for (let round = 0; round < 2; round += 1) {
      for (const [text, name] of [
        [a.key, 'a'],
        [b.key, 'b'],
      ] as const) {
        expect(dataOf(await send('/key', { key: text }))).toMatchObject({ name, label: 'sk-or-v1-abc...123' });
      }
    }
  });
});

describe('R-M43 revocation', () => {
  it('R-M43 is at once in every process on the store', async () => {
    const clock = manualClock(NOON);
    const kept = memoryStore({ clock });
    const a = await start({ kept, manual: clock });
    const b = await start({ kept, manual: clock });
    const admin = await a.manager();
    for (const change of ['revoke', 'disable'] as const) {
      const { key: text, hash } = await a.key();
      expect((await b.chat(text)).status).toBe(200);
      const method = change === 'revoke' ? 'DELETE' : 'PATCH';
      const done = await a.ask(`/keys/${hash}`, {
        key: admin.key,
        method,
        ...(change === 'disable' && { body: { disabled: true } }),
      });
      expect(done.status).toBe(200);
      expect((await b.chat(text)).status).toBe(401);
      expect((await a.chat(text)).status).toBe(401);
    }
  });

  it('R-M43 forgets the key also where a look-up was under way', async () => {
    const { gateway, store, key, ask: send } = await start({ auth: { keyCacheMs: 60_000 } });
    const { key: text, hash } = await key();
    store.set('late', 'keys');
    const early = send('/key', { key: text });
    await until(() => store.callsOf('keys', 'find').length === 1);
    // The query saw the key before the revocation, and its answer comes after it.
    store.set('up', 'keys');
    await gateway.keys.revoke(hash);
    store.release();
    await early;
    expect((await send('/key', { key: text })).status).toBe(401);
    store.set('down');
    expect((await send('/key', { key: text })).status).not.toBe(200);
  });
});

describe('R-D01 a store that is down', () => {
  const isUnavailable = (answer: Awaited<ReturnType<AccountGateway['ask']>>): void => {
    expect(answer.status).toBe(503);
    expect(errorOf(answer).code).toBe('service_unavailable');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(answer.headers['retry-after-ms']).toBeDefined();
    expect(answer.headers['x-should-retry']).toBe('true');
    expect(answer.text).not.toContain('is down');
  };

  it('R-V10 is 503 for a key that was not seen lately, on every route, and 200 as soon as it is back', async () => {
    const { store, key, manager, ask: send, chat } = await start();
    const { key: text } = await key();
    const admin = await manager();
    const routes = [
      '/key',
      '/models',
      '/credits',
      '/keys',
      '/usage',
      '/activity',
      '/generation?id=gen-1-x',
      `/keys/${admin.hash}`,
    ];
    store.set('down');
    for (const path of routes) isUnavailable(await send(path, { key: admin.key }));
    isUnavailable(await chat(text));
    isUnavailable(await send('/keys', { key: admin.key, body: { name: 'x' } }));
    isUnavailable(await send(`/keys/${admin.hash}`, { key: admin.key, method: 'DELETE' }));
    store.set('up');
    for (const path of routes.filter((one) => !one.startsWith('/generation'))) {
      expect([path, (await send(path, { key: admin.key })).status]).toEqual([path, 200]);
    }
    expect((await chat(text)).status).toBe(200);
  });

  it('R-D08 one that is frozen is like one that is down, after two seconds', async () => {
    const { store, clock, key, ask: send } = await start();
    const { key: text } = await key();
    store.set('frozen', 'keys');
    const answer = send('/models', { key: text });
    await until(() => store.callsOf('keys', 'find').length === 1);
    clock.advance(1999);
    let answered = false;
    void answer.then(() => {
      answered = true;
    });
    await new Promise(setImmediate);
    expect(answered).toBe(false);
    clock.advance(1);
    isUnavailable(await answer);
  });

  it('R-D01 a key seen in the last 30 seconds still authenticates, then it is 503', async () => {
    const { store, clock, key, ask: send, chat, gateway } = await start();
    const { key: text } = await key();
    expect((await send('/models', { key: text })).status).toBe(200);
    store.set('down');
    clock.advance(29_999);
    expect((await send('/models', { key: text })).status).toBe(200);
    expect((await send('/providers', { key: text })).status).toBe(200);
    // Money is never decided without the store.
    isUnavailable(await chat(text));
    isUnavailable(await send('/key', { key: text }));
    clock.advance(1);
    isUnavailable(await send('/models', { key: text }));
    store.set('up');
    expect((await chat(text)).status).toBe(200);
    expect(await gateway.credits.audit()).toEqual([]);
  });

  it('R-D01 a use while the store is down does not make the key good for longer', async () => {
    const { store, clock, key, ask: send } = await start();
    const { key: text } = await key();
    await send('/models', { key: text });
    store.set('down');
    clock.advance(20_000);
    expect((await send('/models', { key: text })).status).toBe(200);
    clock.advance(15_000);
    isUnavailable(await send('/models', { key: text }));
  });

  it('R-D01 a store that hangs is no different: the key is good after two seconds of waiting', async () => {
    const { store, clock, key, host, ask: send } = await start();
    const { key: text } = await key();
    await send('/models', { key: text });
    store.set('frozen');
    const asked = store.callsOf('keys', 'find').length;
    let arrived = 0;
    host.server.on('request', () => {
      arrived += 1;
    });
    const answers = Array.from({ length: 20 }, () => send('/models', { key: text }));
    await until(() => arrived === 20 && clock.due.includes(2000));
    clock.advance(2000);
    for (const answer of await Promise.all(answers)) expect(answer.status).toBe(200);
    expect(store.callsOf('keys', 'find')).toHaveLength(asked + 1);
    store.set('up');
  });

  it('R-D08 a store that hangs does not keep a gateway from closing', async () => {
    const { store, clock, gateway } = await start();
    store.set('frozen');
    const closing = gateway.close();
    await until(() => store.callsOf('ledger', 'leave').length === 1);
    clock.advance(5000);
    await closing;
    store.set('up');
  });

  it('R-D01 expiry counts also then, and a key known to be gone stays gone', async () => {
    const { store, clock, key, gateway, ask: send } = await start();
    const expiring = await key({ expires_at: new Date(NOON + 10_000).toISOString() });
    const revoked = await key();
    for (const { key: text } of [expiring, revoked]) await send('/models', { key: text });
    await gateway.keys.revoke(revoked.hash);
    store.set('down');
    isUnavailable(await send('/models', { key: revoked.key }));
    clock.advance(10_000);
    expect((await send('/models', { key: expiring.key })).status).toBe(401);
  });

  it('R-D01 staleKeyMs 0 turns it off', async () => {
    const { store, key, ask: send } = await start({ auth: { staleKeyMs: 0 } });
    const { key: text } = await key();
    expect((await send('/models', { key: text })).status).toBe(200);
    store.set('down');
    isUnavailable(await send('/models', { key: text }));
  });

  it('R-D02 the ledger alone is enough to fail closed: nothing reaches the provider', async () => {
    const { store, clock, key, chat, upstream } = await start();
    const { key: text } = await key();
    store.set('down', 'ledger');
    isUnavailable(await chat(text));
    isUnavailable(await chat(text, { stream: true }));
    isUnavailable(await chat(text, { model: 'acme/free' }));
    store.set('frozen', 'ledger');
    const asked = store.callsOf('ledger', 'reserve').length;
    const answer = chat(text);
    await until(() => store.callsOf('ledger', 'reserve').length > asked);
    clock.advance(2000);
    isUnavailable(await answer);
    expect(upstream.requests).toHaveLength(0);
    store.set('up');
    expect((await chat(text)).status).toBe(200);
  });

  it('R-D04 the replays alone fail closed for requests that carry an idempotency key, and for no others', async () => {
    const { store, key, chat, upstream } = await start();
    const { key: text } = await key();
    store.set('down', 'replays');
    isUnavailable(await chat(text, {}, { 'idempotency-key': 'one' }));
    expect(upstream.requests).toHaveLength(0);
    expect((await chat(text)).status).toBe(200);
    store.set('up');
    expect((await chat(text, {}, { 'idempotency-key': 'one' })).status).toBe(200);
  });

  it('R-D05 rates fall back to the share of this process, and the host is told once for each change', async () => {
    const {
      store,
      clock,
      key,
      chat,
      ask: send,
      changes,
    } = await start({
      kept: { ...memoryStore({ clock: manualClock(NOON) }), name: 'shared' },
      instances: 2,
    });
    const { key: text } = await key({ rate_limit: { requests_per_minute: 6 } });
    expect((await send('/models', { key: text })).headers['x-ratelimit-limit-requests']).toBe('6');
    store.set('down', 'rates');
    const statuses: number[] = [];
    for (let turn = 0; turn < 4; turn += 1) statuses.push((await chat(text)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    for (let turn = 0; turn < 5; turn += 1) {
      clock.advance(20_000);
      expect((await send('/models', { key: text })).status).toBe(200);
    }
    expect(changes.map(({ state }) => state)).toEqual(['down']);
    store.set('up', 'rates');
    clock.advance(1000);
    expect((await send('/models', { key: text })).headers['x-ratelimit-limit-requests']).toBe('6');
    expect(changes.map(({ state }) => state)).toEqual(['down', 'up']);
  });

  it('R-D08 a frozen limiter costs a request 50 milliseconds, and the next ones nothing', async () => {
    const { store, clock, key, ask: send } = await start();
    const { key: text } = await key({ rate_limit: { requests_per_minute: 60 } });
    store.set('frozen', 'rates');
    const first = send('/models', { key: text });
    await until(() => store.callsOf('rates', 'take').length === 1);
    clock.advance(50);
    expect((await first).status).toBe(200);
    expect((await send('/models', { key: text })).status).toBe(200);
    expect(store.callsOf('rates', 'take')).toHaveLength(1);
  });

  it('R-D08 the host is told once that the store is down and once that it is back', async () => {
    const { store, key, ask: send, changes } = await start();
    const { key: text } = await key();
    store.set('down');
    for (let turn = 0; turn < 5; turn += 1) await send('/key', { key: text });
    store.set('up');
    for (let turn = 0; turn < 5; turn += 1) await send('/key', { key: text });
    expect(changes.map(({ state }) => state)).toEqual(['down', 'up']);
    expect(changes[0]).toMatchObject({ store: 'memory', error: new Error('keys is down') });
  });

  it('R-D08 a part that fails by itself is told once, however well the others do', async () => {
    const { store, key, chat, changes } = await start();
    const { key: text } = await key({ rate_limit: { requests_per_minute: 1000 } });
    store.set('down', 'ledger');
    for (let turn = 0; turn < 5; turn += 1) isUnavailable(await chat(text));
    store.set('up');
    for (let turn = 0; turn < 5; turn += 1) expect((await chat(text)).status).toBe(200);
    expect(changes.map(({ part, state }) => `${part} ${state}`)).toEqual(['ledger down', 'ledger up']);
  });

  it('R-V17 one that is down at the start is 503 until it answers, without a restart', async () => {
    const clock = manualClock(NOON);
    const kept = memoryStore({ clock });
    let isUp = false;
    const refusing = {
      ...kept,
      name: 'late',
      open: async () => (isUp ? kept.open() : Promise.reject(new Error('no'))),
    };
    const { store, key, ask: send } = await start({ kept: refusing, manual: clock });
    const { key: text } = await key();
    store.set('down');
    isUnavailable(await send('/key', { key: text }));
    isUp = true;
    store.set('up');
    expect((await send('/key', { key: text })).status).toBe(200);
  });
});

describe('R-V36 authentication stands before every route', () => {
  it('R-V36 without a key every route is 401; with publicModels only the models are open', async () => {
    const paths = ['/key', '/auth/key', '/keys', '/auth/keys', '/credits', '/usage', '/activity', '/generation?id=x'];
    const models = [
      '/models',
      '/models/user',
      '/models/count',
      '/providers',
      '/models/acme/free',
      '/models/acme/free/endpoints',
    ];
    for (const publicModels of [false, true]) {
      const { ask: send, chat } = await start({ auth: { publicModels } });
      for (const path of paths) expect([path, (await send(path)).status]).toEqual([path, 401]);
      expect((await chat(undefined)).status).toBe(401);
      for (const path of models) expect([path, (await send(path)).status]).toEqual([path, publicModels ? 200 : 401]);
      for (const path of models) {
        expect([path, (await send(path, { key: `sk-or-v1-${'0'.repeat(64)}` })).status]).toEqual([path, 401]);
      }
    }
  });

  it('a caller of the host needs no key, and its limits are checked at its first request', async () => {
    const clock = manualClock(NOON);
    const gateway = createGateway({
      providers: [
        openaiCompatible({ slug: 'acme', baseUrl: 'http://127.0.0.1:9/v1', models: ['acme/free'], pricing: 'free' }),
      ],
      catalog: { bundled: false },
      clock,
    });
    const host = await listen(
      toNodeHandler(gateway, {
        prefix: '/api/v1',
        identify: () => ({ id: 'ann', account: 'house', label: 'Ann', limit: 2 }),
      }),
    );
    const answer = await ask(`${host.origin}/api/v1/key`);
    expect(dataOf(answer)).toMatchObject({
      hash: null,
      id: null,
      label: 'Ann',
      limit: 2,
      limit_remaining: 2,
      workspace_id: 'house',
      is_management_key: false,
    });
    await host.close();
    await gateway.close();
  });
});
