import type { CancelTimer, Clock } from '../clock.js';
import { Failure } from '../failure.js';

/**
 * One deadline that is moved often and missed rarely. Moving it costs a comparison: the timer is set anew only when it
 * fires too early or the deadline comes nearer.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #bite: (failure: Failure) => void;
  #deadline = Number.POSITIVE_INFINITY;
  #waitingFor = '';
  #armedFor = Number.POSITIVE_INFINITY;
  #cancel: CancelTimer | undefined;

  /** `bite` is called once, with a `timeout` failure, when a deadline passes. */
  constructor(clock: Clock, bite: (failure: Failure) => void) {
    this.#clock = clock;
    this.#bite = bite;
  }

  /** From now on `what` is expected within `milliseconds`. */
  expect(milliseconds: number, what: string): void {
    this.expectAt(this.#clock.now() + milliseconds, what);
  }

  /** `what` is expected by `deadline`, in milliseconds of the clock. */
  expectAt(deadline: number, what: string): void {
    this.#deadline = deadline;
    this.#waitingFor = what;
    if (this.#deadline < this.#armedFor) this.#arm();
  }

  /** Nothing is expected until the next `expect`. */
  rest(): void {
    this.#deadline = Number.POSITIVE_INFINITY;
  }

  /** Nothing is expected any more, and no timer is left. */
  stop(): void {
    this.rest();
    this.#cancel?.();
    this.#cancel = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    this.#cancel?.();
    this.#armedFor = this.#deadline;
    this.#cancel = this.#clock.after(this.#deadline - this.#clock.now(), () => this.#fire());
  }

  #fire(): void {
    this.#cancel = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
    if (this.#clock.now() < this.#deadline) {
      if (this.#deadline !== Number.POSITIVE_INFINITY) this.#arm();
      return;
    }
    this.rest();
    this.#bite(new Failure('timeout', `${this.#waitingFor} did not come in time`));
  }
}
