import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DETECTORS, type DetectorName, finders } from './detectors.js';
import { FilterChain, type TextFilter, WholeCharacters } from './filter.js';
import { HoldBack } from './hold-back.js';
import { literalFinder } from './literal.js';
import { PatternFilter } from './pattern-filter.js';
import { compilePattern } from './pattern-program.js';

const mark = (found: string): string => `<${found}>`;
const detector = (name: DetectorName): TextFilter => new HoldBack(finders[name], mark);
const literal = (text: string): TextFilter => new HoldBack(literalFinder(text), mark);
const pattern = (text: string): TextFilter => new PatternFilter(compilePattern(text, 256), mark);

function whole(filter: TextFilter, text: string): string {
  return filter.push(text) + filter.end();
}

function inPieces(filter: TextFilter, pieces: readonly string[]): string {
  return pieces.map((piece) => filter.push(piece)).join('') + filter.end();
}

/** A text and some way to cut it. */
function cut(text: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> {
  return fc.tuple(text, fc.array(fc.nat(), { maxLength: 20 })).map(([all, places]) => {
    const at = [...new Set(places.map((place) => (all.length === 0 ? 0 : place % all.length)))].toSorted(
      (a, b) => a - b,
    );
    return [0, ...at].map((from, index) => all.slice(from, at[index] ?? all.length));
  });
}

/** Text of pieces that matter to the filters, so that near misses are frequent. */
function made(pieces: readonly string[]): fc.Arbitrary<string> {
  return fc
    .array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...pieces) }, fc.string({ maxLength: 3 })))
    .map((all) => all.join(''));
}

const PEM = '-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/IBAA==\n-----END RSA PRIVATE KEY-----';

const PGP = `-----BEGIN PGP PRIVATE KEY BLOCK-----
Version: GnuPG v1.4.11 (GNU/Linux)
Comment: "it's" <mine> -- ünsafe; ----- too

lQOYBE+/IBAA==
=abcd
-----END PGP PRIVATE KEY BLOCK-----`;

/** A pattern with many ways open at each character, and a find after which it looks on. */
const MANY = `a(?:(?:${Array.from({ length: 40 }, () => '.').join('|')})*b)?`;

