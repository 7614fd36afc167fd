import {
  type Accumulated,
  accumulate,
  type ChatChunk,
  type ChatCompletion,
  type ChunkStage,
  type Delta,
  type FinishReason,
  type Transform,
  type TransformContext,
} from '@gatehouse/core';

/** A context as a gateway gives it, with what was noted. */
export interface TestContext<Options> extends TransformContext<Options> {
  readonly noted: readonly Readonly<Record<string, unknown>>[];
}

/** The context of a call that says nothing of itself. */
export function contextOf<Options>(
  transform: Transform<Options>,
  facts: Partial<TransformContext<Options>> = {},
): TestContext<Options> {
  const noted: Readonly<Record<string, unknown>>[] = [];
  return {
    options: (facts.options ?? transform.defaults ?? {}) as Options,
    generationId: 'gen-1790000000-AbCdEfGhIjKlMnOpQrSt',
    requestId: 'req_test',
    account: 'default',
    label: 'a key',
    tags: [],
    headers: {},
    stream: true,
    startedAt: 1_790_000_000_000,
    signal: new AbortController().signal,
    note: (data) => noted.push(data),
    noted,
    ...facts,
  };
}

/** A chunk with one choice. */
export function piece(delta: Delta, finish: FinishReason | null = null, index = 0): ChatChunk {
  return {
    id: 'gen-1790000000-AbCdEfGhIjKlMnOpQrSt',
    object: 'chat.completion.chunk',
    created: 1_790_000_000,
    model: 'acme/model',
    provider: 'Acme',
    choices: [
      { index, delta, finish_reason: finish, native_finish_reason: finish === null ? null : 'end', logprobs: null },
    ],
  };
}

/** What a stage makes of chunks, its end included. */
export function through(stage: ChunkStage, chunks: readonly ChatChunk[]): readonly ChatChunk[] {
  return [...chunks.flatMap((chunk) => stage.chunk(chunk)), ...(stage.end?.() ?? [])];
}

/** The deltas of chunks with one choice each, a finish reason in brackets. */
export function deltasOf(chunks: readonly ChatChunk[]): readonly unknown[] {
  return chunks.flatMap(({ choices }) =>
    choices.map(({ delta, finish_reason: finish }) => (finish === null ? delta : { ...delta, finish })),
  );
}

/** The whole answer that chunks come to. */
export function wholeOf(chunks: readonly ChatChunk[]): ChatCompletion {
  const { choices } = accumulate(chunks);
  return completionOf(choices);
}

/** A whole answer with these choices. */
export function completionOf(choices: Accumulated['choices']): ChatCompletion {
  return {
    id: 'gen-1790000000-AbCdEfGhIjKlMnOpQrSt',
    object: 'chat.completion',
    created: 1_790_000_000,
    model: 'acme/model',
    provider: 'Acme',
    system_fingerprint: null,
    choices,
    usage: {
      prompt_tokens: 1,
      completion_tokens: 1,
      total_tokens: 2,
      prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0 },
      cost: 0,
      is_byok: false,
      cost_details: {
        upstream_inference_cost: 0,
        upstream_inference_prompt_cost: 0,
        upstream_inference_completions_cost: 0,
      },
    },
  };
}
