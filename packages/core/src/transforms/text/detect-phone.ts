import type { Finder } from './hold-back.js';
import { isBlank, isDigit, isHyphen, isLetterOrDigit } from './units.js';

/** Digits, and what stands between them. */
const LONGEST = 32;
const SIGNS: ReadonlySet<number> = new Set(Array.from('()./').map((sign) => sign.charCodeAt(0)));
const PLUS = 43;
const OPEN = 40;
const DOT = 46;
/** Of a number with its country (ITU-T E.164), and of one within it. */
const INTERNATIONAL_DIGITS = { least: 8, most: 15 };
const NATIONAL_DIGITS = { least: 9, most: 12 };
/** `+49 171 2345678`: groups with one or two signs between. */
const INTERNATIONAL = /^\+[1-9](?:[ ().\-/]{0,2}\d)*$/;
/**
 * `(555) 123-4567`, `555-123-4567`, `1-555-123-4567`, `212 555 0100`: the area begins with 2 to 9, and so does what follows
 * it where nothing but blanks or dots tells the number from other ones in a row.
 */
const NORTH_AMERICAN = [
  /^(?:1[ .-])?\([2-9]\d{2}\) ?\d{3}[ .-]\d{4}$/,
  /^(?:1[ .-])?[2-9]\d{2}[ .-](?:[2-9]\d{2}[ .-]|\d{3}-)\d{4}$/,
];
/**
 * `0171 2345678`, `030/12345-67`, `(030) 123 45 67`; `01 23 45 67 89`; `02 9876 5432`. An area of three digits at least, or
 * groups of these sizes: decimals, dates and book numbers have neither.
 */
const NATIONAL = [
  /^(?:\(0[1-9]\d{1,4}\)(?: ?[/-] ?| )?|0[1-9]\d{1,4}(?: ?[/-] ?|[ .]))\d+(?:[ .\-/]\d+)*$/,
  /^0[1-9]([ .-])\d{2}(?:\1\d{2}){3}$/,
  /^(?:\(0[1-9]\) ?|0[1-9][ -])\d{4}[ -]\d{4}$/,
];

/** How any of them begins: most digits of a text need no closer look. */
const BEGINNING = /^(?:\+[1-9]|\(?0[1-9]|(?:1[ .-])?(?:\([2-9]\d{2}\)|[2-9]\d{2}[ .-]))/;

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
      // What dots and hyphens join is one thing, which no number begins in the middle of.
      if (isDigit(unit)) start = joinedEnd(text, start, reach) - 1;
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
  return isDigit(unit) || isBlank(unit) || isHyphen(unit) || SIGNS.has(unit);
}

/** How far digits with dots and hyphens between them go. */
function joinedEnd(text: string, start: number, reach: number): number {
  let end = start;
  for (let index = start; index < reach; index += 1) {
    const unit = text.charCodeAt(index);
    if (isDigit(unit)) end = index + 1;
    else if (unit !== DOT && !isHyphen(unit)) break;
  }
  return end;
}

/** The longest number: it ends with a digit that no letter or digit follows. */
function numberEnd(text: string, start: number, reach: number): number | undefined {
  const all = plain(text.slice(start, reach));
  if (!BEGINNING.test(all)) return undefined;
  for (let end = reach; end - start >= 9; end -= 1) {
    if (!isDigit(text.charCodeAt(end - 1)) || (end < text.length && isLetterOrDigit(text.charCodeAt(end)))) continue;
    if (isNumber(all.slice(0, end - start))) return end;
  }
  return undefined;
}

/** With the signs that a keyboard has. */
function plain(written: string): string {
  return written.replaceAll(/[\u00a0\u202f]/g, ' ').replaceAll('\u2011', '-');
}

function isNumber(written: string): boolean {
  const digits = written.replaceAll(/\D/g, '').length;
  const isWithin = ({ least, most }: { least: number; most: number }): boolean => digits >= least && digits <= most;
  return (
    (isWithin(INTERNATIONAL_DIGITS) && INTERNATIONAL.test(written)) ||
    NORTH_AMERICAN.some((form) => form.test(written)) ||
    (isWithin(NATIONAL_DIGITS) && NATIONAL.some((form) => form.test(written)))
  );
}
