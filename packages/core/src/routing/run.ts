import { Cancellation } from '../cancellation.js';
import type { Clock } from '../clock.js';
import { Failure } from '../failure.js';
import { hideReasoning, hideReasoningOf } from '../providers/hide-reasoning.js';
import { replay } from '../providers/replay.js';
import type { DecodedAnswer, Provider, Transport, UpstreamAnswer } from '../providers/types.js';
import { accumulate } from '../wire/accumulate.js';
import type { ChatChunk } from '../wire/chat.js';
import { AttemptLink } from './attempt-link.js';
import { AttemptStream } from './attempt-stream.js';
import type { UpstreamDetail } from './blame.js';
import { BufferedStream } from './buffered-stream.js';
import type { Drains } from './drains.js';
import type { Trial } from './health.js';
import { type AnswerSettings, contextOf, send } from './send.js';
import type { Attempt, AttemptRecord, Call, RoutedAnswer, RoutedStream, Timeouts } from './types.js';
import { type Circumstances, type Walker, walk } from './walk.js';
import { Watchdog } from './watchdog.js';

/** What running attempts takes from the gateway. */
export interface Runner extends AnswerSettings, Walker {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  /** Bytes of a whole answer. */
  readonly answerBytes: number;
  readonly upstreamDetail: UpstreamDetail;
  readonly transports: ReadonlyMap<Provider, Transport>;
  readonly drains: Drains;
}

/** One attempt under way: what is asked, whom, and what depends on the attempts around it. */
interface Try extends Circumstances {
  readonly call: Call;
  readonly attempt: Attempt;
  readonly record: AttemptRecord;
  readonly trial: Trial;
  readonly runner: Runner;
}

const EVENT_STREAM = /^text\/event-stream\b/i;
const JSON_BODY = /^application\/(?:[\w.+-]{1,64}\+)?json\b/i;
/** Estimated input tokens that make a millisecond of patience with the first content. */
const TOKENS_PER_MS = 10;
const SECOND_MS = 1000;

/** Gets a whole answer from the first endpoint that gives one. @throws GatewayError */
export function runWhole(call: Call, attempts: readonly Attempt[], runner: Runner): Promise<RoutedAnswer> {
  return walk(call, attempts, runner, (asked, attempt, record, circumstances) =>
    measured({ call: asked, attempt, record, runner, ...circumstances }, tryWhole),
  );
}

/**
 * Opens a stream at the first endpoint that gives content. Until then every failure moves on silently; afterwards the
 * stream is committed and a failure is an error of the stream. A buffered call is committed once all of it is there.
 *
 * @throws GatewayError
 */
export function runStream(call: Call, attempts: readonly Attempt[], runner: Runner): Promise<RoutedStream> {
  return walk(call, attempts, runner, (asked, attempt, record, circumstances) =>
    measured({ call: asked, attempt, record, runner, ...circumstances }, async (one) => {
      const stream = await openAttempt(one);
      if (call.buffer) return BufferedStream.of(stream);
      return stream.commit((failure) => circumstances.blame(failure));
    }),
  );
}

/** Lets the endpoint's health know how an attempt went, up to its first content. */
async function measured<T>(one: Omit<Try, 'trial'>, run: (one: Try) => Promise<T>): Promise<T> {
  const { clock, health } = one.runner;
  const trial = health.begin(one.attempt.unit);
  const started = clock.now();
  try {
    const result = await run({ ...one, trial });
    trial.success(clock.now() - started);
    if (!(result instanceof AttemptStream)) trial.end();
    return result;
  } catch (error) {
    if (error instanceof Failure && one.call.scope.reason === undefined) trial.failure(error);
    else trial.forget();
    trial.end();
    throw error;
  }
}

function transportOf({ endpoint }: Attempt, runner: Runner): Transport {
  const transport = runner.transports.get(endpoint.provider);
  if (transport === undefined) throw new Error(`the provider ${endpoint.provider.slug} is not connected`);
  return transport;
}

async function tryWhole(one: Try): Promise<RoutedAnswer> {
  const { call, attempt, runner } = one;
  const { endpoint } = attempt;
  if (endpoint.provider.streamOnly === true) return gather(await openAttempt(one));
  const bounded = new Cancellation();
  const cancel = (reason: Error): void => bounded.cancel(reason);
  const link = new AttemptLink(call.scope, attempt, runner.drains, cancel);
  const watchdog = new Watchdog(runner.clock, cancel);
  // A silent endpoint may not use up the time of the next one.
  if (one.alternatives) watchdog.expect((call.deadline - runner.clock.now()) / 2, "the provider's answer");
  try {
    const context = contextOf(call, attempt, false, runner);
    const answer = await send({ call, attempt, record: one.record, context }, transportOf(attempt, runner), bounded);
    const text = await answer.text(runner.answerBytes);
    const decoded = endpoint.provider.codec.decodeBody(text, context);
    one.record.usage = () => decoded.usage;
    return { endpoint, ...shownOf(decoded, call) };
  } finally {
    watchdog.stop();
    link.cut();
  }
}

