import { z } from 'zod';
import { fieldError } from './validation-error.js';

/** A label for reports. */
export const tagSchema: z.ZodType<string> = z
  .string()
  .regex(/^[A-Za-z0-9_.:/@ -]{1,64}$/, 'expected 1 to 64 characters of A-Z a-z 0-9 _ . : / @ - and blank');

const MOST_TAGS = 10;

/** Tags of one source: an array, or names with commas between them. @throws GatewayError `invalid_request`. */
export function parseTags(path: string, given: string | readonly string[] | undefined): readonly string[] {
  if (given === undefined) return [];
  const names = typeof given === 'string' ? given.split(',').map((name) => name.trim()) : given;
  const tags = names.filter((name) => typeof given !== 'string' || name !== '');
  for (const tag of tags) {
    const result = tagSchema.safeParse(tag);
    // A lost tag is lost money in a report: it is refused, not dropped.
    if (!result.success) throw fieldError(path, result.error.issues[0]?.message ?? 'not a tag');
  }
  return tags;
}

/** Each tag once. @throws GatewayError `invalid_request` where there are too many. */
export function joinTags(path: string, tags: readonly string[]): readonly string[] {
  const unique = [...new Set(tags)];
  if (unique.length > MOST_TAGS) throw fieldError(path, `expected at most ${MOST_TAGS} tags in a request`);
  return unique;
}
