/**
 * A glob in which only `*` is special, as a test that ignores case. Each part is looked for once, from where the last one
 * ended: no glob is slow on any text, which cannot be said of the same glob as a regular expression.
 */
export function globMatcher(glob: string): (text: string) => boolean {
  const [first = '', ...rest] = glob.toLowerCase().split(/\*+/);
  const last = rest.pop();
  return (given) => {
    const text = given.toLowerCase();
    if (last === undefined) return text === first;
    if (!text.startsWith(first)) return false;
    let from = first.length;
    for (const part of rest) {
      const at = text.indexOf(part, from);
      if (at === -1) return false;
      from = at + part.length;
    }
    return text.length - from >= last.length && text.endsWith(last);
  };
}
