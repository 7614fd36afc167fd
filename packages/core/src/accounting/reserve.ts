import type { Endpoint } from '../catalog/model.js';
import type { Price } from '../catalog/price.js';
import { GatewayError } from '../errors.js';
import type { Attempt } from '../routing/types.js';
import type { Ledger, MoneyAtHand, Reservation } from '../stores/types.js';
import { resetOf } from '../stores/windows.js';
import { nanoToUsd } from '../usd.js';
import type { ChatRequest } from '../wire/chat.js';
import { affordableOutput, sizeOf, type WorstCase, worstCaseAt } from './worst-case.js';

/** What is to be held, and for whom. */
export interface Reserving extends Omit<Reservation, 'amount' | 'share' | 'dispatch'> {
  readonly request: ChatRequest;
  /** Fields that go upstream beside it. */
  readonly extra: Readonly<Record<string, unknown>>;
  readonly attempts: readonly Attempt[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  dispatchOf(attempt: Attempt): Omit<NonNullable<Reservation['dispatch']>, 'attempt'>;
}

/** What was held, and who may be asked on its account. */
export interface Reserved {
  readonly amount: bigint;
  /** Where the money at hand sets a bound to the output, each with its own. */
  readonly attempts: readonly Attempt[];
  readonly dispatch: NonNullable<Reservation['dispatch']>;
  /** The most tokens that a choice of an endpoint's answer may have. */
  readonly outputBounds: ReadonlyMap<string, number>;
}

type PricedEndpoint = Endpoint & { readonly price: Price };

/** A candidate with the most that it can cost. */
interface Case {
  readonly attempt: Attempt;
  readonly endpoint: PricedEndpoint;
  readonly worst: WorstCase;
}

/** An answer whose length nobody bounded may take this part of the money at hand: a quarter. */
const SHARE = 4;
/** Tokens. A shorter answer is not worth asking for. */
const LEAST_OUTPUT = 256;
/** Money may come and go between a refusal and the next, smaller wish. */
const MOST_WISHES = 4;

/**
 * Holds the most that a request can cost, at the dearest of its candidates. Where that is too much, candidates that are too
 * dear are left out; an answer whose length the client did not bound is bounded to what a quarter of the money buys.
 *
 * @throws GatewayError `key_limit_exceeded` or `insufficient_credits`; rejects where the ledger fails.
 */
export async function reserveWorstCase(ledger: Pick<Ledger, 'reserve'>, wish: Reserving): Promise<Reserved> {
  const { request } = wish;
  const size = sizeOf(request, wish.extra);
  const all: readonly Case[] = wish.attempts.flatMap((attempt) =>
    isPriced(attempt.endpoint)
      ? [{ attempt, endpoint: attempt.endpoint, worst: worstCaseAt(attempt.endpoint, request, size) }]
      : [],
  );
  const bounded = request.max_tokens !== undefined;
  let cases = all;
  let share = bounded ? undefined : SHARE;
  for (let wishes = 1; ; wishes += 1) {
    const reservation = toReservation(wish, cases, share);
    const verdict = await ledger.reserve(reservation);
    if (verdict.held) return toReserved(cases, reservation);
    cases = affordable(all, verdict.atHand, (one, money) =>
      bounded ? one.worst : worstCaseAt(one.endpoint, request, size, capOf(one, money)),
    );
    share = undefined;
    if (cases.length > 0 && wishes < MOST_WISHES) continue;
    const least = all.map(({ endpoint, worst }) =>
      bounded ? worst : worstCaseAt(endpoint, request, size, LEAST_OUTPUT),
    );
    throw refused(all, verdict.atHand, smallest(least), wish);
  }
}

function isPriced(endpoint: Endpoint): endpoint is PricedEndpoint {
  return endpoint.price !== undefined;
}

function toReservation(wish: Reserving, cases: readonly Case[], share: number | undefined): Reservation {
  const { request: _, extra: _extra, attempts: __, now: ___, dispatchOf, ...reservation } = wish;
  const [first] = cases;
  if (first === undefined) throw new Error('a reservation needs a candidate whose price is known');
  const amount =
    cases
      .map(({ worst }) => worst.amount)
      .sort(compare)
      .at(-1) ?? 0n;
  return { ...reservation, amount, share, dispatch: { ...dispatchOf(first.attempt), attempt: 1 } };
}

function toReserved(cases: readonly Case[], { amount, dispatch }: Reservation): Reserved {
  if (dispatch === undefined) throw new Error('a reservation names its first attempt');
  return {
    amount,
    dispatch,
    attempts: cases.map(({ attempt }) => attempt),
    outputBounds: new Map(cases.map(({ endpoint, worst }) => [endpoint.key, worst.output])),
  };
}

/** The candidates that the money covers, bounded to what it buys. */
function affordable(
  all: readonly Case[],
  atHand: MoneyAtHand,
  worstFor: (one: Case, money: bigint) => WorstCase,
): readonly Case[] {
  const money = least(atHand);
  return all.flatMap((one) => {
    const worst = worstFor(one, money);
    if (worst.amount > money) return [];
    const outputCap = worst.output < one.worst.output ? worst.output : undefined;
    return [{ ...one, worst, attempt: outputCap === undefined ? one.attempt : { ...one.attempt, outputCap } }];
  });
}

/** Tokens that a quarter of the money buys, but no fewer than are worth asking for. */
function capOf({ worst, endpoint }: Case, money: bigint): number {
  return Math.max(LEAST_OUTPUT, affordableOutput(worst, money / BigInt(SHARE), endpoint.price));
}

function least({ credits, limit }: MoneyAtHand): bigint {
  const money = credits === undefined || (limit !== undefined && limit < credits) ? limit : credits;
  return money === undefined || money < 0n ? 0n : money;
}

function refused(
  all: readonly Case[],
  atHand: MoneyAtHand,
  cheapest: bigint,
  { limit, now }: Pick<Reserving, 'limit' | 'now'>,
): GatewayError {
  const [first] = all;
  const requested = first?.worst.output ?? 0;
  const affords = first === undefined ? 0 : affordableOutput(first.worst, least(atHand), first.endpoint.price);
  const tokens = { requested_tokens: requested, affordable_tokens: Math.min(affords, requested) };
  const message =
    'This request requires more credits, or fewer max_tokens. ' +
    `You requested up to ${requested} tokens, but can only afford ${tokens.affordable_tokens}.`;
  const isLimit = limit !== undefined && atHand.limit !== undefined && cheapest > atHand.limit;
  if (!isLimit) return new GatewayError('insufficient_credits', message, { metadata: tokens });
  const resetsAt = resetOf(limit.reset, now);
  return new GatewayError('key_limit_exceeded', message, {
    metadata: {
      ...tokens,
      limit: nanoToUsd(limit.amount),
      limit_remaining: nanoToUsd(positive(atHand.limit)),
      limit_reset: limit.reset ?? null,
      resets_at: resetsAt === undefined ? null : new Date(resetsAt).toISOString(),
    },
  });
}

function smallest(cases: readonly WorstCase[]): bigint {
  return cases.map(({ amount }) => amount).sort(compare)[0] ?? 0n;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function positive(amount: bigint): bigint {
  return amount < 0n ? 0n : amount;
}
