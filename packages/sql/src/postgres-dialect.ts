import type { Dialect } from './runner.js';

/** The database's time, milliseconds since the epoch, unless another one is given. */
export const POSTGRES_NOW = 'coalesce(?::bigint, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)';

/** Start of the UTC month of a moment. */
export function postgresMonth(moment: string): string {
  const start = `date_trunc('month', to_timestamp(${moment} / 1000) at time zone 'UTC') at time zone 'UTC'`;
  return `(extract(epoch from ${start}) * 1000)::bigint`;
}

/** Postgres' side of the statements that both databases share. */
export function postgresDialect(schema: string): Dialect {
  const elements = (column: string): string =>
    `(select distinct value from jsonb_array_elements_text(${column}::jsonb))`;
  return {
    table: (name) => `${schema}.${name}`,
    at: POSTGRES_NOW,
    month: postgresMonth,
    elements,
    eachTag: `left join lateral ${elements('generations.tags')} tags on true`,
    integer: '?::bigint',
    byCodePoint: (text) => `${text} collate "C"`,
  };
}
