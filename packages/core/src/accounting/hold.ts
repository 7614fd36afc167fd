import type { Clock } from '../clock.js';
import type { Dispatch, GenerationRecord, HoldRef } from '../stores/types.js';
import type { RequestLedger } from './guarded-ledger.js';

/** What a hold needs of the gateway. */
export interface HoldKeeper {
  readonly ledger: RequestLedger;
  readonly clock: Clock;
  /** Told about a hold that could not be resolved in time; a sweep will. */
  abandoned(hold: HoldRef, error: unknown): void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * The worst case of one request, held on the account. Nothing is sent to a provider without one that is live; it ends
 * once, by a charge or by being given back.
 */
export class Hold {
  readonly ref: HoldRef;
  /** Nano-USD. */
  readonly amount: bigint;
  readonly #keeper: HoldKeeper;
  readonly #expiresAt: number;
  #first: Dispatch | undefined;
  #dispatches = 0;
  #ended = false;

  /** A hold that the ledger has granted, with the attempt that it was granted for. */
  constructor(keeper: HoldKeeper, ref: HoldRef, amount: bigint, expiresAt: number, first: Dispatch) {
    this.#keeper = keeper;
    this.ref = ref;
    this.amount = amount;
    this.#expiresAt = expiresAt;
    this.#first = first;
  }

  /** How many attempts it has paid for. */
  get dispatches(): number {
    return this.#dispatches;
  }

  /** @throws Error where the hold has ended: nothing may be sent on its account. */
  assertLive(): void {
    if (this.#ended) throw new Error(`the hold ${this.ref.id} has ended: nothing may be sent on its account`);
  }

  /**
   * To be awaited before an attempt is sent: what a crash would leave behind then says who was asked. The first attempt
   * was noted together with the hold. Rejects where the store fails; @throws Error where the hold is over.
   */
  async dispatch(next: Omit<Dispatch, 'attempt'>): Promise<void> {
    this.assertLive();
    const first = this.#first;
    this.#first = undefined;
    this.#dispatches += 1;
    if (first?.endpoint === next.endpoint) return;
    if (await this.#keeper.ledger.dispatch(this.ref, { ...next, attempt: this.#dispatches })) return;
    this.#ended = true;
    this.assertLive();
  }

  /** Notes what the answer is worth so far; best effort. */
  checkpoint(charge: bigint): void {
    if (!this.#ended) this.#keeper.ledger.checkpoint(this.ref, charge).catch(() => undefined);
  }

  /**
   * Ends the hold with a charge, or gives it back where nothing was sent. Resolves when that is durable; until the hold
   * expires a store that fails is asked again. Only the first call counts.
   */
  end(charge: bigint, record: GenerationRecord): Promise<void> {
    if (this.#ended) return Promise.resolve();
    this.#ended = true;
    const { ledger } = this.#keeper;
    return this.#persist(async () => {
      if (this.#dispatches === 0) await ledger.void(this.ref);
      else await ledger.settle({ ...this.ref, charge, record });
    });
  }

  async #persist(resolve: () => Promise<void>): Promise<void> {
    const { clock, abandoned } = this.#keeper;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        return await resolve();
      } catch (error) {
        if (clock.now() + pause >= this.#expiresAt) return abandoned(this.ref, error);
      }
      await new Promise<void>((done) => {
        clock.after(pause, done);
      });
    }
  }
}