describe('detectors', () => {
  const table: Readonly<Record<DetectorName, readonly (readonly [text: string, shown: string])[]>> = {
    email: [
      ['write to jane.doe+tag@example.co.uk.', 'write to <jane.doe+tag@example.co.uk>.'],
      ['a@b and @handle and x@localhost', 'a@b and @handle and x@localhost'],
      ['(bob@example.com)', '(<bob@example.com>)'],
      ['one@a.io,two@b.io', '<one@a.io>,<two@b.io>'],
      [`${'x'.repeat(80)}@example.com`, `${'x'.repeat(16)}<${'x'.repeat(64)}@example.com>`],
      ['a@b@c.de', 'a@<b@c.de>'],
      ['write info@müller.de, jörg@example.com', 'write <info@müller.de>, <jörg@example.com>'],
      ['(почта@пример.рф) mu\u0308ller@x.io»', '(<почта@пример.рф>) <mu\u0308ller@x.io>»'],
      ['bob@example.com-', '<bob@example.com>-'],
    ],
    card: [
      ['card 4111 1111 1111 1111.', 'card <4111 1111 1111 1111>.'],
      ['4111111111111111', '<4111111111111111>'],
      ['4111-1111-1111-1112', '4111-1111-1111-1112'],
      ['amex 378282246310005!', 'amex <378282246310005>!'],
      ['0000 0000 0000 0000', '0000 0000 0000 0000'],
      ['id4111111111111111', 'id4111111111111111'],
      ['7 4111 1111 1111 1111', '7 <4111 1111 1111 1111>'],
      ['41111111111111111111111111', '41111111111111111111111111'],
      ['4111\u00a01111\u202f1111\u20111111', '<4111\u00a01111\u202f1111\u20111111>'],
      ['at 1700000000004 and 7992739871300008', 'at 1700000000004 and 7992739871300008'],
      ['2221000000000009 2720990000000007', '<2221000000000009> <2720990000000007>'],
      ['2220000000000000 2721000000000004', '2220000000000000 2721000000000004'],
      [
        '3530111333300000 6011111111111117 5555555555554444',
        '<3530111333300000> <6011111111111117> <5555555555554444>',
      ],
      ['4222222222222', '<4222222222222>'],
    ],
    iban: [
      ['to DE89 3704 0044 0532 0130 00 please', 'to <DE89 3704 0044 0532 0130 00> please'],
      ['DE89\u00a03704\u202f0044\u20110532 0130 00', '<DE89\u00a03704\u202f0044\u20110532 0130 00>'],
      ['GB82WEST12345698765432', '<GB82WEST12345698765432>'],
      ['DE89370400440532013001', 'DE89370400440532013001'],
      ['DE89370400440532013000X', 'DE89370400440532013000X'],
      ['DE89  3704 0044 0532 0130 00', 'DE89  3704 0044 0532 0130 00'],
      ['ZZ89370400440532013000', 'ZZ89370400440532013000'],
    ],
    phone: [
      ['call +49 171 2345678 now', 'call <+49 171 2345678> now'],
      ['(555) 123-4567', '<(555) 123-4567>'],
      ['or 1-555-123-4567.', 'or <1-555-123-4567>.'],
      ['0171/2345678', '<0171/2345678>'],
      ['on 2026-11-27 at 12', 'on 2026-11-27 at 12'],
      ['1234567890', '1234567890'],
      ['+12', '+12'],
      ['0.12345678', '0.12345678'],
      ['p=0.123456789', 'p=0.123456789'],
      ['p=-0.0171 2345678', 'p=-0.0171 2345678'],
      ['+0.123456789', '+0.123456789'],
      ['on 01.02.2024 10:30', 'on 01.02.2024 10:30'],
      ['01/02/2024-05/02/2024', '01/02/2024-05/02/2024'],
      ['ISBN 0-306-40615-2', 'ISBN 0-306-40615-2'],
      ['ISBN 1-023-45678-9', 'ISBN 1-023-45678-9'],
      ['range 100 200 3000', 'range 100 200 3000'],
      ['030 1234567', '<030 1234567>'],
      ['030 / 1234567', '<030 / 1234567>'],
      ['(030) 123 45 67', '<(030) 123 45 67>'],
      ['030/12345-67', '<030/12345-67>'],
      ['01 23 45 67 89', '<01 23 45 67 89>'],
      ['02 9876 5432', '<02 9876 5432>'],
      ['+49 171 2345678', '<+49 171 2345678>'],
      ['+49\u00a0171\u202f23\u201145678', '<+49\u00a0171\u202f23\u201145678>'],
      ['555-867-5309/212-555-0100', '<555-867-5309>/<212-555-0100>'],
      ['(212) 555-0100', '<(212) 555-0100>'],
      ['212 555 0100', '<212 555 0100>'],
      ['+1 (555) 123-4567', '<+1 (555) 123-4567>'],
    ],
    secret: [
      ['key sk-abcdefghij0123456789XYZ.', 'key <sk-abcdefghij0123456789XYZ>.'],
      ['task-abcdefghij0123456789XYZ', 'task-abcdefghij0123456789XYZ'],
      ['AKIAIOSFODNN7EXAMPLE', '<AKIAIOSFODNN7EXAMPLE>'],
      ['sk-short', 'sk-short'],
      [`ghp_${'a'.repeat(36)}`, `<ghp_${'a'.repeat(36)}>`],
      [`see ${PEM} there`, `see <${PEM}> there`],
      [`see ${PGP} there`, `see <${PGP}> there`],
      [`${PGP.split('\n')[0]}\n${PEM}.`, `<${PGP.split('\n')[0]}\n${PEM}>.`],
      ['-----BEGIN CERTIFICATE-----', '-----BEGIN CERTIFICATE-----'],
      [
        `eyJ${'a'.repeat(30)}.${'b'.repeat(30)}.${'c'.repeat(20)} x`,
        `<eyJ${'a'.repeat(30)}.${'b'.repeat(30)}.${'c'.repeat(20)}> x`,
      ],
    ],
  };
  for (const name of DETECTORS) {
    for (const [text, shown] of table[name]) {
      it(`${name}: ${text.slice(0, 40)}`, () => {
        expect(whole(detector(name), text)).toBe(shown);
        expect(inPieces(detector(name), text.split(''))).toBe(shown);
      });
    }
  }

  it('take linear time', () => {
    const hostile = ['@', 'a', '1 ', '1', '+1', '(', '-', 'sk-', '-----BEGIN ', 'DE89 '];
    for (const name of DETECTORS) {
      for (const piece of hostile) {
        const started = performance.now();
        whole(detector(name), piece.repeat(Math.ceil(100_000 / piece.length)));
        expect(performance.now() - started).toBeLessThan(2000);
      }
    }
  });
});

