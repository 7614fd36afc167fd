import type { Finder } from './hold-back.js';
import { isDigit, isLetterOrDigit } from './units.js';

/** Digits, and what stands between them. */
const LONGEST = 32;
const SIGNS: ReadonlySet<number> = new Set(Array.from(' ().-/').map((sign) => sign.charCodeAt(0)));
const PLUS = 43;
const OPEN = 40;
/** `+49 171 2345678`: 8 to 15 digits with their country (ITU-T E.164), groups with one or two signs between. */
const INTERNATIONAL = /^\+\d(?:[ ().\-/]{0,2}\d){7,14}$/;
/** `(555) 123-4567`, `555-123-4567`, `1-555-123-4567`. */
const NORTH_AMERICAN = /^(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}$/;
/** `0171 2345678`, `030/12345-67`: 9 to 12 digits, the first of them 0, with a sign somewhere. */
const NATIONAL = /^\(?0(?:[ ().\-/]{0,2}\d){8,11}$/;
const BARE = /^\d+$/;

/**
 * Finds telephone numbers that are written as such: with the country after a plus sign, in North America's groups, or with a
 * leading 0 and a sign between groups. Digits alone, which could be anything, are not taken for one.
 */
export const phoneFinder: Finder = {
  find(text, from, final, before) {
    for (let start = from; start < text.length; start += 1) {
      const unit = text.charCodeAt(start);
      if (!isDigit(unit) && unit !== PLUS && unit !== OPEN) continue;
      const previous = start === 0 ? before.charCodeAt(0) : text.charCodeAt(start - 1);
      if (isLetterOrDigit(previous) || (isDigit(unit) && previous === PLUS)) continue;
      const reach = reachFrom(text, start);
      if (!final && reach === text.length) return start;
      const end = numberEnd(text, start, reach);
      if (end !== undefined) return { start, end };
    }
    return text.length;
  },
};

function reachFrom(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && end - start < LONGEST && isPart(text.charCodeAt(end))) end += 1;
  return end;
}

function isPart(unit: number): boolean {
  return isDigit(unit) || SIGNS.has(unit);
}

/** The longest number: it ends with a digit that no letter or digit follows. */
function numberEnd(text: string, start: number, reach: number): number | undefined {
  for (let end = reach; end - start >= 9; end -= 1) {
    if (!isDigit(text.charCodeAt(end - 1)) || (end < text.length && isLetterOrDigit(text.charCodeAt(end)))) continue;
    const written = text.slice(start, end);
    if (INTERNATIONAL.test(written) || NORTH_AMERICAN.test(written)) return end;
    if (NATIONAL.test(written) && !BARE.test(written)) return end;
  }
  return undefined;
}
