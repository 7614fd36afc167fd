/** A pattern, taken apart. Characters are UTF-16 units. */
export type Node =
  | { readonly kind: 'units'; readonly set: UnitSet }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly options: readonly Node[] }
  | { readonly kind: 'repeat'; readonly item: Node; readonly least: number; readonly most: number }
  | { readonly kind: 'assertion'; readonly what: Assertion };

/** Beginning and end of the text; a place between a word and no word, or none such. */
export type Assertion = 'start' | 'end' | 'boundary' | 'no-boundary';

/** Sorted, disjoint ranges of units, both ends included. */
export type UnitSet = readonly (readonly [number, number])[];

/** What a pattern says that it may not, for people. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

const LAST_UNIT = 0xffff;
const MOST_REPEATS = 256;
const DIGITS: UnitSet = [[48, 57]];
const WORDS: UnitSet = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const BLANKS: UnitSet = [
  [9, 13],
  [32, 32],
  [160, 160],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const LINE_ENDS: UnitSet = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];
const HIGH: UnitSet = [[0xd800, 0xdbff]];
const LOW: UnitSet = [[0xdc00, 0xdfff]];
const CLASSES: Readonly<Record<string, UnitSet>> = {
  d: DIGITS,
  w: WORDS,
  s: BLANKS,
  D: without(DIGITS),
  W: without(WORDS),
  S: without(BLANKS),
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };

/**
 * Parses the part of JavaScript's regular expressions that can be matched in linear time and without looking ahead:
 * literals, classes, groups, alternatives, greedy quantifiers, `^`, `$`, `\b` and `\B`.
 *
 * @throws PatternError for anything else.
 */
