import type { OnMatch, TextFilter } from './filter.js';
import type { Assertion } from './pattern-parser.js';
import type { Program } from './pattern-program.js';

/** Longer finds are not looked for: this much text is held back at most. */
const LONGEST = 1024;
/** A find grows no more once this much text after it has not made it longer. Bounds what is looked at twice. */
const PATIENCE = 32;
/** Patterns that take many steps a character lose their patience: the bound holds for whatever text and pattern. */
const STEPS_AT_FIRST = 200_000;
const STEPS_PER_UNIT = 100;
const NOWHERE = -1;

/**
 * Finds a pattern: the leftmost one, of those the longest. Follows every way through the program at once, each with the
 * place where it began, and so looks at each character once, but for a few after a find.
 */
export class PatternFilter implements TextFilter {
  readonly #program: Program;
  readonly #onMatch: OnMatch;
  /** Undecided text; positions below count from its beginning. */
  #text = '';
  #at = 0;
  #before = NOWHERE;
  /** Ways that are open, by where they began. */
  #ways: number[] = [];
  #starts: number[] = [];
  #nextWays: number[] = [];
  #nextStarts: number[] = [];
  readonly #seen: Uint32Array;
  #round = 0;
  /** Steps followed, and units decided, of the whole text: both are the same however it is cut. */
  #steps = 0;
  #decided = 0;
  #bestStart = NOWHERE;
  #bestEnd = NOWHERE;
  refused = false;

  constructor(program: Program, onMatch: OnMatch) {
    this.#program = program;
    this.#onMatch = onMatch;
    this.#seen = new Uint32Array(program.steps.length);
  }

  push(text: string): string {
    if (text === '' || this.refused) return '';
    this.#text += text;
    const passed = this.#run();
    return this.refused ? passed : passed + this.#release(this.#undecided());
  }

  end(): string {
    if (this.refused) return '';
    let passed = '';
    for (;;) {
      passed += this.#run();
      if (this.refused) return passed;
      this.#look(NOWHERE);
      if (this.#bestStart === NOWHERE) return passed + this.#release(this.#text.length);
      passed += this.#decide();
      if (this.refused) return passed;
    }
  }

  /** Looks at all the text that is there; answers with what was decided by finds. */
  #run(): string {
    const { begins } = this.#program;
    let passed = '';
    while (this.#at < this.#text.length) {
      const unit = this.#text.charCodeAt(this.#at);
      const isIdle = this.#ways.length === 0 && this.#bestStart === NOWHERE;
      if (isIdle && !begins(unit)) {
        this.#before = unit;
        this.#at += 1;
        continue;
      }
      this.#look(unit);
      this.#step(unit);
      if (this.#bestStart !== NOWHERE && (this.#ways.length === 0 || this.#at - this.#bestEnd >= this.#patience)) {
        passed += this.#decide();
        if (this.refused) return passed;
      }
    }
    return passed;
  }

  get #patience(): number {
    return this.#steps > STEPS_AT_FIRST + STEPS_PER_UNIT * (this.#decided + this.#at) ? 1 : PATIENCE;
  }

  /** Follows every way as far as it goes without taking a character. `unit` is the next one. */
  #look(unit: number): void {
    if (this.#bestStart === NOWHERE) {
      this.#ways.push(this.#program.first);
      this.#starts.push(this.#at);
    }
    this.#round += 1;
    this.#nextWays.length = 0;
    this.#nextStarts.length = 0;
    for (let index = 0; index < this.#ways.length; index += 1) {
      const start = this.#starts[index] ?? 0;
      // A find further left is better than whatever begins after it.
      if (this.#bestStart !== NOWHERE && start > this.#bestStart) break;
      this.#follow(this.#ways[index] ?? 0, start, unit);
    }
    this.#swap();
  }

  #follow(way: number, start: number, unit: number): void {
    if (this.#seen[way] === this.#round) return;
    this.#seen[way] = this.#round;
    this.#steps += 1;
    const step = this.#program.steps[way];
    switch (step?.kind) {
      case undefined:
        return;
      case 'take':
        this.#nextWays.push(way);
        this.#nextStarts.push(start);
        return;
      case 'fork':
        this.#follow(step.next, start, unit);
        this.#follow(step.other, start, unit);
        return;
      case 'look':
        if (holds(step.what, this.#before, unit)) this.#follow(step.next, start, unit);
        return;
      case 'found':
        if (this.#bestStart === NOWHERE || start <= this.#bestStart) {
          this.#bestStart = start;
          this.#bestEnd = this.#at;
        }
        return;
      default:
        step satisfies never;
    }
  }

  /** Takes a character. */
  #step(unit: number): void {
    this.#nextWays.length = 0;
    this.#nextStarts.length = 0;
    for (let index = 0; index < this.#ways.length; index += 1) {
      const start = this.#starts[index] ?? 0;
      if (this.#bestStart !== NOWHERE && start > this.#bestStart) break;
      if (this.#at - start >= LONGEST) continue;
      const step = this.#program.steps[this.#ways[index] ?? 0];
      if (step?.kind !== 'take' || !step.takes(unit)) continue;
      this.#nextWays.push(step.next);
      this.#nextStarts.push(start);
    }
    this.#swap();
    this.#before = unit;
    this.#at += 1;
  }

  #swap(): void {
    const ways = this.#ways;
    const starts = this.#starts;
    this.#ways = this.#nextWays;
    this.#starts = this.#nextStarts;
    this.#nextWays = ways;
    this.#nextStarts = starts;
  }

  /** The best find stands; what was looked at beyond it is looked at again. */
  #decide(): string {
    const passed = this.#text.slice(0, this.#bestStart);
    const found = this.#text.slice(this.#bestStart, this.#bestEnd);
    this.#before = this.#text.charCodeAt(this.#bestEnd - 1);
    this.#text = this.#text.slice(this.#bestEnd);
    this.#decided += this.#bestEnd;
    this.#at = 0;
    this.#ways.length = 0;
    this.#starts.length = 0;
    this.#bestStart = NOWHERE;
    this.#bestEnd = NOWHERE;
    const replacement = this.#onMatch(found);
    if (replacement === undefined) this.refused = true;
    return passed + (replacement ?? '');
  }

  /** Where the text begins that may still be a find. */
  #undecided(): number {
    const first = this.#starts[0] ?? this.#at;
    return this.#bestStart === NOWHERE ? first : Math.min(first, this.#bestStart);
  }

  #release(to: number): string {
    const passed = this.#text.slice(0, to);
    this.#text = this.#text.slice(to);
    this.#decided += to;
    this.#at -= to;
    if (this.#bestStart !== NOWHERE) {
      this.#bestStart -= to;
      this.#bestEnd -= to;
    }
    for (let index = 0; index < this.#starts.length; index += 1) this.#starts[index] = (this.#starts[index] ?? 0) - to;
    return passed;
  }
}

function holds(what: Assertion, before: number, after: number): boolean {
  switch (what) {
    case 'start':
      return before === NOWHERE;
    case 'end':
      return after === NOWHERE;
    case 'boundary':
      return isWord(before) !== isWord(after);
    case 'no-boundary':
      return isWord(before) === isWord(after);
    default:
      return what satisfies never;
  }
}

/** A letter, digit or underscore of ASCII. */
function isWord(unit: number): boolean {
  return (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || unit === 95 || (unit >= 97 && unit <= 122);
}
