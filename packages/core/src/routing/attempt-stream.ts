import type { Endpoint } from '../catalog/model.js';
import type { Clock } from '../clock.js';
import type { GatewayError } from '../errors.js';
import { Failure } from '../failure.js';
import type { EventReader, StreamDecoder, UsageReport } from '../providers/types.js';
import type { ServerSentEvent } from '../sse/types.js';
import type { ChatChunk } from '../wire/chat.js';
import type { AttemptLink } from './attempt-link.js';
import type { RoutedStream, Timeouts } from './types.js';
import type { Watchdog } from './watchdog.js';

/** Who is told how a stream goes on after its first content. */
export interface StreamObserver {
  committed(): void;
  finished(usage: UsageReport | undefined): void;
  failed(failure: Failure): void;
  /** Nobody wants the rest. */
  left(): void;
}

/** With usage at hand there is little left to wait for after the finish: an eighth of the grace. */
const SHORT_GRACE = 8;

type Chunks = readonly ChatChunk[] | undefined;
type Filter = (chunks: readonly ChatChunk[]) => readonly ChatChunk[];

/**
 * Turns the events of one attempt into chunks, against the clock. It knows when an answer is complete: by its terminal
 * event, by its end, or by silence after every finish reason.
 *
 * Written with callbacks instead of `async`: this runs for every token, and each layer of `await` costs as much as
 * parsing one.
 */
export class AttemptStream implements RoutedStream {
  readonly endpoint: Endpoint;
  hiddenBytes = 0;
  readonly observer: StreamObserver;
  readonly #reader: EventReader;
  readonly #decoder: StreamDecoder;
  readonly #show: Filter | undefined;
  readonly #watchdog: Watchdog;
  readonly #clock: Clock;
  readonly #timeouts: Timeouts;
  readonly #link: AttemptLink;
  #closed = false;
  #started = false;
  #progressUntil: number | undefined;
  #first: Chunks;
  #blame: ((failure: Failure) => GatewayError) | undefined;

  constructor(parts: {
    readonly endpoint: Endpoint;
    readonly reader: EventReader;
    readonly decoder: StreamDecoder;
    /** Takes the reasoning out of the chunks, for a client that wants none shown. It is progress all the same. */
    readonly show?: Filter | undefined;
    readonly watchdog: Watchdog;
    readonly clock: Clock;
    readonly timeouts: Timeouts;
    readonly link: AttemptLink;
    readonly observer: StreamObserver;
  }) {
    this.endpoint = parts.endpoint;
    this.observer = parts.observer;
    this.#reader = parts.reader;
    this.#decoder = parts.decoder;
    this.#show = parts.show;
    this.#watchdog = parts.watchdog;
    this.#clock = parts.clock;
    this.#timeouts = parts.timeouts;
    this.#link = parts.link;
  }

  get model(): string {
    return this.endpoint.model;
  }

  get provider(): string {
    return this.endpoint.provider.name;
  }

  get ended(): boolean {
    return this.#closed && this.#first === undefined;
  }

  get draining(): boolean {
    return this.#link.draining;
  }

  usage(): UsageReport | undefined {
    return this.#decoder.usage();
  }

  /**
   * Waits for the first content that is shown. From then on there is no other endpoint: failures are what `blame` makes of them.
   *
   * @throws Failure before the first content, or whatever ended the call from outside.
   */
  async commit(blame: (failure: Failure) => GatewayError): Promise<this> {
    this.#first = await this.#advance();
    this.#blame = blame;
    this.observer.committed();
    return this;
  }

  read(): Promise<Chunks> {
    const first = this.#first;
    if (first === undefined) return this.#advance();
    this.#first = undefined;
    return Promise.resolve(first);
  }

  cancel(): void {
    this.#first = undefined;
    if (this.#closed) return;
    this.#close();
    this.#reader.discard();
    this.observer.left();
  }

  #advance(): Promise<Chunks> {
    if (this.#closed) return Promise.resolve(undefined);
    this.#expectEvent();
    return this.#reader.read().then(this.#onEvents, this.#onError);
  }

  readonly #onEvents = (events: readonly ServerSentEvent[] | undefined): Chunks | Promise<Chunks> => {
    if (this.#closed) return undefined;
    try {
      if (events === undefined) return this.#finish([]);
      const chunks = this.#decode(events);
      if (this.#decoder.state === 'complete') return this.#finish(chunks);
      if (chunks.length > 0) this.#progress();
      const shown = this.#shown(chunks);
      if (shown.length > 0) return this.#deliver(shown);
    } catch (error) {
      return this.#fail(error);
    }
    // Comments alone move no deadline.
    return events.length > 0 ? this.#advance() : this.#reader.read().then(this.#onEvents, this.#onError);
  };

  /** A stream that falls silent or breaks after every finish reason has said all that it had to say. */
  readonly #onError = (error: unknown): Chunks => {
    if (this.#closed) return undefined;
    if (this.#decoder.state !== 'finished') return this.#fail(error);
    try {
      return this.#finish([]);
    } catch (failure) {
      return this.#fail(failure);
    }
  };

  #fail(error: unknown): never {
    if (error instanceof Failure && this.#blame !== undefined) this.observer.failed(error);
    this.cancel();
    throw error instanceof Failure && this.#blame !== undefined ? this.#blame(error) : error;
  }

  #decode(events: readonly ServerSentEvent[]): readonly ChatChunk[] {
    const [only] = events;
    if (events.length === 1 && only !== undefined) return this.#decoder.push(only);
    return events.flatMap((event) => this.#decoder.push(event));
  }

  #finish(chunks: readonly ChatChunk[]): readonly ChatChunk[] {
    const last = this.#decoder.end();
    this.#close();
    this.#reader.release();
    this.observer.finished(this.#decoder.usage());
    return this.#shown(chunks.length === 0 ? last : [...chunks, ...last]);
  }

  #shown(chunks: readonly ChatChunk[]): readonly ChatChunk[] {
    if (this.#show === undefined) return chunks;
    for (const { choices } of chunks) {
      for (const { delta } of choices) this.hiddenBytes += Buffer.byteLength(delta.reasoning ?? '');
    }
    return this.#show(chunks);
  }

  #progress(): void {
    this.#started = true;
    this.#progressUntil = undefined;
  }

  /** The client decides when the next read is: until then the upstream is not late. */
  #deliver(chunks: readonly ChatChunk[]): readonly ChatChunk[] {
    this.#watchdog.rest();
    return chunks;
  }

  #expectEvent(): void {
    const { idleMs, progressMs, finishGraceMs } = this.#timeouts;
    if (this.#decoder.state === 'finished') {
      const last = this.#decoder.usageRepeats !== true && this.#decoder.usage() !== undefined;
      const grace = last ? finishGraceMs / SHORT_GRACE : finishGraceMs;
      this.#watchdog.expect(grace, 'the end of the stream');
    } else if (this.#started) {
      const now = this.#clock.now();
      this.#progressUntil ??= now + progressMs;
      this.#watchdog.expectAt(Math.min(now + idleMs, this.#progressUntil), 'the next event');
    }
  }

  #close(): void {
    this.#closed = true;
    this.#watchdog.stop();
    this.#link.cut();
  }
}
