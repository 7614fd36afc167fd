import { type TextFilter, WholeCharacters } from './filter.js';

const ESCAPE = /\\(?:u([0-9A-Fa-f]{4})|(["\\/bfnrt]))/y;
/** An escape that the next piece may complete. */
const CUT_ESCAPE = /^\\(?:u[0-9A-Fa-f]{0,3})?$/;
const LONGEST_ESCAPE = 6;
const CONTROLS: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/**
 * The inside of one JSON string that comes in pieces: what it says goes through a filter, and comes out written as it was
 * up to the first character that the filter made another, and with JSON's shortest escapes from there on.
 */
export class JsonString {
  readonly #newFilter: () => TextFilter;
  #filter: WholeCharacters;
  /** An escape whose end is not there yet. */
  #cut = '';
  /** As it was written: what went into the filter and did not come out. */
  #written = '';
  /** What came out of the filter and is to be compared with characters that are not there yet. */
  #early = '';
  #isChanged = false;

  constructor(newFilter: () => TextFilter) {
    this.#newFilter = newFilter;
    this.#filter = new WholeCharacters(newFilter());
  }

  get refused(): boolean {
    return this.#filter.refused;
  }

  push(written: string): string {
    const all = this.#cut + written;
    const { text, used } = decoded(all, false);
    this.#cut = all.slice(used);
    return this.#take(all.slice(0, used), text);
  }

  /** Behind the last character: before the closing quote, or where the text breaks off. */
  end(): string {
    const cut = this.#cut;
    this.#cut = '';
    return this.#take(cut, decoded(cut, true).text) + this.release();
  }

  /** What is held back, but for half an escape; what follows is another text. */
  release(): string {
    const passed = this.#shown(this.#filter.end());
    const early = this.#early;
    this.#early = '';
    this.#written = '';
    if (!this.#filter.refused) this.#filter = new WholeCharacters(this.#newFilter());
    return passed + escaped(early);
  }

  #take(written: string, text: string): string {
    if (!this.#isChanged) this.#written += written;
    return this.#shown(this.#filter.push(text));
  }

  /** What the filter let go, in JSON. */
  #shown(passed: string): string {
    if (this.#isChanged) return escaped(passed);
    const text = this.#early + passed;
    const written = this.#written;
    this.#early = '';
    if (!text.includes('\\') && written.startsWith(text)) {
      this.#written = written.slice(text.length);
      return text;
    }
    let at = 0;
    let from = 0;
    while (at < text.length) {
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
      const to = sameUntil(written, from, character);
      if (to === 'undecided') {
        this.#early = text.slice(at);
        break;
      }
      if (to === undefined) {
        this.#isChanged = true;
        this.#written = '';
        return written.slice(0, from) + escaped(text.slice(at));
      }
      at += character.length;
      from = to;
    }
    this.#written = written.slice(from);
    return written.slice(0, from);
  }
}

/** Text as it stands in a JSON string. */
function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** What is written, and how much of it is decided. A backslash that begins no escape of JSON stands for itself. */
function decoded(written: string, final: boolean): { readonly text: string; readonly used: number } {
  let text = '';
  let at = 0;
  for (;;) {
    const slash = written.indexOf('\\', at);
    if (slash === -1) return { text: text + written.slice(at), used: written.length };
    text += written.slice(at, slash);
    if (!final && CUT_ESCAPE.test(written.slice(slash, slash + LONGEST_ESCAPE))) return { text, used: slash };
    const { unit, length } = unitAt(written, slash);
    text += unit;
    at = slash + length;
  }
}

function unitAt(written: string, at: number): { readonly unit: string; readonly length: number } {
  const unit = written.charAt(at);
  if (unit !== '\\') return { unit, length: 1 };
  ESCAPE.lastIndex = at;
  const match = ESCAPE.exec(written);
  if (match === null) return { unit, length: 1 };
  const [whole, code, sign = ''] = match;
  return {
    unit: code === undefined ? (CONTROLS[sign] ?? sign) : String.fromCharCode(Number.parseInt(code, 16)),
    length: whole.length,
  };
}

/** Where a character ends in what is written, if it stands there. */
function sameUntil(written: string, from: number, character: string): number | 'undecided' | undefined {
  let to = from;
  for (let index = 0; index < character.length; index += 1) {
    if (to >= written.length) return 'undecided';
    const { unit, length } = unitAt(written, to);
    if (unit !== character.charAt(index)) return undefined;
    to += length;
  }
  return to;
}