/** A whole answer as the client wants to see it. */
function shownOf(answer: DecodedAnswer, { request }: Call): Omit<RoutedAnswer, 'endpoint'> {
  if (request.reasoning?.exclude !== true) return { ...answer, hiddenBytes: 0 };
  const hidden = answer.choices.map(({ message }) => Buffer.byteLength(message.reasoning ?? ''));
  return { ...hideReasoningOf(answer), hiddenBytes: hidden.reduce((sum, bytes) => sum + bytes, 0) };
}

async function gather(stream: AttemptStream): Promise<RoutedAnswer> {
  const chunks: ChatChunk[] = [];
  for (let batch = await stream.read(); batch !== undefined; batch = await stream.read()) chunks.push(...batch);
  const { endpoint, hiddenBytes } = stream;
  return { endpoint, ...accumulate(chunks), usage: stream.usage(), hiddenBytes };
}

/** Sends one attempt as a stream and waits for its head. */
async function openAttempt(one: Try): Promise<AttemptStream> {
  const { call, attempt, record, trial, runner } = one;
  const { clock, timeouts } = runner;
  const { endpoint } = attempt;
  const cancellation = new Cancellation();
  const cancel = (reason: Error): void => cancellation.cancel(reason);
  const link = new AttemptLink(call.scope, attempt, runner.drains, (reason) => {
    cancel(reason);
    // Nobody may be left to read the stream, and so to see its end.
    trial.end();
  });
  const watchdog = new Watchdog(clock, cancel);
  const context = contextOf(call, attempt, true, runner);
  const started = clock.now();
  const firstContent = patience(one);
  try {
    watchdog.expect(Math.min(timeouts.headersMs, firstContent), "the provider's answer");
    const answer = await send({ call, attempt, record, context }, transportOf(attempt, runner), cancellation);
    watchdog.expect(started + firstContent - clock.now(), 'the first content');
    const { codec } = endpoint.provider;
    const wholeAnswer = await wholeInstead(answer, runner.answerBytes);
    const source =
      wholeAnswer === undefined
        ? { reader: answer.events(), decoder: codec.decoder(context) }
        : replay(codec.decodeBody(wholeAnswer, context), context);
    record.usage = () => source.decoder.usage();
    return new AttemptStream({
      endpoint,
      ...source,
      show: shownTo(call),
      watchdog,
      clock,
      timeouts,
      link,
      observer: observe(one),
    });
  } catch (error) {
    watchdog.stop();
    link.cut();
    throw error;
  }
}

/** What the client wants to see of a stream; undefined for all of it. */
function shownTo({ request }: Call): ReturnType<typeof hideReasoning> | undefined {
  return request.reasoning?.exclude === true ? hideReasoning() : undefined;
}

/** Milliseconds that the first content may take: less while there is somebody else to ask. */
function patience({ call, attempt, alternatives, runner: { timeouts } }: Try): number {
  // Models that reason do so unasked, and some of them in silence.
  const reasons = call.request.reasoning !== undefined || attempt.endpoint.parameters.includes('reasoning');
  if (reasons) return timeouts.firstContentReasoningMs;
  if (!alternatives) return timeouts.firstContentMs;
  return Math.min(timeouts.softFirstContentMs + call.promptTokens / TOKENS_PER_MS, timeouts.firstContentMs);
}

/** Lets the endpoint's health know how a stream went after its first content. */
function observe({ trial, runner: { clock } }: Try): AttemptStream['observer'] {
  const started = clock.now();
  let first = started;
  return {
    committed: () => {
      first = clock.now();
    },
    finished(usage) {
      const seconds = (clock.now() - first) / SECOND_MS;
      if (usage !== undefined && seconds > 0) trial.throughput(usage.completion / seconds);
      trial.end();
    },
    failed(failure) {
      trial.failure(failure);
      trial.end();
    },
    left: () => trial.end(),
  };
}

/** The text of an answer that is not a stream although one was asked for; some upstreams cannot stream. */
async function wholeInstead(answer: UpstreamAnswer, limit: number): Promise<string | undefined> {
  const type = answer.headers['content-type'];
  if (type === undefined || (typeof type === 'string' && EVENT_STREAM.test(type))) return undefined;
  if (typeof type === 'string' && JSON_BODY.test(type)) return answer.text(limit);
  answer.discard();
  throw new Failure('bad_response', 'the answer is neither a stream nor JSON');
}
