import { estimateUsage } from './accounting/usage.js';
import type { Catalog } from './catalog/catalog.js';
import { rerouted } from './chat-transforms.js';
import type { Clock } from './clock.js';
import { GatewayError } from './errors.js';
import type { Caller } from './http/caller.js';
import { type Random, randomFraction } from './random.js';
import type { Affinity } from './routing/affinity.js';
import type { Health } from './routing/health.js';
import { type Plan, plan, refusal } from './routing/plan.js';
import type { RoutingPolicy, WantedModel, World } from './routing/types.js';
import { resolveWanted } from './routing/wanted.js';
import type { TransformRun } from './transforms/transform-run.js';
import type { ChatRequest } from './wire/chat.js';
import type { ParsedChat } from './wire/parse-chat.js';
import type { RoutingMetadata } from './wire/routing-metadata.js';

/** What the routing of a call takes from the gateway. */
export interface ChatRoutingParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly catalog: Catalog;
  readonly affinity: Affinity;
  readonly routing: RoutingPolicy;
  readonly defaultModel: string | undefined;
  readonly runner: { readonly health: Health };
}

/** Bytes of a tool's description that make a token, roughly. */
const TOOL_BYTES_PER_TOKEN = 4;

/** A request with everything that its routing follows from. */
export interface Routed {
  readonly request: ChatRequest;
  readonly requested: string;
  readonly strategy: RoutingMetadata['strategy'];
  readonly promptTokens: number;
  readonly session: string | undefined;
  readonly world: World;
  /** In the order of the request. */
  readonly models: readonly WantedModel[];
  readonly plan: Plan;
}

/** As `routeOf`, for requests that are to be sent. @throws GatewayError where nobody can serve it. */
export function route(parts: ChatRoutingParts, parsed: ParsedChat, caller: Caller, transforms: TransformRun): Routed {
  const routed = routeOf(parts, parsed, caller, transforms);
  const { plan: planned, models, request } = routed;
  if (planned.attempts.length === 0) throw refusal(planned, models, transforms.budget(request));
  return { ...routed, plan: rerouted(planned, transforms) };
}

/** The models that a request names, and who could serve them, in the order of trying. @throws GatewayError */
export function routeOf(parts: ChatRoutingParts, parsed: ParsedChat, caller: Caller, transforms: TransformRun): Routed {
  const { catalog, runner, random, clock } = parts;
  const names = namesOf(parsed.request, parts.defaultModel);
  const { models, thinking, auto } = resolveWanted(names, parsed.request, {
    catalog,
    mayUse: (model) => caller.mayUse(model),
  });
  const request = thinking
    ? { ...parsed.request, reasoning: { enabled: true, ...parsed.request.reasoning } }
    : parsed.request;
  const promptTokens = estimatedPrompt(request);
  const session = sessionOf(parsed, caller);
  const { health } = runner;
  const world: World = {
    health: (unit) => health.of(unit),
    latency: (unit, percentile) => health.latency(unit, percentile),
    throughput: (unit, percentile) => health.throughput(unit, percentile),
    random: () => randomFraction(random),
  };
  const requested = names[0] ?? '';
  const first = models[0]?.model.id;
  return {
    request,
    requested,
    strategy: auto ? 'auto' : first === requested ? 'direct' : 'alias',
    promptTokens,
    session,
    world,
    models,
    plan: plan({
      request,
      models,
      promptTokens,
      prompt: transforms.budget(request),
      atMs: clock.now(),
      host: parts.routing,
      world,
      affinity: session === undefined ? undefined : parts.affinity.find(session),
    }),
  };
}

/** The models to try: `model`, then `models`. @throws GatewayError where there is none. */
function namesOf(request: ChatRequest, defaultModel: string | undefined): readonly string[] {
  const names = [request.model, ...(request.models ?? [])].filter((name) => name !== undefined);
  if (names.length > 0) return names;
  if (defaultModel !== undefined) return [defaultModel];
  const message = 'expected the id of a model';
  throw new GatewayError('invalid_request', `model: ${message}`, {
    metadata: { issues: [{ path: 'model', message }] },
  });
}

function estimatedPrompt(request: ChatRequest): number {
  const { prompt } = estimateUsage(request, 0);
  if (request.tools === undefined || request.tools.length === 0) return prompt;
  return prompt + Math.ceil(JSON.stringify(request.tools).length / TOOL_BYTES_PER_TOKEN);
}

/** What keeps the requests of one conversation together: the caller's own word for it. */
function sessionOf({ request, session }: ParsedChat, caller: Caller): string | undefined {
  const name = request.session_id ?? session ?? request.prompt_cache_key;
  return name === undefined ? undefined : `${caller.account}\0${request.model ?? ''}\0${name}`;
}
