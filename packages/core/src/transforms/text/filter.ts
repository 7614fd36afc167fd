/**
 * Changes text that comes in pieces. What comes out, put together, depends on the text alone and not on how it was cut:
 * whatever could be the beginning of something is held back until that is decided.
 */
export interface TextFilter {
  /** What can go on now. */
  push(text: string): string;
  /** What was held back; nothing comes after it. */
  end(): string;
  /** Something was found that must not go on: from there on nothing does. */
  readonly refused: boolean;
}

/** What stands instead of something that was found; undefined: nothing more may go on. */
export type OnMatch = (found: string) => string | undefined;

/** Several filters in a row; with one of them refusing, what the others hold is let go and all of it ends. */
export class FilterChain implements TextFilter {
  readonly #filters: readonly TextFilter[];
  #over = false;
  refused = false;

  constructor(filters: readonly TextFilter[]) {
    this.#filters = filters;
  }

  push(text: string): string {
    if (this.#over) return '';
    let passed = text;
    for (const filter of this.#filters) passed = filter.push(passed);
    return this.#filters.some((filter) => filter.refused) ? passed + this.#close() : passed;
  }

  end(): string {
    return this.#over ? '' : this.#close();
  }

  #close(): string {
    this.#over = true;
    let passed = '';
    for (const filter of this.#filters) passed = filter.push(passed) + filter.end();
    this.refused = this.#filters.some((filter) => filter.refused);
    return passed;
  }
}

/** Text as it is, but for pairs of surrogates, which stay together: not every client can join halves. */
export class WholeCharacters implements TextFilter {
  readonly #inner: TextFilter;
  #half = '';

  constructor(inner: TextFilter) {
    this.#inner = inner;
  }

  get refused(): boolean {
    return this.#inner.refused;
  }

  push(text: string): string {
    const passed = this.#half + this.#inner.push(text);
    const last = passed.charCodeAt(passed.length - 1);
    const isHalf = last >= 0xd800 && last <= 0xdbff;
    this.#half = isHalf ? passed.slice(-1) : '';
    return isHalf ? passed.slice(0, -1) : passed;
  }

  end(): string {
    const passed = this.#half + this.#inner.end();
    this.#half = '';
    return passed;
  }
}
