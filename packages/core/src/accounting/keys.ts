import { hash } from 'node:crypto';
import { GatewayError } from '../errors.js';
import type { Random } from '../random.js';
import type { KeyQuery, KeyRecord, Store } from '../stores/types.js';
import type { KeyObject } from '../wire/account.js';
import type { KeyFields } from '../wire/parse-key.js';
import { parseKeyChange, parseNewKey } from '../wire/parse-key.js';
import { INFERENCE } from '../wire/scopes.js';
import { fieldError } from '../wire/validation-error.js';
import { toKeyObject } from './key-object.js';
import { type Authority, excessOf, type KeyRights } from './key-rights.js';
import type { StoreGuard } from './store-guard.js';

/** What managing keys takes from the gateway. */
export interface KeysParts {
  readonly store: Store;
  readonly guard: StoreGuard;
  readonly random: Random;
  /** What the text of a key begins with. */
  readonly prefix: string;
  /** Whether a transform has this name and can run without options of a request. */
  mayEnforce(transform: string): boolean;
  /** A key was made, changed or revoked. */
  changed(hash: string): void;
}

/** A key as it was made: the only time that its text is seen. */
export interface CreatedKey {
  readonly data: KeyObject;
  readonly key: string;
}

const SECRET_BYTES = 32;
const SHOWN = 3;

/** Makes, lists, changes and revokes keys, each within the rights of whoever asks for it. */
export class Keys {
  readonly #parts: KeysParts;
  readonly #guard: StoreGuard;

  constructor(parts: KeysParts) {
    this.#parts = parts;
    this.#guard = parts.guard.of('keys');
  }

  /** @throws GatewayError `invalid_request` for a field, `permission_denied` for more than may be given. */
  async create(authority: Authority, body: unknown): Promise<CreatedKey> {
    const { store, guard, random, prefix } = this.#parts;
    const now = guard.clock.now();
    const fields = parseNewKey(body, now);
    checkAccount(fields, authority);
    this.#checkTransforms(fields);
    const secret = Buffer.from(random(SECRET_BYTES)).toString('hex');
    const key = prefix + secret;
    const record: KeyRecord = {
      ...fieldsOf(fields, unsetFields(fields.name, authority)),
      hash: hash('sha256', key, 'hex'),
      account: authority.account,
      label: `${prefix}${secret.slice(0, SHOWN)}...${secret.slice(-SHOWN)}`,
      createdAt: now,
      updatedAt: undefined,
      lastUsedAt: undefined,
      createdBy: authority.hash,
      version: 1,
    };
    checkRights(record, authority);
    if (!(await this.#guard.run(store.keys.insert(record))))
      throw new GatewayError('internal_error', '', { cause: 'a digest came twice' });
    this.#parts.changed(record.hash);
    return { data: toKeyObject(record, undefined, now), key };
  }

  async list(query: KeyQuery): Promise<{ readonly data: readonly KeyObject[]; readonly total_count: number }> {
    const { store, guard } = this.#parts;
    const { records, total } = await this.#guard.run(store.keys.list(query));
    const spending = await guard.run(store.ledger.spending(records.map((record) => record.hash)));
    const now = guard.clock.now();
    return {
      data: records.map((record) => toKeyObject(record, spending.get(record.hash), now)),
      total_count: total,
    };
  }

  /** @throws GatewayError `not_found` where the account has no such key. */
  async read(account: string, keyHash: string): Promise<KeyObject> {
    return this.#shown(await this.#find(account, keyHash));
  }

  /** @throws GatewayError as `create`, `not_found`, or `conflict` where somebody else changes the key at the same time. */
  async change(authority: Authority, keyHash: string, body: unknown): Promise<KeyObject> {
    const { store, guard } = this.#parts;
    const now = guard.clock.now();
    const fields = parseKeyChange(body, now);
    checkAccount(fields, authority);
    this.#checkTransforms(fields);
    const before = await this.#find(authority.account, keyHash);
    checkRights(before, authority);
    const { hash: _, account: __, label: ___, createdAt: ____, createdBy: _____, ...rest } = before;
    const after: KeyRecord = { ...before, ...fieldsOf(fields, rest), updatedAt: now, version: before.version + 1 };
    checkRights(after, authority);
    const replaced = await this.#guard.run(store.keys.replace(after, before.version));
    this.#parts.changed(keyHash);
    if (replaced) return this.#shown(after);
    throw new GatewayError('conflict', 'the key was changed by somebody else at the same time', { retryable: true });
  }

  /** From the answer on no gateway on this store admits the key. @throws GatewayError `not_found`, `permission_denied`. */
  async revoke(authority: Authority, keyHash: string): Promise<void> {
    const { store } = this.#parts;
    checkRights(await this.#find(authority.account, keyHash), authority);
    const removed = await this.#guard.run(store.keys.remove(keyHash, authority.account));
    this.#parts.changed(keyHash);
    if (!removed) throw noKey();
  }

  #checkTransforms({ transforms }: KeyFields): void {
    for (const [index, name] of (transforms ?? []).entries()) {
      if (!this.#parts.mayEnforce(name)) {
        throw fieldError(`transforms.${index}`, 'expected the name of a transform that needs no options');
      }
    }
  }

  async #find(account: string, keyHash: string): Promise<KeyRecord> {
    const { store } = this.#parts;
    const record = await this.#guard.run(store.keys.find(keyHash));
    if (record?.account !== account) throw noKey();
    return record;
  }

  async #shown(record: KeyRecord): Promise<KeyObject> {
    const { store, guard } = this.#parts;
    const spending = await guard.run(store.ledger.spending([record.hash]));
    return toKeyObject(record, spending.get(record.hash), guard.clock.now());
  }
}

