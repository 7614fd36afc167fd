import {
  globMatcher,
  type UsageGroup,
  type UsageQuery,
  type UsageReportPage,
  type UsageRow,
  type UsageSums,
} from '@gatehouse/core';
import { bigintOf, maybeNumberOf, maybeTextOf, numberOf, textOf } from './columns.js';
import { type Dialect, listOf, type SqlRow, type SqlRunner, type SqlValue } from './runner.js';

/** Columns of what usage can be grouped by; a tag is a row of its own. */
const GROUPS: Readonly<Record<UsageGroup, string>> = {
  model: 'generations.model',
  provider: 'generations.provider',
  endpoint: 'generations.endpoint',
  key: 'generations.spender',
  user: 'generations.end_user',
  app: 'generations.app',
  tag: 'tags.value',
};

const SUMS = [
  'count(*) as requests',
  'coalesce(sum(generations.charge), 0) as charge',
  'coalesce(sum(generations.prompt_tokens), 0) as prompt_tokens',
  'coalesce(sum(generations.completion_tokens), 0) as completion_tokens',
  'coalesce(sum(generations.reasoning_tokens), 0) as reasoning_tokens',
  'coalesce(sum(generations.cached_tokens), 0) as cached_tokens',
  "coalesce(sum(case when generations.outcome in ('failed', 'crashed') then 1 else 0 end), 0) as errors",
  "coalesce(sum(case when generations.outcome = 'cancelled' then 1 else 0 end), 0) as cancelled",
  'sum(generations.latency_ms) as latency',
  'count(generations.latency_ms) as latencies',
].join(', ');

