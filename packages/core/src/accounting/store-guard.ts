import type { Clock } from '../clock.js';
import { Deadlines } from '../deadlines.js';
import { GatewayError } from '../errors.js';

/** What of a store can fail by itself; `ledger` is money and answers that are kept, `reports` sums of usage. */
type StorePart = 'keys' | 'ledger' | 'rates' | 'reports';

/** A part of the store stopped answering, or answers again. */
export interface StoreChange {
  /** Name of the store. */
  readonly store: string;
  readonly part: StorePart;
  readonly state: 'down' | 'up';
  /** What failed; of `down`. */
  readonly error?: unknown;
}

/** What guarding a store takes from the gateway. */
export interface StoreGuardParts {
  /** Name of the store. */
  readonly store: string;
  readonly clock: Clock;
  /** Default `ledger`. */
  readonly part?: StorePart;
  /** How long it may take, milliseconds. Default 2000. */
  readonly deadlineMs?: number;
  onChange(change: StoreChange): void;
}

/** Whoever needs the store waits no longer than this for it, milliseconds. */
const DEADLINE_MS = 2000;

/**
 * Waits for a store, but not for ever: one that hangs is treated like one that is down, and either is
 * `service_unavailable`. The host is told once when that begins and once when it is over.
 */
export class StoreGuard {
  readonly clock: Clock;
  readonly #parts: StoreGuardParts;
  readonly #others = new Map<StorePart, StoreGuard>();
  readonly #deadlines: Deadlines;
  #down = false;

  constructor(parts: StoreGuardParts) {
    this.#parts = parts;
    this.clock = parts.clock;
    this.#deadlines = new Deadlines(parts.clock, parts.deadlineMs ?? DEADLINE_MS);
  }

  /** The guard of another part: keys that are found say nothing about a ledger that hangs. */
  of(part: StorePart, deadlineMs: number = DEADLINE_MS): StoreGuard {
    const known = this.#others.get(part);
    if (known !== undefined) return known;
    const guard = new StoreGuard({ ...this.#parts, part, deadlineMs });
    this.#others.set(part, guard);
    return guard;
  }

  /** @throws GatewayError `service_unavailable` where the store fails or takes too long. */
  async run<T>(work: Promise<T>): Promise<T> {
    try {
      const value = await inTime(work, this.#deadlines);
      this.#change('up');
      return value;
    } catch (error) {
      this.#change('down', error);
      throw new GatewayError('service_unavailable', 'the store of the gateway is not available', { cause: error });
    }
  }

  #change(state: StoreChange['state'], error?: unknown): void {
    if (this.#down === (state === 'down')) return;
    this.#down = state === 'down';
    const { store, part = 'ledger', onChange } = this.#parts;
    onChange({ store, part, state, ...(state === 'down' && { error }) });
  }
}

/** Rejects where `work` takes longer. */
function inTime<T>(work: Promise<T>, deadlines: Deadlines): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = deadlines.begin(() => reject(new Error(`no answer within ${deadlines.milliseconds} ms`)));
    work.then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => {
        end();
        reject(error);
      },
    );
  });
}
