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

/** Who speaks in a conversation: strict chat templates refuse two turns of one speaker in a row. */
export class Turns {
  readonly #messages: readonly ChatMessage[];
  /** The run of messages of one role that each place belongs to. */
  readonly #runs: readonly number[];

  constructor(messages: readonly ChatMessage[]) {
    let run = 0;
    this.#messages = messages;
    this.#runs = messages.map(({ role }, place) => {
      if (role !== messages[place - 1]?.role) run += 1;
      return run;
    });
  }

  /** Whether two messages are turns of one speaker, and were apart until what stood between them was taken away. */
  clash(left: number, right: number): boolean {
    const role = this.#messages[left]?.role;
    const speaks = role === 'user' || role === 'assistant';
    return speaks && role === this.#messages[right]?.role && this.#runs[left] !== this.#runs[right];
  }

  /** Whether a message that stays clashes with what is left on either side of it. */
  clashes(place: number, gone: ReadonlySet<number>): boolean {
    let left = place - 1;
    while (gone.has(left)) left -= 1;
    let right = place + 1;
    while (gone.has(right)) right += 1;
    return this.clash(left, place) || this.clash(place, right);
  }

  /**
   * Takes away more units where two turns clash, one for each clash in a conversation of alternating turns.
   *
   * @returns the two places that clash still, both kept. There are no more: the first turns of the user, and the last ones.
   */
  settle(units: readonly PromptUnit[], gone: Set<number>): readonly [left: number, right: number] | undefined {
    const unitAt: PromptUnit[] = [];
    for (const unit of units) for (const place of unit.places) unitAt[place] = unit;
    const left: number[] = [];
    let open: readonly [number, number] | undefined;
    const remove = (place: number): boolean => {
      const unit = unitAt[place];
      if (unit === undefined || unit.isKept) return false;
      for (const one of unit.places) gone.add(one);
      return true;
    };
    for (const place of this.#messages.keys()) {
      let before = left.at(-1);
      while (!gone.has(place) && before !== undefined && this.clash(before, place) && !remove(place)) {
        if (!remove(before)) {
          open = [before, place];
          break;
        }
        while (gone.has(left.at(-1) ?? -1)) left.pop();
        before = left.at(-1);
      }
      if (!gone.has(place)) left.push(place);
    }
    return open;
  }
}
