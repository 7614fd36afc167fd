import type { Finder, Found } from './hold-back.js';
import { isAnyLetter, isDigit } from './units.js';

/** RFC 5321, 4.5.3.1. */
const LONGEST_LOCAL = 64;
const LONGEST_DOMAIN = 255;
const LOCAL_SIGNS: ReadonlySet<number> = new Set(Array.from(".!#$%&'*+/=?^_`{|}~-").map((sign) => sign.charCodeAt(0)));
const DOT = 46;
const DASH = 45;

/** Finds e-mail addresses: a local part of up to 64 characters, and a domain with a dot in it; letters of any script (RFC 6531). */
export const emailFinder: Finder = {
  find(text, from, final) {
    for (let at = text.indexOf('@', from); at !== -1; at = text.indexOf('@', at + 1)) {
      const start = localStart(text, from, at);
      if (start === at) continue;
      const reach = domainReach(text, at + 1);
      if (!final && reach === text.length && reach - at <= LONGEST_DOMAIN) return start;
      const end = domainEnd(text, at + 1, reach);
      if (end !== undefined) return { start, end } satisfies Found;
    }
    return final ? text.length : localStart(text, from, text.length);
  },
};

/** Where the local part begins that ends at a position. */
function localStart(text: string, from: number, end: number): number {
  let start = end;
  while (start > from && end - start < LONGEST_LOCAL && isLocal(text.charCodeAt(start - 1))) start -= 1;
  return start;
}

function isLocal(unit: number): boolean {
  return isAnyLetter(unit) || isDigit(unit) || LOCAL_SIGNS.has(unit);
}

/** How far the characters of a domain go. */
function domainReach(text: string, from: number): number {
  let end = from;
  while (end < text.length && end - from < LONGEST_DOMAIN && isDomain(text.charCodeAt(end))) end += 1;
  return end;
}

function isDomain(unit: number): boolean {
  return isAnyLetter(unit) || isDigit(unit) || unit === DOT || unit === DASH;
}

/** Where the longest domain ends: labels between dots, the last of them letters, two at least. */
function domainEnd(text: string, from: number, reach: number): number | undefined {
  let end: number | undefined;
  let label = from;
  for (let index = from; index <= reach; index += 1) {
    const isEnd = index === reach || text.charCodeAt(index) === DOT;
    if (!isEnd) continue;
    if (index === label || text.charCodeAt(label) === DASH) break;
    const letters = lettersFrom(text, label, index);
    if (label > from && letters - label >= 2) end = letters;
    label = index + 1;
  }
  return end;
}

/** How far a label is of letters alone. */
function lettersFrom(text: string, from: number, to: number): number {
  let index = from;
  while (index < to && isAnyLetter(text.charCodeAt(index))) index += 1;
  return index;
}
