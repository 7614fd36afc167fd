import type { Finder } from './hold-back.js';
import { isBlank, isDigit, isHyphen, isLetterOrDigit } from './units.js';

const LEAST = 13;
const MOST = 19;
/** How the issuers' numbers begin, and their lengths (ISO/IEC 7812 and the networks' tables). */
const ISSUED: readonly (readonly [beginning: RegExp, lengths: readonly number[]])[] = [
  [/^35/, [14, 15, 16, 17, 18, 19]],
  [/^3/, [14, 15, 16]],
  [/^4/, [13, 16, 19]],
  [/^5/, [16]],
  [/^2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)/, [16]],
  [/^6/, [16, 17, 18, 19]],
];

/**
 * Finds payment card numbers: 13 to 19 digits, together or in groups with one blank or dash between them, that begin
 * as some issuer's do and whose check digit is right (ISO/IEC 7812, Luhn): one in ten times and ids has a right one too.
 */
export const cardFinder: Finder = {
  find(text, from, final, before) {
    for (let start = from; start < text.length; start += 1) {
      if (!isDigit(text.charCodeAt(start))) continue;
      const previous = start === 0 ? before.charCodeAt(0) : text.charCodeAt(start - 1);
      if (isLetterOrDigit(previous)) continue;
      const end = numberFrom(text, start, final);
      if (end === 'undecided') return start;
      if (end !== undefined) return { start, end };
    }
    return text.length;
  },
};

/** The end of the longest card number that begins at a digit. */
function numberFrom(text: string, start: number, final: boolean): number | 'undecided' | undefined {
  const digits: number[] = [];
  let end: number | undefined;
  for (let index = start; ; index += 1) {
    const unit = text.charCodeAt(index);
    if (index >= text.length && !final) return 'undecided';
    if (isDigit(unit)) {
      if (digits.length === MOST) return end;
      digits.push(unit - 48);
      continue;
    }
    if (digits.length >= LEAST && !isLetterOrDigit(unit) && isIssued(digits) && passesLuhn(digits)) end = index;
    if (!isBlank(unit) && !isHyphen(unit)) return end;
    // Two separators end a number, and so does one before anything but a digit.
    if (index + 1 >= text.length && !final) return 'undecided';
    if (!isDigit(text.charCodeAt(index + 1))) return end;
  }
}

function isIssued(digits: readonly number[]): boolean {
  const beginning = digits.slice(0, 4).join('');
  const lengths = ISSUED.find(([form]) => form.test(beginning))?.[1];
  return lengths?.includes(digits.length) === true;
}

function passesLuhn(digits: readonly number[]): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits[digits.length - 1 - index] ?? 0;
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
