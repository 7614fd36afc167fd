import { type TextFilter, WholeCharacters } from './filter.js';
import { JsonString } from './json-string.js';

const STRUCTURE = /["{}[\],:]/g;
const BLANKS = /^[ \t\r\n]*/;
/** What could become a number, `true`, `false` or `null`. */
const BEGUN_VALUE = /^(?:-?(?:\d[\d.eE+-]*)?|t(?:r(?:ue?)?)?|f(?:a(?:l(?:se?)?)?)?|n(?:u(?:ll?)?)?)[ \t\r\n]*$/;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const WORD = /^(?:true|false|null)$/;
/** Numbers are held back to their end; longer ones are none. */
const LONGEST_VALUE = 1024;

/**
 * JSON that comes in pieces, filtered by what its strings say: escapes hide what is written with them, and what stands
 * instead has to be escaped. Each string is a text of its own, keys too. A number is looked at as a whole, and becomes a
 * string where something is found in it. What surrounds them goes on as it is. Text that turns out not to be JSON is from
 * there on filtered as plain text.
 */
export class JsonStrings implements TextFilter {
  readonly #newFilter: () => TextFilter;
  #string: JsonString | undefined;
  #isEscaped = false;
  /** A value without quotes whose end is not there yet. */
  #value = '';
  #plain: TextFilter | undefined;
  refused = false;

  constructor(newFilter: () => TextFilter) {
    this.#newFilter = newFilter;
  }

  push(text: string): string {
    let passed = '';
    let at = 0;
    while (at < text.length && !this.refused) {
      if (this.#plain !== undefined) return passed + this.#pushPlain(this.#plain, text.slice(at));
      if (this.#string === undefined) {
        const end = structureFrom(text, at);
        passed += this.#pushValue(text.slice(at, end));
        // Not JSON: the sign that ends it is plain text as well.
        if (end < text.length && this.#plain === undefined) passed += this.#endValue();
        if (this.#plain === undefined && !this.refused) {
          passed += text.charAt(end);
          if (text.charAt(end) === '"') this.#string = new JsonString(this.#newFilter);
          at = end + 1;
        } else {
          at = end;
        }
        continue;
      }
      const close = this.#closeFrom(text, at);
      passed += this.#pushString(this.#string, text.slice(at, close), close < text.length);
      at = close + 1;
    }
    return passed;
  }

  end(): string {
    if (this.refused) return '';
    const passed = this.#string === undefined ? this.#endValue() : this.#string.end();
    this.refused ||= this.#string?.refused === true;
    if (this.#plain === undefined) return passed;
    const rest = this.#plain.end();
    this.refused ||= this.#plain.refused;
    return passed + rest;
  }

  /** What is held back of the open string; the JSON goes on where it is, with another text. */
  release(): string {
    if (this.refused) return '';
    const open = this.#plain ?? this.#string;
    if (open === undefined) return '';
    const passed = open === this.#string ? this.#string.release() : open.end();
    this.refused = open.refused;
    if (this.#plain !== undefined && !this.refused) this.#plain = new WholeCharacters(this.#newFilter());
    return passed;
  }

  #pushString(string: JsonString, piece: string, isClosed: boolean): string {
    let passed = string.push(piece);
    if (isClosed) passed += string.end();
    this.refused = string.refused;
    if (!isClosed || this.refused) return passed;
    this.#string = undefined;
    return `${passed}"`;
  }

  /** Where the closing quote of the open string is; the length where it is not there yet. */
  #closeFrom(text: string, from: number): number {
    for (let at = from; at < text.length; at += 1) {
      const character = text.charAt(at);
      if (this.#isEscaped) this.#isEscaped = false;
      else if (character === '\\') this.#isEscaped = true;
      else if (character === '"') return at;
    }
    return text.length;
  }

  #pushValue(piece: string): string {
    const blanks = this.#value === '' ? (BLANKS.exec(piece)?.[0] ?? '') : '';
    const value = this.#value + piece.slice(blanks.length);
    if (value.length > LONGEST_VALUE || !BEGUN_VALUE.test(value)) return blanks + this.#goPlain(value);
    this.#value = value;
    return blanks;
  }

  #endValue(): string {
    const held = this.#value;
    if (held === '') return '';
    const value = held.trimEnd();
    if (WORD.test(value)) {
      this.#value = '';
      return held;
    }
    if (!NUMBER.test(value)) return this.#goPlain(held);
    this.#value = '';
    const filter = this.#newFilter();
    const passed = filter.push(value) + filter.end();
    this.refused = filter.refused;
    if (this.refused) return '';
    return passed === value ? held : JSON.stringify(passed) + held.slice(value.length);
  }

  #goPlain(text: string): string {
    const plain = new WholeCharacters(this.#newFilter());
    this.#plain = plain;
    this.#value = '';
    return this.#pushPlain(plain, text);
  }

  #pushPlain(plain: TextFilter, text: string): string {
    const passed = plain.push(text);
    this.refused = plain.refused;
    return passed;
  }
}

/** Where the next sign of JSON's structure stands; the length where there is none. */
function structureFrom(text: string, from: number): number {
  STRUCTURE.lastIndex = from;
  return STRUCTURE.exec(text)?.index ?? text.length;
}
