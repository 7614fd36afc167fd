import type { Billing } from './accounting/bill.js';
import { type CreditAdministration, creditAdministration } from './accounting/credits.js';
import { guardedLedger } from './accounting/guarded-ledger.js';
import { KeyDirectory } from './accounting/key-directory.js';
import { Keys } from './accounting/keys.js';
import { Lease } from './accounting/lease.js';
import { RateLimiter } from './accounting/rate-limiter.js';
import { StoreGuard } from './accounting/store-guard.js';
import type { Clock } from './clock.js';
import { Deadlines } from './deadlines.js';
import type { GatewayOptions } from './gateway-options.js';
import { type Random, randomText } from './random.js';
import { memoryStore } from './stores/memory.js';
import type { GenerationRecord, ReplayStore, Store, UsageQuery, UsageReportPage } from './stores/types.js';
import { tell } from './tell.js';

/** Everything of the gateway that has to do with keys and money. */
export interface Accounts {
  readonly store: Store;
  readonly guard: StoreGuard;
  readonly directory: KeyDirectory;
  readonly keys: Keys;
  readonly credits: CreditAdministration;
  readonly limiter: RateLimiter;
  readonly billing: Billing;
  readonly replays: ReplayStore;
  usage(query: UsageQuery): Promise<UsageReportPage>;
  /** Resolves when the store has been opened, or has failed to: it is tried again by then. */
  readonly opened: Promise<void>;
  /** Resolves when no charge waits to be written, or after 5 s: what is left then is for a sweep. */
  settledSoon(): Promise<void>;
  /** Waits for charges that are being written, gives up the lease and closes the store. */
  close(): Promise<void>;
}

/** What the text of a key begins with. */
export const KEY_PREFIX = 'sk-or-v1-';
const PREFIX = /^[a-z0-9-]{1,32}$/;
const STALE_MS = 30_000;
/** A hold outlives the longest request by this, so that its own process can still settle it. */
const HOLD_GRACE_MS = 300_000;
/** Summing up many requests may take so long, milliseconds; nothing else waits for it. */
const REPORT_MS = 30_000;
/** Charges that cannot be written are left to a sweep when the process ends; it waits no longer than this. */
const CLOSE_MS = 5000;
const OWNER_LENGTH = 20;
/** An answer waits no longer than this for its charge to be written, milliseconds. */
const DURABLE_MS = 2000;

/** What keys and money take from the gateway. */
export interface AccountsParts {
  readonly options: GatewayOptions;
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds that a request may take. */
  readonly totalMs: number;
  /** Whether a transform has this name and can run without options of a request. */
  mayEnforce(transform: string): boolean;
}

/** Wires keys and money together. @throws TypeError for options that cannot work. */
export function createAccounts({ options, clock, random, totalMs, mayEnforce }: AccountsParts): Accounts {
  const store = options.store ?? memoryStore({ clock });
  if (store.name === 'memory' && (options.instances ?? 1) > 1) {
    throw new TypeError('instances: a store in memory serves one process; several need a database');
  }
  const guard = new StoreGuard({
    store: store.name,
    clock,
    onChange: (change) => tell(() => (options.onStoreChange ?? reportStore)(change)),
  });
  const { auth = {}, billing = {} } = options;
  const prefix = auth.keyPrefix ?? KEY_PREFIX;
  if (!PREFIX.test(prefix)) throw new TypeError('auth.keyPrefix: expected 1 to 32 characters of a-z 0-9 -');
  const directory = new KeyDirectory({
    keys: store.keys,
    guard,
    cacheMs: auth.keyCacheMs ?? 0,
    staleMs: auth.staleKeyMs ?? STALE_MS,
  });
  let instances = options.instances ?? 1;
  const pending = new Set<Promise<unknown>>();
  const owner = randomText(random, OWNER_LENGTH);
  const lease = new Lease({
    ledger: store.ledger,
    clock,
    owner,
    crashPolicy: billing.crashPolicy ?? 'floor',
    swept: (holds) => tell(() => options.onSweep?.(holds)),
    counted(count) {
      if (options.instances === undefined) instances = count;
    },
  });
  const start = (): void => {
    if (options.lease !== false) lease.start();
  };
  const settled = async (): Promise<void> => {
    while (pending.size > 0) await Promise.all(pending);
  };
  return {
    store,
    guard,
    directory,
    keys: new Keys({ store, guard, random, prefix, mayEnforce, changed: (hash) => directory.forget(hash) }),
    credits: creditAdministration(store, guard, guard.of('reports', REPORT_MS)),
    limiter: new RateLimiter({ rates: store.rates, guard, instances: () => instances }),
    billing: {
      ledger: guardedLedger(store.ledger, guard),
      clock,
      owner,
      durable: new Deadlines(clock, DURABLE_MS),
      holdMs: totalMs + HOLD_GRACE_MS,
      creditsRequired: billing.creditsRequired ?? false,
      chargeBroken: billing.midStreamError === 'observed',
      track(work) {
        pending.add(work);
        void work.finally(() => pending.delete(work)).catch(() => undefined);
      },
      abandoned: (hold, error) => tell(() => options.onError?.(error, { requestId: hold.id })),
      settled: (record: GenerationRecord) => tell(() => options.onGeneration?.(record)),
    },
    replays: {
      claim: (claim) => guard.run(store.replays.claim(claim)),
      finish: (subject, value, answer) => guard.run(store.replays.finish(subject, value, answer)),
      release: (subject, value) => guard.run(store.replays.release(subject, value)),
    },
    usage: (query) => guard.of('reports', REPORT_MS).run(store.generations.report(query)),
    opened: guard.run(store.open()).then(start, start),
    settledSoon: () => within(settled(), CLOSE_MS, clock),
    async close() {
      await within(settled(), CLOSE_MS, clock);
      // A store that hangs does not hold up the end of the process: others see its lease run out.
      await within(lease.stop(), CLOSE_MS, clock);
      await store.close();
    },
  };
}

function within(work: Promise<void>, milliseconds: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(milliseconds, resolve, { hold: true });
    void work.then(() => {
      cancel();
      resolve();
    });
  });
}

function reportStore({ store, part, state, error }: Parameters<NonNullable<GatewayOptions['onStoreChange']>>[0]): void {
  if (state === 'up') console.warn(`gatehouse: the store ${store} (${part}) answers again`);
  else console.error(`gatehouse: the store ${store} (${part}) does not answer:`, error);
}
