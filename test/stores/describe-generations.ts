import { type GenerationRecord, memoryStore, type UsageGroup, type UsageQuery } from '@gatehouse/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Subject } from './describe-store.js';
import { DAY_MS, generation, NOON, reservation, USD } from './store-values.js';

const SEED = 20_270_317;
const GROUPS: readonly UsageGroup[] = ['model', 'provider', 'key', 'user', 'app', 'tag', 'endpoint'];

/** Finished requests, and reports over them. */
export function describeGenerations(subject: Subject): void {
  const settle = async (record: GenerationRecord, store = subject.store): Promise<void> => {
    const { id, account, key, charge } = record;
    const wanted = reservation({ id, account, key, amount: charge, creditsRequired: false });
    expect(await store.ledger.reserve(wanted)).toEqual({ held: true });
    expect(await store.ledger.settle({ id, account, key, charge, record })).toBe('settled');
  };
  const queryOf = (account: string, changes: Partial<UsageQuery>): UsageQuery => ({
    ...{ account, start: NOON - 400 * DAY_MS, end: NOON + 400 * DAY_MS, granularity: 'all', groupBy: [] },
    ...{ limit: 1_000, offset: 0, ...changes },
  });
  const report = (account: string, changes: Partial<UsageQuery>) =>
    subject.store.generations.report(queryOf(account, changes));

  describe('generations', () => {
    it('R-D03: are read as they were written, by their own account, the moment they are settled', async () => {
      const account = subject.fresh('account');
      const full = generation({
        ...{ id: subject.fresh('gen'), account, key: subject.fresh('key'), user: 'u', app: 'a', session: 's' },
        ...{
          tags: ['x', 'y"\\'],
          charge: USD,
          cost: 2n * USD,
          latencyMs: 1.5,
          details: { deep: [{ a: null }, 'ü💶'] },
        },
      });
      const bare = generation({ id: subject.fresh('gen'), account, latencyMs: undefined, generationMs: undefined });
      await settle(full);
      await settle(bare);
      expect(await subject.store.generations.find(full.id, account)).toEqual(full);
      expect(await subject.store.generations.find(bare.id, account)).toEqual(bare);
      expect(await subject.store.generations.find(full.id, subject.fresh('account'))).toBeUndefined();
      expect(await subject.store.generations.find('gen-none', account)).toBeUndefined();
    });

    it('belong to whoever was charged, whatever their record says', async () => {
      const account = await subject.account(USD);
      const wanted = reservation({ id: subject.fresh('gen'), account, amount: USD });
      await subject.store.ledger.reserve(wanted);
      const record = generation({ id: 'another', account: 'another', key: 'another', charge: 5n });
      await subject.store.ledger.settle({ id: wanted.id, account, key: undefined, charge: 5n, record });
      expect(await subject.store.generations.find(wanted.id, account)).toMatchObject({ account, charge: 5n });
      expect(await subject.store.generations.find('another', 'another')).toBeUndefined();
    });

    it('I7: a report counts each once in its sums and once for each of its tags', async () => {
      const account = subject.fresh('account');
      const make = (tags: readonly string[], charge: bigint) =>
        settle(generation({ id: subject.fresh('gen'), account, tags, charge }));
      await make(['a', 'b', 'a'], 10n);
      await make(['b'], 5n);
      await make([], 1n);
      const { rows, rowCount, sums } = await report(account, { groupBy: ['tag'] });
      expect(rows.map(({ tag, charge, requests }) => [tag, charge, requests])).toEqual([
        ['b', 15n, 2],
        ['a', 10n, 1],
        [null, 1n, 1],
      ]);
      expect(rowCount).toBe(3);
      expect(sums).toMatchObject({ charge: 16n, requests: 3, promptTokens: 36 });
      expect((await report(account, { groupBy: ['tag'], tags: ['a'] })).sums.requests).toBe(1);
    });

    it('report lines by period, charge and names, in pages', async () => {
      const account = subject.fresh('account');
      const names = ['b', 'a', undefined, '\u{10000}', '\uffee'];
      for (const user of names) await settle(generation({ id: subject.fresh('gen'), account, user, charge: 1n }));
      const late = { createdAt: NOON + DAY_MS, charge: 9n };
      await settle(generation({ id: subject.fresh('gen'), account, user: 'z', ...late }));
      const whole = await report(account, { groupBy: ['user'], granularity: 'day' });
      const users = [null, 'a', 'b', '\uffee', '\u{10000}', 'z'];
      expect(whole.rows.map(({ user }) => user)).toEqual(users);
      expect(whole.rows.map(({ period }) => period)).toEqual([...Array(5).fill(NOON - DAY_MS / 2), NOON + DAY_MS / 2]);
      const page = await report(account, { groupBy: ['user'], granularity: 'day', offset: 1, limit: 2 });
      expect(page).toEqual({ ...whole, rows: whole.rows.slice(1, 3) });
    });

    it('globs match in any case, and only their star is special', async () => {
      const account = subject.fresh('account');
      for (const model of ['OpenAI/gpt-4.1', 'openai/gpt-4x1', 'a_b%c', 'axbyc', 'Äpfel/ß']) {
        await settle(generation({ id: subject.fresh('gen'), account, model, provider: `${model} Provider` }));
      }
      const found = async (models: readonly string[]) =>
        (await report(account, { models, groupBy: ['model'] })).rows.map(({ model }) => model);
      expect(await found(['openai/*'])).toEqual(['OpenAI/gpt-4.1', 'openai/gpt-4x1']);
      expect(await found(['*GPT-4.1'])).toEqual(['OpenAI/gpt-4.1']);
      expect(await found(['a_b%c'])).toEqual(['a_b%c']);
      expect(await found(['äPFEL/*'])).toEqual(['Äpfel/ß']);
      expect(await found(['nothing'])).toEqual([]);
      expect(await found([])).toEqual([]);
      expect((await report(account, { providers: ['äpfel/ß PROVIDER'] })).sums.requests).toBe(1);
    });

    it(`I7: reports are those of the memory store (seed ${SEED})`, async () => {
      const account = subject.fresh('account');
      const reference = memoryStore();
      const few = (...values: readonly (string | undefined)[]) => fc.constantFrom(...values);
      const records = fc.sample(
        fc.record({
          createdAt: fc.integer({ min: NOON - 70 * DAY_MS, max: NOON + 70 * DAY_MS }),
          model: fc.constantFrom('openai/gpt-4o', 'OpenAI/GPT-4o', 'google/gemini', 'x'),
          provider: fc.constantFrom('OpenAI', 'Google'),
          endpoint: fc.constantFrom('one', 'two'),
          key: few(undefined, `${account}-k1`, `${account}-k2`),
          user: few(undefined, '', 'u1', 'u2'),
          app: few(undefined, 'app'),
          session: few(undefined, 's1'),
          tags: fc.subarray(['red', 'green', 'blue']),
          charge: fc.bigInt({ min: 0n, max: 3n }),
          promptTokens: fc.nat(100),
          latencyMs: fc.option(fc.nat(1_000), { nil: undefined }),
          outcome: fc.constantFrom('completed', 'failed', 'cancelled', 'crashed'),
        }),
        { numRuns: 120, seed: SEED },
      );
      for (const changes of records) {
        const record = generation({ id: subject.fresh('gen'), account, ...changes });
        await Promise.all([settle(record), settle(record, reference)]);
      }
      const some = (...values: readonly string[]) => fc.option(fc.subarray([...values]), { nil: undefined, freq: 1 });
      const queries = fc.sample(
        fc.record({
          start: fc.integer({ min: NOON - 70 * DAY_MS, max: NOON }),
          end: fc.integer({ min: NOON, max: NOON + 70 * DAY_MS }),
          granularity: fc.constantFrom('hour', 'day', 'month', 'all'),
          groupBy: fc.subarray([...GROUPS], { maxLength: 3 }),
          models: some('openai/*', '*GEMINI', 'x', '*'),
          providers: some('openai', 'GOOGLE'),
          keys: some(`${account}-k1`, 'none'),
          users: some('', 'u1'),
          apps: fc.constantFrom(undefined, undefined, ['app']),
          sessions: fc.constantFrom(undefined, undefined, ['s1']),
          tags: some('red', 'blue', 'none'),
          limit: fc.constantFrom(1, 7, 1_000),
          offset: fc.constantFrom(0, 0, 3),
        }),
        { numRuns: 60, seed: SEED },
      );
      for (const query of queries) {
        const wanted = { ...query, account };
        const expected = await reference.generations.report(wanted);
        expect(await subject.store.generations.report(wanted), JSON.stringify(wanted)).toEqual(expected);
      }
    });
  });
}
