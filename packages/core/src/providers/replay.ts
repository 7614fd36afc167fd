import type { ChatChunk, Choice, ChunkChoice, Delta } from '../wire/chat.js';
import type { CallContext, DecodedAnswer, EventReader, StreamDecoder } from './types.js';

/** A reader without events: the whole answer is in the decoder already. */
const nothingToRead: EventReader = {
  read: () => Promise.resolve(undefined),
  release: () => undefined,
  discard: () => undefined,
};

/** A whole answer as if it had been streamed, for upstreams that cannot: one content chunk a choice, then its finish. */
export function replay(
  answer: DecodedAnswer,
  context: CallContext,
): { readonly reader: EventReader; readonly decoder: StreamDecoder } {
  const decoder: StreamDecoder = {
    state: 'finished',
    push: () => [],
    end: () => [...answer.choices.flatMap((choice) => contentOf(choice)), ...answer.choices.map(finishOf)].map(toChunk),
    usage: () => answer.usage,
  };
  const toChunk = (choice: ChunkChoice): ChatChunk => ({
    id: context.generationId,
    object: 'chat.completion.chunk',
    created: context.created,
    model: context.model,
    provider: context.provider,
    ...(answer.systemFingerprint !== null && { system_fingerprint: answer.systemFingerprint }),
    ...(answer.serviceTier !== undefined && { service_tier: answer.serviceTier }),
    choices: [choice],
  });
  return { reader: nothingToRead, decoder };
}

function contentOf(choice: Choice): readonly ChunkChoice[] {
  const { role, content, refusal, tool_calls: calls, annotations, images = [], ...rest } = choice.message;
  const delta: Delta = {
    ...rest,
    ...(content !== null && content !== '' && { content }),
    ...(refusal !== null && { refusal }),
    ...(annotations !== undefined && { annotations: annotations.map(numbered) }),
    ...(calls !== undefined && { tool_calls: calls.map((call, index) => ({ index, ...call })) }),
  };
  const first = stepOf(choice, { role, content: content === null ? null : '' }, null);
  const pictures = images.map((image, index) => stepOf(choice, { images: [{ index, ...image }] }, null));
  const said = Object.keys(delta).length === 0 ? [] : [stepOf(choice, delta, choice.logprobs)];
  return [first, ...said, ...pictures];
}

/** Entries of lists are numbered in a stream. */
function numbered(entry: unknown, index: number): unknown {
  return typeof entry === 'object' && entry !== null ? { ...entry, index } : entry;
}

function stepOf(choice: Choice, delta: Delta, logprobs: unknown): ChunkChoice {
  return { index: choice.index, delta, finish_reason: null, native_finish_reason: null, logprobs };
}

function finishOf(choice: Choice): ChunkChoice {
  const { index, finish_reason, native_finish_reason } = choice;
  return { index, delta: {}, finish_reason, native_finish_reason, logprobs: null };
}
