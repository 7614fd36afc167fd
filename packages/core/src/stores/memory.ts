import { type Clock, systemClock } from '../clock.js';
import { MemoryLedger } from './memory-ledger.js';
import { correctRate, type RateRow, takeRate } from './rate-rules.js';
import type { KeyRecord, KeyStore, RateStore, ReplayClaim, ReplayStore, Store } from './types.js';
import { reportUsage } from './usage-report.js';

/** How a store in memory is set up. */
export interface MemoryStoreOptions {
  /** The store's time; by default the machine's. */
  readonly clock?: Clock | undefined;
  /** How many requests that are over are known one by one, for usage and `GET /generation`. Default 10 000. */
  readonly keep?: number | undefined;
}

const KEEP = 10_000;
/** Claims of idempotency keys, and characters of all answers that are kept for them: beyond either the oldest make room. */
const MOST_REPLAYS = { claims: 10_000, characters: 67_108_864 };

/**
 * A store in this process: the reference for the others, and what a gateway without any other one uses. Whatever it keeps
 * is gone with the process, no other process shares it, and of requests that are over only the newest are known.
 */
export function memoryStore({ clock = systemClock, keep = KEEP }: MemoryStoreOptions = {}): Store {
  const ledger = new MemoryLedger(clock, keep);
  return {
    name: 'memory',
    ledger,
    generations: {
      async find(id, account) {
        const record = ledger.generations.get(id);
        return record?.account === account ? record : undefined;
      },
      report: async (query) => reportUsage(ledger.generations.values(), query),
    },
    keys: memoryKeys(),
    rates: memoryRates(clock),
    replays: memoryReplays(clock),
    open: async () => undefined,
    close: async () => undefined,
  };
}

function memoryKeys(): KeyStore {
  const records = new Map<string, KeyRecord>();
  return {
    async insert(record) {
      if (records.has(record.hash)) return false;
      records.set(record.hash, record);
      return true;
    },
    find: async (hash) => records.get(hash),
    async list({ account, includeDisabled, tag, offset, limit }) {
      const found = [...records.values()]
        .filter((record) => record.account === account && (includeDisabled || !record.disabled))
        .filter(({ tags }) => tag === undefined || tags.includes(tag))
        .reverse()
        .sort((a, b) => b.createdAt - a.createdAt);
      return { records: found.slice(offset, offset + limit), total: found.length };
    },
    async replace(record, version) {
      if (records.get(record.hash)?.version !== version) return false;
      records.set(record.hash, record);
      return true;
    },
    async remove(hash, account) {
      return records.get(hash)?.account === account && records.delete(hash);
    },
    async touch(hash, at) {
      const record = records.get(hash);
      if (record !== undefined) records.set(hash, { ...record, lastUsedAt: at });
    },
  };
}

/** An allowance that was not touched for so long is full again; it need not be remembered. Milliseconds. */
const IDLE_MS = 120_000;

/** Requests and tokens a minute, counted in this process. */
export function memoryRates(clock: Clock): RateStore {
  // The longest untouched first.
  const rows = new Map<string, RateRow>();
  const put = (subject: string, row: RateRow): void => {
    rows.delete(subject);
    rows.set(subject, row);
    for (const [oldest, { at, tokens }] of rows) {
      if (at + IDLE_MS > row.at || tokens < 0) break;
      rows.delete(oldest);
    }
  };
  return {
    async take(subject, use, limits) {
      const { row, verdict } = takeRate(rows.get(subject), use, limits, clock.now());
      put(subject, row);
      return verdict;
    },
    async correct(subject, use, limits) {
      put(subject, correctRate(rows.get(subject), use, limits, clock.now()));
    },
  };
}

interface Replay extends ReplayClaim {
  readonly finished: boolean;
  readonly answer: string | undefined;
  readonly until: number;
}

function memoryReplays(clock: Clock): ReplayStore {
  const replays = new Map<string, Replay>();
  let characters = 0;
  const nameOf = (subject: string, value: string): string => `${subject}\0${value}`;
  const remove = (name: string): void => {
    characters -= replays.get(name)?.answer?.length ?? 0;
    replays.delete(name);
  };
  const put = (name: string, replay: Replay): void => {
    remove(name);
    replays.set(name, replay);
    characters += replay.answer?.length ?? 0;
    for (const oldest of replays.keys()) {
      if (replays.size <= MOST_REPLAYS.claims && characters <= MOST_REPLAYS.characters) break;
      remove(oldest);
    }
  };
  return {
    async claim(claim) {
      const name = nameOf(claim.subject, claim.value);
      const found = replays.get(name);
      if (found === undefined || found.until <= clock.now()) {
        put(name, { ...claim, finished: false, answer: undefined, until: clock.now() + claim.lapseMs });
        return { kind: 'claimed' };
      }
      const { generationId, answer } = found;
      if (found.fingerprint !== claim.fingerprint) return { kind: 'different', generationId };
      return found.finished ? { kind: 'finished', generationId, answer } : { kind: 'running', generationId };
    },
    async finish(subject, value, answer) {
      const found = replays.get(nameOf(subject, value));
      if (found === undefined) return;
      const until = clock.now() + found.keepMs;
      put(nameOf(subject, value), { ...found, finished: true, answer, until });
    },
    async release(subject, value) {
      remove(nameOf(subject, value));
    },
  };
}
