import { ratesFor } from '../catalog/price.js';
import type { ChatRequest, RoutingSort } from '../wire/chat.js';
import { meansProvider } from './names.js';
import type { Attempt, Candidate, PlanInput } from './types.js';

const PICO_USD = 1e12;
/** Output that is reckoned with where the request says nothing, and at most. Tokens. */
const USUAL_OUTPUT = 500;
const MOST_OUTPUT = 1000;

type Compare = (a: Attempt, b: Attempt) => number;

/** What a request is likely to cost at a candidate, USD. */
export function estimatedPrice({ endpoint: { price } }: Candidate, input: PlanInput): number {
  if (price === undefined) return Number.NaN;
  const { request, promptTokens, atMs } = input;
  const rates = ratesFor(price, promptTokens, atMs);
  const output = Math.min(request.max_tokens ?? USUAL_OUTPUT, MOST_OUTPUT);
  const pico = Number(rates.prompt) * promptTokens + Number(rates.completion) * output + Number(rates.request ?? 0n);
  return pico / PICO_USD;
}

/**
 * The order in which candidates that are well are tried: as the request or the host wants them sorted, or drawn by price.
 * Pure but for the draw.
 */
export function orderHealthy(attempts: readonly Attempt[], input: PlanInput): readonly Attempt[] {
  return preferred(ordered(attempts, input), input);
}

/** The order of those that are not well: who may answer before who said no, and whose last failure is longest ago first. */
export function orderOthers(attempts: readonly Attempt[], { world }: PlanInput): readonly Attempt[] {
  const lastFailure = ({ unit }: Attempt): number => world.health(unit).lastFailureAt;
  return [...attempts].sort((a, b) => urgency(a) - urgency(b) || lastFailure(a) - lastFailure(b));
}

function urgency({ state }: Attempt): number {
  return ['closed', 'probe', 'open', 'cooling', 'barred'].indexOf(state);
}

function ordered(attempts: readonly Attempt[], input: PlanInput): readonly Attempt[] {
  const { request, host } = input;
  const { order, sort } = request.provider ?? {};
  if (order !== undefined) return [...attempts].sort(chain(byList(order), byPrice, bySlug));
  const { service_tier: tier } = request;
  const isTiered = ({ endpoint }: Attempt): boolean => tier !== undefined && endpoint.provider.tier === tier;
  const tiered = attempts.filter(isTiered).sort(chain(byFigure(request, input), byPrice, bySlug));
  const others = tiered.length === 0 ? attempts : attempts.filter((attempt) => !isTiered(attempt));
  const by = sort?.by ?? others[0]?.wanted.sort ?? host.sort;
  if (by !== undefined) return [...tiered, ...[...others].sort(chain(sorter(by, input), byPrice, bySlug))];
  return [...tiered, ...balanced(others, input.world.random)];
}

/** The candidate of the session, then those that can read the signatures of the history, before the others. */
function preferred(attempts: readonly Attempt[], { request, affinity }: PlanInput): readonly Attempt[] {
  if (request.provider?.order !== undefined) return attempts;
  const format = signedFormat(request);
  const rank = ({ unit, endpoint }: Attempt): number => {
    if (unit === affinity) return 0;
    return format !== undefined && endpoint.provider.codec.reasoningFormat === format ? 1 : 2;
  };
  return affinity === undefined && format === undefined ? attempts : [...attempts].sort((a, b) => rank(a) - rank(b));
}

/** The format of signed reasoning in the last answer: only the service that made it can read it. */
function signedFormat({ messages }: ChatRequest): string | undefined {
  const last = messages.findLast(({ role }) => role === 'assistant');
  const details = last?.role === 'assistant' ? (last.reasoning_details ?? []) : [];
  return details.find(({ signature, data }) => signature !== undefined || data !== undefined)?.format;
}

/**
 * Free ones first, each as likely as any; then one that is drawn with the weight of its inverse square price; the rest by
 * price. A provider's credentials share its weight.
 */
function balanced(attempts: readonly Attempt[], random: () => number): readonly Attempt[] {
  if (attempts.length < 2) return attempts;
  const free = attempts.filter(({ price }) => price === 0);
  const paid = attempts.filter(({ price }) => price > 0);
  return [
    ...drawn(free, () => 1, random),
    ...drawn(
      paid,
      ({ price, endpoint }) => 1 / (price * price * Math.max(1, endpoint.provider.credentials ?? 1)),
      random,
    ),
  ];
}

function drawn(
  attempts: readonly Attempt[],
  weightOf: (attempt: Attempt) => number,
  random: () => number,
): readonly Attempt[] {
  const sorted = [...attempts].sort(chain(byPrice, bySlug));
  if (sorted.length < 2) return sorted;
  const weights = sorted.map(weightOf);
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
  const position = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  const first = sorted[Math.max(position, 0)];
  return first === undefined ? sorted : [first, ...sorted.filter((attempt) => attempt !== first)];
}

function sorter(by: RoutingSort, { world }: PlanInput): Compare {
  switch (by) {
    case 'price':
      return byPrice;
    case 'latency':
      return ascending(({ unit }) => world.latency(unit, 'p50'));
    case 'throughput':
      return descending(({ unit }) => world.throughput(unit, 'p50'));
    case 'quality':
      return descending(({ wanted }) => wanted.model.facts.quality);
    case 'exacto':
      // Nobody measures how often calls of tools come to something.
      return () => 0;
    default:
      return by satisfies never;
  }
}

const byPrice: Compare = (a, b) => a.price - b.price;
const bySlug: Compare = (a, b) => (a.unit < b.unit ? -1 : a.unit > b.unit ? 1 : 0);

/** Priority is for speed, flex for the price. */
function byFigure({ service_tier: tier }: ChatRequest, input: PlanInput): Compare {
  return tier === 'priority' ? sorter('throughput', input) : byPrice;
}

function byList(names: readonly string[]): Compare {
  const rank = ({ endpoint }: Attempt): number => {
    const position = names.findIndex((name) => meansProvider(name, endpoint.provider));
    return position === -1 ? names.length : position;
  };
  return (a, b) => rank(a) - rank(b);
}

/** Those without a figure come last. */
function ascending(figure: (attempt: Attempt) => number | undefined): Compare {
  return (a, b) => (figure(a) ?? Number.MAX_VALUE) - (figure(b) ?? Number.MAX_VALUE);
}

function descending(figure: (attempt: Attempt) => number | undefined): Compare {
  return (a, b) => (figure(b) ?? -1) - (figure(a) ?? -1);
}

function chain(...compares: readonly Compare[]): Compare {
  return (a, b) => {
    for (const compare of compares) {
      const difference = compare(a, b);
      if (difference !== 0) return difference;
    }
    return 0;
  };
}
