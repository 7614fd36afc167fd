import { describe, expect, it } from 'vitest';
import { postgres } from './postgres.js';
import { PostgresQueue } from './postgres-queue.js';

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe('a Postgres store', () => {
  it('takes no name of a schema that would have to be quoted', () => {
    for (const schema of ['', 'a"b', 'A', '1a', 'a;drop', 'a'.repeat(64)]) {
      expect(() => postgres('postgres://localhost/none', { schema })).toThrow(TypeError);
    }
  });

  it('R-D08: rejects where nobody listens', async () => {
    const store = postgres('postgres://postgres@127.0.0.1:1/none');
    await expect(store.open()).rejects.toThrow(/ECONNREFUSED/);
    await expect(store.ledger.balance('a')).rejects.toThrow(/ECONNREFUSED/);
    await expect(store.ledger.renew('a', 1)).rejects.toThrow(/ECONNREFUSED/);
    await store.close();
    await store.close();
  });
});

describe('the queue of a Postgres store', () => {
  it('sends what has gathered while the last round trip was under way, in order', async () => {
    const sent: (readonly number[])[] = [];
    const queue = new PostgresQueue<number>(async (calls) => {
      sent.push(calls);
      return calls.map((call) => call * 2);
    });
    const first = [queue.add(1), queue.add(2)];
    const second = Promise.race(first).then(() => Promise.all([queue.add(3), queue.add(4)]));
    expect(await Promise.all(first)).toEqual([2, 4]);
    expect(await second).toEqual([6, 8]);
    expect(sent).toEqual([
      [1, 2],
      [3, 4],
    ]);
    await queue.idle();
  });

  it('carries a bounded number of calls at once', async () => {
    const sizes: number[] = [];
    const queue = new PostgresQueue<number>(async (calls) => {
      sizes.push(calls.length);
      return calls;
    });
    await Promise.all(Array.from({ length: 150 }, (_, index) => queue.add(index)));
    expect(sizes).toEqual([64, 64, 22]);
  });

  it('R-M33: tries calls one by one where one of them is at fault', async () => {
    const queue = new PostgresQueue<number>(async (calls) => {
      if (calls.includes(2)) throw failure('22003');
      return calls;
    });
    const outcomes = await Promise.allSettled([queue.add(1), queue.add(2), queue.add(3)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('repeats after a deadlock, and rejects all where the connection broke', async () => {
    const failures = [failure('40P01'), failure('40001'), undefined, failure('ECONNRESET')];
    const queue = new PostgresQueue<number>(async (calls) => {
      const error = failures.shift();
      if (error !== undefined) throw error;
      return calls;
    });
    expect(await queue.add(1)).toBe(1);
    const outcomes = await Promise.allSettled([queue.add(2), queue.add(3)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await queue.add(4)).toBe(4);
  });
});
