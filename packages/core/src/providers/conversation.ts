import type { ChatMessage, ToolCall, ToolMessage } from '../wire/chat.js';
import type { Unsuitable } from './types.js';

/**
 * What speaks against a conversation for providers that want the results of all calls in the next turn; undefined where
 * every call has one.
 */
export function checkToolTurns(messages: readonly ChatMessage[]): Unsuitable | undefined {
  for (const [index, message] of messages.entries()) {
    if (message.role !== 'assistant' || message.tool_calls === undefined) continue;
    const answered = resultsAfter(messages, index);
    const open = message.tool_calls.findIndex(({ id }) => !answered.has(id));
    if (open === -1) continue;
    const problem = 'expected a tool message with the result of this call before the next turn';
    return { code: 'invalid_prompt', path: `messages.${index}.tool_calls.${open}`, message: problem };
  }
  return undefined;
}

function resultsAfter(messages: readonly ChatMessage[], index: number): ReadonlySet<string> {
  const answered = new Set<string>();
  for (const message of messages.slice(index + 1)) {
    if (message.role === 'user' || message.role === 'assistant') break;
    if (message.role === 'tool') answered.add(message.tool_call_id);
  }
  return answered;
}

/** Of messages that are all instructions the last one is the question. The given list is not changed. */
export function withQuestion(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const last = messages.at(-1);
  if (last === undefined || messages.some(({ role }) => role !== 'system' && role !== 'developer')) return messages;
  return [...messages.slice(0, -1), { role: 'user', content: last.content ?? '' }];
}

/** A message that stands alone, or the results that follow one another, with the calls of the turn directly before. */
export type ConversationStep =
  | { readonly kind: 'message'; readonly message: Exclude<ChatMessage, ToolMessage>; readonly last: boolean }
  | { readonly kind: 'results'; readonly results: readonly ToolMessage[]; readonly calls: readonly ToolCall[] };

/** A conversation as providers see it that take all results of a turn together. */
export function stepsOf(messages: readonly ChatMessage[]): readonly ConversationStep[] {
  const steps: ConversationStep[] = [];
  let results: ToolMessage[] = [];
  let calls: readonly ToolCall[] = [];
  const end = lastSpoken(messages);
  for (const [position, message] of messages.entries()) {
    if (message.role === 'tool') {
      if (results.length === 0) {
        results = [];
        steps.push({ kind: 'results', results, calls });
      }
      results.push(message);
      continue;
    }
    steps.push({ kind: 'message', message, last: position === end });
    results = [];
    if (message.role === 'assistant') calls = message.tool_calls ?? [];
    else if (message.role === 'user') calls = [];
  }
  return steps;
}

/** Turns of one side at a time: what the same side says next joins what it said before. */
export class Alternation<Role extends string, Part> {
  readonly turns: { readonly role: Role; readonly parts: Part[] }[] = [];

  add(role: Role, parts: readonly Part[]): void {
    if (parts.length === 0) return;
    const last = this.turns.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else this.turns.push({ role, parts: [...parts] });
  }
}

/** The position of the last message that is no instruction; -1 where there is none. */
export function lastSpoken(messages: readonly ChatMessage[]): number {
  return messages.findLastIndex(({ role }) => role !== 'system' && role !== 'developer');
}

/** Every call that the conversation has. */
export function callsOf(messages: readonly ChatMessage[]): readonly ToolCall[] {
  return messages.flatMap((message) => (message.role === 'assistant' ? (message.tool_calls ?? []) : []));
}
