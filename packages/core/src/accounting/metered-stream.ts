import type { Cancellation } from '../cancellation.js';
import type { CancelTimer, Clock } from '../clock.js';
import { GatewayError, toGatewayError } from '../errors.js';
import type { RoutedStream } from '../routing/types.js';
import type { ChatChunk, Usage } from '../wire/chat.js';
import type { Bill, EndFacts } from './bill.js';
import type { Ending } from './settlement.js';
import { deltaBytes } from './usage.js';

/** What a metered stream takes from its call. */
export interface MeterParts {
  readonly bill: Bill;
  readonly scope: Cancellation;
  readonly clock: Clock;
  /** Bytes of text that are read at most of an answer whose client is gone. */
  readonly drainBytes: number;
  /** The client leaves: tells the call, so that its attempt stops or is drained. */
  leave(): void;
}

type Chunks = readonly ChatChunk[] | undefined;

/** What a long answer is worth is noted this often. */
const CHECKPOINT_MS = 10_000;
/** A provider that writes more than so many bytes for each token that was paid for is cut off. */
const BYTES_PER_TOKEN = 8;

/**
 * A stream that is counted on its way to the client and closes its bill at its end, whichever that is. The last chunk
 * carries usage and charge, and is handed over once the charge is written.
 */
export class MeteredStream {
  readonly model: string;
  readonly provider: string;
  readonly #stream: RoutedStream;
  readonly #parts: MeterParts;
  readonly #mostBytes: number;
  readonly #firstContentAt: number;
  #shownBytes = 0;
  #finish: { readonly reason: string; readonly native: string | undefined } | undefined;
  #over = false;
  /** What ended the call from outside; whoever reads on is told. */
  #stopped: Error | undefined;
  #cancelCheckpoint: CancelTimer;

  constructor(stream: RoutedStream, parts: MeterParts) {
    this.#stream = stream;
    this.#parts = parts;
    this.model = stream.model;
    this.provider = stream.provider;
    this.#mostBytes = parts.bill.outputBound(stream.endpoint) * BYTES_PER_TOKEN;
    this.#firstContentAt = parts.clock.now();
    this.#cancelCheckpoint = this.#nextCheckpoint();
    parts.scope.follow(this.#onScopeEnd);
  }

  /** The chunks that `read` gave last were the last ones. */
  get ended(): boolean {
    return this.#over;
  }

  /** Of text that the provider wrote, seen by the client or not. */
  get #bytes(): number {
    return this.#shownBytes + this.#stream.hiddenBytes;
  }

