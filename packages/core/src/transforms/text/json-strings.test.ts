import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DETECTORS, finders } from './detectors.js';
import { FilterChain, type TextFilter } from './filter.js';
import { HoldBack } from './hold-back.js';
import { JsonStrings } from './json-strings.js';
import { literalFinder } from './literal.js';
import { PatternFilter } from './pattern-filter.js';
import { compilePattern } from './pattern-program.js';

const detectors = (): TextFilter =>
  new FilterChain([
    ...DETECTORS.map((name) => new HoldBack(finders[name], () => `["${name}\n😀"]`)),
    new HoldBack(literalFinder('hush'), () => ''),
    new PatternFilter(compilePattern('^a+|\\bend$', 256), (found) => `${found}é`),
  ]);

function whole(filter: TextFilter, text: string): string {
  return filter.push(text) + filter.end();
}

function inPieces(filter: TextFilter, pieces: readonly string[]): string {
  return pieces.map((piece) => filter.push(piece)).join('') + filter.end();
}

function cutAt(all: string, places: readonly number[]): readonly string[] {
  const at = [...new Set(places.map((place) => (all.length === 0 ? 0 : place % all.length)))].toSorted((a, b) => a - b);
  return [0, ...at].map((from, index) => all.slice(from, at[index] ?? all.length));
}

const HOSTILE = [
  'x\nsk-abcdefghijklmnopqrstuvwxyz0123',
  'Card:\t4111 1111 1111 1111',
  '\nDE89 3704 0044 0532 0130 00',
  'Hi,\nbob@example.com',
  '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----',
  '+49 171 2345678',
];
const words = fc.constantFrom(
  ...HOSTILE,
  'a',
  'hush',
  'hu',
  'end',
  ' ',
  '"',
  '\\',
  '\n',
  '\u0000',
  '😀',
  '\ud83d',
  'é',
  'u00',
);
const text = fc.array(words, { maxLength: 6 }).map((all) => all.join(''));
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    text,
    fc.constantFrom(0.12345678, 4111111111111111, -1, 1e21, true, false, null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 4 },
    ),
  ),
}));
/** The ways in which the same JSON is written. */
const written = fc
  .tuple(value, fc.constantFrom('plain', 'wide', 'escaped', 'telling signs escaped'))
  .map(([given, way]) => {
    const json = JSON.stringify(given, null, way === 'wide' ? 2 : 0);
    const asEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    if (way === 'escaped') return json.replaceAll(/[\u0080-\uffff]/g, asEscape);
    // Neither stands anywhere but in strings, nor in an escape.
    return way === 'telling signs escaped' ? json.replaceAll(/[@k]/g, asEscape) : json;
  });
const places = fc.array(fc.nat(1000), { maxLength: 12 });

/** The same value with every string of it, keys too, filtered on its own; numbers become strings where that finds something. */
function mapped(given: unknown, newFilter: () => TextFilter): unknown {
  if (typeof given === 'string') return whole(newFilter(), given);
  if (typeof given === 'number') {
    const shown = whole(newFilter(), String(given));
    return shown === String(given) ? given : shown;
  }
  if (Array.isArray(given)) return given.map((one) => mapped(one, newFilter));
  if (typeof given !== 'object' || given === null) return given;
  return Object.fromEntries(
    Object.entries(given).map(([key, one]) => [whole(newFilter(), key), mapped(one, newFilter)]),
  );
}

