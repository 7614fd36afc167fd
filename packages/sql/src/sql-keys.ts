import type { KeyRecord, KeyStore, Scope } from '@gatehouse/core';
import { maybeBigintOf, maybeNumberOf, maybeTextOf, numberOf, textOf, textsOf, wordOf } from './columns.js';
import type { SqlRow, SqlRunner, SqlValue } from './runner.js';
import { storableJson } from './storable-json.js';

const RESETS = ['daily', 'weekly', 'monthly'] as const;
const SCOPES: Readonly<Record<Scope, true>> = {
  chat: true,
  'route:explain': true,
  'models:read': true,
  'usage:own': true,
  'usage:read': true,
  'credits:read': true,
  'keys:read': true,
  'keys:write': true,
  'chat:grant': true,
};

const COLUMNS = [
  'hash',
  'account',
  'name',
  'label',
  'disabled',
  'scopes',
  'spending_limit',
  'limit_reset',
  'requests_per_minute',
  'tokens_per_minute',
  'models',
  'inherited_models',
  'tags',
  'transforms',
  'metadata',
  'byok_in_limit',
  'creator_user_id',
  'external_user',
  'created_at',
  'updated_at',
  'last_used_at',
  'expires_at',
  'created_by',
  'version',
];

/** Keys in a table: digests and labels, never their text. */
export function sqlKeys(runner: SqlRunner): KeyStore {
  const { dialect } = runner;
  const keys = dialect.table('keys');
  const holes = COLUMNS.map(() => '?').join(', ');
  const changes = COLUMNS.map((column) => `${column} = ?`).join(', ');
  return {
    async insert(record) {
      const text = `insert into ${keys} (${COLUMNS.join(', ')}) values (${holes}) on conflict (hash) do nothing returning hash`;
      return (await runner.write(text, valuesOf(record))).length === 1;
    },
    async find(hash) {
      const [row] = await runner.read(`select * from ${keys} where hash = ?`, [hash]);
      return row === undefined ? undefined : readKey(row);
    },
    async list({ account, includeDisabled, tag, offset, limit }) {
      const tagged = `exists (select 1 from ${dialect.elements('tags')} tag where tag.value = ?)`;
      const wanted = [
        'account = ?',
        ...(includeDisabled ? [] : ['disabled = 0']),
        ...(tag === undefined ? [] : [tagged]),
      ];
      const values = [account, ...(tag === undefined ? [] : [tag])];
      const where = wanted.join(' and ');
      const [[count], rows] = await Promise.all([
        runner.read(`select count(*) as total from ${keys} where ${where}`, values),
        runner.read(`select * from ${keys} where ${where} order by created_at desc, n desc limit ? offset ?`, [
          ...values,
          limit,
          offset,
        ]),
      ]);
      return { records: rows.map(readKey), total: count === undefined ? 0 : numberOf(count, 'total') };
    },
    async replace(record, version) {
      const text = `update ${keys} set ${changes} where hash = ? and version = ? returning hash`;
      return (await runner.write(text, [...valuesOf(record), record.hash, version])).length === 1;
    },
    async remove(hash, account) {
      const text = `delete from ${keys} where hash = ? and account = ? returning hash`;
      return (await runner.write(text, [hash, account])).length === 1;
    },
    async touch(hash, at) {
      await runner.write(`update ${keys} set last_used_at = ? where hash = ?`, [at, hash]);
    },
  };
}

function valuesOf(record: KeyRecord): readonly SqlValue[] {
  return [
    record.hash,
    record.account,
    record.name,
    record.label,
    record.disabled ? 1 : 0,
    JSON.stringify(record.scopes),
    record.limit ?? null,
    record.limitReset ?? null,
    record.requestsPerMinute ?? null,
    record.tokensPerMinute ?? null,
    record.models === undefined ? null : JSON.stringify(record.models),
    JSON.stringify(record.inheritedModels),
    storableJson(record.tags),
    JSON.stringify(record.transforms),
    JSON.stringify(record.metadata),
    record.includeByokInLimit ? 1 : 0,
    record.creatorUserId ?? null,
    record.externalUser ?? null,
    record.createdAt,
    record.updatedAt ?? null,
    record.lastUsedAt ?? null,
    record.expiresAt ?? null,
    record.createdBy ?? null,
    record.version,
  ];
}

function readKey(row: SqlRow): KeyRecord {
  const models = maybeTextOf(row, 'models');
  const inherited: unknown = JSON.parse(textOf(row, 'inherited_models'));
  const metadata: unknown = JSON.parse(textOf(row, 'metadata'));
  return {
    hash: textOf(row, 'hash'),
    account: textOf(row, 'account'),
    name: textOf(row, 'name'),
    label: textOf(row, 'label'),
    disabled: numberOf(row, 'disabled') === 1,
    // A scope that a newer version wrote grants nothing here.
    scopes: textsOf(textOf(row, 'scopes')).filter((scope) => isScope(scope)),
    limit: maybeBigintOf(row, 'spending_limit'),
    limitReset: maybeTextOf(row, 'limit_reset') === undefined ? undefined : wordOf(row, 'limit_reset', RESETS),
    requestsPerMinute: maybeNumberOf(row, 'requests_per_minute'),
    tokensPerMinute: maybeNumberOf(row, 'tokens_per_minute'),
    models: models === undefined ? undefined : textsOf(models),
    inheritedModels: Array.isArray(inherited)
      ? inherited.map((list) => (Array.isArray(list) ? list.map(String) : []))
      : [],
    tags: textsOf(textOf(row, 'tags')),
    transforms: textsOf(textOf(row, 'transforms')),
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, String(value)])),
    includeByokInLimit: numberOf(row, 'byok_in_limit') === 1,
    creatorUserId: maybeTextOf(row, 'creator_user_id'),
    externalUser: maybeTextOf(row, 'external_user'),
    createdAt: numberOf(row, 'created_at'),
    updatedAt: maybeNumberOf(row, 'updated_at'),
    lastUsedAt: maybeNumberOf(row, 'last_used_at'),
    expiresAt: maybeNumberOf(row, 'expires_at'),
    createdBy: maybeTextOf(row, 'created_by'),
    version: numberOf(row, 'version'),
  };
}

function isScope(text: string): text is Scope {
  return Object.hasOwn(SCOPES, text);
}
