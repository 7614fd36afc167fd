import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { ChatRequest } from '../wire/chat.js';
import { defineTransform } from './define-transform.js';
import type { NoOptions, Transform, TransformEntry } from './types.js';

describe('defineTransform', () => {
  it('infers the options of hooks from their check', () => {
    const transform = defineTransform({
      name: 'greeting',
      options: z.strictObject({ word: z.string().default('Hello'), times: z.int() }),
      request(request, context) {
        expectTypeOf(context.options).toEqualTypeOf<{ word: string; times: number }>();
        expectTypeOf(request).toEqualTypeOf<ChatRequest>();
        return request;
      },
      stage: ({ options }) => {
        expectTypeOf(options.times).toEqualTypeOf<number>();
        return { chunk: (chunk) => [chunk] };
      },
    });
    expectTypeOf(transform).toEqualTypeOf<Transform<{ word: string; times: number }>>();
    expectTypeOf(transform).toExtend<Transform>();
    expectTypeOf({ transform, use: 'always' as const }).toExtend<TransformEntry>();
    expect(transform.name).toBe('greeting');
  });

  it('has no options without a check', () => {
    const transform = defineTransform({
      name: 'plain',
      request(request, { options }) {
        expectTypeOf(options).toEqualTypeOf<NoOptions>();
        return request;
      },
    });
    expect(transform.options).toBeUndefined();
  });

  it('does not compile with a wrong hook', () => {
    const wrong = [
      // @ts-expect-error a request is no text
      () => defineTransform({ name: 'a', request: () => 'text' }),
      // @ts-expect-error a stage maps to a list
      () => defineTransform({ name: 'a', stage: () => ({ chunk: (chunk) => chunk }) }),
      // @ts-expect-error stages are synchronous
      () => defineTransform({ name: 'a', stage: () => ({ chunk: async (chunk) => [chunk] }) }),
      // @ts-expect-error routing is synchronous
      () => defineTransform({ name: 'a', route: async (candidates) => candidates }),
      // @ts-expect-error candidates are read only
      () => defineTransform({ name: 'a', route: (candidates) => candidates.reverse() }),
      () =>
        defineTransform({
          name: 'a',
          request(request) {
            // @ts-expect-error requests are read only
            request.model = 'b';
            return request;
          },
        }),
      () =>
        defineTransform({
          name: 'a',
          options: z.object({ b: z.int() }),
          // @ts-expect-error an option that the check does not know
          request: (request, { options }) => ({ ...request, seed: options.c }),
        }),
      // @ts-expect-error defaults that the check would refuse
      () => defineTransform({ name: 'a', options: z.object({ b: z.int() }), defaults: { b: 'x' }, request: (r) => r }),
      // @ts-expect-error an answer has choices
      () => defineTransform({ name: 'a', completion: () => ({}) }),
      // @ts-expect-error no such hook
      () => defineTransform({ name: 'a', response: () => undefined }),
    ];
    expect(wrong).toHaveLength(10);
  });

  it('refuses names that no request could use, and transforms without hooks', () => {
    for (const name of ['', 'A', 'a b', '1a', 'a'.repeat(65)]) {
      expect(() => defineTransform({ name, request: (request) => request })).toThrow(TypeError);
    }
    expect(() => defineTransform({ name: 'a' })).toThrow(/expected a hook/);
    expect(() => defineTransform({ name: 'a', request: 7 as never })).toThrow(/not a function/);
  });
});
