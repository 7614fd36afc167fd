import { bigintOf, maybeTextOf, numberOf, textOf } from './columns.js';
import type { SqlRow, SqlRunner } from './runner.js';

/** A stored sum, and what it is recomputed to. */
type Sums = Readonly<Record<string, readonly [stored: string, rows: string]>>;

const ACCOUNT_SUMS: Sums = {
  granted: ['accounts.granted', 'entries.granted'],
  charged: ['accounts.charged', 'entries.charged'],
  held: ['accounts.held', 'live.held'],
  requests: ['accounts.requests', 'entries.charges'],
  'charges of generations': ['accounts.charged', 'finished.charge'],
};

const WINDOWS = ['total', 'day', 'week', 'month'] as const;

/**
 * Recomputes every stored sum. Each check is one statement, so that it sees one moment, however busy the store is, and it
 * answers only with what differs.
 */
export async function auditSql(runner: SqlRunner): Promise<readonly string[]> {
  const table = (name: Parameters<SqlRunner['dialect']['table']>[0]): string => runner.dialect.table(name);
  const [accounts, spenders, holds, charges] = await Promise.all([
    runner.read(accountsText(table), []),
    runner.read(spendersText(table), []),
    runner.read(holdsText(table), []),
    runner.read(chargesText(table), []),
  ]);
  return [
    ...accounts.flatMap((row) => differences('account', row, Object.keys(ACCOUNT_SUMS))),
    ...spenders.flatMap((row) => differences('key', row, windowSums())),
    ...holds.map(
      (row) => `hold ${textOf(row, 'id')}: ${textOf(row, 'state')}, with ${numberOf(row, 'charges')} charges`,
    ),
    ...charges.map((row) => `hold ${textOf(row, 'hold')}: ${chargeFault(row)}`),
  ];
}

type Table = (name: Parameters<SqlRunner['dialect']['table']>[0]) => string;

function accountsText(table: Table): string {
  const ids = ['accounts', 'ledger', 'holds', 'generations'] as const;
  const known = ids
    .map((name) => `select ${name === 'accounts' ? 'id' : 'account'} as id from ${table(name)}`)
    .join(' union ');
  return (
    `select ids.id, ${compared(ACCOUNT_SUMS)} from (${known}) ids ` +
    `left join ${table('accounts')} accounts on accounts.id = ids.id ` +
    "left join (select account, sum(case when kind = 'grant' then amount else 0 end) as granted, " +
    "sum(case when kind <> 'grant' then amount else 0 end) as charged, " +
    `sum(case when kind = 'charge' then 1 else 0 end) as charges from ${table('ledger')} group by account) entries ` +
    'on entries.account = ids.id ' +
    `left join (select account, sum(amount) as held from ${table('holds')} where state = 'held' group by account) live ` +
    'on live.account = ids.id ' +
    `left join (select account, sum(charge) as charge from ${table('generations')} group by account) finished ` +
    `on finished.account = ids.id where ${differing(ACCOUNT_SUMS)}`
  );
}

/** A spender's windows never go back, so no row can lie in a later one: whatever is in a window is of its start or after. */
function spendersText(table: Table): string {
  const sums = (amount: string, from: string): string =>
    WINDOWS.map((window) =>
      window === 'total'
        ? `sum(${amount}) as total`
        : `sum(case when ${from}.day >= spenders.${window} then ${amount} else 0 end) as ${window}`,
    ).join(', ');
  const spenders = `${table('spenders')} spenders`;
  const known = (['spenders', 'ledger', 'holds'] as const)
    .map((name) => `select ${name === 'spenders' ? 'id' : 'spender'} as id from ${table(name)}`)
    .join(' union ');
  return (
    `select ids.id, ${compared(spenderSums())} from (${known}) ids ` +
    `left join ${spenders} on spenders.id = ids.id ` +
    `left join (select entry.spender, ${sumsOfRows('entry', sums)} from ${table('ledger')} entry join ${spenders} ` +
    "on spenders.id = entry.spender where entry.kind <> 'grant' group by entry.spender) posted on posted.spender = ids.id " +
    `left join (select hold.spender, ${sumsOfRows('hold', sums)} from ${table('holds')} hold join ${spenders} ` +
    "on spenders.id = hold.spender where hold.state = 'held' group by hold.spender) held on held.spender = ids.id " +
    `where ids.id is not null and (${differing(spenderSums())})`
  );
}

function sumsOfRows(alias: string, sums: (amount: string, from: string) => string): string {
  return sums(`${alias}.amount`, alias);
}

/** Holds that are kept after their end: one that was swept has its charge, another has none. */
function holdsText(table: Table): string {
  return (
    'select hold.id, hold.state, count(entry.n) as charges ' +
    `from ${table('holds')} hold left join ${table('ledger')} entry on entry.hold = hold.id and entry.kind = 'charge' ` +
    "group by hold.id, hold.state having count(entry.n) <> case when hold.state = 'settled' then 1 else 0 end"
  );
}

/** Charges and their generations, one for one. */
function chargesText(table: Table): string {
  const corrections = `select hold, sum(amount) as amount, count(*) as corrections from ${table('ledger')} where kind = 'correction' group by hold`;
  return (
    'select coalesce(entry.hold, generation.id, correction.hold) as hold, entry.amount as charge, ' +
    'generation.charge as reported, correction.corrections as corrections, correction.amount as corrected ' +
    `from (select * from ${table('ledger')} where kind = 'charge') entry ` +
    `full join ${table('generations')} generation on generation.n = entry.n ` +
    `full join (${corrections}) correction on correction.hold = entry.hold ` +
    'where entry.n is null or generation.n is null or generation.id <> entry.hold or coalesce(correction.corrections, 0) > 1 ' +
    'or generation.charge <> entry.amount + coalesce(correction.amount, 0) or generation.charge < 0'
  );
}

function chargeFault(row: SqlRow): string {
  const amount = (column: string): string => (row[column] === null ? 'none' : String(bigintOf(row, column)));
  return `charge ${amount('charge')}, corrections ${amount('corrected')}, generation ${amount('reported')}`;
}

function spenderSums(): Sums {
  return Object.fromEntries(
    WINDOWS.flatMap((window) => [
      [`${window}_posted`, [`spenders.${window}_posted`, `posted.${window}`]],
      [`${window}_held`, [`spenders.${window}_held`, `held.${window}`]],
    ]),
  );
}

function windowSums(): readonly string[] {
  return Object.keys(spenderSums());
}

function compared(sums: Sums): string {
  return Object.values(sums)
    .map(([stored, rows], index) => `coalesce(${stored}, 0) as stored_${index}, coalesce(${rows}, 0) as rows_${index}`)
    .join(', ');
}

function differing(sums: Sums): string {
  return Object.values(sums)
    .map(([stored, rows]) => `coalesce(${stored}, 0) <> coalesce(${rows}, 0) or coalesce(${stored}, 0) < 0`)
    .join(' or ');
}

function differences(what: string, row: SqlRow, names: readonly string[]): readonly string[] {
  return names.flatMap((name, index) => {
    const stored = bigintOf(row, `stored_${index}`);
    const rows = bigintOf(row, `rows_${index}`);
    const subject = `${what} ${maybeTextOf(row, 'id')}: ${name.replace('_', ' ')}`;
    if (stored !== rows) return [`${subject} is ${stored}, its rows sum to ${rows}`];
    return stored < 0n ? [`${subject} is ${stored}, below nothing`] : [];
  });
}
