import { hostAuthority } from './accounting/key-rights.js';
import type { CreatedKey, Keys } from './accounting/keys.js';
import type { KeyChange, KeyObject, NewKey } from './wire/account.js';

/** Which keys to list; by default the newest hundred of the account `default` that are not disabled. */
export interface KeyListOptions {
  readonly account?: string | undefined;
  readonly includeDisabled?: boolean | undefined;
  readonly tag?: string | undefined;
  readonly offset?: number | undefined;
  readonly limit?: number | undefined;
}

/**
 * Keys as functions of the host: what the endpoints do, on any account (by default `default`) and bound by nothing. The
 * first management key is made here.
 *
 * @example
 * const { key } = await gateway.keys.create({ name: 'admin', scopes: ['management'] });
 */
export interface KeyAdministration {
  /** The text of the key is in the answer and nowhere else. @throws GatewayError `invalid_request`. */
  create(fields: NewKey, account?: string): Promise<CreatedKey>;
  list(options?: KeyListOptions): Promise<{ readonly data: readonly KeyObject[]; readonly total_count: number }>;
  /** By its hash. @throws GatewayError `not_found`. */
  read(hash: string, account?: string): Promise<KeyObject>;
  /** @throws GatewayError `not_found`, `invalid_request`, or `conflict` for a change at the same time. */
  change(hash: string, fields: KeyChange, account?: string): Promise<KeyObject>;
  /** From then on no gateway on this store admits the key. @throws GatewayError `not_found`. */
  revoke(hash: string, account?: string): Promise<void>;
}

const DEFAULT_ACCOUNT = 'default';
const PAGE = 100;

/** The functions of the host on the gateway's keys. */
export function keyAdministration(keys: Keys): KeyAdministration {
  return {
    create: (fields, account = DEFAULT_ACCOUNT) => keys.create(hostAuthority(account), fields),
    list: ({ account = DEFAULT_ACCOUNT, includeDisabled = false, tag, offset = 0, limit = PAGE } = {}) =>
      keys.list({ account, includeDisabled, tag, offset, limit }),
    read: (hash, account = DEFAULT_ACCOUNT) => keys.read(account, hash),
    change: (hash, fields, account = DEFAULT_ACCOUNT) => keys.change(hostAuthority(account), hash, fields),
    revoke: (hash, account = DEFAULT_ACCOUNT) => keys.revoke(hostAuthority(account), hash),
  };
}