describe('patterns', () => {
  const table: readonly (readonly [pattern: string, text: string, shown: string])[] = [
    ['foo|foobar', 'a foobar b', 'a <foobar> b'],
    ['\\d{3}-\\d{2}', '12-34 123-45 1234-56', '12-34 <123-45> 1<234-56>'],
    ['\\d{3}(-\\d{2})?', '123-45 678-x', '<123-45> <678>-x'],
    ['token=\\S+', 'a token=abc.def b', 'a <token=abc.def> b'],
    ['\\bcat\\b', 'cat concat cat.', '<cat> concat <cat>.'],
    ['^a+', 'aaa aaa', '<aaa> aaa'],
    ['a+$', 'aaa aaa', 'aaa <aaa>'],
    ['[^"]+"', 'say "x" y', '<say "><x"> y'],
    ['(?:ab)+', 'ababa', '<abab>a'],
    ['(?<name>x|y){2,3}', 'xyxyx', '<xyx><yx>'],
    ['.', '😀a\nb', '<😀><a>\n<b>'],
    ['\\u0041[B-D\\d]', 'AB A1 AZ', '<AB> <A1> AZ'],
    ['(a+)+b', 'aaac aaab', 'aaac <aaab>'],
    ['a\\|b|c\\.d', 'a|b c.d cxd', '<a|b> <c.d> cxd'],
    ['[\\w.-]+@x', 'me.a-b@x', '<me.a-b@x>'],
    ['x{2}', 'xxx', '<xx>x'],
    ['a.*b', 'a1b2b3', '<a1b2b>3'],
    ['{a}', '{a}', '<{a}>'],
  ];
  for (const [text, given, shown] of table) {
    it(`${text} in ${JSON.stringify(given)}`, () => {
      expect(whole(pattern(text), given)).toBe(shown);
      expect(inPieces(pattern(text), given.split(''))).toBe(shown);
    });
  }

  const refused = [
    '(a)\\1',
    '\\k<a>',
    '(?=a)b',
    '(?!a)b',
    '(?<=a)b',
    '(?<!a)b',
    'a*',
    '\\b',
    'a+?',
    '(',
    ')',
    '[a',
    'a{3,1}',
    '*a',
    'a**',
    '\\p{L}',
    '(?i)a',
    '[😀]',
    'a{1,999}',
    '\\',
    '(a{50}){50}',
    'a||b',
    '^*',
  ];
  for (const text of refused) {
    it(`refuses ${text}`, () => {
      expect(() => pattern(text)).toThrow(/./);
      expect(() => pattern(text)).toThrow(expect.objectContaining({ name: 'PatternError' }));
    });
  }

  it('compile or are refused with little work, whatever stands in each other without a step', () => {
    const nested = (item: string, quantifier: string, depth: number): string =>
      Array.from({ length: depth }).reduce<string>((inner) => `(${inner})${quantifier}`, item);
    for (const item of ['', '(?:)', 'x{0}', '()()()', 'x{0}|', 'a']) {
      for (const quantifier of ['{256}', '{2}', '{0,256}', '{1,}', '']) {
        for (const depth of [1, 2, 5, 20, 30]) {
          let work = 0;
          try {
            work = compilePattern(`b${nested(item, quantifier, depth)}`, 256).work;
          } catch (error) {
            expect(error).toMatchObject({ name: 'PatternError' });
          }
          expect(work).toBeLessThanOrEqual(16_384);
        }
      }
    }
    expect(compilePattern('b(((((){256}){256}){256}){256}){256}', 256).work).toBeLessThan(20);
    expect(whole(pattern('b(?:){256}c'), 'abcd')).toBe('a<bc>d');
    expect(whole(pattern('bx{0}c'), 'abcd')).toBe('a<bc>d');
  });

  it('agree with the engine of the language where leftmost and longest are the same', () => {
    const units = fc.constantFrom('a', 'b', '[ab]', 'c+', '(?:ab)+', 'a{2}', '\\d+', '[^a]', '\\b');
    fc.assert(
      fc.property(
        fc.array(units, { minLength: 1, maxLength: 4 }),
        fc.stringMatching(/^[abc1 ]{0,40}$/),
        (parts, text) => {
          const source = parts.join('');
          fc.pre(parts.some((part) => part !== '\\b'));
          expect(whole(pattern(source), text)).toBe(text.replace(new RegExp(source, 'g'), mark));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('hold back no more than a bounded stretch', () => {
    const filter = pattern('a.*b');
    let held = 0;
    let most = 0;
    for (let index = 0; index < 5000; index += 1) {
      held += 1 - filter.push(index === 0 ? 'a' : 'x').length;
      most = Math.max(most, held);
    }
    expect(most).toBeLessThanOrEqual(1025);
    expect(filter.end().length).toBe(held);
  });

  it('take linear time for patterns that ruin engines with backtracking', () => {
    for (const [source, text] of [
      ['(a+)+b', 'a'.repeat(40_000)],
      ['(a|a)*b', 'a'.repeat(40_000)],
      ['a(.*b)?', 'a'.repeat(40_000)],
      ['a|b.*c', 'ba'.repeat(20_000)],
      [MANY, 'a'.repeat(40_000)],
    ] as const) {
      const started = performance.now();
      expect(whole(new PatternFilter(compilePattern(source, 256), () => ''), text).length).toBeLessThanOrEqual(
        text.length,
      );
      expect(performance.now() - started).toBeLessThan(4000);
    }
  });
});

describe('any text in any pieces gives what the whole gives', () => {
  const pieces: Readonly<Record<DetectorName, readonly string[]>> = {
    email: ['a', '@', '.', 'b.io', 'x@example.com', 'ü', '-', ' ', 'y@b@c.de', 'z'.repeat(70)],
    card: ['4111', ' ', '-', '1111', '4111 1111 1111 1111', '0', 'x', '378282246310005'],
    iban: ['DE89', ' ', '3704', 'DE89 3704 0044 0532 0130 00', 'GB82WEST12345698765432', 'x', '-'],
    phone: ['+', '49', ' ', '\u2011', '(', ')', '555', '030', '-', '4567', '0171 2345678', 'x', '.', '/'],
    secret: [
      'sk-',
      'a',
      '-',
      '-----BEGIN ',
      'RSA ',
      'PRIVATE KEY',
      '-----',
      'END ',
      '(',
      PEM,
      ' ',
      'eyJ',
      'AKIA',
      '0123456789',
      '.',
    ],
  };
  for (const name of DETECTORS) {
    it(name, () => {
      fc.assert(
        fc.property(cut(made(pieces[name])), (parts) => {
          expect(inPieces(detector(name), parts)).toBe(whole(detector(name), parts.join('')));
        }),
        { numRuns: 500 },
      );
    });
  }

  it('literals', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab]{1,6}$/), cut(fc.stringMatching(/^[ab]{0,60}$/)), (text, parts) => {
        const all = parts.join('');
        expect(inPieces(literal(text), parts)).toBe(all.replaceAll(text, mark(text)));
      }),
      { numRuns: 500 },
    );
  });

  it('patterns', () => {
    const sources = [
      'a.*b',
      'a(.*b)?',
      '\\ba+\\b',
      '(a|b)+c$',
      '^ab',
      '\\d{2,4}',
      'a{3}|b{2}',
      '[^a]b|a',
      'x\\S+',
      '.',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...sources),
        cut(made(['a', 'b', 'c', ' ', 'x', '1', '\n', '😀', 'ab'])),
        (source, parts) => {
          expect(inPieces(pattern(source), parts)).toBe(whole(pattern(source), parts.join('')));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('also where a pattern has lost its patience', () => {
    const text = fc.array(fc.constantFrom('a', 'aaaa', 'b', 'c'), { minLength: 200, maxLength: 400 });
    fc.assert(
      fc.property(cut(text.map((all) => all.join(''))), (parts) => {
        expect(inPieces(pattern(MANY), parts)).toBe(whole(pattern(MANY), parts.join('')));
      }),
      { numRuns: 20 },
    );
  });

  it('several in a row, of which one may refuse', () => {
    const chain = (): TextFilter =>
      new WholeCharacters(
        new FilterChain([
          new HoldBack(finders.email, () => '[EMAIL]'),
          new PatternFilter(compilePattern('\\bbad\\w*', 256), () => undefined),
          new HoldBack(literalFinder('abc'), () => 'xyz'),
        ]),
      );
    fc.assert(
      fc.property(cut(made(['a', 'b', 'c', 'abc', 'bad', ' ', '@', '.', 'x@y.io', '😀'])), (parts) => {
        const streamed = chain();
        const shown = inPieces(streamed, parts);
        const at = chain();
        expect(shown).toBe(whole(at, parts.join('')));
        expect(streamed.refused).toBe(at.refused);
        expect(shown).not.toMatch(/\bbad/);
      }),
      { numRuns: 1000 },
    );
  });
});
