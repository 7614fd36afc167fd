import { describe, expect, it } from 'vitest';
import { sourcesOf } from './source-files.js';

const sources = ['core', 'node', 'express', 'koa', 'sql'].flatMap(sourcesOf);

/** What source code does not have, and why. */
const forbidden: Readonly<Record<string, RegExp>> = {
  'any: say what it is, or take unknown and check': /(?::\s*any\b|<any>|\bas any\b|\bany\[\])/,
  'a cast through unknown: check instead': /\bas unknown as\b/,
  'a silenced check: mend the cause': /@ts-(?:ignore|expect-error|nocheck)|biome-ignore|(?:ox|es)lint-disable/,
  'a default export: names are found, defaults are not': /^export default\b/m,
  'an enum: a union of literals needs no code': /^(?:export )?(?:const )?enum\b/m,
  'an unfinished place': /\b(?:TODO|FIXME|XXX)\b/,
};

describe('source code', () => {
  for (const [what, pattern] of Object.entries(forbidden)) {
    it(`has no ${what}`, () => {
      expect(sources.filter(({ text }) => pattern.test(withoutComments(text))).map(({ path }) => path)).toEqual([]);
    });
  }

  it('explains every public function and class', () => {
    const mute = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/(?<before>[^\n]*)\n(?:export (?:async )?(?:function|class) (?<name>\w+))/g)]
        .filter((match) => !/\*\/\s*$/.test(match.groups?.['before'] ?? ''))
        .map((match) => `${path}: ${match.groups?.['name']}`),
    );
    expect(mute).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*\*?(?! biome| ox).*?\*\//gs, (comment) => (/-ignore|-disable/.test(comment) ? comment : ''));
}
