import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Store } from '@gatehouse/core';
import { postgres } from '@gatehouse/sql/postgres';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { DATABASE_URL, hasPostgres, testSchema } from '../tools/postgres.js';

const GRANT = { account: 'a', externalId: 'payment-1', amount: 100n, note: undefined };

/** A server between a store and Postgres, which may hang or cut connections. */
class Gate {
  hangs = false;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((socket) => this.#accept(socket));

  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address: AddressInfo | string | null = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    const { hostname, port } = new URL(DATABASE_URL);
    const server = connect(Number(port || 5432), hostname);
    for (const [from, to] of [
      [socket, server],
      [server, socket],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => {
        if (!this.hangs) to.write(bytes);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}

function urlOf(port: number): string {
  const url = new URL(DATABASE_URL);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.href;
}

describe.skipIf(!(await hasPostgres('failures of the Postgres server')))('a Postgres server', () => {
  const schema = testSchema();
  const closing: (() => Promise<void>)[] = [];
  const open = (url: string, timeoutMs?: number): Store => {
    const store = postgres(url, { schema: schema.name, timeoutMs });
    closing.push(() => store.close());
    return store;
  };
  const gate = async (port?: number): Promise<{ readonly gate: Gate; readonly port: number }> => {
    const made = new Gate();
    closing.push(() => made.close());
    return { gate: made, port: await made.listen(port) };
  };

  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    await schema.run(`set client_min_messages = warning; drop schema if exists ${schema.name} cascade`);
  });
  afterAll(() => schema.drop());

  it('R-D10: that is down at boot is used as soon as it is up', async () => {
    const probe = new Gate();
    const port = await probe.listen();
    await probe.close();
    const store = open(urlOf(port));
    await expect(store.open()).rejects.toThrow(/ECONNREFUSED/);
    await expect(store.ledger.grant(GRANT)).rejects.toThrow(/ECONNREFUSED/);
    await gate(port);
    expect(await store.ledger.grant(GRANT)).toBe('granted');
  });

  it('R-D10: that drops its connections, busy or idle, is asked again without a restart', async () => {
    const { gate: between, port } = await gate();
    const store = open(urlOf(port));
    await store.ledger.grant(GRANT);
    between.hangs = true;
    const caught = Promise.allSettled([
      store.ledger.grant({ ...GRANT, externalId: 'payment-2' }),
      store.keys.find('x'),
    ]);
    setImmediate(() => between.cut());
    expect((await caught).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    between.hangs = false;
    await expect.poll(() => store.ledger.balance('a').catch(() => undefined)).toMatchObject({ granted: 100n });
    between.cut();
    await expect.poll(() => store.ledger.grant(GRANT).catch(() => undefined)).toBe('repeated');
    expect(await store.ledger.audit()).toEqual([]);
  });

  it('R-D08: that hangs is given up in time', async () => {
    const { gate: between, port } = await gate();
    const store = open(urlOf(port), 200);
    await store.ledger.grant(GRANT);
    between.hangs = true;
    const start = performance.now();
    await expect(store.ledger.grant({ ...GRANT, externalId: 'payment-2' })).rejects.toThrow(/timeout/i);
    expect(performance.now() - start).toBeLessThan(2_000);
    between.hangs = false;
    await expect.poll(() => store.ledger.grant(GRANT).catch(() => undefined)).toBe('repeated');
  });

  it('R-D09: is migrated once, however many stores open at once', async () => {
    const stores = Array.from({ length: 6 }, () => open(DATABASE_URL));
    await Promise.all(stores.map((store) => store.open()));
    const grants = await Promise.all(stores.map((store) => store.ledger.grant(GRANT)));
    expect(grants.filter((verdict) => verdict === 'granted')).toHaveLength(1);
    expect(await schema.run(`select version from ${schema.name}.migrations`)).toEqual([{ version: 1 }]);
  });

  it('of a newer version is left alone', async () => {
    await open(DATABASE_URL).open();
    await schema.run(`insert into ${schema.name}.migrations (version, at) values (99, now())`);
    await expect(open(DATABASE_URL).open()).rejects.toThrow(/has version 99 .* knows 1 and cannot go back/);
  });

  it('tells its own time where no clock is given', async () => {
    const store = open(DATABASE_URL);
    const [row] = await schema.run('select extract(epoch from clock_timestamp()) * 1000 as now');
    await store.ledger.renew('process', 60_000);
    const [lease] = await schema.run(`select lease_until from ${schema.name}.instances`);
    expect(Number(lease?.['lease_until']) - Number(row?.['now'])).toBeGreaterThanOrEqual(59_999);
    expect(Number(lease?.['lease_until']) - Number(row?.['now'])).toBeLessThan(90_000);
  });

  it('R-M40: keeps no more of a key than its digest and its label', async () => {
    await open(DATABASE_URL).open();
    const columns = await schema.run(
      'select column_name from information_schema.columns where table_schema = $1 and table_name = $2',
      [schema.name, 'keys'],
    );
    const names = columns.map((column) => String(column['column_name']));
    expect(names).toContain('hash');
    expect(names.filter((name) => /secret|plain|token$|^key/.test(name))).toEqual([]);
  });
});
