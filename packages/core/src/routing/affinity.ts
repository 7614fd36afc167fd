import type { Clock } from '../clock.js';

const KEPT_MS = 600_000;
const MOST_ENTRIES = 10_000;

/** Which endpoint answered a session last, so that the next request finds its prompt in that endpoint's cache. */
export class Affinity {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { readonly unit: string; readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The endpoint of a session; undefined where none is known or it was too long ago. */
  find(session: string): string | undefined {
    const entry = this.#entries.get(session);
    return entry !== undefined && this.#clock.now() < entry.until ? entry.unit : undefined;
  }

  /** An endpoint has answered a session. */
  keep(session: string, unit: string): void {
    this.#entries.delete(session);
    this.#entries.set(session, { unit, until: this.#clock.now() + KEPT_MS });
    if (this.#entries.size <= MOST_ENTRIES) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}
