import { GatewayError } from '../errors.js';
import type { Unsuitable } from '../providers/types.js';
import type { ChatRequest, PercentileCutoffs } from '../wire/chat.js';
import { EXCLUSIONS, type Exclusion, excludes, parametersOf } from './filters.js';
import { estimatedPrice, orderHealthy, orderOthers } from './order.js';
import type { Attempt, Candidate, PlanInput, PromptSize, WantedModel } from './types.js';

/** Which candidates are tried, in order, and why the others are not. */
export interface Plan {
  readonly attempts: readonly Attempt[];
  readonly excluded: readonly Exclusion[];
}

const SECOND_MS = 1000;

/**
 * Which candidates to try, in order: models in the order of the request, each with its endpoints and their credentials.
 * Pure but for the draw that balances load. Without any attempt `refusal` says why.
 */
export function plan(input: PlanInput): Plan {
  const { allowed, excluded } = filtered(input);
  const groups = allowed.map((candidates) => {
    return offTier(fitting(candidates, input.request), input.request).map((candidate) => toAttempt(candidate, input));
  });
  const partition = input.request.provider?.sort?.partition ?? 'model';
  const all = (partition === 'none' ? [groups.flat()] : groups).map((group) => certain(group, input.request));
  // A probe risks no request that has no other candidate.
  const risky = all.every((group) => group.every(({ state }) => state !== 'closed'));
  const isWell = ({ state }: Attempt): boolean => state === 'closed' || (state === 'probe' && !risky);
  const ranked = all.map((group) => {
    const healthy = orderHealthy(group.filter(isWell), input);
    const others = orderOthers(
      group.filter((attempt) => !isWell(attempt)),
      input,
    );
    return onlyFirst(uncutFirst([...healthy, ...others], input), input.request);
  });
  const attempts = ranked.flat();
  return {
    // Whatever is not well comes last, of whichever model, and is never left out.
    attempts: [
      ...byCutoffs(attempts.filter(isWell), input),
      ...orderOthers(
        attempts.filter((one) => !isWell(one)),
        input,
      ),
    ],
    excluded,
  };
}

/** Candidates of each model that may serve a request, and the others. */
function filtered(input: PlanInput): {
  readonly allowed: readonly (readonly Candidate[])[];
  readonly excluded: readonly Exclusion[];
} {
  const excluded: Exclusion[] = [];
  const allowed = input.models.map((wanted) =>
    candidatesOf(wanted).filter((candidate) => {
      const exclusion = excludes(candidate, input);
      if (exclusion !== undefined) excluded.push(exclusion);
      return exclusion === undefined;
    }),
  );
  const { prompt } = input;
  if (prompt === undefined || allowed.some((candidates) => candidates.length > 0)) return { allowed, excluded };
  // Nobody has half of the context that is needed: whoever has the most gets what is left of the prompt.
  const largest = largestContext(excluded);
  const chosen = new Set(
    excluded.flatMap(({ by, candidate }) => {
      const { contextLength: context } = candidate.endpoint;
      const isChosen = by === 'context_length' && context === largest && prompt.mayCut(largest, true);
      return isChosen ? [candidate] : [];
    }),
  );
  return {
    allowed: input.models.map((wanted) => [...chosen].filter((candidate) => candidate.wanted === wanted)),
    excluded: excluded.filter(({ candidate }) => !chosen.has(candidate)),
  };
}

/** Of those that were left out for their context alone. */
function largestContext(excluded: readonly Exclusion[]): number {
  return Math.max(
    0,
    ...excluded.map(({ by, candidate }) => (by === 'context_length' ? (candidate.endpoint.contextLength ?? 0) : 0)),
  );
}

/** Whoever takes the whole prompt comes before those for which it is cut, unless the client lays down an order. */
function uncutFirst(attempts: readonly Attempt[], { prompt, request }: PlanInput): readonly Attempt[] {
  if (prompt === undefined || request.provider?.order !== undefined) return attempts;
  const isWhole = ({ endpoint: { contextLength } }: Attempt): boolean =>
    contextLength === undefined || prompt.fits(contextLength);
  return [...attempts.filter(isWhole), ...attempts.filter((attempt) => !isWhole(attempt))];
}

/** Why nobody can serve a request: the filter that removed the last candidate. */
export function refusal({ excluded }: Plan, models: readonly WantedModel[], prompt?: PromptSize): GatewayError {
  const ids = models.map(({ model }) => model.id);
  const stage = ({ by }: Exclusion): number => EXCLUSIONS.indexOf(by);
  const last = excluded.reduce<Exclusion | undefined>(
    (latest, one) => (latest === undefined || stage(one) > stage(latest) ? one : latest),
    undefined,
  );
  if (last === undefined) return unavailable(`no provider serves ${ids.join(', ')}`, ids, undefined);
  const atFault = excluded.find(({ unsuitable }) => unsuitable !== undefined && unsuitable.code !== 'no_endpoints');
  if (last.by === 'modality' && atFault?.unsuitable !== undefined) return mistake(atFault.unsuitable);
  switch (last.by) {
    case 'context_length': {
      const told = prompt?.refusal(largestContext(excluded)).message;
      return new GatewayError('context_length_exceeded', told ?? `The prompt does not fit: ${last.reason}.`, {
        metadata: { availability: availability('constraint_filtered', ids, last.by) },
      });
    }
    case 'price_unknown':
      return unavailable(`no price is known of ${ids.join(', ')}: the operator has to declare one`, ids, undefined);
    case 'allowed_providers':
      return unavailable('No allowed providers are available for the selected model.', ids, last.by);
    case 'tier':
      return unavailable(`No endpoint of ${ids.join(', ')} is left: ${last.reason}.`, ids, undefined);
    default:
      return unavailable(`No endpoint of ${ids.join(', ')} is left: ${last.reason}.`, ids, last.by);
  }
}

