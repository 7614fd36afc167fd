import { describe, expect, it } from 'vitest';
import { inspectJson, scanJson } from './json-limits.js';

const limits = { depth: 4, nodes: 20 };
const scan = (text: string): void => scanJson(Buffer.from(text), limits);
const inspect = (value: unknown): void => inspectJson(value, limits);
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('scanJson', () => {
  it('counts levels, not brackets', () => {
    expect(() => scan(nested(4))).not.toThrow();
    expect(() => scan(nested(5))).toThrow(/at most 4 levels/);
    expect(() => scan('[[],[],[],[[[]]]]')).not.toThrow();
  });

  it('jumps over strings, escaped quotes included', () => {
    expect(() => scan(`["${'['.repeat(99)}", "\\"[[[[[[", "\\\\", "]"]`)).not.toThrow();
    expect(() => scan(`"unfinished ${'['.repeat(99)}`)).not.toThrow();
  });

  it('counts values', () => {
    expect(() => scan(`[${Array.from({ length: 19 }, () => 1).join()}]`)).not.toThrow();
    expect(() => scan(`[${Array.from({ length: 30 }, () => 1).join()}]`)).toThrow(/at most 20 values/);
  });
});

describe('inspectJson', () => {
  it('keeps the same limits for values that a host has parsed', () => {
    expect(() => inspect(JSON.parse(nested(4)))).not.toThrow();
    expect(() => inspect(JSON.parse(nested(5)))).toThrow(/levels/);
    expect(() => inspect(Array.from({ length: 30 }, () => 1))).toThrow(/values/);
    expect(() => inspect('text')).not.toThrow();
  });

  it('refuses keys of prototypes wherever the gateway reads', () => {
    for (const text of ['{"__proto__":1}', '[{"a":{"__proto__":1}}]', '{"constructor":1}', '{"a":[{"prototype":1}]}']) {
      expect(() => inspect(JSON.parse(text))).toThrow(/reserved/);
    }
  });

  it('lets JSON Schemas name their properties as they like, except __proto__', () => {
    expect(() => inspect({ function: { parameters: { constructor: { prototype: 1 } } } })).not.toThrow();
    expect(() => inspect({ json_schema: { schema: { constructor: 1 } } })).not.toThrow();
    expect(() => inspect({ parameters: { constructor: 1 } })).toThrow(/reserved/);
    expect(() => inspect({ function: { parameters: JSON.parse('{"__proto__":1}') } })).toThrow(/reserved/);
  });
});
