import type { Ledger } from '../stores/types.js';
import type { StoreGuard } from './store-guard.js';

/** What a request needs of the ledger. */
export type RequestLedger = Pick<Ledger, 'reserve' | 'dispatch' | 'checkpoint' | 'settle' | 'void'>;

/** A reservation that was given up may still come about: it is taken back now, and once more after this. */
const LATE_MS = 10_000;

/** A ledger that answers in time or fails with `service_unavailable`. */
export function guardedLedger(ledger: Ledger, guard: StoreGuard): RequestLedger {
  return {
    reserve: (reservation) =>
      guard.run(ledger.reserve(reservation)).catch((error: unknown) => {
        const { id, account, key } = reservation;
        const takeBack = (): void => void ledger.void({ id, account, key }).catch(() => undefined);
        takeBack();
        guard.clock.after(LATE_MS, takeBack);
        throw error;
      }),
    dispatch: (hold, dispatch) => guard.run(ledger.dispatch(hold, dispatch)),
    checkpoint: (hold, charge) => guard.run(ledger.checkpoint(hold, charge)),
    settle: (settlement) => guard.run(ledger.settle(settlement)),
    void: (hold) => guard.run(ledger.void(hold)),
  };
}
