import { globMatcher } from '../glob.js';
import type { GenerationRecord, UsageGroup, UsageQuery, UsageReportPage, UsageRow, UsageSums } from './types.js';
import { windowsOf } from './windows.js';

/** Reports usage of generations that lie in memory. Pure. */
export function reportUsage(records: Iterable<GenerationRecord>, query: UsageQuery): UsageReportPage {
  const matches = [...records].filter((record) => isWanted(record, query));
  const lines = new Map<string, { readonly head: Omit<UsageRow, keyof UsageSums>; readonly of: GenerationRecord[] }>();
  for (const record of matches) {
    for (const head of headsOf(record, query)) {
      const name = JSON.stringify(head);
      const line = lines.get(name);
      if (line === undefined) lines.set(name, { head, of: [record] });
      else line.of.push(record);
    }
  }
  const rows = [...lines.values()].map(({ head, of }) => ({ ...labelled(head, of), ...sumsOf(of) }));
  rows.sort((a, b) => a.period - b.period || compare(b.charge, a.charge) || compareGroups(a, b, query.groupBy));
  return {
    rows: rows.slice(query.offset, query.offset + query.limit),
    rowCount: rows.length,
    sums: sumsOf(matches),
  };
}

function isWanted(record: GenerationRecord, query: UsageQuery): boolean {
  const { account, createdAt } = record;
  if (account !== query.account || createdAt < query.start || createdAt >= query.end) return false;
  const lower = (text: string): string => text.toLowerCase();
  return (
    (query.models === undefined || query.models.some((glob) => globMatcher(glob)(record.model))) &&
    (query.providers === undefined || query.providers.map(lower).includes(lower(record.provider))) &&
    contains(query.keys, record.key) &&
    contains(query.users, record.user) &&
    contains(query.apps, record.app) &&
    contains(query.sessions, record.session) &&
    (query.tags === undefined || query.tags.some((tag) => record.tags.includes(tag)))
  );
}

function contains(wanted: readonly string[] | undefined, value: string | undefined): boolean {
  return wanted === undefined || (value !== undefined && wanted.includes(value));
}

/** The lines that a generation counts for: one, or one for each of its tags. */
function headsOf(record: GenerationRecord, query: UsageQuery): readonly Omit<UsageRow, keyof UsageSums>[] {
  const period = periodOf(record.createdAt, query);
  const value = (group: UsageGroup): string | null => (group === 'tag' ? null : (record[group] ?? null));
  const common = { period, ...Object.fromEntries(query.groupBy.map((group) => [group, value(group)])) };
  if (!query.groupBy.includes('tag')) return [common];
  return (record.tags.length === 0 ? [null] : [...new Set(record.tags)]).map((tag) => ({ ...common, tag }));
}

function labelled(
  head: Omit<UsageRow, keyof UsageSums>,
  of: readonly GenerationRecord[],
): Omit<UsageRow, keyof UsageSums> {
  return head.key === undefined ? head : { ...head, keyLabel: of.at(-1)?.keyLabel };
}

function periodOf(at: number, { granularity, start }: UsageQuery): number {
  switch (granularity) {
    case 'hour':
      return at - (at % 3_600_000);
    case 'day':
      return windowsOf(at).day;
    case 'month':
      return windowsOf(at).month;
    case 'all':
      return start;
    default:
      return granularity satisfies never;
  }
}

function sumsOf(records: readonly GenerationRecord[]): UsageSums {
  const sum = (of: (record: GenerationRecord) => number): number => records.reduce((total, one) => total + of(one), 0);
  const latencies = records.map(({ latencyMs }) => latencyMs).filter((latency) => latency !== undefined);
  return {
    charge: records.reduce((total, { charge }) => total + charge, 0n),
    requests: records.length,
    promptTokens: sum(({ promptTokens }) => promptTokens),
    completionTokens: sum(({ completionTokens }) => completionTokens),
    reasoningTokens: sum(({ reasoningTokens }) => reasoningTokens),
    cachedTokens: sum(({ cachedTokens }) => cachedTokens),
    errors: sum(({ outcome }) => (outcome === 'failed' || outcome === 'crashed' ? 1 : 0)),
    cancelled: sum(({ outcome }) => (outcome === 'cancelled' ? 1 : 0)),
    latencyMs: latencies.length === 0 ? undefined : Math.round(latencies.reduce((a, b) => a + b, 0) / latencies.length),
  };
}

/** Lines that are alike in period and charge: by what they are grouped by, those without one first. */
function compareGroups(a: UsageRow, b: UsageRow, groups: readonly UsageGroup[]): number {
  for (const group of groups) {
    const order = compareTexts(a[group] ?? null, b[group] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

/** By code points, as databases do, and not by UTF-16 units. */
function compareTexts(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null);
  const [left, right] = [Array.from(a), Array.from(b)];
  const at = left.findIndex((character, index) => character !== right[index]);
  if (at === -1) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? -1);
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
