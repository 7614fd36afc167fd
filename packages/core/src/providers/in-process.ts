import type { Cancellation } from '../cancellation.js';
import type { ModelDeclaration, Pricing } from '../catalog/types.js';
import { Failure } from '../failure.js';
import type { ServerSentEvent } from '../sse/types.js';
import type { ChatRequest } from '../wire/chat.js';
import { assertPaid } from './assert-paid.js';
import { openAiCodec } from './openai-compatible/provider.js';
import { customVendor } from './openai-compatible/vendors.js';
import type { EventReader, Provider, UpstreamAnswer } from './types.js';

/** A step of an answer that a function gives: text, or a delta of the wire, or how it ended. */
export type GeneratedStep =
  | string
  | {
      readonly content?: string;
      readonly reasoning?: string;
      readonly tool_calls?: readonly {
        readonly index: number;
        readonly id?: string;
        readonly function: { readonly name?: string; readonly arguments: string };
      }[];
      /** By default `stop`, or `tool_calls` after calls. */
      readonly finish_reason?: string;
      readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number };
    };

/** A chat request as a function provider gets it: one concrete model, by the provider's own id. */
export type FunctionRequest = ChatRequest & { readonly model: string };

/** A provider whose upstream is a function of the host's process. */
export interface FunctionProvider {
  readonly slug: string;
  /** Display name. */
  readonly name: string;
  readonly models: readonly ModelDeclaration[];
  /** Default `free`: nobody sends a bill for a function of the host's own. */
  readonly pricing?: Pricing | undefined;
  /** Answers one request. `signal` aborts when nobody wants the answer any more; what it throws is a failed attempt. */
  generate(request: FunctionRequest, context: { readonly signal: AbortSignal }): AsyncIterable<GeneratedStep>;
}

/** A function as a provider: its steps are read like the events of any other upstream. */
export function inProcess(description: FunctionProvider): Provider {
  const { slug, name, models, pricing = 'free' } = description;
  return {
    slug,
    name,
    models,
    pricing,
    streamOnly: true,
    afterAbort: 'stops',
    codec: {
      ...openAiCodec(customVendor(slug, name)),
      encode: (request, context) => ({
        method: 'POST',
        path: '/',
        headers: {},
        body: { request: { ...request, model: context.upstreamModel } },
        adjustments: [],
      }),
    },
    connect: () => ({
      async send(request, { cancellation, payment }) {
        assertPaid(request, payment);
        if (cancellation.reason !== undefined) throw cancellation.reason;
        return new GeneratedAnswer(description, request.body['request'] as FunctionRequest, cancellation);
      },
      mask: (text) => text,
      close: () => Promise.resolve(),
    }),
  };
}

/** What a function yields, read as a stream of events. */
class GeneratedAnswer implements UpstreamAnswer, EventReader {
  readonly status = 200;
  readonly headers: UpstreamAnswer['headers'] = { 'content-type': 'text/event-stream' };
  readonly #steps: AsyncIterator<GeneratedStep>;
  readonly #aborter = new AbortController();
  readonly #cancellation: Cancellation;
  readonly #stopped: Promise<never>;
  #stopReading: (reason: Error) => void = () => undefined;
  #finished = false;

  constructor(description: FunctionProvider, request: FunctionRequest, cancellation: Cancellation) {
    this.#steps = description.generate(request, { signal: this.#aborter.signal })[Symbol.asyncIterator]();
    this.#cancellation = cancellation;
    this.#stopped = new Promise((_, reject) => {
      this.#stopReading = reject;
    });
    this.#stopped.catch(() => undefined);
    cancellation.follow(this.#stop);
  }

  events(): EventReader {
    return this;
  }

  async read(): Promise<readonly ServerSentEvent[] | undefined> {
    if (this.#finished) return undefined;
    try {
      const step = await Promise.race([this.#steps.next(), this.#stopped]);
      if (step.done !== true) return [{ data: JSON.stringify(toEvent(step.value)) }];
    } catch (error) {
      this.#end();
      if (this.#cancellation.reason !== undefined || error instanceof Failure) throw error;
      throw new Failure('server_error', 'the function failed', { cause: error });
    }
    this.#end();
    return [{ data: '[DONE]' }];
  }

  /** Never asked for: a function only streams. */
  text(): Promise<string> {
    return Promise.reject(new Failure('bad_response', 'a function has no whole answer'));
  }

  head(): Promise<string> {
    return Promise.resolve('');
  }

  release(): void {
    this.discard();
  }

  discard(): void {
    this.#stop(new Failure('network', 'given up'));
  }

  readonly #stop = (reason: Error): void => {
    if (this.#finished) return;
    this.#end();
    this.#stopReading(reason);
    this.#aborter.abort(reason);
    Promise.resolve(this.#steps.return?.()).catch(() => undefined);
  };

  #end(): void {
    this.#finished = true;
    this.#cancellation.unfollow(this.#stop);
  }
}

/** A step as an event of the OpenAI family. */
function toEvent(step: GeneratedStep): Readonly<Record<string, unknown>> {
  if (typeof step === 'string') return { choices: [{ index: 0, delta: { content: step } }] };
  const { finish_reason, usage, ...delta } = step;
  return { choices: [{ index: 0, delta, finish_reason }], usage };
}
