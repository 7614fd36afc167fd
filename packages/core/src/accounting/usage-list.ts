import type { UsageQuery, UsageReportPage, UsageRow, UsageSums } from '../stores/types.js';
import { nanoToUsd } from '../usd.js';
import type { UsageItem, UsageList } from '../wire/account.js';

const DATE_CHARACTERS = 10;
const MONTH_CHARACTERS = 7;
const HOUR_CHARACTERS = 13;

/** A report as clients see it. Pure. */
export function toUsageList(query: UsageQuery, { rows, rowCount, sums }: UsageReportPage): UsageList {
  return {
    data: rows.map((row) => ({ date: dateOf(row.period, query.granularity), ...sumsOf(row), ...groupOf(row) })),
    summary: sumsOf(sums),
    meta: {
      start: new Date(query.start).toISOString(),
      end: new Date(query.end).toISOString(),
      granularity: query.granularity,
      group_by: query.groupBy,
      row_count: rowCount,
      truncated: query.offset + rows.length < rowCount,
      overlapping: query.groupBy.includes('tag'),
    },
  };
}

/** The name of a period. */
function dateOf(period: number, granularity: UsageQuery['granularity']): string {
  const text = new Date(period).toISOString();
  switch (granularity) {
    case 'hour':
      return `${text.slice(0, HOUR_CHARACTERS)}:00:00Z`;
    case 'month':
      return text.slice(0, MONTH_CHARACTERS);
    case 'day':
    case 'all':
      return text.slice(0, DATE_CHARACTERS);
    default:
      return granularity satisfies never;
  }
}

function sumsOf(sums: UsageSums): Omit<UsageItem, 'date'> {
  return {
    usage: nanoToUsd(sums.charge),
    byok_usage_inference: 0,
    requests: sums.requests,
    prompt_tokens: sums.promptTokens,
    completion_tokens: sums.completionTokens,
    reasoning_tokens: sums.reasoningTokens,
    cached_tokens: sums.cachedTokens,
    total_tokens: sums.promptTokens + sums.completionTokens,
    errors: sums.errors,
    cancelled: sums.cancelled,
    latency_ms: sums.latencyMs ?? null,
  };
}

function groupOf({ model, provider, endpoint, key, keyLabel, user, app, tag }: UsageRow): Partial<UsageItem> {
  return {
    ...(model !== undefined && { model, model_permaslug: model }),
    ...(provider !== undefined && { provider_name: provider }),
    ...(endpoint !== undefined && { endpoint_id: endpoint }),
    ...(key !== undefined && { key, key_label: keyLabel ?? '' }),
    ...(user !== undefined && { user }),
    ...(app !== undefined && { app }),
    ...(tag !== undefined && { tag }),
  };
}
