import type { ChatChunk, Choice, ChunkChoice } from '../wire/chat.js';
import type { DecodedAnswer } from './types.js';

/**
 * Takes the reasoning out of one stream, batch by batch, for clients that want none shown. Chunks that had nothing else
 * are left out; the role that opens an answer waits for something to be seen of it.
 */
export function hideReasoning(): (chunks: readonly ChatChunk[]) => readonly ChatChunk[] {
  let opening: ChatChunk[] = [];
  const hide = (chunk: ChatChunk): readonly ChatChunk[] => {
    const shown = withoutReasoning(chunk);
    if (shown === undefined) return [];
    if (shown.choices.length > 0 && shown.choices.every(isSilent)) {
      opening.push(shown);
      return [];
    }
    const released = [...opening, shown];
    opening = [];
    return released;
  };
  return (chunks) => chunks.flatMap(hide);
}

/** The same for a whole answer. */
export function hideReasoningOf(answer: DecodedAnswer): DecodedAnswer {
  return { ...answer, choices: answer.choices.map(silent) };
}

function withoutReasoning(chunk: ChatChunk): ChatChunk | undefined {
  if (chunk.choices.every(({ delta }) => delta.reasoning === undefined && delta.reasoning_details === undefined)) {
    return chunk;
  }
  const choices = chunk.choices.map(spoken).filter((choice) => choice.delta.role !== undefined || !isSilent(choice));
  return choices.length === 0 ? undefined : { ...chunk, choices };
}

/** Whether a step says nothing, but perhaps in which role. */
function isSilent({ delta: { role: _, content, ...rest }, finish_reason: finish }: ChunkChoice): boolean {
  return (content ?? '') === '' && finish === null && Object.keys(rest).length === 0;
}

function spoken(choice: ChunkChoice): ChunkChoice {
  const { reasoning: _, reasoning_details: __, ...delta } = choice.delta;
  return { ...choice, delta };
}

function silent(choice: Choice): Choice {
  const { reasoning: _, reasoning_details: __, ...message } = choice.message;
  return { ...choice, message };
}
