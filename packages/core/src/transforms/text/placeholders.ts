import type { Finder } from './hold-back.js';

const OPEN = '[[';
const CLOSE = ']]';

/** What stands for which value, in one request and its answer. */
export class Placeholders {
  readonly #byValue = new Map<string, string>();
  readonly #byName = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #mark: string;
  #longest = 0;

  /** Placeholders look like nothing that stands in these texts. */
  constructor(texts: readonly string[]) {
    this.#mark = freeMark(texts);
  }

  /** Values that have one. */
  get count(): number {
    return this.#byName.size;
  }

  /** What stands for a value of a kind; the same for the same value. */
  of(kind: string, value: string): string {
    const key = `${kind} ${value}`;
    const known = this.#byValue.get(key);
    if (known !== undefined) return known;
    const number = (this.#counts.get(kind) ?? 0) + 1;
    const name = `${this.#mark}${kind.toUpperCase()}_${number}${CLOSE}`;
    this.#counts.set(kind, number);
    this.#byValue.set(key, name);
    this.#byName.set(name, value);
    this.#longest = Math.max(this.#longest, name.length);
    return name;
  }

  /** The value that a placeholder stands for; itself where it stands for none. */
  valueOf(name: string): string {
    return this.#byName.get(name) ?? name;
  }

  /** Finds the placeholders that were given out. */
  get finder(): Finder {
    return {
      find: (text, from, final) => {
        for (let start = text.indexOf('[', from); start !== -1; start = text.indexOf('[', start + 1)) {
          const near = text.slice(start, start + this.#longest);
          const length = near.indexOf(CLOSE) + CLOSE.length;
          if (this.#byName.has(near.slice(0, length))) return { start, end: start + length };
          if (!final && this.#mayBegin(near)) return start;
        }
        return text.length;
      },
    };
  }

  /** Whether the end of a text may be the beginning of a placeholder. */
  #mayBegin(text: string): boolean {
    if (text.length >= this.#longest) return false;
    const head = text.slice(0, this.#mark.length);
    return head === this.#mark.slice(0, head.length) && /^[A-Z]*(?:_\d*\]?)?$/.test(text.slice(this.#mark.length));
  }
}

/** The beginning of placeholders: brackets, and letters between them and the kind where a text has the like already. */
function freeMark(texts: readonly string[]): string {
  const isFree = (mark: string): boolean => !texts.some((text) => text.includes(mark));
  if (isFree(OPEN)) return OPEN;
  for (let number = 0; ; number += 1) {
    const mark = `${OPEN}X${number}_`;
    if (isFree(mark)) return mark;
  }
}
