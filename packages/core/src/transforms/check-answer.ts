import type { ChatChunk, ChatCompletion, Choice, ChunkChoice, Delta, FinishReason } from '../wire/chat.js';
import { Nonsense } from './hook-failure.js';

const FINISHES: ReadonlySet<unknown> = new Set<FinishReason>([
  'stop',
  'length',
  'tool_calls',
  'content_filter',
  'error',
]);

/** An answer that a hook gave, with everything that no hook changes as it was. @throws Nonsense */
export function checkCompletion(given: unknown, before: ChatCompletion): ChatCompletion {
  if (!isObject(given) || !Array.isArray(given['choices'])) throw new Nonsense('expected an answer');
  if (given['choices'].length === 0) throw new Nonsense('expected an answer with at least one choice');
  const choices: Choice[] = [];
  for (const choice of given['choices']) {
    if (!isChoice(choice)) throw new Nonsense('a choice is none');
    choices.push(choice);
  }
  return { ...before, choices };
}

function isChoice(value: unknown): value is Choice {
  if (!isObject(value) || !Number.isInteger(value['index']) || !FINISHES.has(value['finish_reason'])) return false;
  const message = value['message'];
  return isObject(message) && message['role'] === 'assistant' && isText(message['content']) && areTexts(message);
}

/** A chunk that a stage gave, with everything that no stage changes as it was. @throws Nonsense */
export function checkChunk(given: unknown, before: ChatChunk): ChatChunk {
  if (!isObject(given) || !Array.isArray(given['choices'])) throw new Nonsense('expected chunks');
  const choices: readonly unknown[] = given['choices'];
  if (choices.length === 0) throw new Nonsense('expected a chunk with at least one choice');
  for (const choice of choices) if (!isChunkChoice(choice)) throw new Nonsense('a choice of a chunk is none');
  const { id, object, created, model, provider, system_fingerprint: fingerprint, service_tier: tier } = before;
  return {
    id,
    object,
    created,
    model,
    provider,
    ...(fingerprint !== undefined && { system_fingerprint: fingerprint }),
    ...(tier !== undefined && { service_tier: tier }),
    choices: choices as readonly ChunkChoice[],
  };
}

function isChunkChoice(value: unknown): boolean {
  if (!isObject(value) || !Number.isInteger(value['index'])) return false;
  const { finish_reason: finish, delta } = value as { readonly finish_reason?: unknown; readonly delta?: unknown };
  if (finish !== null && !FINISHES.has(finish)) return false;
  if (!isObject(delta)) return false;
  const { content } = delta as Delta;
  return (content === undefined || isText(content)) && areTexts(delta);
}

function isText(value: unknown): boolean {
  return value === null || typeof value === 'string';
}

/** The texts of a message or a delta besides its content. */
function areTexts(value: Readonly<Record<string, unknown>>): boolean {
  const { reasoning, refusal, tool_calls: calls, reasoning_details: details } = value;
  return (
    (reasoning === undefined || typeof reasoning === 'string') &&
    (refusal === undefined || isText(refusal)) &&
    (calls === undefined || (Array.isArray(calls) && calls.every(isCall))) &&
    (details === undefined || (Array.isArray(details) && details.every(isObject)))
  );
}

function isCall(value: unknown): boolean {
  if (!isObject(value)) return false;
  const called = value['function'];
  return isObject(called) && typeof called['arguments'] === 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
