import type { AttemptRecord } from '../routing/types.js';
import type { GenerationRecord } from '../stores/types.js';
import { nanoToUsd } from '../usd.js';
import type { ChatRequest } from '../wire/chat.js';
import type { Settled } from './settlement.js';
import type { Attribution } from './types.js';

/** What is known of a generation before anything is sent. */
export interface GenerationHead {
  readonly id: string;
  readonly requestId: string;
  readonly account: string;
  readonly key: string | undefined;
  readonly keyLabel: string;
  readonly createdAt: number;
  readonly request: ChatRequest;
  readonly session: string | undefined;
  readonly attribution: Attribution;
}

/** How an answer ended, for its record. */
export interface AnswerFacts {
  readonly outcome: GenerationRecord['outcome'];
  readonly finishReason: string | undefined;
  readonly nativeFinishReason: string | undefined;
  readonly serviceTier: string | undefined;
  readonly error: { readonly code: string; readonly status: number; readonly message: string } | undefined;
  /** When the first content came, and the last; milliseconds since the epoch. */
  readonly firstContentAt: number | undefined;
  readonly endedAt: number;
  /** The answer was stopped, and the provider may go on charging for what nobody knows. */
  readonly unknownCost: boolean;
}

/** The record that a sweep writes if nobody else does. */
export function draftOf(head: GenerationHead, model: string, provider: string, endpoint: string): GenerationRecord {
  const { attribution, request } = head;
  return {
    id: head.id,
    account: head.account,
    key: head.key,
    keyLabel: head.keyLabel,
    createdAt: head.createdAt,
    model,
    provider,
    endpoint,
    user: request.user,
    app: attribution.app,
    session: head.session,
    tags: attribution.tags,
    charge: 0n,
    cost: 0n,
    promptTokens: 0,
    completionTokens: 0,
    reasoningTokens: 0,
    cachedTokens: 0,
    latencyMs: undefined,
    generationMs: undefined,
    outcome: 'crashed',
    details: {
      request_id: head.requestId,
      streamed: request.stream === true,
      http_referer: attribution.referer ?? null,
      title: attribution.title ?? null,
      categories: attribution.categories,
      user_agent: attribution.userAgent ?? null,
    },
  };
}

/** The record of a request that is over. */
export function recordOf(
  draft: GenerationRecord,
  attempts: readonly AttemptRecord[],
  settled: Settled,
  facts: AnswerFacts,
): GenerationRecord {
  const { usage } = settled;
  const last = attempts.at(-1);
  const endpoint = last?.attempt.endpoint;
  return {
    ...draft,
    model: endpoint?.model ?? draft.model,
    provider: endpoint?.provider.name ?? draft.provider,
    endpoint: endpoint?.key ?? draft.endpoint,
    charge: settled.charge,
    cost: settled.cost,
    promptTokens: usage?.prompt ?? 0,
    completionTokens: usage?.completion ?? 0,
    reasoningTokens: usage?.reasoning ?? 0,
    cachedTokens: usage?.cachedRead ?? 0,
    latencyMs: facts.firstContentAt === undefined ? undefined : Math.round(facts.firstContentAt - draft.createdAt),
    generationMs: Math.round(facts.endedAt - draft.createdAt),
    outcome: facts.outcome,
    details: { ...draft.details, ...detailsOf(attempts, settled, facts) },
  };
}

function detailsOf(
  attempts: readonly AttemptRecord[],
  settled: Settled,
  facts: AnswerFacts,
): Readonly<Record<string, unknown>> {
  const { usage, estimated, overshoot, winner } = settled;
  const { adjustments = [], upstreamId } = attempts.at(-1) ?? {};
  return {
    attempts: attempts.map((record, position) => attemptOf(record, settled.costs[position] ?? 0n)),
    provider_responses: attempts.map((record) => responseOf(record, facts.endedAt)),
    finish_reason: facts.finishReason ?? null,
    native_finish_reason: facts.nativeFinishReason ?? null,
    ...(facts.outcome === 'cancelled' && { cancelled: true }),
    ...(facts.error !== undefined && { error: facts.error }),
    ...(facts.serviceTier !== undefined && { service_tier: facts.serviceTier }),
    ...(upstreamId !== undefined && { upstream_id: upstreamId }),
    ...(adjustments.length > 0 && { adjustments }),
    ...(estimated && { estimated: true }),
    ...(overshoot > 0n && { overshoot: nanoToUsd(overshoot) }),
    ...(facts.unknownCost && { unknown_cost: true }),
    upstream_inference_cost: nanoToUsd(winner.upstream),
    ...(usage?.webSearches !== undefined && { num_search_results: usage.webSearches }),
    ...(usage?.imageOut !== undefined && { native_tokens_completion_images: usage.imageOut }),
  };
}

/** For the operator alone: `cost` in nano-USD, as decimal digits. */
function attemptOf(record: AttemptRecord, cost: bigint): Readonly<Record<string, unknown>> {
  const { attempt, startedAt, endedAt, status } = record;
  return {
    endpoint: attempt.endpoint.key,
    started_at: startedAt,
    ended_at: endedAt ?? null,
    status: status ?? null,
    usage: record.usage() ?? null,
    cost: String(cost),
  };
}

function responseOf(
  { attempt: { endpoint }, startedAt, endedAt, status, upstreamId }: AttemptRecord,
  now: number,
): Readonly<Record<string, unknown>> {
  return {
    endpoint_id: endpoint.key,
    ...(upstreamId !== undefined && { id: upstreamId }),
    is_byok: false,
    latency: Math.round((endedAt ?? now) - startedAt),
    model_permaslug: endpoint.model,
    provider_name: endpoint.provider.name,
    status: status ?? null,
  };
}
