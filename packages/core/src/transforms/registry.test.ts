import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { toTransformChoice } from '../wire/transform-choice.js';
import { defineTransform } from './define-transform.js';
import { middleOut } from './middle-out.js';
import { redact } from './redact.js';
import { TransformRegistry } from './registry.js';
import { responseFilter } from './response-filter.js';
import type { Transform, TransformEntry } from './types.js';

const own = (name: string, options?: z.ZodType<unknown>): Transform =>
  defineTransform<unknown>({ name, options, request: (request) => request });

/** Names in order, with options that a request gave. */
function selected(
  registry: TransformRegistry,
  body: {
    readonly transforms?: readonly (string | Record<string, unknown>)[];
    readonly plugins?: readonly { id: string }[];
  },
  enforced: readonly string[] = [],
): readonly unknown[] {
  const selection = registry.select(toTransformChoice(body.transforms, body.plugins), enforced);
  const names = selection.selected.map(({ transform, given }) =>
    given === undefined ? transform.name : [transform.name, given],
  );
  return selection.compression === 'small' ? names : [...names, `middle-out ${selection.compression}`];
}

const a = own('a', z.looseObject({ x: z.int().default(1) }));
const b = own('b');
const c = own('c');
const configured: readonly (Transform | TransformEntry)[] = [
  a,
  { transform: b, use: 'requested' },
  { transform: c, use: 'always' },
  own('d'),
];

describe('what runs for a request', () => {
  const registry = new TransformRegistry(configured);
  const table: readonly (readonly [
    transforms: readonly (string | Record<string, unknown>)[] | undefined,
    plugins: readonly Record<string, unknown>[] | undefined,
    enforced: readonly string[],
    runs: readonly unknown[],
  ])[] = [
    [undefined, undefined, [], ['a', 'd', 'c']],
    [[], undefined, [], ['c', 'middle-out never']],
    [['b'], undefined, [], ['a', 'd', 'b', 'c']],
    [['redact', 'b'], undefined, [], ['a', 'd', 'redact', 'b', 'c']],
    [['d', { name: 'a', x: 2 }], undefined, [], [['a', { x: 2 }], 'd', 'c']],
    [[{ id: 'b' }], undefined, [], ['a', 'd', 'b', 'c']],
    [['c'], undefined, [], ['a', 'd', 'c']],
    [[], undefined, ['b'], ['c', 'b', 'middle-out never']],
    [['redact'], undefined, ['b'], ['a', 'd', 'redact', 'c', 'b']],
    [['middle-out'], undefined, [], ['a', 'd', 'c', 'middle-out always']],
    [undefined, [{ id: 'context-compression' }], [], ['a', 'd', 'c', 'middle-out always']],
    [
      undefined,
      [{ id: 'context-compression', engine: 'middle-out', enabled: true }],
      [],
      ['a', 'd', 'c', 'middle-out always'],
    ],
    [undefined, [{ id: 'context-compression', enabled: false }], [], ['a', 'd', 'c', 'middle-out never']],
    [['middle-out'], [{ id: 'context-compression', enabled: false }], [], ['a', 'd', 'c', 'middle-out never']],
    [[], [{ id: 'context-compression' }], [], ['c', 'middle-out always']],
    [undefined, [{ id: 'response-healing' }], [], ['a', 'd', 'response-healing', 'c']],
    [undefined, [{ id: 'response-healing', enabled: false }, { id: 'auto-router' }], [], ['a', 'd', 'c']],
    [[], undefined, ['middle-out'], ['c', 'middle-out always']],
    [['b', 'redact'], undefined, ['a', 'b'], ['d', 'redact', 'c', 'a', 'b']],
    [['redact', 'c'], undefined, ['c'], ['a', 'd', 'redact', 'c']],
  ];
  for (const [transforms, plugins, enforced, runs] of table) {
    it(`${JSON.stringify({ transforms, plugins, enforced })}`, () => {
      const body = {
        ...(transforms !== undefined && { transforms }),
        ...(plugins !== undefined && { plugins: plugins as { id: string }[] }),
      };
      expect(selected(registry, body, enforced)).toEqual(runs);
    });
  }

  const wrong: readonly (readonly [transforms: readonly (string | Record<string, unknown>)[], path: string])[] = [
    [['nobody'], 'transforms.0'],
    [['b', { name: 'nobody' }], 'transforms.1'],
    [[{ name: 'a', x: 'y' }], 'transforms.0.x'],
    [[{ name: 'b', x: 1 }], 'transforms.0'],
    [[{ name: 'c', x: 1 }], 'transforms.0'],
    [['response-filter'], 'transforms.0.rules'],
    [[{ name: 'response-filter', rules: [{ pattern: '(a)\\1' }] }], 'transforms.0.rules.0.pattern'],
    [[{ name: 'redact', detectors: ['face'] }], 'transforms.0.detectors.0'],
  ];
  for (const [transforms, path] of wrong) {
    it(`refuses ${JSON.stringify(transforms)}`, () => {
      expect(() => selected(registry, { transforms })).toThrow(
        expect.objectContaining({ code: 'invalid_request', metadata: { issues: [expect.objectContaining({ path })] } }),
      );
    });
  }

  it('gives no way round what is enforced by other options', () => {
    const strict = new TransformRegistry([{ transform: responseFilter({ rules: [{ literal: 'x' }] }), use: 'always' }]);
    const other = { name: 'response-filter', rules: [{ literal: 'y' }] };
    expect(() => selected(strict, { transforms: [other] })).toThrow(/laid down by the host/);
    const byKey = new TransformRegistry([{ transform: redact(), use: 'requested' }]);
    expect(() => selected(byKey, { transforms: [{ name: 'redact', detectors: ['card'] }] }, ['redact'])).toThrow(
      /laid down/,
    );
    expect(selected(byKey, { transforms: [] }, ['redact'])).toEqual(['redact', 'middle-out never']);
  });

  it('puts the options of a request over those of the host', () => {
    const filtering = new TransformRegistry([responseFilter({ rules: [{ literal: 'x' }] })]);
    const [one] = filtering.select(
      toTransformChoice([{ name: 'response-filter', rules: [{ literal: 'y' }] }], undefined),
      [],
    ).selected;
    expect(one?.options).toMatchObject({ rules: [{ literal: 'y' }] });
  });
});

describe('a configuration', () => {
  const wrong: readonly (readonly [given: readonly (Transform | TransformEntry)[], message: RegExp])[] = [
    [[a, a], /twice/],
    [[responseFilter()], /needs options/],
    [[{ transform: a, use: 'sometimes' as never }], /expected a use/],
  ];
  for (const [given, message] of wrong) {
    it(`is refused: ${message.source}`, () => {
      expect(() => new TransformRegistry(given)).toThrow(message);
    });
  }

  it('can do without built-in transforms, replace them, and use them for everybody', () => {
    const without = new TransformRegistry([
      { transform: redact(), use: 'never' },
      { transform: middleOut(), use: 'never' },
    ]);
    expect(() => selected(without, { transforms: ['redact'] })).toThrow(/expected the name/);
    expect(selected(without, {})).toEqual(['middle-out never']);
    expect(selected(new TransformRegistry([middleOut()]), {})).toEqual(['middle-out always']);
    expect(selected(new TransformRegistry([own('middle-out')]), {})).toEqual(['middle-out', 'middle-out never']);
    expect(() => without.check(['redact'])).toThrow(TypeError);
  });
});
