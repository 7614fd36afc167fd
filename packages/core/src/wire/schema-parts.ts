import { z } from 'zod';
import type { CacheControl } from './chat.js';

/** A field that may be absent or `null`; both are read as absent. */
export function optional<T extends z.ZodType>(
  schema: T,
): z.ZodPipe<z.ZodOptional<z.ZodNullable<T>>, z.ZodTransform<z.output<T> | undefined, z.output<T> | null | undefined>> {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** Any JSON object; its fields are not looked at. */
export const plainObject: z.ZodType<Record<string, unknown>> = z.record(z.string(), z.unknown());

/** A breakpoint for prompt caches. */
export const cacheControl: z.ZodType<CacheControl> = z.object({
  type: z.literal('ephemeral'),
  ttl: optional(z.enum(['5m', '1h'])),
});
