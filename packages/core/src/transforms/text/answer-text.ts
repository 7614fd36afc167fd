import type { AnswerMessage, ChatChunk, ChatCompletion, Choice, ChunkChoice, Delta } from '../../wire/chat.js';
import type { ChunkStage } from '../types.js';
import { bare, ChoiceTexts, type NewFilter } from './choice-texts.js';
import { hasText, textField } from './delta-parts.js';

/**
 * Filters every text of an answer, each on its own: content, refusal, reasoning, the texts of its details, and the arguments
 * of every tool call. In a stream each choice ends with what was held back of its texts. A text that must not go on ends
 * its choice with `content_filter`: nothing of the choice is shown any more.
 */
export function answerTextStage(newFilter: NewFilter): ChunkStage {
  const choices = new Map<number, ChoiceTexts>();
  const textsOf = (index: number): ChoiceTexts => {
    const known = choices.get(index);
    if (known !== undefined) return known;
    const texts = new ChoiceTexts(newFilter);
    choices.set(index, texts);
    return texts;
  };
  let last: ChatChunk | undefined;
  return {
    chunk(chunk) {
      last = chunk;
      const [only] = chunk.choices;
      // Nearly every chunk has one choice.
      if (only !== undefined && chunk.choices.length === 1) return oneChoice(chunk, only, textsOf(only.index));
      return chunk.choices.length === 0 ? [chunk] : severalChoices(chunk, textsOf);
    },
    end() {
      const head = last;
      if (head === undefined) return [];
      return [...choices].flatMap(([index, texts]) => {
        const delta = texts.end();
        return delta === undefined ? [] : [{ ...head, choices: [bare(index, delta)] }];
      });
    },
  };
}

/** The same for a whole answer. */
export function filterAnswer(completion: ChatCompletion, newFilter: NewFilter): ChatCompletion {
  const choices = completion.choices.map((choice) => filterChoice(choice, newFilter));
  const isSame = choices.every((choice, index) => choice === completion.choices[index]);
  return isSame ? completion : { ...completion, choices };
}

function oneChoice(chunk: ChatChunk, choice: ChunkChoice, texts: ChoiceTexts): readonly ChatChunk[] {
  const steps = texts.take(choice);
  if (steps.length === 1 && steps[0] === choice) return [chunk];
  return steps.map((step) => ({ ...chunk, choices: [step] }));
}

function severalChoices(chunk: ChatChunk, textsOf: (index: number) => ChoiceTexts): readonly ChatChunk[] {
  const steps = chunk.choices.flatMap((choice) => textsOf(choice.index).take(choice));
  return steps.map((step) => ({ ...chunk, choices: [step] }));
}

/** A whole choice goes the way of a stream of one step, so that both show the same. */
function filterChoice(choice: Choice, newFilter: NewFilter): Choice {
  const texts = new ChoiceTexts(newFilter);
  const { message } = choice;
  const shown = texts.take({ ...choice, delta: toDelta(message) });
  const changed = merged(
    message,
    shown.map(({ delta }) => delta),
  );
  if (texts.refused) return { ...choice, message: shortened(changed), finish_reason: 'content_filter', logprobs: null };
  return isSameMessage(message, changed) ? choice : { ...choice, message: changed, logprobs: null };
}

/** What is left of a message that was cut off: nothing but texts, and only those that are there. */
function shortened({ role, content, refusal, reasoning, reasoning_details, tool_calls }: AnswerMessage): AnswerMessage {
  const details = reasoning_details?.filter(
    (detail) => textField(detail) === undefined || hasText(detail[textField(detail) ?? 'text']),
  );
  const calls = tool_calls?.filter((call) => call.function.arguments !== '');
  return {
    role,
    content,
    refusal: hasText(refusal ?? undefined) ? refusal : null,
    ...(hasText(reasoning) && { reasoning }),
    ...(details !== undefined && details.length > 0 && { reasoning_details: details }),
    ...(calls !== undefined && calls.length > 0 && { tool_calls: calls }),
  };
}

function toDelta(message: AnswerMessage): Delta {
  return {
    content: message.content,
    ...(message.reasoning !== undefined && { reasoning: message.reasoning }),
    ...(message.refusal !== null && { refusal: message.refusal }),
    ...(message.reasoning_details !== undefined && {
      reasoning_details: message.reasoning_details.map((detail, index) => ({ ...detail, index })),
    }),
    ...(message.tool_calls !== undefined && {
      tool_calls: message.tool_calls.map((call, index) => ({ ...call, index })),
    }),
  };
}

/** A message with the texts that its filtered deltas come to. */
function merged(message: AnswerMessage, deltas: readonly Delta[]): AnswerMessage {
  const join = (read: (delta: Delta) => string | null | undefined): string =>
    deltas.map((one) => read(one) ?? '').join('');
  const detailText = (index: number, field: 'text' | 'summary'): string =>
    join((one) => one.reasoning_details?.find((detail) => detail.index === index)?.[field]);
  const isSigned = (index: number): boolean =>
    deltas.some((one) =>
      one.reasoning_details?.some((detail) => detail.index === index && detail.signature !== undefined),
    );
  const argumentsOf = (index: number): string =>
    join((one) => one.tool_calls?.find((call) => call.index === index)?.function.arguments);
  return {
    ...message,
    ...(message.content !== null && { content: join((one) => one.content) }),
    ...(message.refusal !== null && { refusal: join((one) => one.refusal) }),
    ...(message.reasoning !== undefined && { reasoning: join((one) => one.reasoning) }),
    ...(message.reasoning_details !== undefined && {
      reasoning_details: message.reasoning_details.map((detail, index) => {
        const field = textField(detail);
        if (field === undefined) return detail;
        const { signature, ...rest } = { ...detail, [field]: detailText(index, field) };
        return isSigned(index) ? { ...rest, signature } : rest;
      }),
    }),
    ...(message.tool_calls !== undefined && {
      tool_calls: message.tool_calls.map((call, index) => ({
        ...call,
        function: { ...call.function, arguments: argumentsOf(index) },
      })),
    }),
  };
}

function isSameMessage(before: AnswerMessage, after: AnswerMessage): boolean {
  return (
    before.content === after.content &&
    before.refusal === after.refusal &&
    before.reasoning === after.reasoning &&
    (before.reasoning_details ?? []).every((detail, index) => {
      const field = textField(detail);
      return field === undefined || detail[field] === after.reasoning_details?.[index]?.[field];
    }) &&
    (before.tool_calls ?? []).every(
      (call, index) => call.function.arguments === after.tool_calls?.[index]?.function.arguments,
    )
  );
}