/** A part of a statement, and the values that it takes. */
interface Part {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

/** Reports usage as the memory store of the core does: the same lines in the same order, the same sums. */
export async function reportSql(runner: SqlRunner, query: UsageQuery): Promise<UsageReportPage> {
  const { dialect } = runner;
  const generations = `${dialect.table('generations')} generations`;
  const where = joined([...plainConditions(query, dialect), ...(await nameConditions(runner, query))]);
  const sumsText = `select ${SUMS} from ${generations} where ${where.text}`;
  const lines = linesOf(query, dialect, where);
  const [[total], [count], rows] = await Promise.all([
    runner.read(sumsText, where.values),
    runner.read(`select count(*) as total from (${lines.text}) lines`, lines.values),
    runner.read(`select * from (${lines.text}) lines order by ${orderOf(query, dialect)} limit ? offset ?`, [
      ...lines.values,
      query.limit,
      query.offset,
    ]),
  ]);
  const labels = query.groupBy.includes('key') ? await labelsOf(runner, rows) : undefined;
  return {
    rows: rows.map((row) => ({ ...headOf(row, query, labels), ...sumsOf(row) })),
    rowCount: count === undefined ? 0 : numberOf(count, 'total'),
    sums: sumsOf(total ?? {}),
  };
}

function plainConditions(query: UsageQuery, dialect: Dialect): readonly Part[] {
  const { account, start, end, tags } = query;
  const conditions: Part[] = [
    { text: 'generations.account = ?', values: [account] },
    { text: 'generations.created_at >= ?', values: [start] },
    { text: 'generations.created_at < ?', values: [end] },
  ];
  const lists = { spender: query.keys, end_user: query.users, app: query.apps, session: query.sessions };
  for (const [column, list] of Object.entries(lists)) {
    if (list !== undefined) conditions.push(isOneOf(`generations.${column}`, list));
  }
  if (tags !== undefined) {
    const { text, values } = isOneOf('tag.value', tags);
    const elements = dialect.elements('generations.tags');
    conditions.push({ text: `exists (select 1 from ${elements} tag where ${text})`, values });
  }
  return conditions;
}

/**
 * Conditions on models and providers, whose names are few: those that occur are matched here, by the very rules of the
 * core, since the databases disagree about case outside ASCII.
 */
async function nameConditions(runner: SqlRunner, query: UsageQuery): Promise<readonly Part[]> {
  const { models, providers, account, start, end } = query;
  if (models === undefined && providers === undefined) return [];
  const text =
    `select distinct model, provider from ${runner.dialect.table('generations')} ` +
    'where account = ? and created_at >= ? and created_at < ?';
  const rows = await runner.read(text, [account, start, end]);
  const named = (column: string, matches: (name: string) => boolean): Part =>
    isOneOf(`generations.${column}`, [...new Set(rows.map((row) => textOf(row, column)))].filter(matches));
  const wanted = providers?.map((name) => name.toLowerCase());
  return [
    ...(models === undefined ? [] : [named('model', anyOf(models.map(globMatcher)))]),
    ...(wanted === undefined ? [] : [named('provider', (name) => wanted.includes(name.toLowerCase()))]),
  ];
}

function linesOf(query: UsageQuery, dialect: Dialect, where: Part): Part {
  const period = periodOf(query, dialect);
  const groups = groupsOf(query);
  const columns = groups.map((group) => `, ${GROUPS[group]} as group_${group}`).join('');
  const tags = groups.includes('tag') ? ` ${dialect.eachTag}` : '';
  const by = ['period', ...groups.map((group) => `group_${group}`)].join(', ');
  return {
    text:
      `select ${period.text} as period${columns}, ${SUMS}, max(generations.n) as last ` +
      `from ${dialect.table('generations')} generations${tags} where ${where.text} group by ${by}`,
    values: [...period.values, ...where.values],
  };
}

/** By period, then by charge; of lines that are alike in both, by what they are grouped by, those without one first. */
function orderOf(query: UsageQuery, dialect: Dialect): string {
  const groups = groupsOf(query).map((group) => `${dialect.byCodePoint(`group_${group}`)} nulls first`);
  return ['period', 'charge desc', ...groups].join(', ');
}

function groupsOf({ groupBy }: UsageQuery): readonly UsageGroup[] {
  return [...new Set(groupBy)];
}

function periodOf({ granularity, start }: UsageQuery, dialect: Dialect): Part {
  const at = 'generations.created_at';
  switch (granularity) {
    case 'hour':
      return { text: `${at} - ${at} % 3600000`, values: [] };
    case 'day':
      return { text: `${at} - ${at} % 86400000`, values: [] };
    case 'month':
      return { text: dialect.month(at), values: [] };
    case 'all':
      return { text: dialect.integer, values: [start] };
    default:
      return granularity satisfies never;
  }
}

/** The label of each line's newest generation, by its number. */
async function labelsOf(runner: SqlRunner, rows: readonly SqlRow[]): Promise<ReadonlyMap<bigint, string>> {
  if (rows.length === 0) return new Map();
  const numbers = rows.map((row) => bigintOf(row, 'last'));
  const text = `select n, key_label from ${runner.dialect.table('generations')} where n in ${listOf(numbers)}`;
  return new Map((await runner.read(text, numbers)).map((row) => [bigintOf(row, 'n'), textOf(row, 'key_label')]));
}

function headOf(
  row: SqlRow,
  query: UsageQuery,
  labels: ReadonlyMap<bigint, string> | undefined,
): Omit<UsageRow, keyof UsageSums> {
  const groups = groupsOf(query).map((group) => [group, maybeTextOf(row, `group_${group}`) ?? null]);
  const head = { period: numberOf(row, 'period'), ...Object.fromEntries(groups) };
  return labels === undefined ? head : { ...head, keyLabel: labels.get(bigintOf(row, 'last')) };
}

function sumsOf(row: SqlRow): UsageSums {
  const latencies = numberOf(row, 'latencies');
  return {
    charge: bigintOf(row, 'charge'),
    requests: numberOf(row, 'requests'),
    promptTokens: numberOf(row, 'prompt_tokens'),
    completionTokens: numberOf(row, 'completion_tokens'),
    reasoningTokens: numberOf(row, 'reasoning_tokens'),
    cachedTokens: numberOf(row, 'cached_tokens'),
    errors: numberOf(row, 'errors'),
    cancelled: numberOf(row, 'cancelled'),
    latencyMs: latencies === 0 ? undefined : Math.round((maybeNumberOf(row, 'latency') ?? 0) / latencies),
  };
}

function isOneOf(column: string, values: readonly string[]): Part {
  return values.length === 0 ? { text: '1 = 0', values } : { text: `${column} in ${listOf(values)}`, values };
}

function joined(parts: readonly Part[]): Part {
  return { text: parts.map(({ text }) => text).join(' and '), values: parts.flatMap(({ values }) => values) };
}

function anyOf(tests: readonly ((name: string) => boolean)[]): (name: string) => boolean {
  return (name) => tests.some((test) => test(name));
}
