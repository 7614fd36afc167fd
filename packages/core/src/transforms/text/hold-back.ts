import type { OnMatch, TextFilter } from './filter.js';

/** Whether a character, given as its UTF-16 unit, still belongs to what was found. */
export type Tail = (unit: number) => boolean;

/** Something found in a text: where, and how it goes on beyond `end`. */
export interface Found {
  readonly start: number;
  readonly end: number;
  readonly tail?: Tail | undefined;
}

/**
 * Looks for the first find in `text` from `from` on. A number: there is none before that position, and whether there is
 * one after it depends on text that is not there yet; with `final` nothing more will come and the number is the length.
 * What it answers for a position never depends on how much text follows beyond what decides it.
 */
export interface Finder {
  find(text: string, from: number, final: boolean, before: string): Found | number;
}

/** What goes on longer than this is over here; the rest of it is looked at anew. */
const LONGEST_TAIL = 16_384;

/** A filter that keeps the undecided end of its text and looks at it again when there is more. */
export class HoldBack implements TextFilter {
  readonly #finder: Finder;
  readonly #onMatch: OnMatch;
  #held = '';
  /** The last character that is decided. */
  #before = '';
  #tail: Tail | undefined;
  #found = '';
  refused = false;

  constructor(finder: Finder, onMatch: OnMatch) {
    this.#finder = finder;
    this.#onMatch = onMatch;
  }

  push(text: string): string {
    return text === '' || this.refused ? '' : this.#take(this.#held + text, false);
  }

  end(): string {
    if (this.refused) return '';
    const rest = this.#take(this.#held, true);
    if (this.#tail === undefined || this.refused) return rest;
    this.#tail = undefined;
    return rest + this.#replace();
  }

  #take(text: string, final: boolean): string {
    let passed = '';
    let from = 0;
    for (;;) {
      if (this.#tail !== undefined) {
        from = this.#swallow(text, from, this.#tail);
        if (from === text.length && this.#tail !== undefined) break;
        passed += this.#replace();
        if (this.refused) return passed;
      }
      const found = this.#finder.find(text, from, final, from === 0 ? this.#before : text.charAt(from - 1));
      if (typeof found === 'number') {
        passed += text.slice(from, found);
        from = found;
        break;
      }
      passed += text.slice(from, found.start);
      this.#found = text.slice(found.start, found.end);
      from = found.end;
      this.#tail = found.tail ?? NO_TAIL;
    }
    if (from > 0) this.#before = text.charAt(from - 1);
    this.#held = text.slice(from);
    return passed;
  }

  /** Takes what belongs to the find; forgets the tail where it ends. */
  #swallow(text: string, from: number, tail: Tail): number {
    let to = from;
    const most = from + LONGEST_TAIL - this.#found.length;
    while (to < text.length && to < most && tail(text.charCodeAt(to))) to += 1;
    this.#found += text.slice(from, to);
    if (tail === NO_TAIL || to < text.length || to >= most) this.#tail = undefined;
    return to;
  }

  #replace(): string {
    const replacement = this.#onMatch(this.#found);
    this.#found = '';
    if (replacement !== undefined) return replacement;
    this.refused = true;
    return '';
  }
}

const NO_TAIL: Tail = () => false;
