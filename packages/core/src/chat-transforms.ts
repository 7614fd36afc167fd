import type { Cancellation } from './cancellation.js';
import type { Clock } from './clock.js';
import { GatewayError } from './errors.js';
import type { Caller } from './http/caller.js';
import type { CallOrigin } from './http/exchange.js';
import type { Plan } from './routing/plan.js';
import type { Attempt } from './routing/types.js';
import type { TransformRegistry } from './transforms/registry.js';
import { TransformRun } from './transforms/transform-run.js';
import type { FitTarget, RouteCandidate } from './transforms/types.js';
import type { ParsedChat } from './wire/parse-chat.js';

/** What transforms take from the gateway. */
export interface TransformSettings {
  readonly registry: TransformRegistry;
  /** Milliseconds for each asynchronous hook. */
  readonly hookMs: number;
  /** Tells the host about a transform that failed and was passed over. */
  report(error: GatewayError, requestId: string): void;
}

/** One call, as far as its transforms may know it. */
export interface TransformedCall {
  readonly parsed: ParsedChat;
  readonly caller: Caller;
  readonly origin: Omit<CallOrigin, 'allowance' | 'generationId'>;
  readonly generationId: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly scope: Cancellation;
  readonly clock: Clock;
}

/** Anthropic's API takes no more. */
const MOST_MESSAGES = 1000;

/** The transforms that run for a call. @throws GatewayError for names and options that the request gets wrong. */
export function startTransforms(call: TransformedCall, { registry, hookMs, report }: TransformSettings): TransformRun {
  const { parsed, caller, origin, generationId, startedAt, scope, clock } = call;
  const { requestId, attribution, headers } = origin;
  return new TransformRun(
    registry.select(parsed.transforms, caller.transforms),
    {
      generationId,
      requestId,
      account: caller.account,
      label: caller.label,
      tags: attribution.tags,
      headers,
      stream: parsed.request.stream === true,
      startedAt,
    },
    scope,
    { clock, hookMs, report: (error) => report(error, requestId) },
  );
}

/** A plan as the hooks for routing leave it. @throws GatewayError where they leave nothing. */
export function rerouted(plan: Plan, run: TransformRun): Plan {
  const { attempts } = plan;
  if (!run.routes) return plan;
  const places = run.route(attempts.map(toRouteCandidate));
  const [first] = places;
  if (first === undefined && attempts.length > 0) {
    throw new GatewayError('no_endpoints', 'No endpoint is left by the rules of this gateway.');
  }
  return { ...plan, attempts: places.flatMap((place) => attempts[place] ?? []) };
}

function toRouteCandidate({ endpoint, price, state }: Attempt): RouteCandidate {
  const { model, provider, contextLength, maxCompletionTokens } = endpoint;
  return {
    model,
    provider: provider.slug,
    providerName: provider.name,
    price,
    contextLength,
    maxCompletionTokens,
    tier: provider.tier,
    health: state,
  };
}

/** What a prompt has to be cut for at an endpoint. */
export function fitTarget({ endpoint }: Attempt): FitTarget {
  const { model, contextLength, provider } = endpoint;
  const isAnthropic = provider.slug.split('/')[0] === 'anthropic' || model.startsWith('anthropic/');
  return { model, contextLength, mostMessages: isAnthropic ? MOST_MESSAGES : undefined };
}
