/**
 * Whether a text is what a glob says: `*` matches any run of characters, case does not matter. Without backtracking into
 * earlier stars, so the time is at most the product of both lengths, whoever wrote the glob.
 */
export function globTest(glob: string): (text: string) => boolean {
  const [first = '', ...others] = glob.toLowerCase().split(/\*+/);
  const last = others.pop();
  return (text) => {
    const given = text.toLowerCase();
    if (last === undefined) return given === first;
    if (!given.startsWith(first) || given.length < first.length + last.length || !given.endsWith(last)) return false;
    const end = given.length - last.length;
    let from = first.length;
    for (const piece of others) {
      const at = given.indexOf(piece, from);
      if (at === -1 || at + piece.length > end) return false;
      from = at + piece.length;
    }
    return true;
  };
}
