import { z } from 'zod';
import type { PercentileCutoffs, ProviderPreferences, RoutingSort } from './chat.js';
import { optional } from './schema-parts.js';

const names = z.array(z.string().min(1).max(256)).max(50);
const QUANTIZATIONS = [
  'int4',
  'int8',
  'fp4',
  'mxfp4',
  'nvfp4',
  'fp6',
  'fp8',
  'mxfp8',
  'fp16',
  'bf16',
  'fp32',
  'unknown',
] as const;
const sortBy = z.enum(['price', 'throughput', 'latency', 'exacto', 'quality'] satisfies RoutingSort[]);
const amount = z
  .union([
    z.number().min(0),
    z
      .string()
      .regex(/^\d{1,12}(?:\.\d{1,12})?$/, 'expected a number from 0')
      .transform(Number),
  ])
  .refine(Number.isFinite, 'expected a finite number');
const cutoff = z.number().gt(0);

/** A number is the median. */
const cutoffs: z.ZodType<PercentileCutoffs> = z.union([
  cutoff.transform((p50) => ({ p50 })),
  z.strictObject({ p50: optional(cutoff), p75: optional(cutoff), p90: optional(cutoff), p99: optional(cutoff) }),
]) as z.ZodType<PercentileCutoffs>;

const sort = z.union([
  sortBy.transform((by) => ({ by })),
  z.strictObject({ by: optional(sortBy), partition: optional(z.enum(['model', 'none'])) }),
]);

/** The `provider` field: an object, or a name or list of names as short for `order`. */
export const preferencesSchema: z.ZodType<ProviderPreferences> = z.union([
  z
    .string()
    .min(1)
    .max(256)
    .transform((name) => ({ order: [name] })),
  names.transform((order) => ({ order })),
  z.strictObject({
    order: optional(names),
    only: optional(names),
    ignore: optional(names),
    allow_fallbacks: optional(z.boolean()),
    require_parameters: optional(z.boolean()),
    data_collection: optional(z.enum(['allow', 'deny'])),
    zdr: optional(z.boolean()),
    enforce_distillable_text: optional(z.boolean()),
    quantizations: optional(z.array(z.enum(QUANTIZATIONS)).max(20)),
    sort: optional(sort),
    max_price: optional(
      z.strictObject({
        prompt: optional(amount),
        completion: optional(amount),
        request: optional(amount),
        image: optional(amount),
        audio: optional(amount),
      }),
    ),
    preferred_min_throughput: optional(cutoffs),
    preferred_max_latency: optional(cutoffs),
  }),
]);
