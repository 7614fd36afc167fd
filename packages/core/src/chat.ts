import { createHmac } from 'node:crypto';
import { Bill, type Billing } from './accounting/bill.js';
import { MeteredStream } from './accounting/metered-stream.js';
import { choiceBytes, estimateUsage } from './accounting/usage.js';
import { CallScope, type RunningCalls } from './call-scope.js';
import { Cancellation } from './cancellation.js';
import type { Catalog } from './catalog/catalog.js';
import {
  fitTarget,
  rerouted,
  startTransforms,
  type TransformedCall,
  type TransformSettings,
} from './chat-transforms.js';
import type { Clock } from './clock.js';
import { GatewayError, toGatewayError } from './errors.js';
import type { Caller } from './http/caller.js';
import type { CallOrigin, ChatCall } from './http/exchange.js';
import type { ClientSignal } from './http/types.js';
import { type Random, randomFraction, randomText } from './random.js';
import type { Affinity } from './routing/affinity.js';
import { explainPlan, toRoutingMetadata } from './routing/explain.js';
import { type Plan, plan, refusal } from './routing/plan.js';
import { type Runner, runStream, runWhole } from './routing/run.js';
import type { AttemptRecord, Call, RoutedAnswer, RoutingPolicy, World } from './routing/types.js';
import { resolveWanted } from './routing/wanted.js';
import { StagedStream } from './transforms/staged-stream.js';
import type { TransformRun } from './transforms/transform-run.js';
import type { ChatCompletion, ChatRequest, Usage } from './wire/chat.js';
import type { ParsedChat } from './wire/parse-chat.js';
import type { Explanation, RoutingMetadata } from './wire/routing-metadata.js';

/** What a chat call takes from the gateway. */
export interface ChatParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly catalog: Catalog;
  readonly runner: Runner;
  readonly billing: Billing;
  readonly affinity: Affinity;
  readonly routing: RoutingPolicy;
  /** Whether streamed answers are held back until they are whole. */
  readonly bufferStreams: boolean;
  readonly defaultModel: string | undefined;
  /** Whether fields that the wire does not know go upstream. */
  readonly passthrough: boolean;
  readonly userHashSecret: string | undefined;
  /** Calls under way, so that a closing gateway can end them. */
  readonly running: RunningCalls;
  /** Calls that may run at a time. */
  readonly mostRunning: number;
  readonly transforms: TransformSettings;
}

/** Bytes of a tool's description that make a token, roughly. */
const TOOL_BYTES_PER_TOKEN = 4;

/** A request with everything that its routing follows from. */
interface Routed {
  readonly request: ChatRequest;
  readonly requested: string;
  readonly strategy: RoutingMetadata['strategy'];
  readonly promptTokens: number;
  readonly session: string | undefined;
  readonly world: World;
  readonly plan: Plan;
}

/**
 * Begins a call: everything that can be wrong with models and permissions is found here, before an id is made and before
 * anything is sent. @throws GatewayError
 */
export async function beginChat(
  parts: ChatParts,
  parsed: ParsedChat,
  caller: Caller,
  signal: ClientSignal,
  origin: CallOrigin,
): Promise<ChatCall> {
  const { clock, random, runner, running } = parts;
  if (running.count >= parts.mostRunning) {
    throw new GatewayError('service_unavailable', 'too many requests are running');
  }
  const startedAt = clock.now();
  const generationId = `gen-${Math.floor(startedAt / 1000)}-${randomText(random, 20)}`;
  const scope = new CallScope({ signal, clock, totalMs: runner.timeouts.totalMs, running });
  try {
    const call = { parsed, caller, origin, generationId, startedAt, scope, clock };
    const transforms = startTransforms(call, parts.transforms);
    const request = transforms.requests ? await transforms.request(parsed.request) : parsed.request;
    if (scope.reason !== undefined) throw scope.reason;
    const routed = route(parts, { ...parsed, request }, caller, transforms);
    return toCall(parts, { ...call, origin, scope, routed, transforms });
  } catch (error) {
    scope.end(true);
    throw error;
  }
}

/** What a call that can be sent consists of. */
interface Begun extends TransformedCall {
  readonly origin: CallOrigin;
  readonly scope: CallScope;
  readonly routed: Routed;
  readonly transforms: TransformRun;
}

