import type {
  Balance,
  CrashPolicy,
  Dispatch,
  GenerationRecord,
  Grant,
  HoldRef,
  LimitReset,
  MoneyAtHand,
  Reservation,
  ReserveVerdict,
  Settlement,
  SettleVerdict,
  Spending,
} from './types.js';
import { type Windows, windowsOf } from './windows.js';

/** An account's stored sums. */
export interface AccountRow extends Balance {
  readonly id: string;
}

/** A spender's stored sums, in the windows that they belong to. */
export interface SpenderRow extends Windows {
  readonly key: string;
  readonly totalPosted: bigint;
  readonly dayPosted: bigint;
  readonly weekPosted: bigint;
  readonly monthPosted: bigint;
  readonly totalHeld: bigint;
  readonly dayHeld: bigint;
  readonly weekHeld: bigint;
  readonly monthHeld: bigint;
}

/** A hold. It stays in the windows in which it was made. */
export interface HoldRow extends HoldRef, Windows {
  readonly amount: bigint;
  readonly state: 'held' | 'settled' | 'voided';
  /** A sweep settled it: its own process may still correct the charge, once. */
  readonly swept: boolean;
  readonly charged: bigint;
  readonly dispatch: Dispatch | undefined;
  readonly dispatchedAt: number | undefined;
  readonly checkpoint: bigint;
  readonly owner: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Kept until it is resolved. */
  readonly draft: GenerationRecord | undefined;
}

/** An entry of the ledger; it is never changed. */
export interface LedgerRow {
  readonly kind: 'grant' | 'charge' | 'correction';
  readonly account: string;
  readonly key: string | undefined;
  /** Day of the hold, or of the grant. */
  readonly day: number;
  /** Negative only for corrections. */
  readonly amount: bigint;
  readonly cost: bigint;
  /** Of charges and corrections. */
  readonly hold: string | undefined;
  /** Of grants. */
  readonly externalId: string | undefined;
  readonly note: string | undefined;
  readonly at: number;
}

/**
 * The rows that one step of the ledger sees and changes. Whoever keeps them makes the step atomic: nobody else changes
 * them between the first `find` and the last `put`.
 */
export interface LedgerBook {
  /** The store's time. */
  readonly now: number;
  findAccount(id: string): AccountRow | undefined;
  putAccount(row: AccountRow): void;
  findSpender(key: string): SpenderRow | undefined;
  putSpender(row: SpenderRow): void;
  findHold(id: string): HoldRow | undefined;
  putHold(row: HoldRow): void;
  findGrant(externalId: string): LedgerRow | undefined;
  append(row: LedgerRow): void;
  /** Writes a generation, or replaces it. */
  putGeneration(record: GenerationRecord): void;
}

/** Holds the amount, or says what is in the way. A refusal changes nothing. */
export function reserve(book: LedgerBook, reservation: Reservation): ReserveVerdict {
  const { id, account: accountId, key, amount, limit, creditsRequired, share, dispatch } = reservation;
  const account = book.findAccount(accountId) ?? newAccount(accountId);
  const spender = key === undefined ? undefined : rolled(book.findSpender(key) ?? newSpender(key), book.now);
  const atHand: MoneyAtHand = {
    credits: account.limited || creditsRequired ? account.granted - account.charged - account.held : undefined,
    limit: limit === undefined || spender === undefined ? undefined : limit.amount - spent(spender, limit.reset),
  };
  const cause = refusal(amount, atHand, share);
  if (cause !== undefined) return { held: false, cause, atHand };
  book.putAccount({ ...account, held: account.held + amount });
  if (spender !== undefined) book.putSpender(withHeld(spender, spender, amount));
  book.putHold({
    id,
    account: accountId,
    key,
    // A spender's windows never go back, also where the clock does.
    ...(spender === undefined ? windowsOf(book.now) : windowsOnly(spender)),
    amount,
    state: 'held',
    swept: false,
    charged: 0n,
    dispatch,
    dispatchedAt: dispatch === undefined ? undefined : book.now,
    checkpoint: 0n,
    owner: reservation.owner,
    createdAt: book.now,
    expiresAt: book.now + reservation.ttlMs,
    draft: reservation.draft,
  });
  return { held: true };
}

/** Notes that an attempt is about to be sent. */
export function dispatch(book: LedgerBook, { id }: HoldRef, next: Dispatch): boolean {
  const hold = book.findHold(id);
  if (hold?.state !== 'held') return false;
  book.putHold({ ...hold, dispatch: next, dispatchedAt: book.now });
  return true;
}

