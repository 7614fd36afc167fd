import type { KeyRecord, KeyStore } from '../stores/types.js';
import type { StoreGuard } from './store-guard.js';

/** What looking keys up takes from the gateway. */
export interface KeyDirectoryParts {
  readonly keys: KeyStore;
  readonly guard: StoreGuard;
  /** Milliseconds for which a key that was found is not asked for again; a revocation takes that long to be seen. */
  readonly cacheMs: number;
  /** Milliseconds for which a key that was found is good for authentication while the store is down. */
  readonly staleMs: number;
}

interface Seen {
  readonly record: KeyRecord;
  readonly at: number;
}

/** A digest that nobody knows is not asked for again so soon: guessing is not to cost the store anything. */
const UNKNOWN_MS = 5000;
const MOST_REMEMBERED = 10_000;
/** `last_used_at` is exact to this. */
const TOUCH_MS = 60_000;

/**
 * Finds keys by their digests. Requests that come together with the same key share one look-up; whatever is remembered is
 * bounded in number and time.
 */
export class KeyDirectory {
  readonly #parts: KeyDirectoryParts;
  readonly #underWay = new Map<string, Promise<KeyRecord | undefined>>();
  readonly #seen = new Map<string, Seen>();
  readonly #unknown = new Map<string, number>();
  readonly #touched = new Map<string, number>();

  constructor(parts: KeyDirectoryParts) {
    this.#parts = { ...parts, guard: parts.guard.of('keys') };
  }

  /** @throws GatewayError `service_unavailable` where the store fails and the key was not seen lately. */
  find(hash: string): Promise<KeyRecord | undefined> {
    const { cacheMs, guard } = this.#parts;
    const now = guard.clock.now();
    const unknownUntil = this.#unknown.get(hash);
    if (unknownUntil !== undefined && now < unknownUntil) return Promise.resolve(undefined);
    const seen = this.#seen.get(hash);
    if (seen !== undefined && cacheMs > 0 && now < seen.at + cacheMs) return Promise.resolve(seen.record);
    const joined = this.#underWay.get(hash);
    if (joined !== undefined) return joined;
    const isCurrent = (): boolean => this.#underWay.get(hash) === lookUp;
    const lookUp: Promise<KeyRecord | undefined> = this.#lookUp(hash, isCurrent).finally(() => {
      if (isCurrent()) this.#underWay.delete(hash);
    });
    this.#underWay.set(hash, lookUp);
    return lookUp;
  }

  /** A key was made, changed or revoked here: nothing that is remembered of it counts, nor a look-up that is under way. */
  forget(hash: string): void {
    this.#unknown.delete(hash);
    this.#seen.delete(hash);
    this.#underWay.delete(hash);
  }

  /** Notes that a key was used; best effort, once a minute. */
  used(hash: string): void {
    const { keys, guard } = this.#parts;
    const now = guard.clock.now();
    if (now < (this.#touched.get(hash) ?? 0) + TOUCH_MS) return;
    remember(this.#touched, hash, now);
    keys.touch(hash, now).catch(() => undefined);
  }

  async #lookUp(hash: string, isCurrent: () => boolean): Promise<KeyRecord | undefined> {
    const { keys, guard, staleMs } = this.#parts;
    const { clock } = guard;
    try {
      const record = await guard.run(keys.find(hash));
      // What was forgotten in the meantime was perhaps revoked after the store had read it.
      if (!isCurrent()) return record;
      this.#seen.delete(hash);
      if (record !== undefined) remember(this.#seen, hash, { record, at: clock.now() });
      else remember(this.#unknown, hash, clock.now() + UNKNOWN_MS);
      return record;
    } catch (error) {
      const seen = this.#seen.get(hash);
      if (seen !== undefined && clock.now() < seen.at + staleMs) return seen.record;
      throw error;
    }
  }
}

/** Keeps the newest entries. */
function remember<T>(map: Map<string, T>, name: string, value: T): void {
  map.delete(name);
  map.set(name, value);
  if (map.size <= MOST_REMEMBERED) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
