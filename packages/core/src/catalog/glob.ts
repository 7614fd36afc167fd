/** A glob in which only `*` is special, as an anchored pattern that ignores case. Linear: runs of stars are one. */
export function globPattern(glob: string): RegExp {
  const parts = glob.split(/\*+/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'i');
}
