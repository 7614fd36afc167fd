/** 0 to 9. `NaN`, which `charCodeAt` gives beyond a text, is in none of these sets. */
export function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

/** A letter of ASCII. */
export function isLetter(unit: number): boolean {
  return (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122);
}

/** A letter or digit of ASCII. */
export function isLetterOrDigit(unit: number): boolean {
  return isLetter(unit) || isDigit(unit);
}

const LETTER = /[\p{L}\p{M}]/u;
const ASCII = 0x80;

/** A letter of any script, or a mark on one. Those beyond U+FFFF, which take two units, are in no set here. */
export function isAnyLetter(unit: number): boolean {
  return unit >= ASCII ? LETTER.test(String.fromCharCode(unit)) : isLetter(unit);
}

/** A blank, also one at which no line breaks: numbers are often set with those. */
export function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0xa0 || unit === 0x202f;
}

/** A hyphen, also the one at which no line breaks. */
export function isHyphen(unit: number): boolean {
  return unit === 0x2d || unit === 0x2011;
}
