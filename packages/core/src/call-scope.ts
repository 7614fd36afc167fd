import { Cancellation } from './cancellation.js';
import type { CancelTimer, Clock } from './clock.js';
import { GatewayError } from './errors.js';
import type { ClientSignal } from './http/types.js';

/** Milliseconds that a call which was stopped has for telling its client so. */
const LAST_WORDS_MS = 500;

/** What a call's scope follows from. */
interface ScopeParts {
  /** The client's. */
  readonly signal: ClientSignal;
  readonly clock: Clock;
  /** Runs from now. */
  readonly totalMs: number;
  readonly running: RunningCalls;
}

/**
 * Whether a call may go on. It stops by the first of: the client's leaving, the total time, `cancel`. It is among the
 * running calls until it ends; one that was stopped is forgotten after a while, also where nobody ends it.
 */
export class CallScope extends Cancellation {
  readonly #signal: ClientSignal;
  readonly #running: RunningCalls;
  #cancelTimer: CancelTimer;
  readonly #gone = (): void => this.cancel(new GatewayError('client_closed', 'the client went away'));
  #ended = false;

  constructor({ signal, clock, totalMs, running }: ScopeParts) {
    super();
    this.#signal = signal;
    this.#running = running;
    running.add(this);
    this.#cancelTimer = clock.after(totalMs, () => {
      this.cancel(new GatewayError('timeout', `the answer was not complete within ${totalMs} ms`));
    });
    this.follow(() => {
      running.stopped(this);
      this.#cancelTimer();
      this.#cancelTimer = clock.after(LAST_WORDS_MS, () => this.end(true), { hold: true });
    });
    if (signal.aborted) this.#gone();
    else signal.addEventListener('abort', this.#gone);
  }

  /** The call is over: what still runs of it is stopped, and nothing of it stays behind. `complete`: nothing runs. */
  end(complete: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal.removeEventListener('abort', this.#gone);
    if (!complete) this.#gone();
    this.#cancelTimer();
    this.#running.delete(this);
  }
}

/** The calls under way, so that a closing gateway can wait for them or end them. */
export class RunningCalls {
  readonly #running = new Set<CallScope>();
  readonly #stopped = new Set<CallScope>();
  #waiters: (() => void)[] = [];

  add(scope: CallScope): void {
    this.#running.add(scope);
  }

  /** Calls that take up room. */
  get count(): number {
    return this.#running.size;
  }

  /** Nothing runs of a call any more; only its client has not been told. */
  stopped(scope: CallScope): void {
    if (this.#running.delete(scope)) this.#stopped.add(scope);
  }

  delete(scope: CallScope): void {
    this.#running.delete(scope);
    this.#stopped.delete(scope);
    if (!this.#isIdle || this.#waiters.length === 0) return;
    for (const resolve of this.#waiters) resolve();
    this.#waiters = [];
  }

  /** Resolves once no call is under way, and every client has had the time to hear of its end. */
  idle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  /** Ends every call. */
  cancel(reason: GatewayError): void {
    for (const scope of this.#running) scope.cancel(reason);
  }

  get #isIdle(): boolean {
    return this.#running.size === 0 && this.#stopped.size === 0;
  }
}
