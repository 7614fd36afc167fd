import type { LimitReset, Scope, ScopeName } from '../http/types.js';

/** Requests and tokens a minute; null: no bound. */
export interface RateLimitObject {
  readonly requests_per_minute: number | null;
  readonly tokens_per_minute: number | null;
}

/** A key as clients see it. Amounts in USD, times in ISO 8601. Its text is never in it. */
export interface KeyObject {
  /** SHA-256 of the key, 64 hex digits: its id. */
  readonly hash: string;
  readonly id: string;
  readonly name: string;
  /** `sk-or-v1-abc...123`. */
  readonly label: string;
  readonly disabled: boolean;
  readonly scopes: readonly Scope[];
  readonly limit: number | null;
  readonly limit_remaining: number | null;
  readonly limit_reset: LimitReset | null;
  readonly resets_at: string | null;
  readonly include_byok_in_limit: boolean;
  readonly usage: number;
  readonly usage_daily: number;
  readonly usage_weekly: number;
  readonly usage_monthly: number;
  readonly byok_usage: number;
  readonly byok_usage_daily: number;
  readonly byok_usage_weekly: number;
  readonly byok_usage_monthly: number;
  readonly rate_limit: RateLimitObject | null;
  readonly models: readonly string[] | null;
  readonly tags: readonly string[];
  /** Names of transforms that its requests cannot do without. */
  readonly transforms: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly updated_at: string | null;
  /** Exact to a minute. */
  readonly last_used_at: string | null;
  readonly expires_at: string | null;
  /** Hash of the key that made it; null where the host did. */
  readonly created_by: string | null;
  readonly creator_user_id: string | null;
  readonly external_user: string | null;
  /** The account. */
  readonly workspace_id: string;
}

/** What a key may be given. `null` is no bound, absent is the bound of whoever makes it. */
export interface NewKey {
  /** 1 to 100 characters. */
  readonly name: string;
  /** Scopes, or `inference` (default) and `management` for what these kinds of keys need. */
  readonly scopes?: readonly ScopeName[] | undefined;
  /** USD in a window, at most nine decimals; 0: free models only. */
  readonly limit?: number | null | undefined;
  readonly limit_reset?: LimitReset | null | undefined;
  readonly rate_limit?: Partial<RateLimitObject> | null | undefined;
  /** Globs of model ids; `*` matches any run of characters. */
  readonly models?: readonly string[] | null | undefined;
  /** ISO 8601 with an offset. */
  readonly expires_at?: string | null | undefined;
  /** Added to the tags of every request. */
  readonly tags?: readonly string[] | null | undefined;
  /** Names of transforms that run for every request of the key and that none switches off, at most 8. */
  readonly transforms?: readonly string[] | null | undefined;
  readonly metadata?: Readonly<Record<string, string>> | null | undefined;
  readonly include_byok_in_limit?: boolean | undefined;
  readonly creator_user_id?: string | null | undefined;
  readonly external?: { readonly user: string } | null | undefined;
  readonly workspace_id?: string | undefined;
}

/** What of a key changes; absent stays as it is, `null` clears. */
export interface KeyChange extends Partial<NewKey> {
  readonly disabled?: boolean | undefined;
}

/** Sums of finished requests. */
export interface UsageTotals {
  /** USD. */
  readonly cost: number;
  readonly requests: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

/** An account's credits, USD. */
export interface CreditsObject {
  readonly total_credits: number;
  readonly total_usage: number;
  readonly balance: number;
  /** Nothing was ever granted, and nothing has to be. */
  readonly unlimited: boolean;
  readonly usage_summary: Readonly<Record<'today' | 'week' | 'month' | 'total', UsageTotals>>;
}

/** One line of a usage report; fields of groups are there where they were asked for. */
export interface UsageItem {
  readonly date: string;
  /** USD. */
  readonly usage: number;
  readonly byok_usage_inference: number;
  readonly requests: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly reasoning_tokens: number;
  readonly cached_tokens: number;
  readonly total_tokens: number;
  readonly errors: number;
  readonly cancelled: number;
  /** Mean to the first token, milliseconds. */
  readonly latency_ms: number | null;
  readonly model?: string;
  readonly model_permaslug?: string;
  readonly provider_name?: string;
  readonly endpoint_id?: string;
  readonly key?: string | null;
  readonly key_label?: string;
  readonly user?: string | null;
  readonly app?: string | null;
  readonly tag?: string | null;
}

/** A usage report. */
export interface UsageList {
  readonly data: readonly UsageItem[];
  readonly summary: Omit<UsageItem, 'date'>;
  readonly meta: {
    readonly start: string;
    readonly end: string;
    readonly granularity: string;
    readonly group_by: readonly string[];
    readonly row_count: number;
    readonly truncated: boolean;
    /** Grouped by tag: a request counts once for each of its tags. */
    readonly overlapping: boolean;
  };
}
