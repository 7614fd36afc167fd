import type { Provider } from '../providers/types.js';

/** Whether one of the names means a provider: its base slug means all its regions, a full slug only that one. */
export function namesProvider(names: readonly string[], provider: Provider): boolean {
  return names.some((name) => meansProvider(name, provider));
}

/** Slugs and display names, in any case. Providers of a service level answer to their full slug alone. */
export function meansProvider(name: string, { slug, name: title, tier }: Provider): boolean {
  const wanted = name.toLowerCase();
  if (wanted === slug) return true;
  return tier === undefined && (wanted === slug.split('/', 1)[0] || wanted === title.toLowerCase());
}

/** Whether one of the names is the full slug of a provider: that admits a service level. */
export function namesExactly(names: readonly string[] | undefined, { slug }: Provider): boolean {
  return names?.some((name) => name.toLowerCase() === slug) ?? false;
}
