import type { RoutingSort } from '../wire/chat.js';
import type { ServiceTier } from './types.js';

/** What a suffix of a model's name asks for. */
interface Variant {
  readonly sort?: RoutingSort;
  readonly tier?: ServiceTier;
  readonly thinking?: true;
}

/** Suffixes that say how to route, not which model is meant. */
const VARIANTS: ReadonlyMap<string, Variant> = new Map<string, Variant>([
  ['nitro', { sort: 'throughput', tier: 'priority' }],
  ['floor', { sort: 'price', tier: 'flex' }],
  ['exacto', { sort: 'exacto' }],
  ['thinking', { thinking: true }],
]);
/** Known to clients, and not built. */
const UNBUILT: ReadonlySet<string> = new Set(['online']);

/** A name without its suffixes, and what they ask for; `problem` for what cannot be. */
export interface SplitName {
  readonly base: string;
  readonly variants: readonly Variant[];
  /** A suffix that clients know and the gateway does not serve. */
  readonly unbuilt?: string;
}

/** Takes the known suffixes off a name, from the right. */
export function splitName(name: string): SplitName {
  const variants: Variant[] = [];
  let base = name;
  for (;;) {
    const colon = base.lastIndexOf(':');
    const suffix = colon === -1 ? '' : base.slice(colon + 1);
    if (UNBUILT.has(suffix)) return { base, variants, unbuilt: `:${suffix}` };
    const variant = VARIANTS.get(suffix);
    if (variant === undefined) return { base, variants };
    variants.push(variant);
    base = base.slice(0, colon);
  }
}
