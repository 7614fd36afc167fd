import type { ReasoningDetail } from './chat.js';

/** Entries that come in pieces; all others come whole. */
const IN_PIECES: ReadonlySet<string> = new Set(['reasoning.text', 'reasoning.summary']);
/** Fields whose pieces are joined; of the others the last one counts. */
const JOINED: ReadonlySet<string> = new Set(['text', 'summary']);

/**
 * Puts the fragments of a stream's reasoning entries together: fragments of one entry have its index; texts are joined,
 * the last signature counts. Entries without an index stand alone.
 */
export function mergeReasoningDetails(fragments: Iterable<ReasoningDetail>): readonly ReasoningDetail[] {
  const merged: ReasoningDetail[] = [];
  const positions = new Map<string, number>();
  for (const fragment of fragments) {
    const key = `${fragment.index}:${fragment.type}`;
    const joins = fragment.index !== undefined && IN_PIECES.has(fragment.type);
    const position = joins ? positions.get(key) : undefined;
    const known = position === undefined ? undefined : merged[position];
    if (known === undefined || position === undefined) {
      positions.set(key, merged.push(fragment) - 1);
    } else {
      merged[position] = join(known, fragment);
    }
  }
  return merged;
}

function join(known: ReasoningDetail, more: ReasoningDetail): ReasoningDetail {
  const joined: Record<string, unknown> = { ...known };
  for (const [name, value] of Object.entries(more)) {
    if (value === undefined || value === null) continue;
    const before = known[name];
    const concatenates = JOINED.has(name) && typeof before === 'string' && typeof value === 'string';
    joined[name] = concatenates ? before + value : value;
  }
  return joined as ReasoningDetail;
}