/** Notes what a running answer is worth. */
export function checkpoint(book: LedgerBook, { id }: HoldRef, charge: bigint): void {
  const hold = book.findHold(id);
  if (hold?.state === 'held') book.putHold({ ...hold, checkpoint: charge });
}

/** Ends a hold with its charge, which is never more than the hold. */
export function settle(book: LedgerBook, { id, charge, record }: Settlement): SettleVerdict {
  const hold = book.findHold(id);
  if (hold === undefined) return 'unknown';
  const bounded = charge < hold.amount ? charge : hold.amount;
  if (hold.state === 'held') {
    resolve(book, hold, { ...record, charge: bounded }, false);
    return 'settled';
  }
  if (!hold.swept) return 'repeated';
  correct(book, hold, { ...record, charge: bounded });
  return 'corrected';
}

/** Ends a hold of which nothing was sent. */
export function voidHold(book: LedgerBook, { id }: HoldRef): boolean {
  const hold = book.findHold(id);
  if (hold?.state !== 'held') return false;
  release(book, hold);
  book.putHold({ ...hold, state: 'voided', draft: undefined });
  return true;
}

/** Resolves a hold whose process is gone; false where it is not live any more. Whoever calls knows that its time is over. */
export function expire(book: LedgerBook, { id }: HoldRef, policy: CrashPolicy): boolean {
  const hold = book.findHold(id);
  if (hold?.state !== 'held') return false;
  if (hold.dispatch === undefined || hold.draft === undefined) return voidHold(book, hold);
  const charge = crashCharge(hold, hold.dispatch, policy);
  resolve(book, hold, { ...hold.draft, outcome: 'crashed', charge, cost: charge }, true);
  return true;
}

/** Adds credits, once for each external id. */
export function grant(book: LedgerBook, given: Grant): 'granted' | 'repeated' | 'conflict' {
  const { account: accountId, externalId, amount, note } = given;
  const before = book.findGrant(externalId);
  if (before !== undefined) return before.account === accountId && before.amount === amount ? 'repeated' : 'conflict';
  const account = book.findAccount(accountId) ?? newAccount(accountId);
  book.putAccount({ ...account, granted: account.granted + amount, limited: true });
  const { day } = windowsOf(book.now);
  const entry = { kind: 'grant', account: accountId, key: undefined, day, amount, cost: 0n } as const;
  book.append({ ...entry, hold: undefined, externalId, note, at: book.now });
  return 'granted';
}

/** What a spender has spent by now: windows that are over count for nothing. */
export function spendingOf(row: SpenderRow, now: number): Spending {
  const { totalPosted, dayPosted, weekPosted, monthPosted } = rolled(row, now);
  return { total: totalPosted, day: dayPosted, week: weekPosted, month: monthPosted };
}

function refusal(
  amount: bigint,
  { credits, limit }: MoneyAtHand,
  share: number | undefined,
): 'limit' | 'credits' | 'share' | undefined {
  // What costs nothing needs no money.
  if (amount === 0n) return undefined;
  if (limit !== undefined && amount > limit) return 'limit';
  if (credits !== undefined && amount > credits) return 'credits';
  if (share === undefined) return undefined;
  const part = amount * BigInt(share);
  return [credits, limit].some((money) => money !== undefined && part > money) ? 'share' : undefined;
}

function crashCharge({ amount, checkpoint: seen }: HoldRow, { floor }: Dispatch, policy: CrashPolicy): bigint {
  if (policy === 'free') return 0n;
  const known = seen > floor ? seen : floor;
  return policy === 'hold' || known > amount ? amount : known;
}

/** Charges a live hold and releases what it held. */
function resolve(book: LedgerBook, hold: HoldRow, record: GenerationRecord, swept: boolean): void {
  release(book, hold);
  book.putHold({ ...hold, state: 'settled', swept, charged: record.charge, draft: undefined });
  post(book, hold, record.charge, {
    requests: 1,
    promptTokens: record.promptTokens,
    completionTokens: record.completionTokens,
  });
  book.append(entryOf(book, hold, 'charge', record));
  book.putGeneration(ofHold(hold, record));
}

