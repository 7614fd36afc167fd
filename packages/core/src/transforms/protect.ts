import type { ChatChunk, Delta } from '../wire/chat.js';

/**
 * A frozen copy of plain data. Strings, which are nearly all of a prompt, are shared; what is frozen already is taken for
 * a copy that was made here.
 */
export function frozenCopy<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (copies.has(value)) return value;
  const made = Array.isArray(value) ? value.map(copy) : copyObject(value);
  copies.add(made);
  return Object.freeze(made);
}

/** `__proto__` as a field stays a field. */
function copyObject(value: object): object {
  const made: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    if (name === '__proto__') Object.defineProperty(made, name, { value: copy(inner), enumerable: true });
    else made[name] = copy(inner);
  }
  return made;
}

/** Frozen to their last leaf, and by nobody else reachable unfrozen. */
const copies = new WeakSet<object>();

/** Freezes a chunk of a stream to its last leaf; it was made for this stream alone, so it needs no copy. */
export function freezeChunk(chunk: ChatChunk): ChatChunk {
  for (const choice of chunk.choices) {
    freezeDelta(choice.delta);
    if (choice.logprobs !== null) freezeDeep(choice.logprobs);
    Object.freeze(choice);
  }
  Object.freeze(chunk.choices);
  return Object.freeze(chunk);
}

/** Most deltas have text and nothing else. */
function freezeDelta(delta: Delta): void {
  if (delta.tool_calls !== undefined) freezeDeep(delta.tool_calls);
  if (delta.reasoning_details !== undefined) freezeDeep(delta.reasoning_details);
  if (delta.annotations !== undefined) freezeDeep(delta.annotations);
  if (delta.images !== undefined) freezeDeep(delta.images);
  if (delta.audio !== undefined) freezeDeep(delta.audio);
  Object.freeze(delta);
}

function freezeDeep(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) freezeDeep(inner);
}
