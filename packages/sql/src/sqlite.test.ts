import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import type { Store } from '@gatehouse/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sqlite } from './sqlite.js';
import { openSqlite } from './sqlite-driver.js';

const GRANT = { account: 'a', externalId: 'payment-1', amount: 100n, note: undefined };

describe('a SQLite file', () => {
  let folder = '';
  const stores: Store[] = [];
  const open = (file: string, onStatement?: (text: string) => void): Store => {
    const store = sqlite(join(folder, file), { onStatement });
    stores.push(store);
    return store;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
  });

  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('R-D10: that cannot be opened rejects, and works as soon as it can be', async () => {
    const store = open('later/store.db');
    await expect(store.open()).rejects.toThrow(/unable to open/);
    await expect(store.ledger.grant(GRANT)).rejects.toThrow(/unable to open/);
    mkdirSync(join(folder, 'later'));
    expect(await store.ledger.grant(GRANT)).toBe('granted');
  });

  it('R-D10: keeps its data when it is closed and opened again', async () => {
    const first = open('store.db');
    await first.ledger.grant(GRANT);
    await first.close();
    await first.close();
    await expect(first.ledger.grant(GRANT)).rejects.toThrow('The store is closed');
    expect(await open('store.db').ledger.balance('a')).toMatchObject({ granted: 100n });
  });

  it('of a newer version is left alone', async () => {
    await open('store.db').open();
    const raw = await openSqlite(join(folder, 'store.db'));
    raw.exec("insert into migrations (version, at) values (99, 'now')");
    await expect(open('store.db').open()).rejects.toThrow(/has version 99 .* knows 1 and cannot go back/);
    raw.close();
  });

  it('R-M34: is written ahead in a log, so that readers do not wait for a writer', async () => {
    const store = open('store.db');
    await store.open();
    const raw = await openSqlite(join(folder, 'store.db'));
    expect(raw.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' });
    raw.close();
  });

  it('R-M33: that another process has locked makes calls wait, and not the event loop', async () => {
    const store = open('store.db');
    await store.open();
    const raw = await openSqlite(join(folder, 'store.db'));
    raw.exec('begin immediate');
    let done = false;
    const granted = store.ledger.grant(GRANT).finally(() => {
      done = true;
    });
    // Ten turns of the event loop with timers between: it is not blocked.
    for (let turn = 0; turn < 10; turn += 1) await after(5);
    expect(done).toBe(false);
    expect(await store.ledger.balance('a')).toBeUndefined();
    raw.exec('rollback');
    raw.close();
    expect(await granted).toBe('granted');
  });

  it('R-D08: that stays locked makes calls fail in time, all of them, and nothing of them is written', async () => {
    const store = open('store.db');
    await store.open();
    const raw = await openSqlite(join(folder, 'store.db'));
    raw.exec('begin immediate');
    const start = performance.now();
    const calls = await Promise.allSettled([
      store.ledger.grant(GRANT),
      store.ledger.grant({ ...GRANT, externalId: 'payment-2' }),
    ]);
    expect(calls.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(performance.now() - start).toBeGreaterThan(1_000);
    raw.exec('rollback');
    raw.close();
    expect(await store.ledger.balance('a')).toBeUndefined();
    expect(await store.ledger.grant(GRANT)).toBe('granted');
  });

  it('writes what waits before it is closed', async () => {
    const store = open('store.db');
    await store.open();
    const granted = store.ledger.grant(GRANT);
    await store.close();
    expect(await granted).toBe('granted');
  });

  it('R-M33: makes one transaction of the calls of one turn', async () => {
    const texts: string[] = [];
    const store = open('store.db', (text) => texts.push(text));
    await store.open();
    const grants = Array.from({ length: 20 }, (_, index) => store.ledger.grant({ ...GRANT, externalId: `p${index}` }));
    await Promise.all(grants);
    expect(texts.filter((text) => text === 'commit')).toHaveLength(1);
    expect(texts.filter((text) => text.startsWith('insert into accounts'))).toHaveLength(1);
    expect(await store.ledger.balance('a')).toMatchObject({ granted: 2_000n });
  });
});