function toCall(parts: ChatParts, begun: Begun): ChatCall {
  const { parsed, caller, origin, generationId, startedAt: startedMs, scope, routed, transforms } = begun;
  const { clock, runner } = parts;
  const created = Math.floor(startedMs / 1000);
  const records: AttemptRecord[] = [];
  const facts: Omit<Call, 'payment'> = {
    request: routed.request,
    extra: parts.passthrough ? parsed.extra : {},
    betas: parsed.betas,
    user: hashedUser(routed.request.user, caller, parts.userHashSecret),
    generationId,
    created,
    promptTokens: routed.promptTokens,
    deadline: startedMs + runner.timeouts.totalMs,
    session: routed.session,
    buffer: caller.bufferStreams ?? parts.bufferStreams,
    scope,
    records,
    fit: (request, attempt) => transforms.fit(request, fitTarget(attempt)),
  };
  const openBill = async (): Promise<Bill> => {
    await origin.allowance?.takeTokens(routed.promptTokens);
    const refuse = (error: unknown): never => {
      // Nothing was asked: what was counted as its tokens is free for others.
      origin.allowance?.settle(0);
      throw error;
    };
    return Bill.open(
      parts.billing,
      {
        id: facts.generationId,
        requestId: origin.requestId,
        account: caller.account,
        key: caller.spender,
        keyLabel: caller.label,
        createdAt: startedMs,
        request: routed.request,
        session: routed.request.session_id ?? parsed.session,
        attribution: origin.attribution,
        limit: caller.limit,
        allowance: origin.allowance,
      },
      routed.plan.attempts,
      records,
    ).catch(refuse);
  };
  const leave = (): void => scope.cancel(new GatewayError('client_closed', 'the client went away'));
  return {
    id: facts.generationId,
    created,
    requestedModel: routed.plan.attempts[0]?.endpoint.model ?? routed.requested,
    promptTokens: routed.promptTokens,
    // What transforms make of a whole answer comes after its charge: whatever they do, it was given.
    complete: async () => transforms.completion(await completed(facts, await openBill(), runner)),
    async open() {
      const stages = transforms.stages();
      const bill = await openBill();
      const stream = await paid(facts, bill, (call) => runStream(call, bill.attempts, runner));
      const { drains } = runner;
      const metered = new MeteredStream(stream, { bill, scope, clock, drainBytes: drains.limits.bytes, leave });
      return stages === undefined ? metered : new StagedStream(metered, stages);
    },
    metadata: () =>
      toRoutingMetadata({
        ...routed,
        records,
        generationMs: clock.now() - startedMs,
        pipeline: transforms.steps,
      }),
    end: (complete) => scope.end(complete === 'complete'),
  };
}

/** Runs a call on a bill; what fails before any content closes it. */
async function paid<T>(facts: Omit<Call, 'payment'>, bill: Bill, run: (call: Call) => Promise<T>): Promise<T> {
  try {
    if (facts.scope.reason !== undefined) throw facts.scope.reason;
    return await run({ ...facts, payment: bill });
  } catch (error) {
    await bill.fail(toGatewayError(error), facts.scope).durable;
    throw error;
  }
}

/** A whole answer, charged by the time that it is handed over. */
async function completed(facts: Omit<Call, 'payment'>, bill: Bill, runner: Runner): Promise<ChatCompletion> {
  const answer = await paid(facts, bill, (call) => runWhole(call, bill.attempts, runner));
  const bytes = choiceBytes(answer.choices) + answer.hiddenBytes;
  const [first] = answer.choices;
  const isBroken = answer.choices.every((choice) => choice.finish_reason === 'error');
  const blank = answer.choices.every((choice) => (choice.native_finish_reason ?? '') === '');
  const { usage, durable } = bill.close(
    facts.scope.reason !== undefined
      ? { kind: 'cancelled', bytes, drained: true }
      : isBroken
        ? { kind: 'broken', bytes }
        : { kind: 'completed', bytes, blank },
    {
      finishReason: first?.finish_reason,
      nativeFinishReason: first?.native_finish_reason ?? undefined,
      serviceTier: answer.serviceTier,
    },
  );
  await durable;
  return toCompletion(answer, facts, usage);
}

/**
 * What would become of a request: the same plan, and nobody is asked. Of transforms those run that do nothing but route.
 *
 * @throws GatewayError
 */
export function explainChat(
  parts: ChatParts,
  parsed: ParsedChat,
  caller: Caller,
  origin: Omit<CallOrigin, 'allowance'>,
): Explanation {
  const { clock } = parts;
  const scope = new Cancellation();
  const call = { parsed, caller, origin, generationId: '', startedAt: clock.now(), scope, clock };
  const transforms = startTransforms(call, parts.transforms);
  const request = transforms.routedRequest(parsed.request);
  const { requested, strategy, plan: planned, world } = routeOf(parts, { ...parsed, request }, caller, transforms);
  return { requested, strategy, candidates: explainPlan(planned, world) };
}

/** As `routeOf`, for requests that are to be sent. @throws GatewayError where nobody can serve it. */
function route(parts: ChatParts, parsed: ParsedChat, caller: Caller, transforms: TransformRun): Routed {
  const routed = routeOf(parts, parsed, caller, transforms);
  const { plan: planned, models, request } = routed;
  if (planned.attempts.length === 0) throw refusal(planned, models, transforms.budget(request));
  return { ...routed, plan: rerouted(planned, transforms) };
}

function routeOf(
  parts: ChatParts,
  parsed: ParsedChat,
  caller: Caller,
  transforms: TransformRun,
): Routed & { readonly models: ReturnType<typeof resolveWanted>['models'] } {
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

/** Upstreams never see the client's `user`, only a hash that nobody without the secret can turn back. */
function hashedUser(user: string | undefined, caller: Caller, secret: string | undefined): string | undefined {
  if (user === undefined || secret === undefined) return undefined;
  return createHmac('sha256', secret).update(`${caller.account}\0${user}`).digest('hex');
}

function toCompletion(
  answer: RoutedAnswer,
  call: Pick<Call, 'generationId' | 'created'>,
  usage: Usage,
): ChatCompletion {
  return {
    id: call.generationId,
    object: 'chat.completion',
    created: call.created,
    model: answer.endpoint.model,
    provider: answer.endpoint.provider.name,
    system_fingerprint: answer.systemFingerprint,
    ...(answer.serviceTier !== undefined && { service_tier: answer.serviceTier }),
    choices: answer.choices,
    usage,
  };
}
