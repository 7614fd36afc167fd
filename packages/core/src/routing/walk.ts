import pRetry from 'p-retry';
import type { Clock } from '../clock.js';
import type { GatewayError } from '../errors.js';
import { Failure, type FailureKind } from '../failure.js';
import type { Provider, Transport } from '../providers/types.js';
import { type Random, randomFraction } from '../random.js';
import { blame, type FailedAttempt, statusOf, type UpstreamDetail } from './blame.js';
import type { Health } from './health.js';
import type { RetryBudget } from './retry-budget.js';
import type { Attempt, AttemptRecord, Call } from './types.js';

/** What trying candidates takes from the gateway. */
export interface Walker {
  readonly clock: Clock;
  readonly random: Random;
  readonly health: Health;
  readonly budget: RetryBudget;
  readonly upstreamDetail: UpstreamDetail;
  readonly transports: ReadonlyMap<Provider, Transport>;
  /** Whether a provider's refusal of the content leaves other models to be tried. */
  readonly fallbackOnModeration: boolean;
  /** Requests that run at one endpoint at a time. */
  readonly endpointRequests: number;
  /** An attempt has given an answer, or its first content. */
  answered(call: Call, attempt: Attempt): void;
}

/** What an attempt has to know of those around it. */
export interface Circumstances {
  /** Somebody else is left to be asked. */
  readonly alternatives: boolean;
  /** The error that the client sees if the attempt fails after it was committed. */
  blame(failure: Failure): GatewayError;
}

type TryOne<T> = (call: Call, attempt: Attempt, record: AttemptRecord, circumstances: Circumstances) => Promise<T>;

/** No request is sent more often than this, to all endpoints together. */
const MOST_ATTEMPTS = 8;
/** Nor more often than this to one of them, as it is or mended. */
const MOST_AT_ONE = 2;
/** Failures that the same endpoint may not repeat a moment later. */
const WORTH_REPEATING: ReadonlySet<FailureKind> = new Set<FailureKind>([
  'network',
  'server_error',
  'overloaded',
  'bad_response',
  'empty_response',
  'truncated',
]);
/** Failures after which the same model elsewhere says the same. */
const ENDS_MODEL: ReadonlySet<FailureKind> = new Set<FailureKind>(['invalid_request', 'too_large']);
const LONGEST_HINT_MS = 5000;
const JITTER_MS = 200;

/**
 * Tries candidates until one answers. Changing the endpoint is free; before a model is given up, its last endpoint is
 * asked once more where that is worth it.
 *
 * @throws GatewayError that the failed attempts amount to, or whatever ended the call from outside.
 */
export async function walk<T>(call: Call, attempts: readonly Attempt[], walker: Walker, tryOne: TryOne<T>): Promise<T> {
  const state: Walk = { call, walker, failed: [], made: 0, madeBefore: 0, left: [...attempts] };
  walker.budget.request();
  for (let attempt = next(state); attempt !== undefined; attempt = next(state)) {
    const tried = attempt;
    state.madeBefore = state.made;
    try {
      const result = await pRetry(() => once(state, tried, tryOne), {
        retries: MOST_AT_ONE - 1,
        minTimeout: 0,
        factor: 1,
        shouldRetry: ({ error }) => error instanceof Failure && again(state, tried, error),
      });
      walker.answered(call, tried);
      return result;
    } catch (error) {
      if (call.scope.reason !== undefined) throw call.scope.reason;
      if (!(error instanceof Failure)) throw error;
      state.left = remaining(state, tried, error);
    }
  }
  throw blame(state.failed, walker.upstreamDetail);
}

/** How far a call has come. */
interface Walk {
  readonly call: Call;
  readonly walker: Walker;
  readonly failed: FailedAttempt[];
  made: number;
  /** Of these, before the candidate whose turn it is. */
  madeBefore: number;
  left: Attempt[];
}

/** Whether the candidate whose turn it is may be sent the request once more. */
function mayAskAgain({ made, madeBefore }: Walk): boolean {
  return made < MOST_ATTEMPTS && made - madeBefore < MOST_AT_ONE;
}

/** The next candidate: the first may be any, later ones that are not well have to be within the budget. */
function next(state: Walk): Attempt | undefined {
  const { walker, left } = state;
  if (state.made >= MOST_ATTEMPTS) return undefined;
  for (let attempt = left.shift(); attempt !== undefined; attempt = left.shift()) {
    if (walker.health.running(attempt.unit) >= walker.endpointRequests) continue;
    const now = walker.health.of(attempt.unit).state;
    if (state.made === 0) return attempt;
    if (now === 'closed' || now === 'probe') {
      walker.budget.note();
      return attempt;
    }
    if (walker.budget.take()) return attempt;
  }
  return undefined;
}

