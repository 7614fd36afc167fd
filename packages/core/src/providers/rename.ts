/** Names that a target takes, for names that it would refuse. */
export interface Renaming {
  /** The target's name. */
  of(original: string): string;
  /** The original of a target's name; a name that was not renamed is its own. */
  back(renamed: string): string;
}

/**
 * Renames what does not fit, the same way every time, and never two originals to one name: names that fit keep
 * themselves, the others get what `propose` makes of them, then the same with a suffix.
 */
export function rename(
  originals: Iterable<string>,
  fits: (name: string) => boolean,
  propose: (original: string, attempt: number) => string,
): Renaming {
  const distinct = [...new Set(originals)];
  const taken = new Set(distinct.filter(fits));
  const forth = new Map<string, string>();
  const backwards = new Map<string, string>();
  for (const original of distinct) {
    if (fits(original)) continue;
    let attempt = 1;
    while (taken.has(propose(original, attempt))) attempt += 1;
    const renamed = propose(original, attempt);
    taken.add(renamed);
    forth.set(original, renamed);
    backwards.set(renamed, original);
  }
  return {
    of: (original) => forth.get(original) ?? original,
    back: (renamed) => backwards.get(renamed) ?? renamed,
  };
}

/** A proposal for targets that take `pattern` characters: others become `_`, and a number keeps names apart. */
export function sanitised(original: string, attempt: number, foreign: RegExp, maxLength: number): string {
  const suffix = attempt === 1 ? '' : `_${attempt}`;
  const clean = original.replaceAll(foreign, '_') || '_';
  return clean.slice(0, maxLength - suffix.length) + suffix;
}
