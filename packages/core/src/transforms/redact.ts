import { z } from 'zod';
import type { ChatMessage, ChatRequest, ContentPart, ReasoningDetail, TextPart } from '../wire/chat.js';
import { optional } from '../wire/schema-parts.js';
import { checkedOptions } from './checked-options.js';
import { defineTransform } from './define-transform.js';
import { answerTextStage, filterAnswer } from './text/answer-text.js';
import type { TextKind } from './text/choice-texts.js';
import { DETECTORS, type DetectorName, finders } from './text/detectors.js';
import { FilterChain, type TextFilter } from './text/filter.js';
import { HoldBack } from './text/hold-back.js';
import { JsonStrings } from './text/json-strings.js';
import { Placeholders } from './text/placeholders.js';
import type { Transform, TransformContext } from './types.js';

/** What `redact` takes, and a request's `{ "name": "redact", … }` besides its name. */
export interface RedactOptions {
  /** Default: all of `secret`, `email`, `iban`, `card`, `phone`. */
  readonly detectors?: readonly DetectorName[] | undefined;
}

const options: z.ZodType<RedactOptions> = z.strictObject({
  detectors: optional(z.array(z.enum(DETECTORS)).min(1).max(DETECTORS.length)),
});

/**
 * Keeps personal and secret values in the building: what the detectors find in the messages of a request, and in the
 * answer that it predicts, becomes a placeholder such as `[[EMAIL_1]]` before it is sent, and the value again in the answer,
 * streamed too. The same value gets the same placeholder, in the order of first appearance, so a conversation that goes on
 * keeps its placeholders. Arguments of tools are looked through string by string; a number that is a value becomes a string
 * there, and comes back as one. Tools, schemas, stop sequences, images, files and fields that the API does not know are sent
 * as they are.
 *
 * @example
 * createGateway({ providers, transforms: [redact({ detectors: ['email', 'iban'] })] });
 * @throws TypeError for an unknown detector.
 */
export function redact(given: RedactOptions = {}): Transform<RedactOptions> {
  return defineTransform({
    name: 'redact',
    options,
    defaults: checkedOptions('redact', options, given),
    request(request, context) {
      const { detectors = DETECTORS } = context.options;
      const placeholders = new Placeholders(textsOf(request));
      const redacted = mapTexts(request, (text, kind) => without(text, kind, detectors, placeholders));
      if (placeholders.count === 0) return request;
      tables.set(context, placeholders);
      context.note({ values: placeholders.count });
      return redacted;
    },
    completion(completion, context) {
      const table = tables.get(context);
      return table === undefined ? completion : filterAnswer(completion, () => restorer(table));
    },
    stage(context) {
      const table = tables.get(context);
      return table === undefined ? UNTOUCHED : answerTextStage(() => restorer(table));
    },
  });
}

const UNTOUCHED = { chunk: <T>(chunk: T): readonly T[] => [chunk] };

/** What stands for what, of the calls under way. */
const tables = new WeakMap<TransformContext<RedactOptions>, Placeholders>();

function restorer(placeholders: Placeholders): TextFilter {
  return new HoldBack(placeholders.finder, (found) => placeholders.valueOf(found));
}

function without(text: string, kind: TextKind, detectors: readonly DetectorName[], placeholders: Placeholders): string {
  // In the order in which detectors stand, the most telling ones first, whatever the order in options.
  const chosen = DETECTORS.filter((name) => detectors.includes(name));
  return filtered(
    text,
    kind,
    () => new FilterChain(chosen.map((name) => new HoldBack(finders[name], (found) => placeholders.of(name, found)))),
  );
}

function filtered(text: string, kind: TextKind, newFilter: () => TextFilter): string {
  const filter = kind === 'arguments' ? new JsonStrings(newFilter) : newFilter();
  return filter.push(text) + filter.end();
}

/** What arguments say: an escape hides a bracket from those who look for one. */
function said(text: string): string {
  let all = '';
  const push = (piece: string): string => {
    all += piece;
    return piece;
  };
  filtered(text, 'arguments', () => ({ push, end: () => '', refused: false }));
  return all;
}

type MapText = (text: string, kind: TextKind) => string;

function textsOf(request: ChatRequest): readonly string[] {
  const texts: string[] = [];
  mapTexts(request, (text, kind) => {
    texts.push(text);
    if (kind === 'arguments') texts.push(said(text));
    return text;
  });
  return texts;
}

/** A request with every text of its messages and of its prediction mapped. */
function mapTexts(request: ChatRequest, map: MapText): ChatRequest {
  const { messages, prediction } = request;
  return {
    ...request,
    messages: messages.map((message) => mapMessage(message, map)),
    ...(prediction !== undefined && { prediction: mapPrediction(prediction, map) }),
  };
}

/** What the client expects as answer, mostly its own text again: `content`, a text or parts. Nobody has checked its shape. */
function mapPrediction(prediction: Prediction, map: MapText): Prediction {
  const { content } = prediction;
  if (content === undefined) return prediction;
  if (!Array.isArray(content)) return { ...prediction, content: mapUnknown(content, map) };
  return { ...prediction, content: content.map((part: unknown) => mapUnknown(part, map)) };
}

type Prediction = NonNullable<ChatRequest['prediction']>;

function mapUnknown(part: unknown, map: MapText): unknown {
  if (typeof part === 'string') return map(part, 'text');
  if (typeof part !== 'object' || part === null || !('text' in part)) return part;
  const { text } = part;
  return typeof text === 'string' ? { ...part, text: map(text, 'text') } : part;
}

function mapMessage(message: ChatMessage, map: MapText): ChatMessage {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { ...message, content: mapParts(message.content, map) };
    case 'user':
    case 'tool':
      return { ...message, content: mapParts(message.content, map) };
    case 'assistant':
      return {
        ...message,
        ...(message.content !== undefined && { content: mapParts(message.content, map) }),
        ...(message.refusal !== undefined && { refusal: map(message.refusal, 'text') }),
        ...(message.reasoning !== undefined && { reasoning: map(message.reasoning, 'text') }),
        ...(message.reasoning_details !== undefined && {
          reasoning_details: message.reasoning_details.map((detail) => mapDetail(detail, map)),
        }),
        ...(message.tool_calls !== undefined && {
          tool_calls: message.tool_calls.map((call) => ({
            ...call,
            function: { ...call.function, arguments: map(call.function.arguments, 'arguments') },
          })),
        }),
      };
    default:
      return message satisfies never;
  }
}

function mapParts<Part extends TextPart | ContentPart>(
  content: string | readonly Part[],
  map: MapText,
): string | readonly Part[] {
  if (typeof content === 'string') return map(content, 'text');
  return content.map((part) => (part.type === 'text' ? { ...part, text: map(part.text, 'text') } : part));
}

/** The provider signed what it wrote, which had the placeholders: the same ones come back here. */
function mapDetail(detail: ReasoningDetail, map: MapText): ReasoningDetail {
  return {
    ...detail,
    ...(detail.text !== undefined && { text: map(detail.text, 'text') }),
    ...(detail.summary !== undefined && { summary: map(detail.summary, 'text') }),
  };
}