/** One attempt, mended once if its provider complains of what can be left out. */
async function once<T>(state: Walk, attempt: Attempt, tryOne: TryOne<T>): Promise<T> {
  const { call, walker } = state;
  const circumstances: Circumstances = {
    // Whoever is known to fail is no reason to give up one that is only slow.
    alternatives: state.made + 1 < MOST_ATTEMPTS && state.left.some((one) => isWell(one, walker)),
    blame: (failure) => blame([...state.failed, failedAttempt(attempt, failure, walker)], walker.upstreamDetail),
  };
  const attempted = async (asked: Call): Promise<T> => {
    await call.payment.dispatch(attempt);
    if (call.scope.reason !== undefined) throw call.scope.reason;
    state.made += 1;
    const record = begun(call, attempt, walker.clock.now());
    try {
      const result = await tryOne(asked, attempt, record, circumstances);
      record.status = 200;
      return result;
    } catch (error) {
      if (error instanceof Failure && call.scope.reason === undefined) {
        state.failed.push(failedAttempt(attempt, error, walker));
        record.status = statusOf(error);
        record.endedAt = walker.clock.now();
      }
      throw error;
    }
  };
  try {
    return await attempted(call);
  } catch (error) {
    if (!(error instanceof Failure) || call.scope.reason !== undefined || !mayAskAgain(state)) throw error;
    const request = attempt.endpoint.provider.codec.repair?.(call.request, error);
    if (request === undefined) throw error;
    return attempted({ ...call, request });
  }
}

function begun({ records }: Call, attempt: Attempt, startedAt: number): AttemptRecord {
  const record: AttemptRecord = {
    attempt,
    startedAt,
    endedAt: undefined,
    status: undefined,
    answered: false,
    upstreamId: undefined,
    adjustments: [],
    usage: () => undefined,
  };
  records.push(record);
  return record;
}

function failedAttempt(attempt: Attempt, failure: Failure, walker: Walker): FailedAttempt {
  const transport = walker.transports.get(attempt.endpoint.provider);
  return { attempt, failure, mask: (text) => transport?.mask(text) ?? text };
}

/** Whether the same endpoint is asked once more; waits for the right moment first. */
async function again(state: Walk, attempt: Attempt, failure: Failure): Promise<boolean> {
  const { call, walker, left } = state;
  if (!mayAskAgain(state)) return false;
  const { kind, retryAfterMs } = failure;
  const limited = kind === 'rate_limited' && retryAfterMs !== undefined && retryAfterMs <= LONGEST_HINT_MS;
  if (!limited && !WORTH_REPEATING.has(kind)) return false;
  const model = attempt.endpoint.model;
  // Another endpoint of the model is free, and better.
  if (left.some((one) => one.endpoint.model === model && isWell(one, walker))) return false;
  const untriedModels = new Set(left.map(({ endpoint }) => endpoint.model)).size;
  if (state.made + 1 + untriedModels > MOST_ATTEMPTS) return false;
  if (!limited && walker.health.of(attempt.unit).state !== 'closed') return false;
  const delay = limited ? retryAfterMs : JITTER_MS * randomFraction(walker.random);
  if (walker.clock.now() + delay >= call.deadline || !walker.budget.take()) return false;
  await pause(delay, call, walker.clock);
  return call.scope.reason === undefined;
}

function isWell({ unit }: Attempt, { health }: Walker): boolean {
  const { state } = health.of(unit);
  return state === 'closed' || state === 'probe';
}

/** Waits, but not for a call that is over. */
function pause(milliseconds: number, { scope }: Call, clock: Clock): Promise<void> {
  if (milliseconds <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancelTimer();
      scope.unfollow(done);
      resolve();
    };
    // Between two attempts nothing else keeps the process alive.
    const cancelTimer = clock.after(milliseconds, done, { hold: true });
    scope.follow(done);
  });
}

/** Who is still worth asking after a failure. */
function remaining({ left, walker }: Walk, { endpoint }: Attempt, { kind }: Failure): Attempt[] {
  if (kind === 'content_policy') {
    return walker.fallbackOnModeration ? left.filter((one) => one.endpoint.model !== endpoint.model) : [];
  }
  if (ENDS_MODEL.has(kind)) return left.filter((one) => one.endpoint.model !== endpoint.model);
  if (kind !== 'context_length') return left;
  const { contextLength: tried } = endpoint;
  return left.filter(({ endpoint: { model, contextLength } }) =>
    tried === undefined || contextLength === undefined ? model !== endpoint.model : contextLength > tried,
  );
}
