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
}

const ASCII = 128;

/**
 * Compiles a pattern of `parsePattern`'s language. `most` bounds the steps, and with them what a character costs.
 *
 * @throws PatternError for a pattern that is not of the language, too large, or found in empty text.
 */
export function compilePattern(pattern: string, most: number): Program {
  const node = parsePattern(pattern);
  if (isEmptyPossible(node)) throw new PatternError('it would be found in empty text');
  const steps: Step[] = [{ kind: 'found' }];
  const add = (step: Step): number => {
    if (steps.length >= most) throw new PatternError(`it is too large: its repetitions make more than ${most} steps`);
    return steps.push(step) - 1;
  };
  const first = emit(node, 0, add, steps);
  return { steps, first, begins: beginsOf(steps, first) };
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

/** Writes the steps of a node that go on at `next`, and answers where they begin. */
function emit(node: Node, next: number, add: (step: Step) => number, steps: readonly Step[]): number {
  switch (node.kind) {
    case 'units':
      return add({ kind: 'take', takes: testOf(node.set), next });
    case 'assertion':
      return add({ kind: 'look', what: node.what, next });
    case 'sequence':
      return node.items.reduceRight((after, item) => emit(item, after, add, steps), next);
    case 'choice':
      return node.options
        .map((option) => emit(option, next, add, steps))
        .reduceRight((other, option) => add({ kind: 'fork', next: option, other }));
    case 'repeat':
      return emitRepeat(node, next, add, steps);
    default:
      return node satisfies never;
  }
}

function emitRepeat(
  { item, least, most }: Extract<Node, { readonly kind: 'repeat' }>,
  next: number,
  add: (step: Step) => number,
  steps: readonly Step[],
): number {
  let after = next;
  if (most === Number.POSITIVE_INFINITY) {
    const loop = add({ kind: 'fork', next, other: next });
    const fork = steps[loop];
    const body = emit(item, loop, add, steps);
    if (fork?.kind === 'fork') fork.next = body;
    after = loop;
  } else {
    for (let optional = least; optional < most; optional += 1) {
      after = add({ kind: 'fork', next: emit(item, after, add, steps), other: next });
    }
  }
  for (let required = 0; required < least; required += 1) after = emit(item, after, add, steps);
  return after;
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
