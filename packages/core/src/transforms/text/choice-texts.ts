import type { ChunkChoice, Delta, ReasoningDetail, ToolCallDelta } from '../../wire/chat.js';
import {
  CONTENT,
  FIRST_CALL,
  hasText,
  isEmpty,
  partsOf,
  placeOf,
  REASONING,
  textField,
  withText,
} from './delta-parts.js';
import { type TextFilter, WholeCharacters } from './filter.js';
import { JsonEnd } from './json-end.js';
import { JsonStrings } from './json-strings.js';

/** What a text is: arguments are JSON, whose strings are filtered by what they say. */
export type TextKind = 'text' | 'arguments';

/** Makes the filter of one text of an answer; `changed` is to be told where it makes another text of it for good. */
export type NewFilter = (changed: () => void) => TextFilter;

const EMPTY: Delta = {};

interface OpenText {
  readonly filter: TextFilter;
  readonly place: number;
}

/**
 * The texts of one choice of a stream, each with a filter of its own. A choice ends with what was held back of them; a text
 * that must not go on ends it with `content_filter`.
 */
export class ChoiceTexts {
  readonly #newFilter: NewFilter;
  readonly #texts = new Map<string, OpenText>();
  readonly #calls = new Map<number, JsonEnd>();
  /** Texts that are not any more what the model wrote. */
  readonly #changed = new Set<string>();
  /** Where in the answer something was refused. */
  #refusedAt = Number.POSITIVE_INFINITY;
  /** The last place that had text so far. */
  #furthest = REASONING;
  #over = false;

  constructor(newFilter: NewFilter) {
    this.#newFilter = newFilter;
  }

  get refused(): boolean {
    return this.#refusedAt !== Number.POSITIVE_INFINITY;
  }

  /** What goes on of a step; the step itself where all of it does. */
  take(step: ChunkChoice): readonly ChunkChoice[] {
    if (this.#over) return [];
    let isSame = true;
    const shown = partsOf(step.delta).flatMap((part) => {
      const held = this.#turnTo(placeOf(part));
      const delta = this.#filtered(part);
      isSame &&= held === undefined && delta === part;
      return [held ?? EMPTY, delta].filter((one) => !isEmpty(one));
    });
    if (step.finish_reason === null) {
      // Probabilities name the tokens whose text was held back or changed.
      return isSame ? [step] : shown.map((delta) => ({ ...step, delta, logprobs: null }));
    }
    const held = this.#flush(() => true);
    this.#over = true;
    if (isSame && held === undefined && !this.refused) return [step];
    const finish: ChunkChoice = {
      ...step,
      delta: EMPTY,
      logprobs: null,
      ...(this.refused && { finish_reason: 'content_filter' as const }),
    };
    const before = held === undefined ? shown : [...shown, held];
    return [...before.map((one) => bare(step.index, one)), finish];
  }

  /** What was held back, where the choice never finished. */
  end(): Delta | undefined {
    if (this.#over) return undefined;
    this.#over = true;
    return this.#flush(() => true);
  }

  /**
   * What texts of earlier places held back, which comes before anything of a later place: reasoning, then content, then each
   * call. Clients show, and other formats write, an answer in that order. Reasoning and content are over then, every time; what
   * follows of them is a text of its own. Calls may be written side by side: the JSON of an earlier one goes on, and lets go
   * what it holds only when a later one first appears. A text that nothing interrupts is filtered as in a whole answer.
   */
  #turnTo(place: number): Delta | undefined {
    const isFirst = place > this.#furthest;
    if (isFirst) this.#furthest = place;
    if (place === REASONING) return undefined;
    return this.#flush((open) => open.place < place && (isFirst || open.place < FIRST_CALL), 'interrupted');
  }

  #filtered(delta: Delta): Delta {
    const { content, reasoning, refusal, reasoning_details: details, tool_calls: calls } = delta;
    const shownReasoning = this.#text('reasoning', REASONING, reasoning);
    const shownDetails = details === undefined ? undefined : this.#details(details);
    const shownContent = this.#text('content', CONTENT, content);
    const shownRefusal = this.#text('refusal', CONTENT, refusal);
    const shownCalls = calls === undefined ? undefined : this.#toolCalls(calls);
    const isSame =
      !this.refused &&
      shownContent === content &&
      shownReasoning === reasoning &&
      shownRefusal === refusal &&
      isEach(shownDetails, details) &&
      isEach(shownCalls, calls);
    // The usual chunk has content and nothing else: it is copied only where the filter changed it.
    if (isSame) return delta;
    const { content: _, reasoning: __, refusal: ___, reasoning_details: ____, tool_calls: _____, ...rest } = delta;
    return {
      ...(this.refused ? onlyRole(delta) : rest),
      // The first chunk of an answer has empty content, and clients look for it.
      ...(shownContent !== undefined && (shownContent !== '' || delta.role !== undefined) && { content: shownContent }),
      ...(hasText(shownReasoning) && { reasoning: shownReasoning }),
      ...(hasText(shownRefusal) && { refusal: shownRefusal }),
      ...(shownDetails !== undefined && shownDetails.length > 0 && { reasoning_details: shownDetails }),
      ...(shownCalls !== undefined && shownCalls.length > 0 && { tool_calls: shownCalls }),
    };
  }

