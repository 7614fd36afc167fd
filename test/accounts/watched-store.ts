import type { Store } from '@gatehouse/core';

/** What a store consists of. */
type StorePart = 'keys' | 'ledger' | 'generations' | 'rates' | 'replays';

/** One call of the gateway to its store. */
interface StoreCall {
  readonly part: StorePart;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** A store that remembers what it was asked, and whose parts fail as a test says. */
export interface WatchedStore extends Store {
  readonly calls: readonly StoreCall[];
  /** Calls of one method, by their arguments. */
  callsOf(part: StorePart, method: string): readonly (readonly unknown[])[];
  /**
   * `down`: every call rejects; `frozen`: none is ever answered; `held`: they wait for `release`; `late`: they are
   * carried out at once, and their answers wait for `release`. Without parts: all of them.
   */
  set(state: StoreState, ...parts: readonly StorePart[]): void;
  /** Lets go of calls that wait. */
  release(): void;
}

type StoreState = 'up' | 'down' | 'frozen' | 'held' | 'late';

const PARTS: readonly StorePart[] = ['keys', 'ledger', 'generations', 'rates', 'replays'];

/** Watches a store. */
export function watchedStore(store: Store): WatchedStore {
  const calls: StoreCall[] = [];
  const states = new Map<StorePart, StoreState>();
  const waiting: (() => void)[] = [];
  const watch = <Target extends object>(part: StorePart, target: Target): Target =>
    new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: readonly unknown[]): unknown => {
          calls.push({ part, method: String(name), args });
          const state = states.get(part);
          if (state === 'down') return Promise.reject(new Error(`${part} is down`));
          if (state === 'frozen') return new Promise(() => undefined);
          const answer = (): unknown => Reflect.apply(value, target, args);
          if (state !== 'held' && state !== 'late') return answer();
          const released = new Promise<void>((resolve) => waiting.push(resolve));
          if (state === 'held') return released.then(answer);
          const early = answer();
          return released.then(() => early);
        };
      },
    });
  return {
    name: store.name,
    keys: watch('keys', store.keys),
    ledger: watch('ledger', store.ledger),
    generations: watch('generations', store.generations),
    rates: watch('rates', store.rates),
    replays: watch('replays', store.replays),
    open: () => store.open(),
    close: () => store.close(),
    calls,
    callsOf: (part, method) =>
      calls.filter((call) => call.part === part && call.method === method).map(({ args }) => args),
    set(state, ...parts) {
      for (const part of parts.length === 0 ? PARTS : parts) states.set(part, state);
    },
    release() {
      for (const go of waiting.splice(0)) go();
    },
  };
}
