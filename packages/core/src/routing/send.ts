import type { Cancellation } from '../cancellation.js';
import { targetOf } from '../catalog/model.js';
import type { Adjustment, CallContext, Transport, UpstreamAnswer, UpstreamHeaders } from '../providers/types.js';
import type { ChatRequest } from '../wire/chat.js';
import type { Attempt, AttemptRecord, Call } from './types.js';

/** A refusal is read this far: enough to know what it means. */
const REFUSAL_BYTES = 4096;
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** What the gateway lays down for every answer. */
export interface AnswerSettings {
  /** Events of broken JSON that a stream may have before it is given up. */
  readonly malformedEvents: number;
  newToolCallId(): string;
}

/** The codec's view of one attempt. */
export function contextOf(call: Call, attempt: Attempt, stream: boolean, settings: AnswerSettings): CallContext {
  const { malformedEvents, newToolCallId } = settings;
  const { endpoint } = attempt;
  return {
    ...targetOf(endpoint),
    request: withinMoney(call.fit?.(call.request, attempt) ?? call.request, attempt),
    provider: endpoint.provider.name,
    generationId: call.generationId,
    created: call.created,
    stream,
    user: call.user,
    extra: call.extra,
    betas: call.betas,
    malformedEvents,
    newToolCallId,
  };
}

/** The request with the bound that the money at hand sets, where it names none itself. */
function withinMoney(request: ChatRequest, { outputCap }: Attempt): ChatRequest {
  return outputCap === undefined ? request : { ...request, max_tokens: outputCap };
}

function capOf({ outputCap }: Attempt): readonly Adjustment[] {
  if (outputCap === undefined) return [];
  return [{ param: 'max_tokens', action: 'clamped', detail: `credit-cap: the money at hand buys ${outputCap}` }];
}

/** The provider's own id of its answer, as its support asks for it. */
function requestIdOf(headers: UpstreamHeaders): string | undefined {
  const id = headers['x-request-id'] ?? headers['request-id'];
  return typeof id === 'string' && REQUEST_ID.test(id) ? id : undefined;
}

/** One attempt about to be sent. */
interface Sending {
  readonly call: Call;
  readonly attempt: Attempt;
  readonly record: AttemptRecord;
  readonly context: CallContext;
}

/**
 * Sends one attempt, paid for, and waits for the head of its answer.
 *
 * @throws Failure for anything but a 2xx; Error where nothing pays for it.
 */
export async function send(
  { call, attempt, record, context }: Sending,
  transport: Transport,
  cancellation: Cancellation,
): Promise<UpstreamAnswer> {
  const { codec } = attempt.endpoint.provider;
  const request = codec.encode(context.request, context);
  if (context.request !== call.request) record.sent = context.request;
  record.adjustments = [...capOf(attempt), ...request.adjustments];
  const answer = await transport.send(request, {
    cancellation,
    stream: context.stream,
    credential: attempt.credential,
    payment: call.payment,
  });
  if (answer.status >= 200 && answer.status < 300) {
    record.answered = true;
    record.upstreamId = requestIdOf(answer.headers);
    return answer;
  }
  const text = await answer.head(REFUSAL_BYTES);
  throw codec.classify({ status: answer.status, headers: answer.headers, text });
}
