import type { Finder } from './hold-back.js';
import { isDigit, isLetterOrDigit } from './units.js';

const LEAST = 13;
const MOST = 19;
const SPACE = 32;
const DASH = 45;

/**
 * Finds payment card numbers: 13 to 19 digits, together or in groups with one blank or dash between them, whose check digit
 * is right (ISO/IEC 7812, Luhn).
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
    if (digits.length >= LEAST && !isLetterOrDigit(unit) && passesLuhn(digits)) end = index;
    if (unit !== SPACE && unit !== DASH) return end;
    // Two separators end a number, and so does one before anything but a digit.
    if (index + 1 >= text.length && !final) return 'undecided';
    if (!isDigit(text.charCodeAt(index + 1))) return end;
  }
}

function passesLuhn(digits: readonly number[]): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits[digits.length - 1 - index] ?? 0;
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  // Nothing but zeros is no number of anybody.
  return sum > 0 && sum % 10 === 0;
}
