import type { GatewayError } from '../errors.js';
import type { ChatChunk, Usage } from '../wire/chat.js';
import type { StageChain, Staged } from './stage-chain.js';

/** A stream as a client is given it, whatever it goes through before. */
export interface AnswerStream {
  /** Canonical id of the model that answers. */
  readonly model: string;
  /** Display name of the provider that answers. */
  readonly provider: string;
  /** The chunks that `read` gave last were the last ones. */
  readonly ended: boolean;
  read(): Promise<readonly ChatChunk[] | undefined>;
  cancel(): void;
  /** Ends the answer here, charged for what came of it. */
  breakOff(thrown: unknown): Promise<void>;
  /** Closes the account of an answer that broke off. */
  brokenUsage(): Usage;
}

type Chunks = readonly ChatChunk[] | undefined;

/**
 * A charged stream on its way through stages. What they hold back comes out before the end, also where the answer breaks
 * off; a stage that fails breaks the answer off, and what was written is charged. Where the client leaves, stages are told
 * the end as well: some keep accounts of their own.
 */
export class StagedStream implements AnswerStream {
  readonly #source: AnswerStream;
  readonly #chain: StageChain;
  #error: unknown;
  #isBroken = false;
  #isLeft = false;

  constructor(source: AnswerStream, chain: StageChain) {
    this.#source = source;
    this.#chain = chain;
  }

  get model(): string {
    return this.#source.model;
  }

  get provider(): string {
    return this.#source.provider;
  }

  get ended(): boolean {
    return this.#source.ended && !this.#isBroken;
  }

  read(): Promise<Chunks> {
    if (this.#isBroken) return this.#throw();
    return this.#source.read().then(this.#onChunks, this.#onError);
  }

  cancel(): void {
    this.#source.cancel();
    this.#leave();
  }

  breakOff(thrown: unknown): Promise<void> {
    return this.#source.breakOff(thrown);
  }

  brokenUsage(): Usage {
    return this.#source.brokenUsage();
  }

  readonly #onChunks = (chunks: Chunks): Chunks | Promise<Chunks> => {
    if (chunks === undefined) this.#leave();
    if (chunks === undefined || this.#isLeft) return undefined;
    const staged = this.#chain.push(chunks);
    if (staged.error !== undefined) return this.#broken(staged, staged.error);
    // Everything may be held back for the moment.
    return staged.chunks.length === 0 && !this.#source.ended ? this.read() : staged.chunks;
  };

  readonly #onError = (error: unknown): Chunks | Promise<Chunks> => this.#after(this.#chain.end(), error);

  /** Nothing comes any more. Nobody can be told what stages do wrong now but the host. */
  #leave(): void {
    this.#isLeft = true;
    this.#chain.abandon();
  }

  async #broken(staged: Staged, error: GatewayError): Promise<Chunks> {
    await this.#source.breakOff(error);
    return this.#after(staged, error);
  }

  /** Gives what is left, and the error at the next reading. */
  #after({ chunks }: Staged, error: unknown): Chunks | Promise<Chunks> {
    this.#isBroken = true;
    this.#error = error;
    return chunks.length === 0 ? this.#throw() : chunks;
  }

  /** Once: whoever reads on finds the end. */
  #throw(): Promise<Chunks> {
    const error = this.#error;
    this.#error = undefined;
    return error === undefined ? Promise.resolve(undefined) : Promise.reject(error);
  }
}
