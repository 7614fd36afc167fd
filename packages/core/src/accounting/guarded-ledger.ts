import type { Ledger } from '../stores/types.js';
import { persist } from './persist.js';
import type { StoreGuard } from './store-guard.js';

/** What a request needs of the ledger. */
export type RequestLedger = Pick<Ledger, 'reserve' | 'dispatch' | 'checkpoint' | 'settle' | 'void'>;

/** A reservation that was given up may still come about within this time. */
const LATE_MS = 10_000;

/** A ledger that answers in time or fails with `service_unavailable`. */
export function guardedLedger(ledger: Ledger, guard: StoreGuard): RequestLedger {
  return {
    reserve: (reservation) =>
      guard.run(ledger.reserve(reservation)).catch((error: unknown) => {
        const { id, account, key, ttlMs } = reservation;
        const { clock } = guard;
        const until = clock.now() + ttlMs;
        const takeBack = async (): Promise<void> => void (await ledger.void({ id, account, key }));
        takeBack().catch(() => undefined);
        // Once more, when nothing can come about any more, and until the store has heard it: else a sweep would charge it.
        clock.after(LATE_MS, () => void persist(takeBack, clock, until).catch(() => undefined));
        throw error;
      }),
    dispatch: (hold, dispatch) => guard.run(ledger.dispatch(hold, dispatch)),
    checkpoint: (hold, charge) => guard.run(ledger.checkpoint(hold, charge)),
    settle: (settlement) => guard.run(ledger.settle(settlement)),
    void: (hold) => guard.run(ledger.void(hold)),
  };
}
