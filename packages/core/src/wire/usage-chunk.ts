import type { ChatChunk } from './chat.js';

/**
 * Splits the last chunk of a stream as OpenRouter sends it: the finish first, then usage on a chunk of its own that
 * repeats the finish reason on one choice without content (loops over `chunk.choices[0]` fail on an empty list).
 */
export function separateUsage(chunk: ChatChunk): readonly ChatChunk[] {
  const { usage, ...finish } = chunk;
  const [choice] = chunk.choices;
  if (usage === undefined || choice === undefined || chunk.error !== undefined) return [chunk];
  return [finish, { ...finish, choices: [{ ...choice, index: 0, delta: {} }], usage }];
}
