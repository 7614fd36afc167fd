import type { ChatMessage } from '../wire/chat.js';
import { messageTokens } from './estimate-tokens.js';

/** Messages that stand and fall together: one, or a tool call with its results. */
export interface PromptUnit {
  /** Places in the conversation, ascending. */
  readonly places: number[];
  /** Estimated. */
  tokens: number;
  /** Not to be touched. */
  isKept: boolean;
}

/**
 * A conversation in units, in order. Kept are the system messages that stand first, the first and the last turn of the user,
 * and whatever stands last.
 */
export function unitsOf(messages: readonly ChatMessage[]): readonly PromptUnit[] {
  const units: PromptUnit[] = [];
  const byCall = new Map<string, PromptUnit>();
  const kept = keptPlaces(messages);
  for (const [place, message] of messages.entries()) {
    const caller = message.role === 'tool' ? byCall.get(message.tool_call_id) : undefined;
    const unit = caller ?? { places: [], tokens: 0, isKept: false };
    if (caller === undefined) units.push(unit);
    unit.places.push(place);
    unit.tokens += messageTokens(message);
    unit.isKept ||= kept(place);
    if (message.role !== 'assistant') continue;
    for (const call of message.tool_calls ?? []) byCall.set(call.id, unit);
  }
  return units;
}

function keptPlaces(messages: readonly ChatMessage[]): (place: number) => boolean {
  const isUser = (place: number): boolean => messages[place]?.role === 'user';
  const afterSystem = messages.findIndex(({ role }) => role !== 'system' && role !== 'developer');
  const system = afterSystem === -1 ? messages.length : afterSystem;
  const first = messages.findIndex(({ role }) => role === 'user');
  let firstEnd = first;
  while (first !== -1 && isUser(firstEnd + 1)) firstEnd += 1;
  const last = messages.findLastIndex(({ role }) => role === 'user');
  let lastStart = last;
  while (last !== -1 && isUser(lastStart - 1)) lastStart -= 1;
  return (place) =>
    place < system ||
    (place >= first && place <= firstEnd) ||
    (place >= lastStart && place <= last) ||
    place === messages.length - 1;
}
