import type { SqliteDatabase } from './sqlite-driver.js';

/**
 * Steps from an empty file to the newest tables. A step that was released is never changed; the next one is added below.
 *
 * A hold that was settled is deleted in the transaction that writes its charge: the charge is what is left of it. So
 * `holds` stays as small as the traffic of the moment, plus what was voided or swept.
 */
const MIGRATIONS: readonly string[] = [
  `
  create table accounts (
    id text primary key,
    granted integer not null,
    charged integer not null,
    held integer not null,
    limited integer not null,
    requests integer not null,
    prompt_tokens integer not null,
    completion_tokens integer not null
  ) without rowid;
  create table spenders (
    id text primary key,
    day integer not null,
    week integer not null,
    month integer not null,
    total_posted integer not null,
    day_posted integer not null,
    week_posted integer not null,
    month_posted integer not null,
    total_held integer not null,
    day_held integer not null,
    week_held integer not null,
    month_held integer not null
  ) without rowid;
  create table holds (
    id text primary key,
    account text not null,
    spender text,
    day integer not null,
    week integer not null,
    month integer not null,
    amount integer not null check (amount >= 0),
    state text not null default 'held',
    swept integer not null default 0,
    charged integer not null default 0,
    attempt integer,
    endpoint text,
    price text,
    input_floor integer,
    dispatched_at integer,
    checkpoint integer not null default 0,
    owner text not null,
    created_at integer not null,
    expires_at integer not null,
    draft text
  ) without rowid;
  create table ledger (
    n integer primary key,
    kind text not null,
    account text not null,
    spender text,
    day integer not null,
    amount integer not null,
    cost integer not null,
    hold text,
    external_id text,
    note text,
    at integer not null
  );
  create unique index ledger_by_hold on ledger (hold, kind) where hold is not null;
  create unique index ledger_by_external_id on ledger (external_id) where external_id is not null;
  create table generations (
    n integer primary key,
    id text not null,
    account text not null,
    spender text,
    key_label text not null,
    created_at integer not null,
    model text not null,
    provider text not null,
    endpoint text not null,
    end_user text,
    app text,
    session text,
    tags text not null,
    charge integer not null,
    cost integer not null,
    prompt_tokens integer not null,
    completion_tokens integer not null,
    reasoning_tokens integer not null,
    cached_tokens integer not null,
    latency_ms real,
    generation_ms real,
    outcome text not null,
    details text not null
  );
  create index generations_by_time on generations (account, created_at);
  create table keys (
    n integer primary key autoincrement,
    hash text not null unique,
    account text not null,
    name text not null,
    label text not null,
    disabled integer not null,
    scopes text not null,
    spending_limit integer,
    limit_reset text,
    requests_per_minute real,
    tokens_per_minute real,
    models text,
    inherited_models text not null,
    tags text not null,
    transforms text not null,
    metadata text not null,
    byok_in_limit integer not null,
    creator_user_id text,
    external_user text,
    created_at integer not null,
    updated_at integer,
    last_used_at integer,
    expires_at integer,
    created_by text,
    version integer not null
  );
  create index keys_by_account on keys (account, created_at);
  create table rates (id text primary key, requests real not null, tokens real not null, at integer not null) without rowid;
  create table replays (
    subject text not null,
    value text not null,
    fingerprint text not null,
    generation_id text not null,
    keep_ms integer not null,
    finished integer not null default 0,
    answer text,
    expires_at integer not null,
    primary key (subject, value)
  ) without rowid;
  create index replays_by_expiry on replays (expires_at);
  create table instances (id text primary key, lease_until integer not null) without rowid;
  `,
];

/**
 * Brings a file's tables to what this version needs. Safe in several processes at once: the first one migrates, the
 * others wait and find it done. Throws where a newer version has been there.
 */
export function migrateSqlite(database: SqliteDatabase): void {
  database.exec('begin immediate');
  try {
    database.exec('create table if not exists migrations (version integer primary key, at text not null)');
    const { version } = versionRow(
      database.prepare('select coalesce(max(version), 0) as version from migrations').get(),
    );
    if (version > MIGRATIONS.length) {
      throw new Error(
        `The database has version ${version} of the tables; this version of @gatehouse/sql knows ${MIGRATIONS.length} and cannot go back`,
      );
    }
    for (const [index, text] of MIGRATIONS.entries()) {
      if (index < version) continue;
      database.exec(text);
      database.prepare("insert into migrations (version, at) values (?, datetime('now'))").run(index + 1);
    }
    database.exec('commit');
  } catch (error) {
    database.exec('rollback');
    throw error;
  }
}

function versionRow(row: unknown): { readonly version: number } {
  const found = typeof row === 'object' && row !== null && 'version' in row ? Number(row.version) : Number.NaN;
  if (!Number.isSafeInteger(found)) throw new TypeError('The table migrations holds no version');
  return { version: found };
}