export function parsePattern(pattern: string): Node {
  return new Parser(pattern).parse();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Node {
    const node = this.#choice();
    if (this.#at < this.#text.length) throw new PatternError('a closing bracket without an opening one');
    return node;
  }

  #choice(): Node {
    const options = [this.#sequence()];
    while (this.#eat('|')) options.push(this.#sequence());
    return options.length === 1 ? (options[0] as Node) : { kind: 'choice', options };
  }

  #sequence(): Node {
    const items: Node[] = [];
    while (this.#at < this.#text.length && !/[|)]/.test(this.#peek())) items.push(this.#quantified());
    return { kind: 'sequence', items };
  }

  #quantified(): Node {
    const item = this.#atom();
    const bounds = this.#bounds();
    if (bounds === undefined) return item;
    if (item.kind === 'assertion') throw new PatternError('a quantifier needs something to repeat');
    if (this.#peek() === '?')
      throw new PatternError('lazy quantifiers are not supported: say what is not to follow, as in [^"]*');
    if (this.#bounds() !== undefined) throw new PatternError('a quantifier needs something to repeat');
    return { kind: 'repeat', item, ...bounds };
  }

  #bounds(): { readonly least: number; readonly most: number } | undefined {
    if (this.#eat('*')) return { least: 0, most: Number.POSITIVE_INFINITY };
    if (this.#eat('+')) return { least: 1, most: Number.POSITIVE_INFINITY };
    if (this.#eat('?')) return { least: 0, most: 1 };
    const braces = /^\{(\d{1,4})(,?)(\d{0,4})\}/.exec(this.#text.slice(this.#at, this.#at + 12));
    if (braces === null) return undefined;
    const [whole, first = '', comma, second = ''] = braces;
    if (comma === '' && second !== '') return undefined;
    this.#at += whole.length;
    const least = Number(first);
    const most = comma === '' ? least : second === '' ? Number.POSITIVE_INFINITY : Number(second);
    if (most < least) throw new PatternError('a quantifier whose bounds are out of order');
    if (least > MOST_REPEATS || (most !== Number.POSITIVE_INFINITY && most > MOST_REPEATS)) {
      throw new PatternError(`expected at most ${MOST_REPEATS} repetitions`);
    }
    return { least, most };
  }

  #atom(): Node {
    const character = this.#next();
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return this.#class();
      case '.':
        return anyBut(LINE_ENDS);
      case '^':
        return { kind: 'assertion', what: 'start' };
      case '$':
        return { kind: 'assertion', what: 'end' };
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        throw new PatternError('a quantifier needs something to repeat');
      default:
        return one(character.charCodeAt(0));
    }
  }

  #group(): Node {
    if (this.#eat('?') && !this.#eat(':')) this.#groupName();
    this.#depth += 1;
    if (this.#depth > 32) throw new PatternError('expected at most 32 groups in each other');
    const inner = this.#choice();
    if (!this.#eat(')')) throw new PatternError('a bracket that is not closed');
    this.#depth -= 1;
    return inner;
  }

  #groupName(): void {
    const rest = this.#text.slice(this.#at);
    if (/^(?:=|!|<=|<!)/.test(rest)) throw new PatternError('lookarounds are not supported');
    const name = /^<[A-Za-z_]\w*>/.exec(rest);
    if (name === null) throw new PatternError('this kind of group is not supported');
    this.#at += name[0].length;
  }

  #escape(): Node {
    const character = this.#next();
    if (character === 'b') return { kind: 'assertion', what: 'boundary' };
    if (character === 'B') return { kind: 'assertion', what: 'no-boundary' };
    if (/[1-9]/.test(character) || (character === 'k' && this.#peek() === '<')) {
      throw new PatternError('back-references are not supported');
    }
    const named = CLASSES[character];
    if (named === undefined) return one(this.#escapedUnit(character));
    return /[DWS]/.test(character) ? anyBut(CLASSES[character.toLowerCase()] ?? []) : { kind: 'units', set: named };
  }

  /** The unit that an escape stands for. */
  #escapedUnit(character: string): number {
    const control = CONTROLS[character];
    if (control !== undefined) return control;
    if (character === 'x' || character === 'u') {
      const digits = character === 'x' ? 2 : 4;
      const code = this.#text.slice(this.#at, this.#at + digits);
      if (code.length !== digits || !/^[0-9A-Fa-f]+$/.test(code)) {
        throw new PatternError(`expected ${digits} hexadecimal digits after \\${character}`);
      }
      this.#at += digits;
      return Number.parseInt(code, 16);
    }
    if (/[A-Za-z0-9]/.test(character)) throw new PatternError(`the escape \\${character} is not supported`);
    return character.charCodeAt(0);
  }

  #class(): Node {
    const negated = this.#eat('^');
    const ranges: (readonly [number, number])[] = [];
    while (this.#peek() !== ']') {
      const first = this.#member();
      const isRange = this.#peek() === '-' && this.#text[this.#at + 1] !== ']' && this.#at + 1 < this.#text.length;
      if (typeof first !== 'number') {
        if (isRange) throw new PatternError('a range between classes');
        ranges.push(...first);
        continue;
      }
      if (isRange) this.#at += 1;
      const last = isRange ? this.#member() : first;
      if (typeof last !== 'number') throw new PatternError('a range between classes');
      if (last < first) throw new PatternError('a range that is out of order');
      ranges.push([first, last]);
    }
    this.#at += 1;
    const set = united(ranges);
    return negated ? anyBut(set) : { kind: 'units', set };
  }

  #member(): number | UnitSet {
    const character = this.#next();
    if (character !== '\\') {
      if (isHalf(character)) throw new PatternError('characters beyond U+FFFF in a class are not supported');
      return character.charCodeAt(0);
    }
    const escaped = this.#next();
    if (escaped === 'b') return 8;
    if (escaped === '-') return 45;
    return CLASSES[escaped] ?? this.#escapedUnit(escaped);
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #next(): string {
    if (this.#at >= this.#text.length) throw new PatternError('it ends too early');
    const character = this.#text.charAt(this.#at);
    this.#at += 1;
    return character;
  }

  #eat(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += 1;
    return true;
  }
}

function one(unit: number): Node {
  return { kind: 'units', set: [[unit, unit]] };
}

/** Any character but these, a pair of surrogates as one. */
function anyBut(set: UnitSet): Node {
  const single = without(united([...set, ...HIGH, ...LOW]));
  const pair: Node = {
    kind: 'sequence',
    items: [
      { kind: 'units', set: HIGH },
      { kind: 'units', set: LOW },
    ],
  };
  return { kind: 'choice', options: [{ kind: 'units', set: single }, pair] };
}

function united(ranges: UnitSet): UnitSet {
  const sorted = ranges.toSorted((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [];
  for (const [first, last] of sorted) {
    const before = joined.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else joined.push([first, last]);
  }
  return joined;
}

function without(set: UnitSet): UnitSet {
  const rest: (readonly [number, number])[] = [];
  let next = 0;
  for (const [first, last] of set) {
    if (first > next) rest.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST_UNIT) rest.push([next, LAST_UNIT]);
  return rest;
}

function isHalf(character: string): boolean {
  const unit = character.charCodeAt(0);
  return unit >= 0xd800 && unit <= 0xdfff;
}
