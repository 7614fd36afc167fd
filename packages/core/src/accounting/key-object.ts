import type { KeyRecord, RateLimits, Spending } from '../stores/types.js';
import { resetOf } from '../stores/windows.js';
import { nanoToUsd } from '../usd.js';
import type { KeyObject, RateLimitObject } from '../wire/account.js';

const NOTHING: Spending = { total: 0n, day: 0n, week: 0n, month: 0n };

/** A key as clients see it. Pure. */
export function toKeyObject(record: KeyRecord, spending: Spending = NOTHING, now: number): KeyObject {
  return {
    hash: record.hash,
    id: record.hash,
    name: record.name,
    label: record.label,
    disabled: record.disabled,
    scopes: record.scopes,
    ...limitFields(record, spending, now),
    include_byok_in_limit: record.includeByokInLimit,
    ...usageFields(spending),
    rate_limit: rateLimitOf(record),
    models: record.models ?? null,
    tags: record.tags,
    transforms: record.transforms,
    metadata: record.metadata,
    created_at: isoTime(record.createdAt),
    updated_at: isoOrNull(record.updatedAt),
    last_used_at: isoOrNull(record.lastUsedAt),
    expires_at: isoOrNull(record.expiresAt),
    created_by: record.createdBy ?? null,
    creator_user_id: record.creatorUserId ?? null,
    external_user: record.externalUser ?? null,
    workspace_id: record.account,
  };
}

/** What is left of a limit, of settled amounts, and when it starts anew. */
export function limitFields(
  { limit, limitReset }: Pick<KeyRecord, 'limit' | 'limitReset'>,
  spending: Spending = NOTHING,
  now: number,
): Pick<KeyObject, 'limit' | 'limit_remaining' | 'limit_reset' | 'resets_at'> {
  const left = limit === undefined ? undefined : limit - spentIn(limitReset, spending);
  return {
    limit: limit === undefined ? null : nanoToUsd(limit),
    limit_remaining: left === undefined ? null : nanoToUsd(left < 0n ? 0n : left),
    limit_reset: limitReset ?? null,
    resets_at: isoOrNull(resetOf(limitReset, now)),
  };
}

/** What was spent, in the windows of now. */
export function usageFields({
  total,
  day,
  week,
  month,
}: Spending = NOTHING): Pick<
  KeyObject,
  | 'usage'
  | 'usage_daily'
  | 'usage_weekly'
  | 'usage_monthly'
  | 'byok_usage'
  | 'byok_usage_daily'
  | 'byok_usage_weekly'
  | 'byok_usage_monthly'
> {
  return {
    usage: nanoToUsd(total),
    usage_daily: nanoToUsd(day),
    usage_weekly: nanoToUsd(week),
    usage_monthly: nanoToUsd(month),
    byok_usage: 0,
    byok_usage_daily: 0,
    byok_usage_weekly: 0,
    byok_usage_monthly: 0,
  };
}

function rateLimitOf({ requestsPerMinute, tokensPerMinute }: RateLimits): RateLimitObject | null {
  if (requestsPerMinute === undefined && tokensPerMinute === undefined) return null;
  return { requests_per_minute: requestsPerMinute ?? null, tokens_per_minute: tokensPerMinute ?? null };
}

function spentIn(reset: KeyRecord['limitReset'], { total, day, week, month }: Spending): bigint {
  switch (reset) {
    case undefined:
      return total;
    case 'daily':
      return day;
    case 'weekly':
      return week;
    case 'monthly':
      return month;
    default:
      return reset satisfies never;
  }
}

/** ISO 8601 in UTC, with milliseconds. */
function isoTime(at: number): string {
  return new Date(at).toISOString();
}

function isoOrNull(at: number | undefined): string | null {
  return at === undefined ? null : isoTime(at);
}
