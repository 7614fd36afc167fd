const MOST_DEPTH = 64;
const BLANK = /\s/;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const NAME = /[A-Za-z_$][\w$-]*/y;
const WORDS: ReadonlyMap<string, string> = new Map([
  ['true', 'true'],
  ['false', 'false'],
  ['null', 'null'],
  ['True', 'true'],
  ['False', 'false'],
  ['None', 'null'],
  ['undefined', 'null'],
]);
const FENCE = /```[\w-]*[^\S\n]*\n([\s\S]*?)```/g;

/**
 * The JSON text that a model meant: without a fence or words around it, with quotes where names and strings have none or
 * the wrong ones, without comments and trailing commas, and with brackets closed. Numbers and well-formed strings stay as
 * they were written. Undefined where it could mean several things: two values, a string without an end, a missing value.
 *
 * `isCut`: the answer was cut off by its length, so what is missing at its end is more than brackets.
 */
export function repairJson(text: string, isCut: boolean): string | undefined {
  const fences = [...text.matchAll(FENCE)];
  const [fence] = fences;
  if (fences.length > 1) return undefined;
  const body = fence?.[1] ?? text;
  const start = body.search(/[[{]/);
  if (start === -1) return undefined;
  const reader = new Reader(body, start, isCut);
  const repaired = reader.read();
  // A second value, or the rest of one that was closed too early: nobody knows which is meant.
  return repaired === undefined || /[[\]{}]/.test(body.slice(reader.at)) ? undefined : repaired;
}

/** Something that could mean several things. */
class Unclear extends Error {}

class Reader {
  readonly #text: string;
  readonly #isCut: boolean;
  #depth = 0;
  at: number;

  constructor(text: string, at: number, isCut: boolean) {
    this.#text = text;
    this.#isCut = isCut;
    this.at = at;
  }

  read(): string | undefined {
    try {
      return this.#value();
    } catch (error) {
      if (error instanceof Unclear) return undefined;
      throw error;
    }
  }

  #value(): string {
    this.#skip();
    const character = this.#text.charAt(this.at);
    if (character === '{' || character === '[') return this.#list(character);
    if (character === '"' || character === "'") return this.#string(character);
    return this.#number() ?? this.#word();
  }

  /** An object or an array. */
  #list(open: '{' | '['): string {
    this.#depth += 1;
    if (this.#depth > MOST_DEPTH) throw new Unclear();
    this.at += 1;
    const close = open === '{' ? '}' : ']';
    const items: string[] = [];
    for (;;) {
      this.#skip();
      const character = this.#text.charAt(this.at);
      if (character === close) {
        this.at += 1;
        break;
      }
      if (character === '') {
        if (this.#isCut) throw new Unclear();
        break;
      }
      items.push(open === '{' ? this.#member() : this.#value());
      this.#skip();
      if (this.#text.charAt(this.at) === ',') this.at += 1;
      else if (![close, ''].includes(this.#text.charAt(this.at))) throw new Unclear();
    }
    this.#depth -= 1;
    return open + items.join(',') + close;
  }

  #member(): string {
    const character = this.#text.charAt(this.at);
    const name = character === '"' || character === "'" ? this.#string(character) : JSON.stringify(this.#name());
    this.#skip();
    if (this.#text.charAt(this.at) !== ':') throw new Unclear();
    this.at += 1;
    return `${name}:${this.#value()}`;
  }

  #string(quote: string): string {
    let inner = '';
    for (let index = this.at + 1; index < this.#text.length; index += 1) {
      const character = this.#text.charAt(index);
      if (character === quote) {
        this.at = index + 1;
        return `"${inner}"`;
      }
      if (character === '\\') {
        index += 1;
        inner += escaped(this.#text.charAt(index));
      } else if (character === '"') {
        inner += '\\"';
      } else {
        // Line ends and tabs as they are, which JSON does not allow.
        inner += character < ' ' ? JSON.stringify(character).slice(1, -1) : character;
      }
    }
    throw new Unclear();
  }

  #number(): string | undefined {
    NUMBER.lastIndex = this.at;
    const [number] = NUMBER.exec(this.#text) ?? [];
    if (number === undefined) return undefined;
    this.at += number.length;
    if (/[\w.]/.test(this.#text.charAt(this.at))) throw new Unclear();
    return number;
  }

  #word(): string {
    const word = WORDS.get(this.#name());
    if (word === undefined) throw new Unclear();
    return word;
  }

  #name(): string {
    NAME.lastIndex = this.at;
    const [name] = NAME.exec(this.#text) ?? [];
    if (name === undefined) throw new Unclear();
    this.at += name.length;
    return name;
  }

  /** Blanks and comments. */
  #skip(): void {
    for (;;) {
      while (BLANK.test(this.#text.charAt(this.at))) this.at += 1;
      const two = this.#text.slice(this.at, this.at + 2);
      const end = two === '//' ? '\n' : two === '/*' ? '*/' : undefined;
      if (end === undefined) return;
      const close = this.#text.indexOf(end, this.at + 2);
      this.at = close === -1 ? this.#text.length : close + end.length;
    }
  }
}

/** An escape as JSON has it; those that it does not have stand for their character. */
function escaped(character: string): string {
  if (character === '') throw new Unclear();
  if ('"\\/bfnrtu'.includes(character)) return `\\${character}`;
  return character < ' ' ? JSON.stringify(character).slice(1, -1) : character;
}
