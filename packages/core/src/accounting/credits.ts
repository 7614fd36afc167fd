import { z } from 'zod';
import { GatewayError } from '../errors.js';
import type { Balance, Store, UsageSums } from '../stores/types.js';
import { windowsOf } from '../stores/windows.js';
import { nanoToUsd, usdToNano } from '../usd.js';
import type { CreditsObject, UsageTotals } from '../wire/account.js';
import { fieldError, toValidationError } from '../wire/validation-error.js';
import type { StoreGuard } from './store-guard.js';

/** Credits to add. */
export interface NewGrant {
  /** Default `default`. */
  readonly account?: string | undefined;
  /** USD, more than 0, at most nine decimals. */
  readonly amount: number;
  /** The host's own id of the payment, 1 to 256 characters: the same one twice is one grant. */
  readonly externalId: string;
  /** At most 1000 characters. */
  readonly note?: string | undefined;
}

/** Credits as functions of the host. */
export interface CreditAdministration {
  /**
   * Adds credits, once for each `externalId`. An account that was ever granted anything is refused beyond it.
   *
   * @returns whether they were added by this call.
   * @throws GatewayError `invalid_request`, or `conflict` where the id stands for another grant.
   */
  grant(grant: NewGrant): Promise<{ readonly granted: boolean }>;
  /** What `GET /credits` shows of an account. */
  read(account?: string): Promise<CreditsObject>;
  /** Recomputes every stored sum of the store from its rows: one sentence for each that differs. */
  audit(): Promise<readonly string[]>;
}

/** What stands for no end of credits, so that clients can compare it. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

const grantSchema = z.strictObject({
  account: z.string().min(1).max(256).optional(),
  amount: z.number(),
  externalId: z.string().min(1).max(256),
  note: z.string().max(1000).optional(),
});

/** Credits of accounts on a store. */
export function creditAdministration(store: Store, guard: StoreGuard, reports: StoreGuard): CreditAdministration {
  return {
    async grant(given) {
      const result = grantSchema.safeParse(given);
      if (!result.success) throw toValidationError(result.error);
      const { account = 'default', externalId, note } = result.data;
      const amount = usdToNano(result.data.amount);
      if (amount === undefined || amount === 0n) {
        throw fieldError('amount', 'expected USD, more than 0, with at most nine decimals');
      }
      const verdict = await guard.run(store.ledger.grant({ account, externalId, amount, note }));
      if (verdict !== 'conflict') return { granted: verdict === 'granted' };
      throw new GatewayError('conflict', 'externalId: it stands for a grant of another amount or account');
    },
    read: (account = 'default') => readCredits(store, { guard, reports }, account),
    audit: () => store.ledger.audit(),
  };
}

async function readCredits(
  store: Store,
  { guard, reports }: { readonly guard: StoreGuard; readonly reports: StoreGuard },
  account: string,
): Promise<CreditsObject> {
  const now = guard.clock.now();
  const { day, week, month } = windowsOf(now);
  const sumsSince = async (start: number): Promise<UsageTotals> => {
    const query = { account, start, end: now + 1, granularity: 'all', groupBy: [], limit: 1, offset: 0 } as const;
    return toTotals((await reports.run(store.generations.report(query))).sums);
  };
  const [balance, today, thisWeek, thisMonth] = await Promise.all([
    guard.run(store.ledger.balance(account)),
    sumsSince(day),
    sumsSince(week),
    sumsSince(month),
  ]);
  const unlimited = balance?.limited !== true;
  const { granted = 0n, charged = 0n } = balance ?? {};
  return {
    total_credits: unlimited ? UNLIMITED : nanoToUsd(granted),
    total_usage: nanoToUsd(charged),
    balance: unlimited ? UNLIMITED : nanoToUsd(granted - charged),
    unlimited,
    usage_summary: { today, week: thisWeek, month: thisMonth, total: totalOf(balance) },
  };
}

function toTotals({ charge, requests, promptTokens, completionTokens }: UsageSums): UsageTotals {
  return { cost: nanoToUsd(charge), requests, prompt_tokens: promptTokens, completion_tokens: completionTokens };
}

function totalOf(balance: Balance | undefined): UsageTotals {
  const { charged = 0n, requests = 0, promptTokens = 0, completionTokens = 0 } = balance ?? {};
  return toTotals({
    charge: charged,
    requests,
    promptTokens,
    completionTokens,
    reasoningTokens: 0,
    cachedTokens: 0,
    errors: 0,
    cancelled: 0,
    latencyMs: undefined,
  });
}
