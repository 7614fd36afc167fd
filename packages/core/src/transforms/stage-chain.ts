import type { GatewayError } from '../errors.js';
import type { ChatChunk, ChunkChoice } from '../wire/chat.js';
import { checkChunk } from './check-answer.js';
import { atOnce, hookFailure, isOnPurpose, Nonsense } from './hook-failure.js';
import { freezeChunk } from './protect.js';
import type { ChunkStage } from './types.js';

/** A stage of one stream, and who is told what becomes of it. */
export interface ChainedStage {
  readonly name: string;
  readonly stage: ChunkStage;
  readonly optional: boolean;
  /** It let something else go on than what it was given. */
  changed(): void;
  /** It failed, and is passed over from now on. */
  skipped(error: GatewayError): void;
}

/** What came of some chunks: what goes on, and the error that ends the stream after it. */
export interface Staged {
  readonly chunks: readonly ChatChunk[];
  readonly error?: GatewayError;
}

type Chunks = readonly ChatChunk[];

/** The stages of a stream, one after the other. Synchronous; what a stage does wrong ends here. */
export class StageChain {
  #stages: readonly ChainedStage[];
  #last: ChatChunk | undefined;
  #isOver = false;
  #isAbandoned = false;
  /** Positions of stages that were told the end: each is told once. */
  readonly #told = new Set<number>();

  constructor(stages: readonly ChainedStage[]) {
    this.#stages = stages;
  }

