import type { Cancellation } from '../cancellation.js';
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import type { ChatCompletion, ChatRequest } from '../wire/chat.js';
import { parseRequest } from '../wire/parse-chat.js';
import type { PipelineStep } from '../wire/routing-metadata.js';
import { CallContext, type CallFacts } from './call-context.js';
import { checkCompletion } from './check-answer.js';
import { atOnce, hookFailure, isOnPurpose, isPromise, Nonsense } from './hook-failure.js';
import { PromptBudget } from './prompt-budget.js';
import { frozenCopy } from './protect.js';
import type { Selected, Selection } from './registry.js';
import { type ChainedStage, StageChain } from './stage-chain.js';
import type { ChunkStage, Fit, FitTarget, RouteCandidate } from './types.js';

/** What running transforms takes from the gateway. */
export interface TransformParts {
  readonly clock: Clock;
  /** Milliseconds for each asynchronous hook, unless the transform says otherwise. */
  readonly hookMs: number;
  /** Tells the host about a transform that failed and was passed over. */
  report(error: GatewayError): void;
}

interface Running extends Selected {
  readonly context: CallContext;
  hasChanged: boolean;
}

/** The transforms of one call, hook by hook. */
export class TransformRun {
  readonly #running: readonly Running[];
  readonly #parts: TransformParts;
  readonly #scope: Cancellation;
  readonly #compression: Selection['compression'];
  #budget: PromptBudget | undefined;
  #fit: Fit | undefined;