/** Brings the charge of a swept hold to what it should have been. */
function correct(book: LedgerBook, hold: HoldRow, record: GenerationRecord): void {
  const difference = record.charge - hold.charged;
  book.putHold({ ...hold, swept: false, charged: record.charge });
  post(book, hold, difference, {
    requests: 0,
    promptTokens: record.promptTokens,
    completionTokens: record.completionTokens,
  });
  book.append({ ...entryOf(book, hold, 'correction', record), amount: difference });
  book.putGeneration(ofHold(hold, record));
}

/** A generation belongs to whoever was charged for it, so that reports and the ledger agree. */
function ofHold({ id, account, key }: HoldRow, record: GenerationRecord): GenerationRecord {
  return { ...record, id, account, key };
}

function entryOf({ now: at }: LedgerBook, hold: HoldRow, kind: LedgerRow['kind'], record: GenerationRecord): LedgerRow {
  const { account, key, day, id } = hold;
  const { charge: amount, cost } = record;
  return { kind, account, key, day, amount, cost, hold: id, externalId: undefined, note: undefined, at };
}

function release(book: LedgerBook, hold: HoldRow): void {
  const account = book.findAccount(hold.account) ?? newAccount(hold.account);
  book.putAccount({ ...account, held: account.held - hold.amount });
  if (hold.key === undefined) return;
  const spender = rolled(book.findSpender(hold.key) ?? newSpender(hold.key), book.now);
  book.putSpender(withHeld(spender, hold, -hold.amount));
}

function post(
  book: LedgerBook,
  hold: HoldRow,
  charge: bigint,
  counts: Pick<Balance, 'requests' | 'promptTokens' | 'completionTokens'>,
): void {
  const account = book.findAccount(hold.account) ?? newAccount(hold.account);
  book.putAccount({
    ...account,
    charged: account.charged + charge,
    requests: account.requests + counts.requests,
    promptTokens: account.promptTokens + counts.promptTokens,
    completionTokens: account.completionTokens + counts.completionTokens,
  });
  if (hold.key === undefined) return;
  const spender = rolled(book.findSpender(hold.key) ?? newSpender(hold.key), book.now);
  book.putSpender({
    ...spender,
    totalPosted: spender.totalPosted + charge,
    dayPosted: spender.dayPosted + (spender.day === hold.day ? charge : 0n),
    weekPosted: spender.weekPosted + (spender.week === hold.week ? charge : 0n),
    monthPosted: spender.monthPosted + (spender.month === hold.month ? charge : 0n),
  });
}

/** A spender's sums with more, or less, held in the windows of a hold. */
function withHeld(spender: SpenderRow, windows: Windows, amount: bigint): SpenderRow {
  return {
    ...spender,
    totalHeld: spender.totalHeld + amount,
    dayHeld: spender.dayHeld + (spender.day === windows.day ? amount : 0n),
    weekHeld: spender.weekHeld + (spender.week === windows.week ? amount : 0n),
    monthHeld: spender.monthHeld + (spender.month === windows.month ? amount : 0n),
  };
}

/** Settled and held, in the window that the limit is for. */
function spent(spender: SpenderRow, reset: LimitReset | undefined): bigint {
  switch (reset) {
    case undefined:
      return spender.totalPosted + spender.totalHeld;
    case 'daily':
      return spender.dayPosted + spender.dayHeld;
    case 'weekly':
      return spender.weekPosted + spender.weekHeld;
    case 'monthly':
      return spender.monthPosted + spender.monthHeld;
    default:
      return reset satisfies never;
  }
}

/** The sums in the windows of now. A clock that goes back brings no window back. */
function rolled(row: SpenderRow, now: number): SpenderRow {
  const { day, week, month } = windowsOf(now);
  let next = row;
  if (day > row.day) next = { ...next, day, dayPosted: 0n, dayHeld: 0n };
  if (week > row.week) next = { ...next, week, weekPosted: 0n, weekHeld: 0n };
  if (month > row.month) next = { ...next, month, monthPosted: 0n, monthHeld: 0n };
  return next;
}

function windowsOnly({ day, week, month }: Windows): Windows {
  return { day, week, month };
}

function newAccount(id: string): AccountRow {
  return { id, granted: 0n, charged: 0n, held: 0n, limited: false, requests: 0, promptTokens: 0, completionTokens: 0 };
}

function newSpender(key: string): SpenderRow {
  return {
    key,
    day: 0,
    week: 0,
    month: 0,
    totalPosted: 0n,
    dayPosted: 0n,
    weekPosted: 0n,
    monthPosted: 0n,
    totalHeld: 0n,
    dayHeld: 0n,
    weekHeld: 0n,
    monthHeld: 0n,
  };
}
