import type { Finder } from './hold-back.js';

/** Finds one text, as it is. */
export function literalFinder(literal: string): Finder {
  const borders = bordersOf(literal);
  return {
    find(text, from, final) {
      const start = text.indexOf(literal, from);
      if (start !== -1) return { start, end: start + literal.length };
      return final ? text.length : text.length - begun(text, from, literal, borders);
    },
  };
}

/** How much of the literal the end of the text may be the beginning of (Knuth, Morris and Pratt). */
function begun(text: string, from: number, literal: string, borders: readonly number[]): number {
  let length = 0;
  for (let index = Math.max(from, text.length - literal.length + 1); index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    while (length > 0 && literal.charCodeAt(length) !== unit) length = borders[length - 1] ?? 0;
    if (literal.charCodeAt(length) === unit) length += 1;
  }
  return length;
}

function bordersOf(literal: string): readonly number[] {
  const borders = [0];
  let length = 0;
  for (let index = 1; index < literal.length; index += 1) {
    while (length > 0 && literal.charCodeAt(length) !== literal.charCodeAt(index)) length = borders[length - 1] ?? 0;
    if (literal.charCodeAt(length) === literal.charCodeAt(index)) length += 1;
    borders.push(length);
  }
  return borders;
}
