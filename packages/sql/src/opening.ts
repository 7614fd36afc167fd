/**
 * Something that is opened when it is first needed, and again whenever that failed: a store that is down at start works
 * as soon as it is back.
 */
export class Opening<Thing> {
  /** What is open; undefined before, and after the end. */
  current: Thing | undefined;
  readonly #open: () => Promise<Thing>;
  readonly #close: (thing: Thing) => Promise<void>;
  #pending: Promise<Thing> | undefined;
  #ended = false;

  constructor(open: () => Promise<Thing>, close: (thing: Thing) => Promise<void>) {
    this.#open = open;
    this.#close = close;
  }

  /** What is open, opened if need be. Rejects where it cannot be opened now, and for ever after the end. */
  async get(): Promise<Thing> {
    if (this.#ended) throw new Error('The store is closed');
    if (this.current !== undefined) return this.current;
    this.#pending ??= this.#open().finally(() => {
      this.#pending = undefined;
    });
    const thing = await this.#pending;
    if (!this.ended) this.current = thing;
    return thing;
  }

  /** Whether the end has come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Closes what is open, once. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const pending = this.#pending?.catch(() => undefined);
    const thing = this.current ?? (await pending);
    this.current = undefined;
    if (thing !== undefined) await this.#close(thing);
  }
}