describe('JSON, filtered by what its strings say', () => {
  const mark = (): TextFilter =>
    new FilterChain(DETECTORS.map((name) => new HoldBack(finders[name], () => `[${name}]`)));
  const table: readonly (readonly [given: string, shown: string])[] = [
    ['{"b":"x\\nsk-abcdefghijklmnopqrstuvwxyz0123"}', '{"b":"x\\n[secret]"}'],
    ['{"b":"Card:\\t4111 1111 1111 1111"}', '{"b":"Card:\\t[card]"}'],
    ['{"b":"\\nDE89 3704 0044 0532 0130 00"}', '{"b":"\\n[iban]"}'],
    ['{"b":"Hi,\\nbob@example.com"}', '{"b":"Hi,\\n[email]"}'],
    ['{"b":"bob\\u0040example.com"}', '{"b":"[email]"}'],
    ['{"b":"caf\\u00e9 \\ud83d\\ude00 \\/ bob@x.io \\u00e9"}', '{"b":"caf\\u00e9 \\ud83d\\ude00 \\/ [email] é"}'],
    ['{"lat":0.12345678, "on": [true ,null, -1e5]}', '{"lat":0.12345678, "on": [true ,null, -1e5]}'],
    ['{"card": 4111111111111111 }', '{"card": "[card]" }'],
    ['{"bob@x.io":"a","b":"bob@x","c":".io"}', '{"[email]":"a","b":"bob@x","c":".io"}'],
    ['4111111111111111', '"[card]"'],
    // Not JSON: plain text, from there on.
    ['{mail: bob@x.io, "n": 4111 1111 1111 1111}', '{mail: [email], "n": [card]}'],
    ['[4111 1111 1111 1111]', '[[card]]'],
    ['call 0171 2345678', 'call [phone]'],
    ['{"a":"x", "b":"un', '{"a":"x", "b":"un'],
    ['{"a":"\\alpha \\u12', '{"a":"\\alpha \\u12'],
    ['{"a":"\\q \\u00g0 bob@x.io', '{"a":"\\q \\u00g0 [email]'],
    ['tru', 'tru'],
    ['', ''],
  ];
  for (const [given, shown] of table) {
    it(given, () => {
      expect(whole(new JsonStrings(mark), given)).toBe(shown);
      expect(inPieces(new JsonStrings(mark), given.split(''))).toBe(shown);
    });
  }

  it('stays JSON in any pieces, and says what each of its strings says when filtered', () => {
    fc.assert(
      fc.property(written, places, (json, at) => {
        const shown = whole(new JsonStrings(detectors), json);
        expect(JSON.parse(shown)).toEqual(mapped(JSON.parse(json), detectors));
        expect(inPieces(new JsonStrings(detectors), cutAt(json, at))).toBe(shown);
      }),
      { numRuns: 1500 },
    );
  });

  it('is as it was, to the byte, where nothing is found', () => {
    const nothing = (): TextFilter => new PatternFilter(compilePattern('never (a|b)+ said', 256), () => '');
    const parts = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '\\',
      'u',
      '00e9',
      'n',
      '1',
      '-',
      'true',
      ' ',
      'x',
      '😀',
      '\n',
    );
    const any = fc.array(parts, { maxLength: 30 }).map((all) => all.join(''));
    fc.assert(
      fc.property(fc.oneof(written, any), places, (json, at) => {
        expect(inPieces(new JsonStrings(nothing), cutAt(json, at))).toBe(json);
      }),
      { numRuns: 1500 },
    );
  });

  it('gives the same in any pieces where it is no JSON', () => {
    const parts = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '\\',
      'u',
      '00e9',
      'n',
      '1',
      '-',
      'true',
      ' ',
      ...HOSTILE,
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 20 }), places, (all, at) => {
        const given = all.join('');
        expect(inPieces(new JsonStrings(detectors), cutAt(given, at))).toBe(whole(new JsonStrings(detectors), given));
      }),
      { numRuns: 1500 },
    );
  });

  it('ends where a string or a number is refused', () => {
    for (const [json, shown] of [
      ['{"a":"fine","b":"so bad, and","c":1}', '{"a":"fine","b":"so '],
      ['{"a":1,"b":777,"c":1}', '{"a":1,"b":'],
      ['{"a":"so bad', '{"a":"so '],
    ] as const) {
      const refusing = (): JsonStrings =>
        new JsonStrings(() => new PatternFilter(compilePattern('bad|777', 256), () => undefined));
      const filter = refusing();
      expect(whole(filter, json)).toBe(shown);
      expect(filter.refused).toBe(true);
      expect(inPieces(refusing(), json.split(''))).toBe(shown);
    }
  });

  it('holds back no more of a value than a bounded stretch', () => {
    const filter = new JsonStrings(mark);
    const held = 5000 - Array.from({ length: 5000 }, () => filter.push('1')).join('').length;
    expect(held).toBeLessThanOrEqual(1024);
    expect(filter.end().length).toBe(held);
  });
});
