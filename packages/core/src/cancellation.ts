/**
 * A reason to stop, told to everybody who follows. Plain callbacks: a chain of `AbortSignal`s costs more than the rest of a
 * small request.
 */
export class Cancellation {
  #reason: Error | undefined;
  #followers: ((reason: Error) => void)[] = [];

  /** Why to stop; undefined while there is no reason. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Calls `follower` once when there is a reason to stop, at once if there is one already. */
  follow(follower: (reason: Error) => void): void {
    if (this.#reason === undefined) this.#followers.push(follower);
    else follower(this.#reason);
  }

  /** Takes a follower back; harmless if it does not follow. */
  unfollow(follower: (reason: Error) => void): void {
    const position = this.#followers.indexOf(follower);
    if (position !== -1) this.#followers.splice(position, 1);
  }

  /** Gives the reason; only the first one counts. */
  cancel(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    const followers = this.#followers;
    this.#followers = [];
    for (const follower of followers) follower(reason);
  }
}
