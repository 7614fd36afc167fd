import { z } from 'zod';
import { optional } from '../wire/schema-parts.js';
import { checkedOptions } from './checked-options.js';
import { defineTransform } from './define-transform.js';
import { answerTextStage, filterAnswer } from './text/answer-text.js';
import type { NewFilter } from './text/choice-texts.js';
import { DETECTORS, type DetectorName, finders } from './text/detectors.js';
import { FilterChain, type OnMatch, type TextFilter } from './text/filter.js';
import { HoldBack } from './text/hold-back.js';
import { literalFinder } from './text/literal.js';
import { PatternFilter } from './text/pattern-filter.js';
import { PatternError } from './text/pattern-parser.js';
import { compilePattern, type Program } from './text/pattern-program.js';
import type { Transform, TransformContext } from './types.js';

const MOST_RULES = 32;
/** Of all patterns together: what one character of an answer can cost at most. */
const MOST_STEPS = 256;

/** What is looked for, and what becomes of it: one of `literal`, `pattern` and `detector`. */
export interface ResponseFilterRule {
  readonly literal?: string | undefined;
  /** At most 256 characters of the part of regular expressions that takes linear time. */
  readonly pattern?: string | undefined;
  readonly detector?: DetectorName | undefined;
  /** Default `redact`. */
  readonly action?: 'redact' | 'replace' | 'refuse' | undefined;
  /** What stands there instead; needed by `replace`. Of `redact` the default is `[REDACTED]`. */
  readonly replacement?: string | undefined;
}

/** What `responseFilter` takes, and a request's `{ "name": "response-filter", … }` besides its name. */
export interface ResponseFilterOptions {
  /** 1 to 32. */
  readonly rules: readonly ResponseFilterRule[];
}

const rule: z.ZodType<ResponseFilterRule> = z
  .strictObject({
    literal: optional(z.string().min(1).max(256)),
    pattern: optional(z.string().min(1).max(256)),
    detector: optional(z.enum(DETECTORS)),
    action: optional(z.enum(['redact', 'replace', 'refuse'])),
    replacement: optional(z.string().max(256)),
  })
  .refine(
    ({ literal, pattern, detector }) => [literal, pattern, detector].filter((one) => one !== undefined).length === 1,
    'expected one of `literal`, `pattern` and `detector`',
  )
  .refine(({ action, replacement }) => action !== 'replace' || replacement !== undefined, {
    path: ['replacement'],
    error: 'expected a text to put there',
  });

const options: z.ZodType<ResponseFilterOptions> = z
  .strictObject({ rules: z.array(rule).min(1).max(MOST_RULES) })
  .superRefine(({ rules }, context) => {
    let steps = 0;
    for (const [index, { pattern }] of rules.entries()) {
      if (pattern === undefined) continue;
      try {
        steps += compilePattern(pattern, MOST_STEPS - steps).steps.length;
      } catch (error) {
        if (!(error instanceof PatternError)) throw error;
        context.addIssue({ code: 'custom', path: ['rules', index, 'pattern'], message: error.message });
      }
    }
  });

/**
 * Takes out of answers what must not get out: content, reasoning and tool arguments, in whole answers and in streams with
 * the same result. A rule is a `literal`, a `pattern` or a `detector` (`email`, `phone`, `card`, `iban`, `secret`), and
 * what is found is replaced by `[REDACTED]` (`redact`), by `replacement` (`replace`), or ends the answer with the finish
 * reason `content_filter` (`refuse`). Arguments are looked through string by string, as what those say; a number in which
 * something is found becomes a string. Rules work one after the other; later ones see what earlier ones left.
 *
 * Patterns are a part of JavaScript's regular expressions that takes linear time: no back-references, lookarounds or lazy
 * quantifiers. The leftmost find counts, of several the longest, up to 1024 characters.
 *
 * @example
 * responseFilter({ rules: [{ detector: 'secret' }, { pattern: 'ACME-\\d{6}', action: 'replace', replacement: 'ACME-…' }] })
 * @throws TypeError for rules that cannot work.
 */
export function responseFilter(given?: ResponseFilterOptions): Transform<ResponseFilterOptions> {
  return defineTransform({
    name: 'response-filter',
    options,
    defaults: given === undefined ? undefined : checkedOptions('responseFilter', options, given),
    completion: (completion, context) => filterAnswer(completion, filtersOf(context)),
    stage: (context) => answerTextStage(filtersOf(context)),
  });
}

type Rule = ResponseFilterRule & { readonly program: Program | undefined };

/** Options are checked once and used for many answers. */
const compiled = new WeakMap<ResponseFilterOptions, readonly Rule[]>();

function rulesOf(given: ResponseFilterOptions): readonly Rule[] {
  const known = compiled.get(given);
  if (known !== undefined) return known;
  const rules = given.rules.map((one) => ({
    ...one,
    program: one.pattern === undefined ? undefined : compilePattern(one.pattern, MOST_STEPS),
  }));
  compiled.set(given, rules);
  return rules;
}

function filtersOf(context: TransformContext<ResponseFilterOptions>): NewFilter {
  const rules = rulesOf(context.options);
  let found = 0;
  const count = (): void => {
    found += 1;
    // How much, never what.
    context.note({ found });
  };
  return (changed) => {
    const filters = rules.map((one) =>
      filterOf(one, () => {
        count();
        changed();
      }),
    );
    const [only] = filters;
    return only !== undefined && filters.length === 1 ? only : new FilterChain(filters);
  };
}

function filterOf({ literal, program, detector, action, replacement }: Rule, count: () => void): TextFilter {
  const shown = action === 'refuse' ? undefined : (replacement ?? '[REDACTED]');
  const onMatch: OnMatch = () => {
    count();
    return shown;
  };
  if (program !== undefined) return new PatternFilter(program, onMatch);
  if (literal !== undefined) return new HoldBack(literalFinder(literal), onMatch);
  return new HoldBack(finders[detector ?? 'secret'], onMatch);
}
