import type { Endpoint } from '../catalog/model.js';
import type { UsageReport } from '../providers/types.js';
import type { ChatChunk } from '../wire/chat.js';
import type { AttemptStream } from './attempt-stream.js';
import type { RoutedStream } from './types.js';

/** A streamed answer that was held back until all of it was there: it cannot break off any more. */
export class BufferedStream implements RoutedStream {
  readonly endpoint: Endpoint;
  readonly hiddenBytes: number;
  readonly #usage: UsageReport | undefined;
  #chunks: readonly ChatChunk[] | undefined;

  private constructor(stream: AttemptStream, chunks: readonly ChatChunk[]) {
    this.endpoint = stream.endpoint;
    this.hiddenBytes = stream.hiddenBytes;
    this.#usage = stream.usage();
    this.#chunks = chunks;
  }

  /** Reads a stream to its end. @throws Failure where it breaks off. */
  static async of(stream: AttemptStream): Promise<BufferedStream> {
    const chunks: ChatChunk[] = [];
    for (let batch = await stream.read(); batch !== undefined; batch = await stream.read()) chunks.push(...batch);
    return new BufferedStream(stream, chunks);
  }

  get model(): string {
    return this.endpoint.model;
  }

  get provider(): string {
    return this.endpoint.provider.name;
  }

  get ended(): boolean {
    return this.#chunks === undefined;
  }

  /** All of it is there: what was not delivered is read at no cost. */
  get draining(): boolean {
    return true;
  }

  usage(): UsageReport | undefined {
    return this.#usage;
  }

  read(): Promise<readonly ChatChunk[] | undefined> {
    const chunks = this.#chunks;
    this.#chunks = undefined;
    return Promise.resolve(chunks);
  }

  cancel(): void {
    this.#chunks = undefined;
  }
}
