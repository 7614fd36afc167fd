import type { Endpoint } from '../catalog/model.js';
import type { UsageReport } from '../providers/types.js';
import type { ChatRequest } from '../wire/chat.js';
import { type Cost, costOf } from './cost.js';
import { countImages, estimateUsage } from './usage.js';

/** What became of one attempt, as far as money follows from it. */
export interface AttemptMoney {
  readonly endpoint: Endpoint;
  /** When it was sent, milliseconds since the epoch. */
  readonly startedAt: number;
  /** The provider answered with a 2xx, whatever came after it. */
  readonly answered: boolean;
  /** The request as it was sent there, where that is not as the client sent it. */
  readonly sent?: ChatRequest | undefined;
  /** What the provider reported, also of an answer that broke off. */
  readonly usage: UsageReport | undefined;
}

/** How a request ended. */
export type Ending =
  /** The answer is whole. `blank`: it says nothing and gives no reason. */
  | { readonly kind: 'completed'; readonly bytes: number; readonly blank: boolean }
  /** The provider would not stop where it was told to, and was stopped: its last count was not to come. */
  | { readonly kind: 'cut'; readonly bytes: number }
  /** A transform of the host broke the answer off: the provider is not at fault, and what was written is paid for. */
  | { readonly kind: 'withheld'; readonly bytes: number }
  /** The answer broke off after its first content. */
  | { readonly kind: 'broken'; readonly bytes: number }
  /** The client left. `drained`: the provider was read to its end all the same. */
  | { readonly kind: 'cancelled'; readonly bytes: number; readonly drained: boolean }
  /** Nobody gave any content. */
  | { readonly kind: 'failed' }
  /** The client left while nobody was being asked. */
  | { readonly kind: 'withdrawn' };

/** An end with something to pay for. */
type PayableEnding = Exclude<Ending, { readonly kind: 'failed' | 'withdrawn' }>;

/** What a request is charged, and what it cost the operator. */
export interface Settled {
  /** Nano-USD, at most what was held. */
  readonly charge: bigint;
  /** Nano-USD at the providers, over all attempts. */
  readonly cost: bigint;
  /** Of each attempt, in order. */
  readonly costs: readonly bigint[];
  /** Of the attempt that answered; its `total` is the charge. */
  readonly winner: Cost;
  /** Nano-USD by which the answer was dearer than its hold. */
  readonly overshoot: bigint;
  readonly usage: UsageReport | undefined;
  /** Whether the counts are ours. */
  readonly estimated: boolean;
}

/** What a settlement follows from besides how the request ended. */
export interface SettlementFacts {
  readonly request: ChatRequest;
  /** In order; the last one is the one that answered, or was on its way. */
  readonly attempts: readonly AttemptMoney[];
  /** Nano-USD. */
  readonly held: bigint;
  /** Whether an answer that broke off is charged for what came of it, instead of nothing. */
  readonly chargeBroken: boolean;
}

const FREE: Cost = { total: 0n, upstream: 0n, prompt: 0n, completion: 0n };
const NOTHING: UsageReport = { prompt: 0, completion: 0 };

/**
 * The charge of a request: only for the attempt that answered, nothing for an answer that is empty or broke off. A client
 * that leaves pays for its input and for what was written until then, or one could read for nothing.
 */
export function settlementOf(ending: Ending, facts: SettlementFacts): Settled {
  const last = facts.attempts.at(-1);
  const costs = facts.attempts.map((attempt) => costOfFailed(attempt, facts.request));
  const isNothing = ending.kind === 'failed' || ending.kind === 'withdrawn';
  if (isNothing || last === undefined) return settledAt(FREE, undefined, false, facts, costs);
  const { usage, estimated } = usageAt(ending, last, facts.request);
  const priced = priceOf(last, usage, facts.request);
  const insured = ending.kind === 'completed' && ending.blank && usage.completion === 0;
  const broken = ending.kind === 'broken' && !facts.chargeBroken;
  const charged = insured || broken ? { ...FREE, upstream: priced.upstream } : priced;
  return settledAt(charged, usage, estimated, facts, [...costs.slice(0, -1), priced.upstream]);
}

/** What an answer that went on until now would be charged if its client left. */
export function chargeSoFar(attempt: AttemptMoney, bytes: number, request: ChatRequest): bigint {
  const { usage } = usageAt({ kind: 'cancelled', bytes, drained: false }, attempt, request);
  return priceOf(attempt, usage, request).total;
}

function settledAt(
  winner: Cost,
  usage: UsageReport | undefined,
  estimated: boolean,
  { held }: SettlementFacts,
  costs: readonly bigint[],
): Settled {
  const charge = winner.total < held ? winner.total : held;
  return {
    charge,
    cost: costs.reduce((sum, cost) => sum + cost, 0n),
    costs,
    winner: { ...winner, total: charge },
    overshoot: winner.total - charge,
    usage,
    estimated,
  };
}

/** A failed attempt costs what its provider reported, or its input where it answered at all. */
function costOfFailed(attempt: AttemptMoney, request: ChatRequest): bigint {
  const { usage, answered } = attempt;
  if (usage !== undefined) return priceOf(attempt, usage, request).upstream;
  return answered ? priceOf(attempt, estimateUsage(attempt.sent ?? request, 0), request).upstream : 0n;
}

function usageAt(
  ending: PayableEnding,
  { usage, sent }: AttemptMoney,
  request: ChatRequest,
): { readonly usage: UsageReport; readonly estimated: boolean } {
  const counted = (): UsageReport => estimateUsage(sent ?? request, ending.bytes);
  const isWhole = ending.kind === 'completed' || (ending.kind === 'cancelled' && ending.drained);
  if (isWhole) return usage === undefined ? { usage: counted(), estimated: true } : { usage, estimated: false };
  const { prompt, completion } = counted();
  const { prompt: reported, ...rest } = usage ?? NOTHING;
  return {
    usage: {
      ...rest,
      prompt: reported > 0 ? reported : prompt,
      // A count in the middle of a stream is of what was written when it was sent.
      completion: Math.max(rest.completion, completion),
    },
    estimated: true,
  };
}

function priceOf(
  { endpoint: { price }, startedAt, sent }: AttemptMoney,
  usage: UsageReport,
  request: ChatRequest,
): Cost {
  if (price === undefined) return FREE;
  return costOf(usage, price, { atMs: startedAt, inputImages: countImages(sent ?? request) });
}
