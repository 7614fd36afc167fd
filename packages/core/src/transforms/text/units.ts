/** Tests of single UTF-16 units; `NaN`, which `charCodeAt` gives beyond the text, is in none of the sets. */

export function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

export function isLetter(unit: number): boolean {
  return (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122);
}

export function isLetterOrDigit(unit: number): boolean {
  return isLetter(unit) || isDigit(unit);
}
