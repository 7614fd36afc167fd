import type { Cancellation } from '../cancellation.js';
import type { CancelTimer } from '../clock.js';
import { GatewayError } from '../errors.js';
import type { Drains } from './drains.js';
import type { Attempt } from './types.js';

/**
 * Ties an attempt to its call: what ends the call stops the attempt. Only the client's leaving does not, where the provider
 * would charge for the whole answer all the same; then it is drained, so that the charge is known.
 */
export class AttemptLink {
  readonly #scope: Cancellation;
  readonly #attempt: Attempt;
  readonly #drains: Drains;
  readonly #stop: (reason: Error) => void;
  #leave: CancelTimer | undefined;

  /** `stop` is called at most once, with the reason. */
  constructor(scope: Cancellation, attempt: Attempt, drains: Drains, stop: (reason: Error) => void) {
    this.#scope = scope;
    this.#attempt = attempt;
    this.#drains = drains;
    this.#stop = stop;
    scope.follow(this.#onEnd);
  }

  /** The client is gone, and the answer is read to its end all the same. */
  get draining(): boolean {
    return this.#leave !== undefined;
  }

  /** The attempt is over. */
  cut(): void {
    this.#scope.unfollow(this.#onEnd);
    this.#leave?.();
  }

  readonly #onEnd = (reason: Error): void => {
    const isGone = reason instanceof GatewayError && reason.code === 'client_closed';
    if (isGone && this.#attempt.endpoint.provider.afterAbort === 'bills') {
      this.#leave = this.#drains.enter(() => this.#stop(reason));
    }
    if (this.#leave === undefined) this.#stop(reason);
  };
}
