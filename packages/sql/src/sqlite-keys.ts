import type { KeyRecord, KeyStore } from '@gatehouse/core';

/** Keys that are remembered at most. */
const MOST = 1000;

/**
 * Keys of a SQLite file, which are not read again while nothing has changed: `version` tells when another connection has
 * written to the file, and what is written here is forgotten here. So a change shows at once all the same.
 */
export function rememberedKeys(keys: KeyStore, version: () => Promise<bigint>): KeyStore {
  const records = new Map<string, KeyRecord>();
  let seen: bigint | undefined;
  /** Forgets a key before and after it is written: it may be read in between. */
  const written = async <Result>(hash: string, write: Promise<Result>): Promise<Result> => {
    records.delete(hash);
    try {
      return await write;
    } finally {
      records.delete(hash);
    }
  };
  return {
    async find(hash) {
      const now = await version();
      if (now !== seen || records.size >= MOST) records.clear();
      seen = now;
      const known = records.get(hash);
      if (known !== undefined) return known;
      const record = await keys.find(hash);
      if (record !== undefined) records.set(hash, record);
      return record;
    },
    list: (query) => keys.list(query),
    insert: (record) => written(record.hash, keys.insert(record)),
    replace: (record, before) => written(record.hash, keys.replace(record, before)),
    remove: (hash, account) => written(hash, keys.remove(hash, account)),
    touch: (hash, at) => written(hash, keys.touch(hash, at)),
  };
}
