import { z } from 'zod';

/** The options that a host gives a built-in transform. @throws TypeError that says what is wrong with them. */
export function checkedOptions<Options>(name: string, schema: z.ZodType<Options>, given: unknown): Options {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new TypeError(`${name}: ${z.prettifyError(result.error)}`);
}
