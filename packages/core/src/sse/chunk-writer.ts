import type { ChatChunk, ChunkChoice } from '../wire/chat.js';

/** The fields before `choices`, which are the same in nearly all chunks of a stream. */
const HEAD = ['id', 'object', 'created', 'model', 'provider', 'system_fingerprint', 'service_tier'] as const;

/**
 * Writes the chunks of one stream as JSON, as `JSON.stringify` would, between two texts. What is the same in all of them
 * is written once, and a chunk that carries a piece of text and nothing else, as most do, costs no more than that text.
 */
export function chunkWriter(before: string, after: string): (chunk: ChatChunk) => string {
  const afterText = `},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}${after}`;
  let written: ChatChunk | undefined;
  let beforeChoices = '';
  let beforeText = '';
  return (chunk) => {
    if (chunk.usage !== undefined || chunk.error !== undefined) return before + JSON.stringify(chunk) + after;
    if (written === undefined || !sameHead(written, chunk)) {
      written = chunk;
      beforeChoices = `${before}${JSON.stringify(chunk, [...HEAD]).slice(0, -1)},"choices":`;
      beforeText = `${beforeChoices}[{"index":0,"delta":{"content":`;
    }
    const [choice] = chunk.choices;
    const text = chunk.choices.length === 1 && choice !== undefined ? plainText(choice) : undefined;
    return text === undefined
      ? `${beforeChoices}${JSON.stringify(chunk.choices)}}${after}`
      : beforeText + JSON.stringify(text) + afterText;
  };
}

function sameHead(a: ChatChunk, b: ChatChunk): boolean {
  return (
    a.id === b.id &&
    a.created === b.created &&
    a.model === b.model &&
    a.provider === b.provider &&
    a.system_fingerprint === b.system_fingerprint &&
    a.service_tier === b.service_tier
  );
}

/** The text of a choice that has nothing else to say. */
function plainText(choice: ChunkChoice): string | undefined {
  const { delta } = choice;
  if (choice.index !== 0 || choice.finish_reason !== null || choice.native_finish_reason !== null) return undefined;
  if (choice.logprobs !== null || typeof delta.content !== 'string') return undefined;
  for (const name in delta) {
    if (name !== 'content') return undefined;
  }
  return delta.content;
}