  push(chunks: Chunks): Staged {
    const [only] = chunks;
    const passed: ChatChunk[] = [];
    try {
      if (chunks.length === 1 && only !== undefined && only.usage === undefined) return { chunks: this.#one(only) };
      for (const chunk of chunks) {
        passed.push(...(chunk.usage === undefined ? this.#one(chunk) : this.#lastOne(chunk)));
      }
      return { chunks: passed };
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      return { chunks: [...passed, ...this.#endAfter(error.position)], error: error.reason };
    }
  }

  /** What all stages hold back. Nothing comes after it. */
  end(): Staged {
    try {
      return { chunks: this.#isOver ? [] : this.#flush() };
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      return { chunks: this.#endAfter(error.position), error: error.reason };
    }
  }

  /** Nobody reads on: stages are told the end, what they held goes nowhere, and the host hears of what they throw. */
  abandon(): void {
    if (this.#isOver) return;
    this.#isAbandoned = true;
    this.#flush();
  }

  /** One chunk through all stages. This runs for every token, and most stages let most chunks be. */
  #one(chunk: ChatChunk): Chunks {
    this.#last = freezeChunk(chunk);
    const stages = this.#stages;
    let position = 0;
    try {
      for (const { stage } of stages) {
        const given = stage.chunk(chunk);
        if (given.length !== 1 || given[0] !== chunk) {
          return this.#through(this.#taken(position, given, chunk), position + 1);
        }
        position += 1;
      }
    } catch (thrown) {
      if (thrown instanceof Failed) throw thrown;
      return this.#through([...this.#failed(position, thrown), chunk], position + 1);
    }
    return [chunk];
  }

  /**
   * The chunk with the usage, which no stage sees or changes: it goes onto whatever is last. Finish reasons stand behind
   * everything that was held back.
   */
  #lastOne({ usage, openrouter_metadata: metadata, ...chunk }: ChatChunk): Chunks {
    const shown = [...this.#one(chunk), ...this.#flush()];
    const isFinish = ({ choices }: ChatChunk): boolean => choices.some(({ finish_reason: reason }) => reason !== null);
    const ordered = [...shown.filter((one) => !isFinish(one)), ...shown.filter(isFinish)];
    const last = ordered.at(-1);
    const carrier = last !== undefined && isFinish(last) ? last : withoutContent(chunk);
    const before = carrier === last ? ordered.slice(0, -1) : ordered;
    return [
      ...before,
      {
        ...carrier,
        ...(usage !== undefined && { usage }),
        ...(metadata !== undefined && { openrouter_metadata: metadata }),
      },
    ];
  }

  /** Sends chunks through the stages from a position on. */
  #through(chunks: Chunks, from: number): Chunks {
    let current = chunks;
    for (let position = from; position < this.#stages.length && current.length > 0; position += 1) {
      const [only] = current;
      current =
        current.length === 1 && only !== undefined
          ? this.#stage(position, only)
          : current.flatMap((chunk) => this.#stage(position, chunk));
    }
    return current;
  }

  #stage(position: number, chunk: ChatChunk): Chunks {
    const chained = this.#stages[position];
    if (chained === undefined) return [chunk];
    try {
      return this.#taken(position, chained.stage.chunk(chunk), chunk);
    } catch (thrown) {
      return [...this.#failed(position, thrown), chunk];
    }
  }

  /** What a stage gave for a chunk. @throws Nonsense */
  #taken(position: number, given: unknown, chunk: ChatChunk): Chunks {
    const taken = checked(given, chunk);
    if (taken.length !== 1 || taken[0] !== chunk) this.#stages[position]?.changed();
    return taken;
  }

  #flush(): Chunks {
    this.#isOver = true;
    let held: Chunks = [];
    for (let position = 0; position < this.#stages.length; position += 1) {
      held = [...held.flatMap((chunk) => this.#stage(position, chunk)), ...this.#endOf(position)];
    }
    return held;
  }

  #endOf(position: number): Chunks {
    try {
      return this.#lastOf(position);
    } catch (thrown) {
      return this.#failed(position, thrown);
    }
  }

  /** What a stage held. Without a chunk before it there was nothing to hold, and the stage is told all the same. */
  #lastOf(position: number): Chunks {
    const { stage } = this.#stages[position] ?? {};
    if (stage?.end === undefined || this.#told.has(position)) return [];
    this.#told.add(position);
    const given = atOnce(stage.end());
    return this.#last === undefined ? [] : checked(given, this.#last);
  }

  /** Passes over an optional stage, which may still give what it held; anything else ends the stream. */
  #failed(position: number, thrown: unknown): Chunks {
    const chained = this.#stages[position];
    const error = hookFailure(chained?.name ?? '', 'stage', thrown);
    // With nobody there to be refused anything, a failure is the host's to know, and the other stages hear of the end.
    const isPassed = this.#isAbandoned || (chained?.optional === true && !isOnPurpose(thrown));
    if (chained === undefined || !isPassed) throw new Failed(position, error);
    chained.skipped(error);
    let held: Chunks = [];
    try {
      held = this.#lastOf(position);
    } catch {
      // It failed before, and the host knows.
    }
    this.#stages = this.#stages.map((one) => (one === chained ? { ...one, stage: PASSING } : one));
    return held;
  }

  /**
   * What stages behind a failed one held: it has gone through the failed one. Those in front of it are told the end too,
   * and what they held has not.
   */
  #endAfter(position: number): Chunks {
    this.#isOver = true;
    const behind = new StageChain(this.#stages.slice(position + 1));
    behind.#last = this.#last;
    const held = behind.end().chunks;
    for (let before = 0; before < position; before += 1) {
      try {
        this.#lastOf(before);
      } catch (thrown) {
        const chained = this.#stages[before];
        chained?.skipped(hookFailure(chained.name, 'stage', thrown));
      }
    }
    return held;
  }
}

/** Ends a stream; what is behind the position is still let go. */
class Failed extends Error {
  readonly position: number;
  readonly reason: GatewayError;

  constructor(position: number, reason: GatewayError) {
    super(reason.message);
    this.position = position;
    this.reason = reason;
  }
}

const PASSING: ChunkStage = { chunk: (chunk) => [chunk] };

function checked(made: unknown, before: ChatChunk): Chunks {
  const given = atOnce(made);
  if (!Array.isArray(given)) throw new Nonsense('expected a list of chunks');
  return given.map((one: unknown) => (one === before ? before : freezeChunk(checkChunk(one, before))));
}

function withoutContent(chunk: ChatChunk): ChatChunk {
  return { ...chunk, choices: chunk.choices.map((choice): ChunkChoice => ({ ...choice, delta: {}, logprobs: null })) };
}