  constructor({ selected, compression }: Selection, facts: CallFacts, scope: Cancellation, parts: TransformParts) {
    this.#running = selected.map((one) => ({
      ...one,
      context: new CallContext(facts, one.options),
      hasChanged: false,
    }));
    this.#compression = compression;
    this.#scope = scope;
    this.#parts = parts;
  }

  /** Whether a transform wants to see the request. */
  get requests(): boolean {
    return this.#running.some(({ transform }) => transform.request !== undefined);
  }

  /** The request after every hook. @throws GatewayError */
  async request(request: ChatRequest): Promise<ChatRequest> {
    let current = request;
    for (const one of this.#running) {
      const { transform, context } = one;
      const hook = transform.request?.bind(transform);
      if (hook === undefined) continue;
      const given = frozenCopy(current);
      const made = await this.#guarded(one, 'request', given, async () =>
        checkedRequest(await this.#timely(one, hook(given, context)), given),
      );
      one.hasChanged ||= made !== given;
      current = made;
    }
    return current;
  }

  /** The same with those hooks alone that only route, and at once. @throws GatewayError */
  routedRequest(request: ChatRequest): ChatRequest {
    let current = request;
    for (const one of this.#running) {
      const { transform, context } = one;
      if (transform.request === undefined || transform.pure !== true) continue;
      const given = frozenCopy(current);
      try {
        current = checkedRequest(atOnce(transform.request(given, context)), given);
      } catch (thrown) {
        this.#passOver(one, 'request', thrown);
      }
    }
    return current;
  }

  /** How the prompt stands against the contexts of endpoints. */
  budget(request: ChatRequest): PromptBudget {
    const known = this.#budget;
    if (known?.isOf(request) === true) return known;
    const budget = new PromptBudget(request, this.#compression);
    this.#budget = budget;
    return budget;
  }

  /** The request as one endpoint gets it. @throws GatewayError where it does not fit. */
  fit(request: ChatRequest, target: FitTarget): ChatRequest {
    this.#fit = this.budget(request).fit(target);
    return this.#fit === undefined ? request : { ...request, messages: this.#fit.messages };
  }

  /** Whether a transform has a hook for routing. */
  get routes(): boolean {
    return this.#running.some(({ transform }) => transform.route !== undefined);
  }

  /** Candidates after every hook, as places in the list given. @throws GatewayError */
  route(candidates: readonly RouteCandidate[]): readonly number[] {
    const given = candidates.map((candidate) => Object.freeze({ ...candidate }));
    let current: readonly RouteCandidate[] = given;
    for (const one of this.#running) {
      const { transform, context } = one;
      if (transform.route === undefined) continue;
      const before = Object.freeze([...current]);
      try {
        const after = checkedRoute(atOnce(transform.route(before, context)), before);
        one.hasChanged ||= after.length !== before.length || after.some((each, index) => each !== before[index]);
        current = after;
      } catch (thrown) {
        this.#passOver(one, 'route', thrown);
      }
    }
    return current.map((candidate) => given.indexOf(candidate));
  }

  /** A whole answer after every hook. @throws GatewayError */
  async completion(completion: ChatCompletion): Promise<ChatCompletion> {
    let current = completion;
    for (const one of this.#running) {
      const { transform, context } = one;
      const hook = transform.completion?.bind(transform);
      if (hook === undefined) continue;
      const given = frozenCopy(current);
      const made = await this.#guarded(one, 'completion', given, async () => {
        const after = await this.#timely(one, hook(given, context));
        return after === given ? given : checkCompletion(frozenCopy(after), given);
      });
      one.hasChanged ||= made !== given;
      current = made;
    }
    return current;
  }

  /** The stages of a stream; undefined where no transform has one. @throws GatewayError */
  stages(): StageChain | undefined {
    const stages: ChainedStage[] = [];
    for (const one of this.#running) {
      const { transform, context, optional } = one;
      if (transform.stage === undefined) continue;
      try {
        stages.push({
          name: transform.name,
          stage: checkedStage(atOnce(transform.stage(context))),
          optional,
          changed: () => {
            one.hasChanged = true;
          },
          skipped: (error) => this.#parts.report(error),
        });
      } catch (thrown) {
        this.#passOver(one, 'stage', thrown);
      }
    }
    return stages.length === 0 ? undefined : new StageChain(stages);
  }

  /** What was changed, in order. */
  get steps(): readonly PipelineStep[] {
    const steps = this.#running.flatMap(({ transform, context, given, hasChanged }): PipelineStep[] => {
      if (!hasChanged) return [];
      const data = { ...(given !== undefined && { options: given }), ...context.noted };
      return [{ type: 'plugin', name: transform.name, ...(Object.keys(data).length > 0 && { data }) }];
    });
    return this.#fit === undefined ? steps : [...steps, this.#fit.step];
  }

  /** Runs an asynchronous hook; of one that may be passed over, the answer is what it was given. */
  async #guarded<T>(one: Running, hook: string, given: T, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (thrown) {
      if (this.#scope.reason !== undefined) throw this.#scope.reason;
      this.#passOver(one, hook, thrown);
      return given;
    }
  }

  /** Waits for a hook as long as it may take, and no longer than the call lives. */
  #timely<T>({ transform, context }: Running, answer: T | PromiseLike<T>): T | Promise<T> {
    if (!isPromise(answer)) return answer;
    const { clock, hookMs } = this.#parts;
    const most = transform.timeoutMs ?? hookMs;
    return new Promise<T>((resolve, reject) => {
      const stop = (reason: Error): void => {
        finish();
        context.abort(reason);
        reject(reason);
      };
      // Nothing else may keep the process alive while a hook is waited for.
      const cancel = clock.after(most, () => stop(new Nonsense(`it took more than ${most} ms`)), { hold: true });
      const finish = (): void => {
        cancel();
        this.#scope.unfollow(stop);
      };
      answer.then(
        (value) => {
          finish();
          resolve(value);
        },
        (error: unknown) => {
          finish();
          reject(error instanceof Error ? error : new Nonsense('it rejected with something that is no error'));
        },
      );
      this.#scope.follow(stop);
    });
  }

  /** @throws GatewayError unless the transform is optional and did not mean to refuse. */
  #passOver({ transform, optional }: Running, hook: string, thrown: unknown): void {
    const error = hookFailure(transform.name, hook, thrown);
    if (!optional || isOnPurpose(thrown)) throw error;
    this.#parts.report(error);
  }
}

/** @throws Nonsense for anything but a request that is as long as it is to be streamed. */
function checkedRequest(made: unknown, given: ChatRequest): ChatRequest {
  if (made === given) return given;
  try {
    const request = parseRequest(made);
    if ((request.stream ?? false) === (given.stream ?? false)) return request;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw new Nonsense(`expected a request: ${error.message}`);
  }
  throw new Nonsense('expected the same `stream` as before');
}

function checkedRoute(made: unknown, given: readonly RouteCandidate[]): readonly RouteCandidate[] {
  if (!Array.isArray(made)) throw new Nonsense('expected a list of candidates');
  const candidates: RouteCandidate[] = [];
  for (const one of made) {
    const candidate = given.find((each) => each === one);
    if (candidate === undefined) throw new Nonsense('expected no candidates but those given');
    if (candidates.includes(candidate)) throw new Nonsense('expected each candidate once');
    candidates.push(candidate);
  }
  return candidates;
}

function checkedStage(made: unknown): ChunkStage {
  const isStage = typeof made === 'object' && made !== null && 'chunk' in made && typeof made.chunk === 'function';
  if (!isStage) throw new Nonsense('expected an object with a function `chunk`');
  return made as ChunkStage;
}
