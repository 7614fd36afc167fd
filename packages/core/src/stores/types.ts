/**
 * What a store keeps, as small contracts. Amounts are nano-USD (1e-9 USD) as BigInt, times milliseconds since the epoch by
 * the store's own clock, which every process that shares the store sees alike. Each call is atomic: it happens wholly or not
 * at all, and once its promise resolves it is as durable as the store can make it. A rejected promise means that the store
 * could not be reached or did not answer, never that it refused: refusals are values. `describeStore` proves all of it.
 */
import type { LimitReset, Scope } from '../http/types.js';

export type { LimitReset } from '../http/types.js';

/** Keys, money, usage and rates on one database. */
export interface Store {
  /** For people: `memory`, `sqlite`, `postgres`. */
  readonly name: string;
  readonly keys: KeyStore;
  readonly ledger: Ledger;
  readonly generations: GenerationStore;
  readonly rates: RateStore;
  readonly replays: ReplayStore;
  /** Creates or migrates its tables; safe in several processes at once. Rejects while the store is down; may be called again. */
  open(): Promise<void>;
  close(): Promise<void>;
}

/** A key as it is kept: never its text. */
export interface KeyRecord {
  /** SHA-256 of the whole key, 64 lower-case hex digits. */
  readonly hash: string;
  readonly account: string;
  readonly name: string;
  /** `sk-or-v1-abc...123`. */
  readonly label: string;
  readonly disabled: boolean;
  readonly scopes: readonly Scope[];
  /** Spending limit of a window; undefined: none; 0: free models only. */
  readonly limit: bigint | undefined;
  /** Undefined: the window is the key's lifetime. */
  readonly limitReset: LimitReset | undefined;
  readonly requestsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
  /** Globs of its own, as the wire shows them. */
  readonly models: readonly string[] | undefined;
  /** Lists of its ancestors, each of which a model must match as well. */
  readonly inheritedModels: readonly (readonly string[])[];
  readonly tags: readonly string[];
  /** Names of transforms that its requests cannot do without. */
  readonly transforms: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly includeByokInLimit: boolean;
  readonly creatorUserId: string | undefined;
  readonly externalUser: string | undefined;
  readonly createdAt: number;
  readonly updatedAt: number | undefined;
  /** Exact to a minute. */
  readonly lastUsedAt: number | undefined;
  readonly expiresAt: number | undefined;
  /** Hash of the key that made it; undefined where the host did. */
  readonly createdBy: string | undefined;
  /** Grows by one with every change. */
  readonly version: number;
}

/** Which keys to list. */
export interface KeyQuery {
  readonly account: string;
  readonly includeDisabled: boolean;
  readonly tag: string | undefined;
  readonly offset: number;
  readonly limit: number;
}

/** Keys, by digest. */
export interface KeyStore {
  /** False where the hash exists already. */
  insert(record: KeyRecord): Promise<boolean>;
  /** By the whole digest; undefined for one that never was, or was removed. A change shows at once, in every process. */
  find(hash: string): Promise<KeyRecord | undefined>;
  /** Newest first. */
  list(query: KeyQuery): Promise<{ readonly records: readonly KeyRecord[]; readonly total: number }>;
  /** Writes a changed record where the kept one still has `version`; false where it has not, or is gone. */
  replace(record: KeyRecord, version: number): Promise<boolean>;
  /** False where there is no such key in the account. Its usage stays. */
  remove(hash: string, account: string): Promise<boolean>;
  /** Notes a use; best effort. */
  touch(hash: string, at: number): Promise<void>;
}

/** What names a hold and the sums that it stands in; always those of its reservation. */
export interface HoldRef {
  /** The id of the generation that it pays for, never used before. */
  readonly id: string;
  readonly account: string;
  /** Who spends: the hash of a key, or whatever names a caller of the host; undefined: the account alone. */
  readonly key: string | undefined;
}

/** What a hold has to know before a byte goes upstream, so that a crash leaves nothing unknown. */
export interface Dispatch {
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Names the endpoint. */
  readonly endpoint: string;
  /** The endpoint's rates as JSON, as they were when the request was sent. */
  readonly price: string;
  /** What the input is worth by estimate: charged where nothing more is known. */
  readonly floor: bigint;
}

/** The worst case of a request, to be held. */
export interface Reservation extends HoldRef {
  readonly amount: bigint;
  /** The key's limit; the amount must fit into what is left of it. */
  readonly limit: { readonly amount: bigint; readonly reset: LimitReset | undefined } | undefined;
  /** Whether an account that was never granted anything is refused; otherwise only its key's limit binds it. */
  readonly creditsRequired: boolean;
  /** Where set, the amount may be at most this part of the money at hand: 4 stands for a quarter. */
  readonly share: number | undefined;
  /** Milliseconds from now until a sweep may resolve it. */
  readonly ttlMs: number;
  /** The process that holds it. */
  readonly owner: string;
  /** The first attempt; undefined while nothing is to be sent yet. */
  readonly dispatch: Dispatch | undefined;
  /** What a sweep writes as generation if the process dies. */
  readonly draft: GenerationRecord;
}

