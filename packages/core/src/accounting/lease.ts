import type { CancelTimer, Clock } from '../clock.js';
import type { CrashPolicy, HoldRef, Ledger } from '../stores/types.js';

/** What a lease takes from the gateway. */
export interface LeaseParts {
  readonly ledger: Pick<Ledger, 'renew' | 'leave' | 'sweep' | 'instances'>;
  readonly clock: Clock;
  /** This process, as the ledger knows it. */
  readonly owner: string;
  readonly crashPolicy: CrashPolicy;
  /** Told about holds of processes that are gone. */
  swept(holds: readonly HoldRef[]): void;
  /** Told how many processes share the store. */
  counted(instances: number): void;
}

const RENEW_MS = 10_000;
const LEASE_MS = 30_000;
const SWEEP_MS = 30_000;
/** A process whose lease is over for this long is dead. */
const DEAD_MS = 30_000;

/**
 * Shows the other processes of a store that this one lives, and resolves what dead ones left held. A store that fails is
 * asked again at the next turn.
 */
export class Lease {
  readonly #parts: LeaseParts;
  #timers: readonly CancelTimer[] = [];
  #stopped = false;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#renew();
    this.#sweep();
  }

  /** Ends in good order. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#timers) cancel();
    this.#timers = [];
    await this.#parts.ledger.leave(this.#parts.owner).catch(() => undefined);
  }

  #renew(): void {
    const { ledger, owner, counted } = this.#parts;
    ledger
      .renew(owner, LEASE_MS)
      .then(() => ledger.instances())
      .then(counted)
      .catch(() => undefined);
    this.#again(RENEW_MS, () => this.#renew());
  }

  #sweep(): void {
    const { ledger, crashPolicy, swept } = this.#parts;
    ledger.sweep(crashPolicy, DEAD_MS).then(
      (holds) => {
        if (holds.length > 0) swept(holds);
      },
      () => undefined,
    );
    this.#again(SWEEP_MS, () => this.#sweep());
  }

  #again(milliseconds: number, turn: () => void): void {
    const cancel = this.#parts.clock.after(milliseconds, () => {
      this.#timers = this.#timers.filter((timer) => timer !== cancel);
      if (!this.#stopped) turn();
    });
    this.#timers = [...this.#timers, cancel];
  }
}