type Changeable = Omit<
  KeyRecord,
  'hash' | 'account' | 'label' | 'createdAt' | 'updatedAt' | 'lastUsedAt' | 'createdBy' | 'version'
>;

/** A key of which nothing was said: it has what its maker has. */
function unsetFields(name: string, { limit, rates, expiresAt, models, transforms }: Authority): Changeable {
  return {
    name,
    disabled: false,
    scopes: INFERENCE,
    limit: limit?.amount,
    limitReset: limit?.reset,
    ...rates,
    models: undefined,
    inheritedModels: models,
    tags: [],
    transforms,
    metadata: {},
    includeByokInLimit: false,
    creatorUserId: undefined,
    externalUser: undefined,
    expiresAt,
  };
}

/** Fields as they were given, or else as they were. */
function fieldsOf(given: KeyFields, before: Changeable): Changeable {
  const rates = given.rate_limit;
  return {
    name: given.name ?? before.name,
    disabled: given.disabled ?? before.disabled,
    scopes: given.scopes ?? before.scopes,
    limit: chosen(given.limit, before.limit),
    limitReset: chosen(given.limit_reset, before.limitReset),
    requestsPerMinute: rates === null ? undefined : chosen(rates?.requests_per_minute, before.requestsPerMinute),
    tokensPerMinute: rates === null ? undefined : chosen(rates?.tokens_per_minute, before.tokensPerMinute),
    models: chosen(given.models, before.models),
    inheritedModels: before.inheritedModels,
    tags: given.tags === null ? [] : (given.tags ?? before.tags),
    transforms: given.transforms === null ? [] : (given.transforms ?? before.transforms),
    metadata: given.metadata === null ? {} : (given.metadata ?? before.metadata),
    includeByokInLimit: chosen(given.include_byok_in_limit, before.includeByokInLimit) ?? false,
    creatorUserId: chosen(given.creator_user_id, before.creatorUserId),
    externalUser: given.external === null ? undefined : (given.external?.user ?? before.externalUser),
    expiresAt: chosen(given.expires_at, before.expiresAt),
  };
}

/** `null` clears, undefined leaves as it was. */
function chosen<T>(given: T | null | undefined, before: T | undefined): T | undefined {
  if (given === null) return undefined;
  return given ?? before;
}

function checkAccount({ workspace_id: account }: KeyFields, authority: Authority): void {
  if (account === undefined || account === null || account === authority.account) return;
  throw new GatewayError('permission_denied', 'workspace_id: expected the account of the caller', {
    metadata: { field: 'workspace_id' },
  });
}

function checkRights(rights: KeyRights, authority: Authority): void {
  const excess = excessOf(rights, authority);
  if (excess === undefined) return;
  const { field, scope } = excess;
  const message = `${field}: the key would have more rights than the one that manages it`;
  throw new GatewayError('permission_denied', message, {
    metadata: { field, ...(scope !== undefined && { required_scope: scope }) },
  });
}

function noKey(): GatewayError {
  return new GatewayError('not_found', 'there is no such key');
}
