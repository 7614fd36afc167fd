import type { ClientBase } from 'pg';
import { moneyFunction } from './postgres-money-function.js';
import { ratesFunction } from './postgres-rates-function.js';

/**
 * Steps from an empty schema to the newest tables. A step that was released is never changed; the next one is added below.
 * As in SQLite a hold that was settled is deleted in the transaction that writes its charge.
 */
const MIGRATIONS: readonly ((schema: string) => string)[] = [
  (s) => `
  create table ${s}.accounts (
    id text primary key,
    granted bigint not null,
    charged bigint not null,
    held bigint not null,
    limited smallint not null,
    requests bigint not null,
    prompt_tokens bigint not null,
    completion_tokens bigint not null
  );
  create table ${s}.spenders (
    id text primary key,
    day bigint not null,
    week bigint not null,
    month bigint not null,
    total_posted bigint not null,
    day_posted bigint not null,
    week_posted bigint not null,
    month_posted bigint not null,
    total_held bigint not null,
    day_held bigint not null,
    week_held bigint not null,
    month_held bigint not null
  );
  create table ${s}.holds (
    id text primary key,
    account text not null,
    spender text,
    day bigint not null,
    week bigint not null,
    month bigint not null,
    amount bigint not null check (amount >= 0),
    state text not null,
    swept smallint not null,
    charged bigint not null,
    attempt integer,
    endpoint text,
    price text,
    input_floor bigint,
    dispatched_at bigint,
    checkpoint bigint not null,
    owner text not null,
    created_at bigint not null,
    expires_at bigint not null,
    draft text
  );
  create table ${s}.ledger (
    n bigint generated always as identity primary key,
    kind text not null,
    account text not null,
    spender text,
    day bigint not null,
    amount bigint not null,
    cost bigint not null,
    hold text,
    external_id text,
    note text,
    at bigint not null
  );
  create unique index ledger_by_hold on ${s}.ledger (hold, kind) where hold is not null;
  create unique index ledger_by_external_id on ${s}.ledger (external_id) where external_id is not null;
  create table ${s}.generations (
    n bigint primary key,
    id text not null,
    account text not null,
    spender text,
    key_label text not null,
    created_at bigint not null,
    model text not null,
    provider text not null,
    endpoint text not null,
    end_user text,
    app text,
    session text,
    tags text not null,
    charge bigint not null,
    cost bigint not null,
    prompt_tokens bigint not null,
    completion_tokens bigint not null,
    reasoning_tokens bigint not null,
    cached_tokens bigint not null,
    latency_ms double precision,
    generation_ms double precision,
    outcome text not null,
    details text not null
  );
  create index generations_by_time on ${s}.generations (account, created_at);
  create table ${s}.keys (
    n bigint generated always as identity primary key,
    hash text not null unique,
    account text not null,
    name text not null,
    label text not null,
    disabled smallint not null,
    scopes text not null,
    spending_limit bigint,
    limit_reset text,
    requests_per_minute double precision,
    tokens_per_minute double precision,
    models text,
    inherited_models text not null,
    tags text not null,
    transforms text not null,
    metadata text not null,
    byok_in_limit smallint not null,
    creator_user_id text,
    external_user text,
    created_at bigint not null,
    updated_at bigint,
    last_used_at bigint,
    expires_at bigint,
    created_by text,
    version bigint not null
  );
  create index keys_by_account on ${s}.keys (account, created_at);
  create table ${s}.rates (
    id text primary key,
    requests double precision not null,
    tokens double precision not null,
    at bigint not null
  );
  create table ${s}.replays (
    subject text not null,
    value text not null,
    fingerprint text not null,
    generation_id text not null,
    keep_ms bigint not null,
    finished smallint not null default 0,
    answer text,
    expires_at bigint not null,
    primary key (subject, value)
  );
  create index replays_by_expiry on ${s}.replays (expires_at);
  create table ${s}.instances (id text primary key, lease_until bigint not null);
  ${moneyFunction(s)}
  ${ratesFunction(s)}
  `,
];

/**
 * Brings a schema's tables to what this version needs. Safe in several processes at once: the first one migrates, the
 * others wait and find it done. Throws where a newer version has been there.
 */
export async function migratePostgres(client: ClientBase, schema: string): Promise<void> {
  await client.query('begin');
  try {
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${schema}.migrations`]);
    const { rows } = await client.query<{ readonly name: string | null }>('select to_regclass($1)::text as name', [
      `${schema}.migrations`,
    ]);
    // Only where it is missing: who may use a schema need not be allowed to make one.
    if (rows[0]?.name === null) {
      await client.query(`create schema if not exists ${schema}`);
      await client.query(`create table ${schema}.migrations (version integer primary key, at timestamptz not null)`);
    }
    const version = await versionOf(client, schema);
    if (version > MIGRATIONS.length) {
      throw new Error(
        `The schema ${schema} has version ${version} of the tables; this version of @gatehouse/sql knows ${MIGRATIONS.length} and cannot go back`,
      );
    }
    for (const [index, step] of MIGRATIONS.entries()) {
      if (index < version) continue;
      await client.query(step(schema));
      await client.query(`insert into ${schema}.migrations (version, at) values ($1, now())`, [index + 1]);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function versionOf(client: ClientBase, schema: string): Promise<number> {
  const text = `select coalesce(max(version), 0) as version from ${schema}.migrations`;
  const { rows } = await client.query<{ readonly version: number }>(text);
  return rows[0]?.version ?? 0;
}
