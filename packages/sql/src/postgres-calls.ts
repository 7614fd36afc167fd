import type {
  Dispatch,
  Grant,
  HoldRef,
  MoneyAtHand,
  Reservation,
  ReserveVerdict,
  Settlement,
  SettleVerdict,
} from '@gatehouse/core';
import { maybeBigintOf, wordOf } from './columns.js';
import { generationObject } from './generation-row.js';
import type { SqlRow } from './runner.js';
import { storableJson } from './storable-json.js';

type Fields = Readonly<
  Record<string, string | number | boolean | null | Readonly<Record<string, string | number | null>>>
>;

/** A call of `move_money`: what it is about, for the locks, and the rest as the function reads it. */
export interface MoneyCall {
  readonly account: string;
  readonly spender: string | undefined;
  readonly fields: Fields;
}

const CAUSES = ['limit', 'credits', 'share'] as const;
const SETTLED = ['settled', 'corrected', 'repeated', 'unknown'] as const;
const GRANTED = ['granted', 'repeated', 'conflict'] as const;

/** A call that reserves. */
export function reserveCall(reservation: Reservation): MoneyCall {
  const { id, account, key, amount, limit, creditsRequired, share, ttlMs, owner, dispatch, draft } = reservation;
  const hold = {
    ...{ id, account, owner, spender: key ?? null },
    ...(dispatch === undefined ? {} : dispatchFields(dispatch)),
    draft: storableJson(generationObject(draft)),
  };
  return {
    account,
    spender: key,
    fields: {
      call: 'reserve',
      hold,
      amount: String(amount),
      limit: limit === undefined ? null : String(limit.amount),
      reset: limit?.reset ?? null,
      credits_required: creditsRequired,
      share: share ?? null,
      ttl: ttlMs,
    },
  };
}

/** A call that notes an attempt. */
export function dispatchCall(hold: HoldRef, dispatch: Dispatch): MoneyCall {
  return callOf(hold, { call: 'dispatch', ...dispatchFields(dispatch) });
}

/** A call that notes what an answer is worth so far. */
export function checkpointCall(hold: HoldRef, charge: bigint): MoneyCall {
  return callOf(hold, { call: 'checkpoint', charge: String(charge) });
}

/** A call that settles. */
export function settleCall(settlement: Settlement): MoneyCall {
  const { charge, record } = settlement;
  return callOf(settlement, { call: 'settle', charge: String(charge), record: generationObject(record) });
}

/** A call that voids. */
export function voidCall(hold: HoldRef): MoneyCall {
  return callOf(hold, { call: 'void' });
}

/** A call that resolves a hold whose time is over. */
export function expireCall(hold: HoldRef, policy: string, deadAfterMs: number): MoneyCall {
  return callOf(hold, { call: 'expire', policy, dead_after: deadAfterMs });
}

/** A call that grants. */
export function grantCall({ account, externalId, amount, note }: Grant): MoneyCall {
  const fields = { call: 'grant', external_id: externalId, amount: String(amount), note: note ?? null };
  return { account, spender: undefined, fields };
}

/** Reads the answer to `reserve`. */
export function reserveVerdict(answer: unknown): ReserveVerdict {
  const row = rowOf(answer);
  if (row['held'] === true) return { held: true };
  const atHand: MoneyAtHand = { credits: maybeBigintOf(row, 'credits'), limit: maybeBigintOf(row, 'limit') };
  return { held: false, cause: wordOf(row, 'cause', CAUSES), atHand };
}

/** Reads the answer to `settle`. */
export function settleVerdict(answer: unknown): SettleVerdict {
  return wordOf({ answer }, 'answer', SETTLED);
}

/** Reads the answer to `grant`. */
export function grantVerdict(answer: unknown): (typeof GRANTED)[number] {
  return wordOf({ answer }, 'answer', GRANTED);
}

function callOf({ id, account, key }: HoldRef, fields: Fields): MoneyCall {
  return { account, spender: key, fields: { ...fields, id } };
}

function dispatchFields({ attempt, endpoint, price, floor }: Dispatch): Readonly<Record<string, string | number>> {
  return { attempt, endpoint, price, input_floor: String(floor) };
}

function rowOf(answer: unknown): SqlRow {
  if (typeof answer !== 'object' || answer === null) throw new TypeError('The database answered no verdict');
  return Object.fromEntries(Object.entries(answer));
}
