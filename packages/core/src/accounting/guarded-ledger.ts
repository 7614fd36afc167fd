import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import type { Ledger } from '../stores/types.js';

/** What a request needs of the ledger. */
export type RequestLedger = Pick<Ledger, 'reserve' | 'dispatch' | 'checkpoint' | 'settle' | 'void'>;

/** Money waits no longer than this for its store. */
const DEADLINE_MS = 2000;
/** A reservation that was given up may still come about: it is taken back now, and once more after this. */
const LATE_MS = 10_000;

/**
 * A ledger that answers in time or fails: a store that hangs is treated like one that is down, and either is
 * `service_unavailable`. `failed` is told about each failure.
 */
export function guardedLedger(ledger: Ledger, clock: Clock, failed: (error: unknown) => void): RequestLedger {
  const guarded = <T>(work: Promise<T>): Promise<T> =>
    inTime(work, clock, DEADLINE_MS).catch((error: unknown) => {
      failed(error);
      throw new GatewayError('service_unavailable', 'the store of the gateway is not available', { cause: error });
    });
  return {
    reserve: (reservation) =>
      guarded(ledger.reserve(reservation)).catch((error: unknown) => {
        const { id, account, key } = reservation;
        const takeBack = (): void => void ledger.void({ id, account, key }).catch(() => undefined);
        takeBack();
        clock.after(LATE_MS, takeBack);
        throw error;
      }),
    dispatch: (hold, dispatch) => guarded(ledger.dispatch(hold, dispatch)),
    checkpoint: (hold, charge) => guarded(ledger.checkpoint(hold, charge)),
    settle: (settlement) => guarded(ledger.settle(settlement)),
    void: (hold) => guarded(ledger.void(hold)),
  };
}

/** Rejects where `work` takes longer. */
export function inTime<T>(work: Promise<T>, clock: Clock, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(milliseconds, () => reject(new Error(`no answer within ${milliseconds} ms`)), {
      hold: true,
    });
    work.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