/** Money that a caller may hold at the moment; undefined: no bound. */
export interface MoneyAtHand {
  readonly credits: bigint | undefined;
  readonly limit: bigint | undefined;
}

/** `limit`: the key's limit does not cover it; `credits`: the account's money does not; `share`: it is too large a part. */
export type ReserveVerdict =
  | { readonly held: true }
  | { readonly held: false; readonly cause: 'limit' | 'credits' | 'share'; readonly atHand: MoneyAtHand };

/** How a request ended, to be charged and recorded. */
export interface Settlement extends HoldRef {
  /** At most the hold. */
  readonly charge: bigint;
  readonly record: GenerationRecord;
}

/**
 * `settled`: by this call; `corrected`: a sweep had resolved it, one correction brought the charge right; `repeated`: it was
 * resolved before and nothing changed; `unknown`: there is no such hold.
 */
export type SettleVerdict = 'settled' | 'corrected' | 'repeated' | 'unknown';

/** What a dispatched hold whose process died is charged: what is known for certain, the whole hold, or nothing. */
export type CrashPolicy = 'floor' | 'hold' | 'free';

/** A grant of credits. */
export interface Grant {
  readonly account: string;
  /** The host's own id of it: the same one twice is one grant. */
  readonly externalId: string;
  /** Positive. */
  readonly amount: bigint;
  readonly note: string | undefined;
}

