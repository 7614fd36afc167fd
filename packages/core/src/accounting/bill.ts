import type { Cancellation } from '../cancellation.js';
import type { Endpoint } from '../catalog/model.js';
import type { Price } from '../catalog/price.js';
import type { Deadlines } from '../deadlines.js';
import { GatewayError } from '../errors.js';
import type { Attempt, AttemptRecord, Payment } from '../routing/types.js';
import type { Dispatch, GenerationRecord, Reservation } from '../stores/types.js';
import type { ChatRequest, Usage } from '../wire/chat.js';
import { costOf } from './cost.js';
import { type AnswerFacts, draftOf, type GenerationHead, recordOf } from './generation-record.js';
import { Hold, type HoldKeeper } from './hold.js';
import type { Allowance } from './rate-limiter.js';
import { reserveWorstCase } from './reserve.js';
import { type AttemptMoney, chargeSoFar, type Ending, type Settled, settlementOf } from './settlement.js';
import { countImages, estimateUsage, toUsage } from './usage.js';

/** What bills take from the gateway. */
export interface Billing extends HoldKeeper {
  /** This process, as the ledger knows it. */
  readonly owner: string;
  /** An answer waits no longer than these for its charge to be written. */
  readonly durable: Pick<Deadlines, 'begin'>;
  /** Milliseconds for which a hold lives. */
  readonly holdMs: number;
  /** Whether accounts that were never granted anything are refused. */
  readonly creditsRequired: boolean;
  /** Whether an answer that broke off is charged for what came of it. */
  readonly chargeBroken: boolean;
  /** What has to be done before the process ends. */
  track(work: Promise<unknown>): void;
  /** Told about each request that is over, once its charge is written. */
  settled(record: GenerationRecord): void;
}

/** Whose request is billed, and what it may cost. */
export interface BillHead extends GenerationHead {
  readonly limit: Reservation['limit'];
  /** Fields that go upstream beside the request. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** What the caller's limits of rate allow, to be brought to what the request came to. */
  readonly allowance: Pick<Allowance, 'settle'> | undefined;
}

/** What came of a request, beside the money. */
export type EndFacts = Partial<Omit<AnswerFacts, 'outcome' | 'endedAt' | 'unknownCost'>>;

/** A bill that is closed. */
export interface Closed {
  /** In wire form, with the charge. */
  readonly usage: Usage;
  /** Resolves when the charge is durable, or after the longest time that an answer waits for it. */
  readonly durable: Promise<void>;
}

/**
 * The money of one request, from the hold of its worst case to its charge. It pays for attempts, sees what they come to,
 * and is closed once, by whichever end comes first.
 */
export class Bill implements Payment {
  /** Who may be asked. */
  readonly attempts: readonly Attempt[];
  readonly #billing: Billing;
  readonly #hold: Hold;
  readonly #draft: GenerationRecord;
  readonly #request: ChatRequest;
  readonly #records: readonly AttemptRecord[];
  readonly #outputBounds: ReadonlyMap<string, number>;
  readonly #allowance: BillHead['allowance'];
  #closed: Closed | undefined;
  #resolved = (): void => undefined;

