import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import type { Dispatch, GenerationRecord, HoldRef } from '../stores/types.js';
import type { RequestLedger } from './guarded-ledger.js';
import { persist } from './persist.js';

/** What a hold needs of the gateway. */
export interface HoldKeeper {
  readonly ledger: RequestLedger;
  readonly clock: Clock;
  /** Told about a hold that could not be resolved in time; a sweep will. */
  abandoned(hold: HoldRef, error: unknown): void;
}

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
  /** A sweep has resolved it: nothing is sent any more, but what it comes to is still to be told. */
  #lost = false;

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
    if (this.#ended || this.#lost)
      throw new Error(`the hold ${this.ref.id} has ended: nothing may be sent on its account`);
  }

  /**
   * To be awaited before an attempt is sent: what a crash would leave behind then says who was asked. The first attempt
   * was noted together with the hold. Rejects where the store fails; @throws Error where the hold has ended, GatewayError
   * `service_unavailable` where a sweep has resolved it.
   */
  async dispatch(next: Omit<Dispatch, 'attempt'>): Promise<void> {
    this.assertLive();
    const first = this.#first;
    this.#first = undefined;
    this.#dispatches += 1;
    if (first?.endpoint === next.endpoint) return;
    if (await this.#keeper.ledger.dispatch(this.ref, { ...next, attempt: this.#dispatches })) return;
    this.#lost = true;
    throw new GatewayError('service_unavailable', 'the money held for this request was released: it took too long');
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
    const { ledger, clock, abandoned } = this.#keeper;
    const resolve = async (): Promise<void> => {
      if (this.#dispatches === 0) await ledger.void(this.ref);
      else await ledger.settle({ ...this.ref, charge, record });
    };
    return persist(resolve, clock, this.#expiresAt).catch((error: unknown) => abandoned(this.ref, error));
  }
}