/** An account's sums. Stored, changed only together with the rows that they sum. */
export interface Balance {
  /** Sum of grants. */
  readonly granted: bigint;
  /** Sum of charges and corrections. */
  readonly charged: bigint;
  /** Sum of live holds. */
  readonly held: bigint;
  /** Whether it was ever granted anything. */
  readonly limited: boolean;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** What a key has spent, in its lifetime and in the windows of now. Settled amounts. */
export interface Spending {
  readonly total: bigint;
  readonly day: bigint;
  readonly week: bigint;
  readonly month: bigint;
}

/** Money. Check and reservation are one step; each hold ends once. */
export interface Ledger {
  /** Holds the amount if the key's limit and the account's credits cover it beside everything that is held already. */
  reserve(reservation: Reservation): Promise<ReserveVerdict>;
  /** Notes that an attempt is about to be sent; false where the hold is not live any more. */
  dispatch(hold: HoldRef, dispatch: Dispatch): Promise<boolean>;
  /** Notes what a running answer is worth so far. */
  checkpoint(hold: HoldRef, charge: bigint): Promise<void>;
  /** Ends a hold with a charge and its generation's record, once. */
  settle(settlement: Settlement): Promise<SettleVerdict>;
  /** Ends a hold of which nothing was sent; false where it is not live. */
  void(hold: HoldRef): Promise<boolean>;
  /** Resolves holds that are expired, or whose process has not renewed its lease for `deadAfterMs`. */
  sweep(policy: CrashPolicy, deadAfterMs: number): Promise<readonly HoldRef[]>;
  grant(grant: Grant): Promise<'granted' | 'repeated' | 'conflict'>;
  /** Undefined for an account that nothing is known of. */
  balance(account: string): Promise<Balance | undefined>;
  /** By key; one that never spent is left out. */
  spending(keys: readonly string[]): Promise<ReadonlyMap<string, Spending>>;
  /** The process lives, for `leaseMs` from now. */
  renew(owner: string, leaseMs: number): Promise<void>;
  /** The process ends in good order. */
  leave(owner: string): Promise<void>;
  /** How many processes have a lease. */
  instances(): Promise<number>;
  /** Recomputes every stored sum from its rows: one sentence for each that differs. */
  audit(): Promise<readonly string[]>;
}

/** One finished request, as reports and `GET /generation` need it. */
export interface GenerationRecord {
  readonly id: string;
  readonly account: string;
  readonly key: string | undefined;
  readonly keyLabel: string;
  readonly createdAt: number;
  /** Canonical id of the model that answered, or was asked first. */
  readonly model: string;
  /** Display name. */
  readonly provider: string;
  /** Names the endpoint. */
  readonly endpoint: string;
  /** As the client sent it. */
  readonly user: string | undefined;
  readonly app: string | undefined;
  readonly session: string | undefined;
  readonly tags: readonly string[];
  readonly charge: bigint;
  /** What the operator pays, failed attempts included. */
  readonly cost: bigint;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  readonly cachedTokens: number;
  /** To the first token. */
  readonly latencyMs: number | undefined;
  readonly generationMs: number | undefined;
  readonly outcome: 'completed' | 'failed' | 'cancelled' | 'crashed';
  /** JSON: everything else, as the core wrote it. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** What usage can be grouped by; `endpoint` serves the activity report. */
export type UsageGroup = 'model' | 'provider' | 'key' | 'user' | 'app' | 'tag' | 'endpoint';

/** Which usage to report: OR inside a list, AND between lists. */
export interface UsageQuery {
  readonly account: string;
  /** Included. */
  readonly start: number;
  /** Excluded. */
  readonly end: number;
  readonly granularity: 'hour' | 'day' | 'month' | 'all';
  readonly groupBy: readonly UsageGroup[];
  /** Globs: `*` matches any run of characters, case does not matter. */
  readonly models?: readonly string[] | undefined;
  /** Display names, in any case. */
  readonly providers?: readonly string[] | undefined;
  readonly keys?: readonly string[] | undefined;
  readonly users?: readonly string[] | undefined;
  readonly apps?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly sessions?: readonly string[] | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Sums over generations. */
export interface UsageSums {
  readonly charge: bigint;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  readonly cachedTokens: number;
  readonly errors: number;
  readonly cancelled: number;
  /** Mean to the first token, of the generations that had one. */
  readonly latencyMs: number | undefined;
}

/** One line of a report. Of the groups only those asked for are set; null: the generation has none. */
export interface UsageRow extends UsageSums {
  /** Start of the period; of `all`, the start asked for. */
  readonly period: number;
  readonly model?: string | undefined;
  readonly provider?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly key?: string | null | undefined;
  /** With `key`. */
  readonly keyLabel?: string | undefined;
  readonly user?: string | null | undefined;
  readonly app?: string | null | undefined;
  readonly tag?: string | null | undefined;
}

/**
 * A report: the lines asked for, and the sums over all of them. Lines come by period, then by charge descending, then by
 * what they are grouped by in the order asked for, by code points, those without one first. A generation counts for each of
 * its tags once.
 */
export interface UsageReportPage {
  readonly rows: readonly UsageRow[];
  /** Lines without `limit` and `offset`. */
  readonly rowCount: number;
  /** Over the generations, each counted once. */
  readonly sums: UsageSums;
}

/** Finished requests. They are written by `Ledger.settle`, in the same step as the charge. */
export interface GenerationStore {
  find(id: string, account: string): Promise<GenerationRecord | undefined>;
  report(query: UsageQuery): Promise<UsageReportPage>;
}

/** A minute's allowance of a key, as a bucket that refills evenly. */
export interface RateLimits {
  readonly requestsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
}

/** What is left of an allowance. */
export interface RateLevel {
  readonly limit: number;
  /** Whole requests or tokens, never below 0. */
  readonly remaining: number;
  /** Milliseconds until it is full again. */
  readonly fullInMs: number;
}

/** Whether a request may pass, and what is left. */
export interface RateVerdict {
  readonly passed: boolean;
  /** Where it did not pass: milliseconds until it could; undefined where it never can. */
  readonly retryAfterMs: number | undefined;
  /** Where it did not pass: which allowance is used up. */
  readonly exceeded: 'requests' | 'tokens' | undefined;
  readonly requests: RateLevel | undefined;
  readonly tokens: RateLevel | undefined;
}

/** What is taken out of a minute's allowance. */
export interface RateUse {
  readonly requests: number;
  readonly tokens: number;
}

/** Requests and tokens a minute. What is refused uses nothing up. */
export interface RateStore {
  /** Takes all of `use`, or nothing where one of the allowances does not cover it. */
  take(subject: string, use: RateUse, limits: RateLimits): Promise<RateVerdict>;
  /** Takes more, covered or not, or gives some back where negative: the estimate was wrong by so much. */
  correct(subject: string, use: RateUse, limits: RateLimits): Promise<void>;
}

/** One use of an idempotency key. */
export interface ReplayClaim {
  /** Who sends it; its keys are its own. */
  readonly subject: string;
  readonly value: string;
  /** SHA-256 of the request. */
  readonly fingerprint: string;
  readonly generationId: string;
  /** Milliseconds for which an answer is kept. */
  readonly keepMs: number;
  /** Milliseconds after which a claim that never finished lapses. */
  readonly lapseMs: number;
}

/** `claimed`: by this call; otherwise by another one, which runs, has finished (with or without a kept answer), or asked something else. */
export type ReplayVerdict =
  | { readonly kind: 'claimed' }
  | { readonly kind: 'running' | 'different'; readonly generationId: string }
  | { readonly kind: 'finished'; readonly generationId: string; readonly answer: string | undefined };

/** Answers of requests that carry an idempotency key. */
export interface ReplayStore {
  claim(claim: ReplayClaim): Promise<ReplayVerdict>;
  /** Ends a claim with its answer; without one it says only that there was one. */
  finish(subject: string, value: string, answer: string | undefined): Promise<void>;
  /** Gives a claim up: the request failed and may be sent again. */
  release(subject: string, value: string): Promise<void>;
}