  #text<T extends string | null | undefined>(name: string, place: number, text: T): T | string {
    return typeof text !== 'string' || text === '' ? text : this.#push(name, place, 'text', text);
  }

  #details(details: readonly ReasoningDetail[]): readonly ReasoningDetail[] {
    return details.flatMap((detail) => {
      const field = textField(detail);
      if (field === undefined) return [detail];
      const name = `detail ${detail.index}:${detail.type}:${field}`;
      const passed = this.#text(name, REASONING, detail[field]);
      // A signature ends its text, and is of no other one.
      const text = detail.signature === undefined ? passed : `${passed}${this.#endOf(name)}`;
      const isSigned = detail.signature !== undefined && !this.#changed.has(name);
      if (text === detail[field] && isSigned === (detail.signature !== undefined)) return [detail];
      const { [field]: _, signature, ...others } = detail;
      const rest: ReasoningDetail = isSigned ? { ...others, signature } : others;
      const isBare = text === '' && Object.keys(rest).every((name) => name === 'index' || name === 'type');
      return isBare ? [] : [{ ...rest, [field]: text }];
    });
  }

  #toolCalls(calls: readonly ToolCallDelta[]): readonly ToolCallDelta[] {
    return calls.flatMap((call) => {
      if (FIRST_CALL + call.index > this.#refusedAt) return [];
      const given = call.function.arguments;
      const shown = given === '' ? given : this.#arguments(call.index, given);
      if (shown === given) return [call];
      if (shown === '' && call.id === undefined) return [];
      return [{ ...call, function: { ...call.function, arguments: shown } }];
    });
  }

  /** Arguments are over with their last bracket, and clients run a tool once they see the next call. */
  #arguments(index: number, text: string): string {
    const name = `call ${index}`;
    const place = FIRST_CALL + index;
    const end = this.#calls.get(index) ?? new JsonEnd();
    this.#calls.set(index, end);
    const close = end.push(text);
    if (close === undefined) return this.#push(name, place, 'arguments', text);
    const passed = this.#push(name, place, 'arguments', text.slice(0, close)) + this.#endOf(name);
    if (this.#refusedAt <= place || close === text.length) return passed;
    return passed + this.#push(name, place, 'arguments', text.slice(close));
  }

  #push(name: string, place: number, kind: TextKind, text: string): string {
    if (place > this.#refusedAt) return '';
    const known = this.#texts.get(name);
    const filter = known?.filter ?? this.#filterOf(name, kind);
    if (known === undefined) this.#texts.set(name, { filter, place });
    const passed = filter.push(text);
    if (filter.refused) this.#refusedAt = Math.min(this.#refusedAt, place);
    return passed;
  }

  #filterOf(name: string, kind: TextKind): TextFilter {
    const newFilter = (): TextFilter => this.#newFilter(() => this.#changed.add(name));
    return kind === 'arguments' ? new JsonStrings(newFilter) : new WholeCharacters(newFilter());
  }

  #endOf(name: string): string {
    const text = this.#texts.get(name);
    if (text === undefined || text.place > this.#refusedAt) return '';
    // A refused text stays, so that more of it is refused as well.
    if (text.filter.refused) return '';
    const passed = text.filter.end();
    if (text.filter.refused) this.#refusedAt = Math.min(this.#refusedAt, text.place);
    else this.#texts.delete(name);
    return passed;
  }

  /** What some texts hold back, as one delta. */
  #flush(isMeant: (open: OpenText) => boolean, how?: 'interrupted'): Delta | undefined {
    if (this.#texts.size === 0) return undefined;
    let delta: Delta | undefined;
    const open = [...this.#texts].filter(([, one]) => isMeant(one));
    for (const [name, { filter }] of open.toSorted(([, a], [, b]) => a.place - b.place)) {
      const isOpenJson = how === 'interrupted' && filter instanceof JsonStrings;
      const text = isOpenJson ? this.#released(name, filter) : this.#endOf(name);
      if (text !== '') delta = withText(delta ?? EMPTY, name, text);
    }
    return delta;
  }

  #released(name: string, filter: JsonStrings): string {
    const place = this.#texts.get(name)?.place ?? Number.POSITIVE_INFINITY;
    if (place > this.#refusedAt) return '';
    const passed = filter.release();
    if (filter.refused) this.#refusedAt = Math.min(this.#refusedAt, place);
    return passed;
  }
}

function onlyRole({ role }: Delta): Delta {
  return role === undefined ? EMPTY : { role };
}

function isEach(these: readonly unknown[] | undefined, those: readonly unknown[] | undefined): boolean {
  return these?.length === those?.length && (these ?? []).every((one, index) => one === those?.[index]);
}

/** A step of a choice that goes on. */
export function bare(index: number, delta: Delta): ChunkChoice {
  return { index, delta, finish_reason: null, native_finish_reason: null, logprobs: null };
}
