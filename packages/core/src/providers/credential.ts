import { Secret } from './secret.js';

/** A credential and the header that carries it. */
export interface Credential {
  /** Lower-case. */
  readonly header: string;
  /** Stands before the secret: `Bearer `. */
  readonly prefix: string;
  readonly secret: Secret;
}

/** Several keys of a team, none where there are none. @throws TypeError */
export function toCredentials(
  slug: string,
  header: string,
  keys: string | readonly string[] | undefined,
): readonly Credential[] {
  if (keys === undefined) return [];
  return (typeof keys === 'string' ? [keys] : keys).map((key) => toCredential(slug, header, key));
}

/**
 * A team's key as the header that carries it: `Bearer` where that is `authorization`, bare elsewhere.
 *
 * @throws TypeError for a key that cannot stand in a header.
 */
function toCredential(slug: string, header: string, key: string): Credential {
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new TypeError(`${slug}: apiKey: expected printable ASCII characters without blanks`);
  }
  return { header, prefix: header === 'authorization' ? 'Bearer ' : '', secret: new Secret(key) };
}