  /** The next chunks; undefined after the end. @throws GatewayError where the answer breaks off. */
  read(): Promise<Chunks> {
    if (this.#over) return this.#afterEnd();
    return this.#stream.read().then(this.#onChunks, this.#onError);
  }

  /** Nobody wants the rest. */
  cancel(): void {
    if (this.#over) return;
    this.#parts.leave();
    this.#onGone();
  }

  /** The gateway itself ends the answer here: the upstream stops, and what was written until now is charged. */
  async breakOff(thrown: unknown): Promise<void> {
    if (this.#over) return;
    const { code, status, message } = toGatewayError(thrown);
    this.#stream.cancel();
    const ending: Ending = { kind: 'withheld', bytes: this.#bytes };
    await this.#close(ending, { finishReason: 'error', error: { code, status, message } }).durable;
  }

  /** Usage of an answer that broke off; the bill is closed by then. */
  brokenUsage(): Usage {
    return this.#close({ kind: 'broken', bytes: this.#bytes }).usage;
  }

  readonly #onChunks = (chunks: Chunks): Chunks | Promise<Chunks> => {
    if (this.#over) return this.#afterEnd();
    if (chunks === undefined) {
      this.cancel();
      return undefined;
    }
    for (const chunk of chunks) this.#count(chunk);
    if (this.#stream.ended) return this.#complete(chunks);
    if (this.#bytes > this.#mostBytes) return this.#cutOff(chunks);
    return chunks;
  };

  readonly #onError = async (thrown: unknown): Promise<Chunks> => {
    if (this.#over) return this.#afterEnd();
    await this.#break(thrown).durable;
    throw thrown;
  };

  /** Nothing comes after the end, but for the reason where it came from outside. */
  async #afterEnd(): Promise<Chunks> {
    if (this.#stopped === undefined) return undefined;
    await this.#break(this.#stopped).durable;
    throw this.#stopped;
  }

  #break(thrown: unknown): ReturnType<Bill['close']> {
    const error = toGatewayError(thrown);
    const { code, status, message } = error;
    const ending: Ending =
      code === 'client_closed'
        ? { kind: 'cancelled', bytes: this.#bytes, drained: false }
        : { kind: 'broken', bytes: this.#bytes };
    return this.#close(ending, { finishReason: 'error', error: { code, status, message } });
  }

  /** The call ended from outside, and perhaps nobody reads any more. */
  readonly #onScopeEnd = (reason: Error): void => {
    if (reason instanceof GatewayError && reason.code === 'client_closed') this.#onGone();
    else {
      this.#stopped = reason;
      this.#break(reason);
    }
  };

  #onGone(): void {
    if (this.#over) return;
    if (this.#stream.draining) {
      void this.#drain();
      return;
    }
    this.#stream.cancel();
    this.#close({ kind: 'cancelled', bytes: this.#bytes, drained: false });
  }

  /** Reads on without a client, so that the charge is what the provider charges. */
  async #drain(): Promise<void> {
    this.#over = true;
    const first = this.#bytes;
    try {
      for (let chunks = await this.#stream.read(); chunks !== undefined; chunks = await this.#stream.read()) {
        for (const chunk of chunks) this.#count(chunk);
        if (this.#stream.ended) break;
        if (this.#bytes - first > this.#parts.drainBytes) this.#stream.cancel();
      }
      this.#close({ kind: 'cancelled', bytes: this.#bytes, drained: this.#finish !== undefined });
    } catch {
      this.#close({ kind: 'cancelled', bytes: this.#bytes, drained: false });
    }
  }

  #count(chunk: ChatChunk): void {
    for (const choice of chunk.choices) {
      this.#shownBytes += deltaBytes(choice);
      if (choice.finish_reason === null) continue;
      this.#finish = { reason: choice.finish_reason, native: choice.native_finish_reason ?? undefined };
    }
  }

  #complete(chunks: readonly ChatChunk[]): Promise<Chunks> {
    const bytes = this.#bytes;
    const isBroken = this.#finish?.reason === 'error';
    const blank = this.#finish?.native === undefined;
    return this.#charged(chunks, isBroken ? { kind: 'broken', bytes } : { kind: 'completed', bytes, blank });
  }

  async #charged(chunks: readonly ChatChunk[], ending: Ending): Promise<Chunks> {
    const { usage, durable } = this.#close(ending);
    await durable;
    return withUsage(chunks, usage);
  }

  /** The provider does not keep to the bound: the answer ends where what was paid for ends. */
  #cutOff(chunks: readonly ChatChunk[]): Promise<Chunks> {
    this.#stream.cancel();
    const last = chunks.at(-1);
    if (last === undefined) return Promise.resolve(undefined);
    const finish: ChatChunk = {
      ...last,
      choices: [{ index: 0, delta: {}, finish_reason: 'length', native_finish_reason: null, logprobs: null }],
    };
    this.#count(finish);
    return this.#charged([...chunks, finish], { kind: 'cut', bytes: this.#bytes });
  }

  #close(ending: Ending, facts: EndFacts = {}): ReturnType<Bill['close']> {
    const { bill, scope } = this.#parts;
    this.#over = true;
    this.#cancelCheckpoint();
    scope.unfollow(this.#onScopeEnd);
    return bill.close(ending, {
      finishReason: this.#finish?.reason,
      nativeFinishReason: this.#finish?.native,
      firstContentAt: this.#firstContentAt,
      ...facts,
    });
  }

  #nextCheckpoint(): CancelTimer {
    const { clock, bill } = this.#parts;
    return clock.after(CHECKPOINT_MS, () => {
      bill.checkpoint(this.#bytes);
      this.#cancelCheckpoint = this.#nextCheckpoint();
    });
  }
}

/** Finish reason and cost stand on the same, last chunk: clients read either there. */
function withUsage(chunks: readonly ChatChunk[], usage: Usage): readonly ChatChunk[] {
  return chunks.map((chunk, position) => (position === chunks.length - 1 ? { ...chunk, usage } : chunk));
}
