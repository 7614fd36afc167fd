import type { TransformContext } from './types.js';

/** What every transform of a call may know of it. */
export interface CallFacts extends Omit<TransformContext, 'options' | 'signal' | 'note' | 'headers'> {
  /** Few transforms ask for them. */
  headers(): Readonly<Record<string, string>>;
}

/** What one transform is told about one call; the same object at each of its hooks. */
export class CallContext implements TransformContext {
  readonly options: unknown;
  readonly generationId: string;
  readonly requestId: string;
  readonly account: string;
  readonly label: string;
  readonly tags: readonly string[];
  readonly #headers: CallFacts['headers'];
  readonly stream: boolean;
  readonly startedAt: number;
  #noted: Readonly<Record<string, unknown>> = {};
  #controller: AbortController | undefined;
  readonly note: (data: Readonly<Record<string, unknown>>) => void;

  constructor(facts: CallFacts, options: unknown) {
    this.options = options;
    this.generationId = facts.generationId;
    this.requestId = facts.requestId;
    this.account = facts.account;
    this.label = facts.label;
    this.tags = facts.tags;
    this.#headers = facts.headers;
    this.stream = facts.stream;
    this.startedAt = facts.startedAt;
    this.note = (data) => {
      this.#noted = { ...data };
    };
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#headers();
  }

  /** Made when it is asked for: few hooks do. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** What the transform told last. */
  get noted(): Readonly<Record<string, unknown>> {
    return this.#noted;
  }

  /** Stops what a hook still does; a later hook gets a signal of its own. */
  abort(reason: Error): void {
    const controller = this.#controller;
    this.#controller = undefined;
    controller?.abort(reason);
  }
}
