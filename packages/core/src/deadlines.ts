import type { CancelTimer, Clock } from './clock.js';

interface Entry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly expired: () => void;
  over: boolean;
}

/**
 * Deadlines of one length. They fall due in the order in which they begin, so one timer serves all that run at a time: with
 * many short waits a timer for each costs more than the waits. The process lives on while one runs.
 */
export class Deadlines {
  readonly milliseconds: number;
  readonly #clock: Clock;
  #entries: Entry[] = [];
  #running = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(clock: Clock, milliseconds: number) {
    this.#clock = clock;
    this.milliseconds = milliseconds;
  }

  /** Calls `expired` unless what is returned is called in time. */
  begin(expired: () => void): CancelTimer {
    const entry: Entry = { at: this.#clock.now() + this.milliseconds, expired, over: false };
    this.#entries.push(entry);
    this.#running += 1;
    if (this.#cancelTimer === undefined) this.#wait(this.milliseconds);
    return () => this.#end(entry);
  }

  #end(entry: Entry): void {
    if (entry.over) return;
    entry.over = true;
    this.#running -= 1;
    if (this.#running > 0) return;
    this.#entries = [];
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #wait(milliseconds: number): void {
    this.#cancelTimer = this.#clock.after(milliseconds, () => this.#expire(), { hold: true });
  }

  #expire(): void {
    this.#cancelTimer = undefined;
    const now = this.#clock.now();
    // A clock that was set back makes nobody wait longer than was meant.
    const first = this.#entries.findIndex(({ at, over }) => !over && at > now && at - now <= this.milliseconds);
    const due = first === -1 ? this.#entries : this.#entries.slice(0, first);
    this.#entries = first === -1 ? [] : this.#entries.slice(first);
    const [next] = this.#entries;
    if (next !== undefined) this.#wait(next.at - now);
    for (const entry of due) {
      if (entry.over) continue;
      entry.over = true;
      this.#running -= 1;
      entry.expired();
    }
  }
}
