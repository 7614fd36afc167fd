import { describe, expect, it } from 'vitest';
import type { Subject } from './describe-store.js';
import { keyRecord, NOON } from './store-values.js';

/** Keys by digest. */
export function describeKeys(subject: Subject): void {
  const keys = () => subject.store.keys;
  const hashOf = (name: string): string => Buffer.from(name).toString('hex').padEnd(64, '0');

  describe('keys', () => {
    it('R-M40: are found by their whole digest, as they were written', async () => {
      const account = subject.fresh('account');
      const full = keyRecord({ hash: hashOf(account), account, limit: 2n ** 62n });
      const bare = keyRecord({
        ...{ hash: hashOf(subject.fresh('key')), account, limit: undefined, limitReset: undefined, models: undefined },
        ...{
          requestsPerMinute: undefined,
          externalUser: undefined,
          expiresAt: undefined,
          inheritedModels: [],
          tags: [],
          transforms: ['redact', 'system-prompt'],
        },
        ...{ metadata: {}, disabled: true, includeByokInLimit: true, scopes: [] },
      });
      expect(await keys().insert(full)).toBe(true);
      expect(await keys().insert(bare)).toBe(true);
      expect(await keys().find(full.hash)).toEqual(full);
      expect(await keys().find(bare.hash)).toEqual(bare);
      expect(await keys().find(full.hash.slice(0, 63))).toBeUndefined();
      expect(await keys().find(`${full.hash}0`)).toBeUndefined();
      expect(await keys().find('')).toBeUndefined();
    });

    it('R-M40: a digest exists once', async () => {
      const account = subject.fresh('account');
      const first = keyRecord({ hash: hashOf(account), account });
      const both = await Promise.all([keys().insert(first), keys().insert({ ...first, name: 'another' })]);
      expect(both.filter((done) => done)).toHaveLength(1);
      expect((await keys().find(first.hash))?.name).toBe(both[0] ? 'a key' : 'another');
    });

    it('are listed newest first, in pages, by account and tag, with or without disabled ones', async () => {
      const account = subject.fresh('account');
      const made = [0, 1, 2, 3].map((index) =>
        keyRecord({
          ...{ hash: hashOf(subject.fresh('key')), account, name: `key ${index}`, disabled: index === 1 },
          ...{ createdAt: NOON + (index === 0 ? 5 : 0), tags: index < 2 ? ['red', 'blue'] : ['blue'] },
        }),
      );
      for (const record of made) await keys().insert(record);
      await keys().insert(keyRecord({ hash: hashOf(subject.fresh('key')), account: subject.fresh('account') }));
      const list = async (changes: object): Promise<readonly [readonly string[], number]> => {
        const query = { account, includeDisabled: true, tag: undefined, offset: 0, limit: 10, ...changes };
        const { records, total } = await keys().list(query);
        return [records.map(({ name }) => name), total];
      };
      expect(await list({})).toEqual([['key 0', 'key 3', 'key 2', 'key 1'], 4]);
      expect(await list({ includeDisabled: false })).toEqual([['key 0', 'key 3', 'key 2'], 3]);
      expect(await list({ tag: 'red' })).toEqual([['key 0', 'key 1'], 2]);
      expect(await list({ tag: 'red', includeDisabled: false })).toEqual([['key 0'], 1]);
      expect(await list({ tag: 'r' })).toEqual([[], 0]);
      expect(await list({ offset: 1, limit: 2 })).toEqual([['key 3', 'key 2'], 4]);
      expect(await list({ offset: 9 })).toEqual([[], 4]);
    });

    it('change only where nobody else changed them', async () => {
      const account = subject.fresh('account');
      const first = keyRecord({ hash: hashOf(account), account });
      await keys().insert(first);
      const changes = ['one', 'two'].map((name) => ({ ...first, name, version: 2, updatedAt: NOON + 1 }));
      const verdicts = await Promise.all(changes.map((changed) => keys().replace(changed, 1)));
      expect(verdicts.filter((done) => done)).toHaveLength(1);
      expect(await keys().find(first.hash)).toEqual(changes[verdicts.indexOf(true)]);
      expect(await keys().replace({ ...first, hash: hashOf(subject.fresh('key')) }, 1)).toBe(false);
    });

    it('are removed by their own account only; their use is noted', async () => {
      const account = subject.fresh('account');
      const { hash } = keyRecord({ hash: hashOf(account), account });
      await keys().insert(keyRecord({ hash, account }));
      await keys().touch(hash, NOON + 60_000);
      expect(await keys().find(hash)).toMatchObject({ lastUsedAt: NOON + 60_000, version: 1 });
      expect(await keys().remove(hash, subject.fresh('account'))).toBe(false);
      const removed = await Promise.all([keys().remove(hash, account), keys().remove(hash, account)]);
      expect(removed.filter((done) => done)).toHaveLength(1);
      expect(await keys().find(hash)).toBeUndefined();
      await keys().touch(hash, NOON);
      expect(await keys().find(hash)).toBeUndefined();
    });
  });
}
