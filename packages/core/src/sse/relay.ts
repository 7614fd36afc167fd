import type { CancelTimer, Clock } from '../clock.js';
import type { ChatChunk } from '../wire/chat.js';
import type { FrameFormat } from './encode.js';

/** What the relay needs of a stream. */
export interface RelaySource {
  readonly ended: boolean;
  read(): Promise<readonly ChatChunk[] | undefined>;
  cancel(): void;
}

/** How one stream is relayed. */
export interface RelayOptions {
  readonly format: FrameFormat;
  readonly clock: Clock;
  /** Milliseconds without output after which a keep-alive is sent. */
  readonly keepAliveMs: number;
  /** Milliseconds that a client may leave a frame unread. */
  readonly clientStallMs: number;
  /** Maps each batch of chunks just before it is framed; synchronous. */
  readonly stage: (chunks: readonly ChatChunk[]) => readonly ChatChunk[];
  /** The last chunk of a stream that broke off; undefined where nobody is left to read it. */
  readonly failure: (thrown: unknown) => ChatChunk | undefined;
  /** Drops a client that does not read. */
  readonly disconnect: () => void;
  /** Called once, however the stream ends; `complete` where its source has nothing left to stop. */
  readonly done: (complete: boolean) => void;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * A stream of chunks as frames, pulled by the host one write at a time: whoever does not pull stops the upstream. What
 * one network read brought becomes one write. One timer a stream, set when it is due and not at every chunk.
 */
export class Relay implements AsyncIterableIterator<string> {
  readonly #options: RelayOptions;
  #source: RelaySource | undefined;
  readonly #opening: Promise<RelaySource>;
  #waiter: ((result: IteratorResult<string, undefined>) => void) | undefined;
  #ready: string | undefined;
  #reading = false;
  #over = false;
  #released = false;
  #frames = 0;
  #lastOutput: number;
  #timer: CancelTimer | undefined;

  /** The source may still be opening: until it is, keep-alives are sent. */
  constructor(opening: Promise<RelaySource> | RelaySource, options: RelayOptions) {
    this.#options = options;
    this.#source = opening instanceof Promise ? undefined : opening;
    this.#opening = Promise.resolve(opening);
    // Whoever reads is told; where nobody reads any more, nobody needs to be.
    this.#opening.catch(() => undefined);
    this.#lastOutput = options.clock.now();
    this.#arm(options.keepAliveMs);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<string, undefined>> {
    const ready = this.#ready;
    if (ready !== undefined) {
      this.#ready = undefined;
      return Promise.resolve(this.#hand(ready));
    }
    if (this.#over) {
      this.#release();
      return Promise.resolve(DONE);
    }
    return new Promise((resolve) => {
      this.#waiter = resolve;
      if (!this.#reading) this.#read();
    });
  }

  /** The host gives up: the upstream stops. */
  return(): Promise<IteratorResult<string, undefined>> {
    this.#over = true;
    this.#ready = undefined;
    this.#source?.cancel();
    this.#release();
    this.#waiter?.(DONE);
    this.#waiter = undefined;
    return Promise.resolve(DONE);
  }

  /** Sends a keep-alive as the first frame, for a source that is slow to open. */
  keepAliveFirst(): void {
    this.#ready = this.#options.format.keepAlive;
  }

  #read(): void {
    this.#reading = true;
    if (this.#source === undefined) {
      this.#opening.then((source) => {
        this.#source = source;
        if (this.#over) source.cancel();
        else this.#readFrom(source);
      }, this.#onFailure);
    } else {
      this.#readFrom(this.#source);
    }
  }

  #readFrom(source: RelaySource): void {
    source.read().then(this.#onChunks, this.#onFailure);
  }

  readonly #onChunks = (chunks: readonly ChatChunk[] | undefined): void => {
    this.#deliver(chunks ?? [], chunks === undefined || this.#source?.ended === true);
  };

  readonly #onFailure = (error: unknown): void => this.#fail(error);

  #deliver(chunks: readonly ChatChunk[], last: boolean): void {
    if (this.#over) return;
    const { format, stage } = this.#options;
    let text = '';
    for (const chunk of stage(chunks)) {
      text += format.frame(chunk, this.#frames);
      this.#frames += 1;
    }
    if (last) {
      text += format.end;
      this.#over = true;
    }
    this.#reading = false;
    if (text === '' && !last) this.#read();
    else this.#emit(text);
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    const { format, failure } = this.#options;
    const chunk = failure(error);
    this.#over = true;
    this.#reading = false;
    this.#emit(chunk === undefined ? '' : format.frame(chunk, this.#frames) + format.end);
  }

  #emit(text: string): void {
    const waiter = this.#waiter;
    if (waiter === undefined) {
      if (text !== '') this.#ready = (this.#ready ?? '') + text;
      return;
    }
    this.#waiter = undefined;
    if (text !== '') {
      waiter(this.#hand(text));
    } else {
      this.#release();
      waiter(DONE);
    }
  }

  #hand(value: string): IteratorResult<string, undefined> {
    this.#lastOutput = this.#options.clock.now();
    return { done: false, value };
  }

  #arm(milliseconds: number): void {
    this.#timer = this.#options.clock.after(milliseconds, () => this.#tick());
  }

  /** Nothing came out for a while: either the upstream is quiet, or the client does not take what is there. */
  #tick(): void {
    this.#timer = undefined;
    const { clock, keepAliveMs, clientStallMs, disconnect, format } = this.#options;
    const quiet = clock.now() - this.#lastOutput;
    const limit = this.#waiter === undefined ? clientStallMs : keepAliveMs;
    if (quiet < limit) {
      this.#arm(Math.min(limit - quiet, keepAliveMs));
    } else if (this.#waiter === undefined) {
      disconnect();
    } else {
      this.#arm(keepAliveMs);
      this.#emit(format.keepAlive);
    }
  }

  #release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#timer?.();
    this.#timer = undefined;
    this.#options.done(this.#source?.ended === true);
  }
}