function unavailable(message: string, ids: readonly string[], by: string | undefined): GatewayError {
  const code = by?.startsWith('data_policy:') ? 'privacy_restricted' : 'constraint_filtered';
  return new GatewayError('no_endpoints', message, { metadata: { availability: availability(code, ids, by) } });
}

function availability(code: string, ids: readonly string[], by: string | undefined): object {
  return { code, retryable: false, requested_models: ids, ...(by !== undefined && { excluded_by: by }) };
}

/** The request itself is at fault. */
function mistake({ code, message, path }: Unsuitable): GatewayError {
  if (path === undefined) return new GatewayError(code, message);
  return new GatewayError(code, `${path}: ${message}`, { metadata: { issues: [{ path, message }] } });
}

function candidatesOf(wanted: WantedModel): readonly Candidate[] {
  const candidates: Candidate[] = [];
  for (const endpoint of wanted.model.endpoints) {
    const credentials = Math.max(1, endpoint.provider.credentials ?? 1);
    for (let credential = 0; credential < credentials; credential += 1) {
      const unit = credential === 0 ? endpoint.key : `${endpoint.key} ${credential}`;
      candidates.push({ wanted, endpoint, credential, unit });
    }
  }
  return candidates;
}

/** Where some endpoints can do what is asked and others cannot, only those that can. */
function fitting(candidates: readonly Candidate[], request: ChatRequest): readonly Candidate[] {
  const soft = parametersOf(request).filter((name) => SOFT.has(name));
  const able = candidates.filter(({ endpoint }) => soft.every((name) => endpoint.parameters.includes(name)));
  const left = able.length > 0 ? able : candidates;
  const { max_tokens: asked } = request;
  if (asked === undefined) return left;
  const long = left.filter(({ endpoint }) => asked <= (endpoint.maxCompletionTokens ?? Number.MAX_VALUE));
  return long.length > 0 ? long : left;
}

const SOFT: ReadonlySet<string> = new Set(['tools', 'response_format', 'structured_outputs', 'verbosity']);

/** Who asks for flex stays there, where there is any. */
function offTier(candidates: readonly Candidate[], { service_tier: tier }: ChatRequest): readonly Candidate[] {
  if (tier !== 'flex') return candidates;
  const flex = candidates.filter(({ endpoint }) => endpoint.provider.tier === 'flex');
  return flex.length > 0 ? flex : candidates;
}

function toAttempt(candidate: Candidate, input: PlanInput): Attempt {
  const { wanted, endpoint, credential, unit } = candidate;
  const { state } = input.world.health(unit);
  return { wanted, endpoint, credential, unit, state, price: estimatedPrice(candidate, input) };
}

/** Without fallbacks a model has its first endpoint alone; with an order it has those of the order. */
function onlyFirst(attempts: readonly Attempt[], request: ChatRequest): readonly Attempt[] {
  return hasOneChance(request) ? attempts.slice(0, 1) : attempts;
}

/** What has one chance does not spend it on a probe while somebody is well. */
function certain(attempts: readonly Attempt[], request: ChatRequest): readonly Attempt[] {
  const isSure = hasOneChance(request) && attempts.some(({ state }) => state === 'closed');
  return isSure ? attempts.filter(({ state }) => state !== 'probe') : attempts;
}

function hasOneChance({ provider }: ChatRequest): boolean {
  return provider?.allow_fallbacks === false && provider.order === undefined;
}

/** Those that keep every wished bound come first, whichever model they serve. What nobody knows keeps them. */
function byCutoffs(attempts: readonly Attempt[], { request, world }: PlanInput): readonly Attempt[] {
  const { preferred_min_throughput: throughput, preferred_max_latency: latency } = request.provider ?? {};
  if (throughput === undefined && latency === undefined) return attempts;
  const keeps = ({ unit }: Attempt): boolean =>
    entries(throughput).every(([name, least]) => (world.throughput(unit, name) ?? least) >= least) &&
    entries(latency).every(([name, most]) => (world.latency(unit, name) ?? 0) <= most * SECOND_MS);
  return [...attempts.filter(keeps), ...attempts.filter((attempt) => !keeps(attempt))];
}

function entries(cutoffs: PercentileCutoffs = {}): readonly (readonly ['p50' | 'p75' | 'p90' | 'p99', number])[] {
  return (['p50', 'p75', 'p90', 'p99'] as const).flatMap((name) => {
    const bound = cutoffs[name];
    return bound === undefined ? [] : [[name, bound] as const];
  });
}
