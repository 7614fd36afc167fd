import type { AccountRow, Dispatch, HoldRow, SpenderRow } from '@gatehouse/core';
import { bigintOf, maybeNumberOf, maybeTextOf, numberOf, textOf, wordOf } from './columns.js';
import { unpackDraft } from './generation-row.js';
import type { SqlRow } from './runner.js';

const STATES = ['held', 'settled', 'voided'] as const;

/** Reads an account's sums. */
export function readAccount(row: SqlRow): AccountRow {
  return {
    id: textOf(row, 'id'),
    granted: bigintOf(row, 'granted'),
    charged: bigintOf(row, 'charged'),
    held: bigintOf(row, 'held'),
    limited: numberOf(row, 'limited') === 1,
    requests: numberOf(row, 'requests'),
    promptTokens: numberOf(row, 'prompt_tokens'),
    completionTokens: numberOf(row, 'completion_tokens'),
  };
}

/** Reads a spender's sums. */
export function readSpender(row: SqlRow): SpenderRow {
  return {
    key: textOf(row, 'id'),
    day: numberOf(row, 'day'),
    week: numberOf(row, 'week'),
    month: numberOf(row, 'month'),
    totalPosted: bigintOf(row, 'total_posted'),
    dayPosted: bigintOf(row, 'day_posted'),
    weekPosted: bigintOf(row, 'week_posted'),
    monthPosted: bigintOf(row, 'month_posted'),
    totalHeld: bigintOf(row, 'total_held'),
    dayHeld: bigintOf(row, 'day_held'),
    weekHeld: bigintOf(row, 'week_held'),
    monthHeld: bigintOf(row, 'month_held'),
  };
}

/** Reads a hold. */
export function readHold(row: SqlRow): HoldRow {
  const draft = maybeTextOf(row, 'draft');
  return {
    id: textOf(row, 'id'),
    account: textOf(row, 'account'),
    key: maybeTextOf(row, 'spender'),
    day: numberOf(row, 'day'),
    week: numberOf(row, 'week'),
    month: numberOf(row, 'month'),
    amount: bigintOf(row, 'amount'),
    state: wordOf(row, 'state', STATES),
    swept: numberOf(row, 'swept') === 1,
    charged: bigintOf(row, 'charged'),
    dispatch: readDispatch(row),
    dispatchedAt: maybeNumberOf(row, 'dispatched_at'),
    checkpoint: bigintOf(row, 'checkpoint'),
    owner: textOf(row, 'owner'),
    createdAt: numberOf(row, 'created_at'),
    expiresAt: numberOf(row, 'expires_at'),
    draft: draft === undefined ? undefined : unpackDraft(draft, row),
  };
}

function readDispatch(row: SqlRow): Dispatch | undefined {
  const attempt = maybeNumberOf(row, 'attempt');
  if (attempt === undefined) return undefined;
  return {
    attempt,
    endpoint: textOf(row, 'endpoint'),
    price: textOf(row, 'price'),
    floor: bigintOf(row, 'input_floor'),
  };
}
