import type { Store } from '@gatehouse/core';

/**
 * The store at a place: a `postgres://` (or `postgresql://`) URL, or else the file name of a SQLite database. Only what
 * the place needs is loaded.
 *
 * @example
 * const gateway = createGateway({ providers, store: await storeAt(process.env.GATEHOUSE_DB ?? 'gatehouse.db') });
 */
export async function storeAt(place: string): Promise<Store> {
  if (isPostgres(place)) return (await import('./postgres.js')).postgres(place);
  return (await import('./sqlite.js')).sqlite(place);
}

/** Whether a place is a URL of Postgres. */
export function isPostgres(place: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(place);
}
