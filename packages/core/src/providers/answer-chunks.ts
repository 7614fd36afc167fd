import type { ChatChunk, ChunkChoice, Delta, FinishReason } from '../wire/chat.js';
import { toFinishReason } from './finish-reason.js';
import type { CallContext } from './types.js';

/** How a choice ended. */
export interface ChoiceEnd {
  /** The provider's own word, null where it gave none. */
  readonly native: string | null;
  readonly calledTools: boolean;
  /** By default what the provider's word means where it is one of the usual ones. */
  readonly reason?: FinishReason;
}

/** Makes the chunks of one answer: what is the same on all of them, and the role once a choice. */
export class AnswerChunks {
  readonly #context: CallContext;
  readonly #started = new Set<number>();
  #facts: { readonly system_fingerprint?: string; readonly service_tier?: string } = {};

  constructor(context: CallContext) {
    this.#context = context;
  }

  /** Whether anything of any choice has been made. */
  get started(): boolean {
    return this.#started.size > 0;
  }

  /** Facts of the answer that every chunk from here on carries; what is no string is not known. */
  note(facts: { readonly fingerprint?: unknown; readonly tier?: unknown }): void {
    const { fingerprint, tier } = facts;
    if (typeof fingerprint === 'string' && fingerprint !== this.#facts.system_fingerprint) {
      this.#facts = { ...this.#facts, system_fingerprint: fingerprint };
    }
    if (typeof tier === 'string' && tier !== this.#facts.service_tier) {
      this.#facts = { ...this.#facts, service_tier: tier };
    }
  }

  /** A step of a choice, behind the chunk with the role if it is the first. */
  content(index: number, delta: Delta, logprobs: unknown = null): readonly ChatChunk[] {
    const chunk = this.#chunk({ index, delta, finish_reason: null, native_finish_reason: null, logprobs });
    if (this.#started.has(index)) return [chunk];
    return [this.#start(index, delta.tool_calls !== undefined && delta.content === undefined), chunk];
  }

  /** The end of a choice. */
  finish(
    index: number,
    { native, calledTools, reason = toFinishReason(native, calledTools) }: ChoiceEnd,
  ): readonly ChatChunk[] {
    const chunk = this.#chunk({
      index,
      delta: {},
      finish_reason: reason,
      native_finish_reason: native,
      logprobs: null,
    });
    return this.#started.has(index) ? [chunk] : [this.#start(index, false), chunk];
  }

  #start(index: number, callsFirst: boolean): ChatChunk {
    this.#started.add(index);
    return this.#chunk({
      index,
      delta: { role: 'assistant', content: callsFirst ? null : '' },
      finish_reason: null,
      native_finish_reason: null,
      logprobs: null,
    });
  }

  #chunk(choice: ChunkChoice): ChatChunk {
    const { generationId, created, model, provider } = this.#context;
    return {
      id: generationId,
      object: 'chat.completion.chunk',
      created,
      model,
      provider,
      ...this.#facts,
      choices: [choice],
    };
  }
}
