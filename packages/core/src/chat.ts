import { createHmac } from 'node:crypto';
import { Bill, type Billing } from './accounting/bill.js';
import { MeteredStream } from './accounting/metered-stream.js';
import { choiceBytes } from './accounting/usage.js';
import { CallScope, type RunningCalls } from './call-scope.js';
import { Cancellation } from './cancellation.js';
import { type ChatRoutingParts, type Routed, route, routeOf } from './chat-routing.js';
import { fitTarget, startTransforms, type TransformedCall, type TransformSettings } from './chat-transforms.js';
import { GatewayError, toGatewayError } from './errors.js';
import type { Caller } from './http/caller.js';
import type { CallOrigin, ChatCall } from './http/exchange.js';
import type { ClientSignal } from './http/types.js';
import { explainPlan, toRoutingMetadata } from './routing/explain.js';
import { type Runner, runStream, runWhole } from './routing/run.js';
import type { AttemptRecord, Call, RoutedAnswer } from './routing/types.js';
import { StagedStream } from './transforms/staged-stream.js';
import type { TransformRun } from './transforms/transform-run.js';
import type { ChatCompletion, Usage } from './wire/chat.js';
import type { ParsedChat } from './wire/parse-chat.js';
import type { Explanation, PipelineStep } from './wire/routing-metadata.js';

/** What a chat call takes from the gateway. */
export interface ChatParts extends ChatRoutingParts {
  readonly runner: Runner;
  readonly billing: Billing;
  /** Whether streamed answers are held back until they are whole. */
  readonly bufferStreams: boolean;
  /** Whether fields that the wire does not know go upstream. */
  readonly passthrough: boolean;
  readonly userHashSecret: string | undefined;
  /** Calls under way, so that a closing gateway can end them. */
  readonly running: RunningCalls;
  /** Calls that may run at a time. */
  readonly mostRunning: number;
  readonly transforms: TransformSettings;
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
  const { clock, runner, running } = parts;
  if (running.count >= parts.mostRunning) {
    throw new GatewayError('service_unavailable', 'too many requests are running');
  }
  const startedAt = clock.now();
  const { generationId } = origin;
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
        extra: facts.extra,
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
        pipeline: [...transforms.steps, ...creditCap(records)],
      }),
    end: (complete) => scope.end(complete === 'complete'),
  };
}

/** The bound that the money at hand set to the answer, where it did. */
function creditCap(records: readonly AttemptRecord[]): readonly PipelineStep[] {
  const cap = records.at(-1)?.attempt.outputCap;
  return cap === undefined ? [] : [{ type: 'plugin', name: 'credit-cap', data: { max_tokens: cap } }];
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
  origin: Omit<CallOrigin, 'allowance' | 'generationId'>,
): Explanation {
  const { clock } = parts;
  const scope = new Cancellation();
  const call = { parsed, caller, origin, generationId: '', startedAt: clock.now(), scope, clock };
  const transforms = startTransforms(call, parts.transforms);
  const request = transforms.routedRequest(parsed.request);
  const { requested, strategy, plan: planned, world } = routeOf(parts, { ...parsed, request }, caller, transforms);
  return { requested, strategy, candidates: explainPlan(planned, world) };
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
