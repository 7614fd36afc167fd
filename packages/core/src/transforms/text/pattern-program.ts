import { type Assertion, type Node, PatternError, parsePattern, type UnitSet } from './pattern-parser.js';

/** A step of a program: takes a unit, goes two ways, looks around, or says that the pattern is found. */
type Step =
  | { readonly kind: 'take'; readonly takes: UnitTest; next: number }
  | { readonly kind: 'fork'; next: number; other: number }
  | { readonly kind: 'look'; readonly what: Assertion; next: number }
  | { readonly kind: 'found' };

/** Whether a unit is in a set. */
type UnitTest = (unit: number) => boolean;

/** A pattern as a machine that looks at each character once (Thompson, 1968). */
export interface Program {
  readonly steps: readonly Step[];
  readonly first: number;
  /** Whether a match could begin with a unit. */
  readonly begins: UnitTest;
  /** Nodes written to make it: what compiling cost. */
  readonly work: number;
}

const ASCII = 128;
/** Enough for the most steps, each of them in the most groups. */
const MOST_WORK = 16_384;

/**
 * Compiles a pattern of `parsePattern`'s language. `most` bounds the steps, and with them what a character costs.
 *
 * @throws PatternError for a pattern that is not of the language, too large, or found in empty text.
 */
export function compilePattern(pattern: string, most: number): Program {
  const node = parsePattern(pattern);
  if (isEmptyPossible(node)) throw new PatternError('it would be found in empty text');
  const emitter = new Emitter(most);
  const first = emitter.emit(node, 0);
  const { steps, work } = emitter;
  return { steps, first, begins: beginsOf(steps, first), work };
}

/** Whether a node can be found without any character. */
function isEmptyPossible(node: Node): boolean {
  switch (node.kind) {
    case 'units':
      return false;
    case 'assertion':
      return true;
    case 'sequence':
      return node.items.every(isEmptyPossible);
    case 'choice':
      return node.options.some(isEmptyPossible);
    case 'repeat':
      return node.least === 0 || isEmptyPossible(node.item);
    default:
      return node satisfies never;
  }
}

/** Writes the steps of a pattern, back to front. */
class Emitter {
  readonly steps: Step[] = [{ kind: 'found' }];
  readonly #most: number;
  /** Nodes written so far: groups without steps cost time as well, and repetitions in each other multiply them. */
  work = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Writes the steps of a node that go on at `next`, and answers where they begin. */
  emit(node: Node, next: number): number {
    this.work += 1;
    if (this.work > MOST_WORK) throw new PatternError('it is too large: too many groups and repetitions in each other');
    switch (node.kind) {
      case 'units':
        return this.#add({ kind: 'take', takes: testOf(node.set), next });
      case 'assertion':
        return this.#add({ kind: 'look', what: node.what, next });
      case 'sequence':
        return node.items.reduceRight((after, item) => this.emit(item, after), next);
      case 'choice':
        return node.options
          .map((option) => this.emit(option, next))
          .reduceRight((other, option) => this.#add({ kind: 'fork', next: option, other }));
      case 'repeat':
        return this.#emitRepeat(node, next);
      default:
        return node satisfies never;
    }
  }

  #emitRepeat({ item, least, most }: Extract<Node, { readonly kind: 'repeat' }>, next: number): number {
    let after = next;
    if (most === Number.POSITIVE_INFINITY) {
      const loop = this.#add({ kind: 'fork', next, other: next });
      const fork = this.steps[loop];
      const body = this.emit(item, loop);
      if (fork?.kind === 'fork') fork.next = body;
      after = loop;
    } else {
      for (let optional = least; optional < most; optional += 1) {
        after = this.#add({ kind: 'fork', next: this.emit(item, after), other: next });
      }
    }
    for (let required = 0; required < least; required += 1) {
      const before = this.emit(item, after);
      // What has no steps has none the next time either.
      if (before === after) break;
      after = before;
    }
    return after;
  }

  #add(step: Step): number {
    if (this.steps.length >= this.#most) {
      throw new PatternError(`it is too large: its repetitions make more than ${this.#most} steps`);
    }
    return this.steps.push(step) - 1;
  }
}

function testOf(set: UnitSet): UnitTest {
  const table = new Uint8Array(ASCII);
  for (const [first, last] of set) table.fill(1, first, Math.min(last + 1, ASCII));
  const others = set.filter(([, last]) => last >= ASCII);
  return (unit) => (unit < ASCII ? table[unit] === 1 : others.some(([first, last]) => unit >= first && unit <= last));
}

/** What looks around is taken to hold. */
function beginsOf(steps: readonly Step[], first: number): UnitTest {
  const tests: UnitTest[] = [];
  const seen = new Set<number>();
  const visit = (at: number): void => {
    const step = steps[at];
    if (step === undefined || seen.has(at)) return;
    seen.add(at);
    if (step.kind === 'take') tests.push(step.takes);
    else if (step.kind !== 'found') visit(step.next);
    if (step.kind === 'fork') visit(step.other);
  };
  visit(first);
  const table = Uint8Array.from({ length: ASCII }, (_, unit) => (tests.some((test) => test(unit)) ? 1 : 0));
  return (unit) => (unit < ASCII ? table[unit] === 1 : tests.some((test) => test(unit)));
}