  private constructor(parts: {
    readonly billing: Billing;
    readonly hold: Hold;
    readonly draft: GenerationRecord;
    readonly request: ChatRequest;
    readonly records: readonly AttemptRecord[];
    readonly attempts: readonly Attempt[];
    readonly outputBounds: ReadonlyMap<string, number>;
    readonly allowance: BillHead['allowance'];
  }) {
    this.#billing = parts.billing;
    this.#hold = parts.hold;
    this.#draft = parts.draft;
    this.#request = parts.request;
    this.#records = parts.records;
    this.attempts = parts.attempts;
    this.#outputBounds = parts.outputBounds;
    this.#allowance = parts.allowance;
    // A client that left may have left an answer that is read to its end: the process waits for that, too.
    this.#billing.track(
      new Promise<void>((resolve) => {
        this.#resolved = resolve;
      }),
    );
  }

  /**
   * Holds the worst case of a request. `records` will grow with its attempts.
   *
   * @throws GatewayError where the money does not suffice, or the store fails.
   */
  static async open(
    billing: Billing,
    head: BillHead,
    attempts: readonly Attempt[],
    records: readonly AttemptRecord[],
  ): Promise<Bill> {
    const { request, extra, limit, account, key, id, allowance } = head;
    const [first] = attempts;
    if (first === undefined) throw new Error('a bill needs a candidate');
    const { endpoint } = first;
    const draft = draftOf(head, endpoint.model, endpoint.provider.name, endpoint.key);
    const now = billing.clock.now();
    const ref = { id, account, key };
    const reserved = await reserveWorstCase(billing.ledger, {
      ...ref,
      request,
      extra,
      attempts,
      now,
      limit,
      creditsRequired: billing.creditsRequired,
      ttlMs: billing.holdMs,
      owner: billing.owner,
      draft,
      dispatchOf: (attempt) => dispatchOf(attempt, request, now),
    });
    const { amount, dispatch, outputBounds } = reserved;
    const hold = new Hold(billing, ref, amount, now + billing.holdMs, dispatch);
    return new Bill({ billing, hold, draft, request, records, attempts: reserved.attempts, outputBounds, allowance });
  }

  async dispatch(attempt: Attempt): Promise<void> {
    await this.#hold.dispatch(dispatchOf(attempt, this.#request, this.#billing.clock.now()));
  }

  assertLive(): void {
    this.#hold.assertLive();
  }

  /** The most tokens that all choices of an endpoint's answer may have together. */
  outputBound(endpoint: Endpoint): number {
    return (this.#outputBounds.get(endpoint.key) ?? Number.MAX_SAFE_INTEGER) * (this.#request.n ?? 1);
  }

  /** Notes what a long answer is worth so far, in case the process dies. */
  checkpoint(bytes: number): void {
    const last = this.#records.at(-1);
    if (last !== undefined) this.#hold.checkpoint(chargeSoFar(moneyOf(last), bytes, this.#request));
  }

  /** Closes the bill; only the first call counts, later ones get the same. */
  close(ending: Ending, facts: EndFacts = {}): Closed {
    if (this.#closed !== undefined) return this.#closed;
    const { chargeBroken, clock } = this.#billing;
    const settled = settlementOf(ending, {
      request: this.#request,
      attempts: this.#records.map(moneyOf),
      held: this.#hold.amount,
      chargeBroken,
    });
    const record = recordOf(this.#draft, this.#records, settled, {
      finishReason: undefined,
      nativeFinishReason: undefined,
      serviceTier: undefined,
      error: undefined,
      firstContentAt: undefined,
      ...facts,
      outcome: OUTCOMES[ending.kind],
      endedAt: clock.now(),
      unknownCost: this.#isUnknown(ending),
    });
    const written = this.#hold.end(settled.charge, record);
    this.#closed = { usage: wireUsage(settled, this.#request), durable: this.#written(written) };
    this.#allowance?.settle(record.promptTokens + record.completionTokens);
    void written.then(() => {
      this.#resolved();
      // Of what was never sent there is no generation to tell of.
      if (this.#hold.dispatches > 0) this.#billing.settled(record);
    });
    return this.#closed;
  }

  /** Closes the bill of a request that failed before any content, for the client's leaving or for another reason. */
  fail(error: unknown, scope: Cancellation): Closed {
    const shown = error instanceof GatewayError ? error : new GatewayError('internal_error', '');
    const facts = { error: { code: shown.code, status: shown.status, message: shown.message } };
    const last = this.#records.at(-1);
    const isGone = scope.reason instanceof GatewayError && scope.reason.code === 'client_closed';
    if (!isGone) return this.close({ kind: 'failed' }, facts);
    // An attempt that was still running when the client left has cost its input.
    const isRunning = last !== undefined && last.status === undefined;
    return this.close(isRunning ? { kind: 'cancelled', bytes: 0, drained: false } : { kind: 'withdrawn' }, facts);
  }

  #isUnknown(ending: Ending): boolean {
    const stops = this.#records.at(-1)?.attempt.endpoint.provider.afterAbort === 'stops';
    const { kind } = ending;
    const isStopped = kind === 'cut' || kind === 'withheld' || (kind === 'cancelled' && !ending.drained);
    return isStopped && !stops;
  }

  /** Whoever waits for the charge to be written does not wait for ever. */
  #written(work: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const end = this.#billing.durable.begin(resolve);
      void work.then(() => {
        end();
        resolve();
      });
    });
  }
}

const OUTCOMES: Readonly<Record<Ending['kind'], GenerationRecord['outcome']>> = {
  completed: 'completed',
  cut: 'completed',
  withheld: 'failed',
  broken: 'failed',
  cancelled: 'cancelled',
  failed: 'failed',
  withdrawn: 'cancelled',
};

function wireUsage({ usage, winner, estimated }: Settled, request: ChatRequest): Usage {
  return toUsage(usage ?? estimateUsage(request, 0), winner, { estimated: estimated || usage === undefined });
}

function moneyOf(record: AttemptRecord): AttemptMoney {
  const { attempt, startedAt, answered, sent } = record;
  return { endpoint: attempt.endpoint, startedAt, answered, sent, usage: record.usage() };
}

function dispatchOf({ endpoint }: Attempt, request: ChatRequest, now: number): Omit<Dispatch, 'attempt'> {
  const { price, key } = endpoint;
  if (price === undefined) throw new Error(`the price of ${key} is not known: nothing is sent there`);
  const floor = costOf(estimateUsage(request, 0), price, { atMs: now, inputImages: countImages(request) }).total;
  return { endpoint: key, price: priceText(price), floor };
}

const texts = new WeakMap<Price, string>();

/** A price as JSON, written once. */
function priceText(price: Price): string {
  const known = texts.get(price);
  if (known !== undefined) return known;
  const text = JSON.stringify(price, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  texts.set(price, text);
  return text;
}
