import { Failure } from '../../failure.js';
import type { ServerSentEvent } from '../../sse/types.js';
import type { ChatChunk, Delta } from '../../wire/chat.js';
import { AnswerChunks } from '../answer-chunks.js';
import { choiceIndex } from '../choice-index.js';
import { EventParser } from '../event-parser.js';
import { toFinishReason } from '../finish-reason.js';
import { isRecord, type JsonRecord } from '../json.js';
import type { CallContext, StreamDecoder, UsageReport } from '../types.js';
import { classifyError, errorOf } from './classify.js';
import { EchoFilter } from './echo.js';
import {
  readAnnotations,
  readCitations,
  readContent,
  readReasoning,
  readReasoningDetails,
  readRecords,
} from './read-message.js';
import { ThinkTags } from './think-tags.js';
import { ToolCallAssembler } from './tool-calls.js';
import { readUsage } from './usage.js';
import type { Vendor } from './vendors.js';

/** `[DONE]` with room for stray blanks. */
const MAX_DONE_LENGTH = 16;

type MutableDelta = { -readonly [name in keyof Delta]: Delta[name] };

interface OpenChoice {
  readonly index: number;
  readonly calls: ToolCallAssembler;
  /** What the text goes through on its way. */
  readonly text: TextFilter | undefined;
  finished: boolean;
  native: string | null;
  /** Reasoning text of a provider without structure has its one entry. */
  reasoned: boolean;
  annotations: number;
  images: number;
}

interface TextFilter {
  readonly echo: EchoFilter;
  readonly tags: ThinkTags | undefined;
}

/** Reads one answer of the OpenAI family: a stream event by event, or a whole one, which is one event. */
export class OpenAiDecoder implements StreamDecoder {
  state: StreamDecoder['state'] = 'open';
  readonly #vendor: Vendor;
  readonly #context: CallContext;
  readonly #events: EventParser;
  readonly #chunks: AnswerChunks;
  readonly #choices = new Map<number, OpenChoice>();
  #usage: unknown;
  #citations: readonly JsonRecord[] = [];

  constructor(vendor: Vendor, context: CallContext) {
    this.#vendor = vendor;
    this.#context = context;
    this.#events = new EventParser(context.malformedEvents);
    this.#chunks = new AnswerChunks(context);
  }

  push(event: ServerSentEvent): readonly ChatChunk[] {
    if (this.state === 'complete') return [];
    if (event.data.length <= MAX_DONE_LENGTH && event.data.trim() === '[DONE]') {
      this.state = 'complete';
      return [];
    }
    const body = this.#events.parse(event);
    if (body === undefined) return [];
    const finishedBefore = this.state === 'finished';
    const chunks = this.read(body);
    if (finishedBefore && this.#usage !== undefined && chunks.length === 0) this.state = 'complete';
    return chunks;
  }

  /** The chunks of one event's object. @throws Failure where it is an error. */
  read(body: JsonRecord): readonly ChatChunk[] {
    const error = errorOf(body);
    if (error !== undefined) throw classifyError(error, undefined);
    this.#remember(body);
    const choices = body['choices'];
    if (!Array.isArray(choices) || choices.length === 0) return [];
    const [only] = choices as readonly unknown[];
    if (choices.length === 1) return isRecord(only) ? this.#readChoice(only) : [];
    return choices.filter(isRecord).flatMap((choice) => this.#readChoice(choice));
  }

  end(): readonly ChatChunk[] {
    if (this.state === 'open')
      throw new Failure('truncated', 'the upstream ended its stream before the answer was finished');
    return this.close();
  }

  /** The ends of all choices, whether or not the upstream gave reasons. @throws Failure `empty_response` */
  close(): readonly ChatChunk[] {
    const open = [...this.#choices.values()].sort((a, b) => a.index - b.index);
    if (open.length === 0) throw new Failure('empty_response', 'the upstream answered with nothing');
    const ends = open.map((choice) => ({ choice, rest: this.#restOf(choice) }));
    if (!this.#chunks.started && ends.every(({ choice, rest }) => choice.native === null && rest === undefined)) {
      throw new Failure('empty_response', 'the upstream answered with nothing');
    }
    return ends.flatMap(({ choice, rest }) => {
      const content = rest === undefined ? [] : this.#chunks.content(choice.index, rest);
      const { index, native, calls } = choice;
      return [...content, ...this.#chunks.finish(index, { native, calledTools: calls.any })];
    });
  }

  usage(): UsageReport | undefined {
    return readUsage(this.#vendor, this.#usage);
  }

  /** Facts of the stream that are not of one choice; the last usage and the last sources win. */
  #remember(body: JsonRecord): void {
    const usage = body['usage'] ?? (isRecord(body['x_groq']) ? body['x_groq']['usage'] : undefined);
    if (isRecord(usage)) this.#usage = usage;
    if (this.#vendor.citations) {
      const citations = readCitations(body);
      if (citations.length > 0) this.#citations = citations;
    }
    this.#chunks.note({ fingerprint: body['system_fingerprint'], tier: body['service_tier'] });
  }

  #readChoice(choice: JsonRecord): readonly ChatChunk[] {
    const state = this.#choice(choice['index']);
    const message = choice['delta'] ?? choice['message'];
    const delta = isRecord(message) ? readDelta(message, state) : undefined;
    const chunks = delta === undefined ? [] : this.#chunks.content(state.index, delta, choice['logprobs'] ?? null);
    const reason = choice['finish_reason'];
    if (typeof reason === 'string' && reason !== '') this.#finish(state, reason);
    return chunks;
  }

  #finish(state: OpenChoice, reason: string): void {
    // Of a whole answer its beginning is worth something; of a stream the client has it already.
    const worthNothing = this.#context.stream || !this.#chunks.started;
    if (worthNothing && toFinishReason(reason, false) === 'error') {
      throw new Failure('server_error', 'the upstream broke off', { providerCode: reason.slice(0, 64) });
    }
    state.finished = true;
    state.native = reason;
    if ([...this.#choices.values()].every((choice) => choice.finished)) this.state = 'finished';
  }

  #choice(given: unknown): OpenChoice {
    const index = choiceIndex(given);
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const choice: OpenChoice = {
      index,
      calls: new ToolCallAssembler(this.#context.newToolCallId),
      text: textFilter(this.#vendor, this.#context),
      finished: false,
      native: null,
      reasoned: false,
      annotations: 0,
      images: 0,
    };
    this.#choices.set(index, choice);
    this.state = 'open';
    return choice;
  }

  /** What comes only once an answer is over. */
  #restOf(choice: OpenChoice): Delta | undefined {
    const delta: MutableDelta = {};
    if (choice.text !== undefined) {
      const { thought, text } = flush(choice.text);
      if (text !== '') delta.content = text;
      if (thought !== '') addReasoning(thought, choice, delta);
    }
    const empty = choice.calls.end();
    if (empty.length > 0) delta.tool_calls = empty;
    // Sources belong to the answer, not to one of its choices: they stand at the first.
    const sources = choice.index === 0 ? this.#citations : [];
    if (sources.length > 0) delta.annotations = numbered(sources, choice);
    return hasFields(delta) ? delta : undefined;
  }
}

function textFilter(vendor: Vendor, { request }: CallContext): TextFilter | undefined {
  const last = request.messages.at(-1);
  const prefill = vendor.prefix && last?.role === 'assistant' ? readContent(last.content).text : '';
  if (prefill === '' && !vendor.thinkTags) return undefined;
  return { echo: new EchoFilter(prefill), tags: vendor.thinkTags ? new ThinkTags() : undefined };
}

function filtered({ echo, tags }: TextFilter, text: string): { readonly thought: string; readonly text: string } {
  const own = echo.push(text);
  return tags === undefined ? { thought: '', text: own } : tags.push(own);
}

function flush({ echo, tags }: TextFilter): { readonly thought: string; readonly text: string } {
  const held = echo.end();
  if (tags === undefined) return { thought: '', text: held };
  const last = tags.push(held);
  const rest = tags.end();
  return { thought: last.thought + rest.thought, text: last.text + rest.text };
}

/** What of an upstream delta is content; undefined where it is only preamble (a role, an empty text). */
function readDelta(message: JsonRecord, state: OpenChoice): Delta | undefined {
  const { content } = message;
  if (typeof content === 'string' && content !== '' && state.text === undefined && isPlain(message)) return { content };
  const delta: MutableDelta = {};
  const read = readContent(content);
  const own = state.text === undefined ? { thought: '', text: read.text } : filtered(state.text, read.text);
  if (own.text !== '') delta.content = own.text;
  readReasoningDelta(message, read.thinking + own.thought, state, delta);
  const calls = state.calls.push(readRecords(message, 'tool_calls'));
  if (calls.length > 0) delta.tool_calls = calls;
  if (typeof message['refusal'] === 'string' && message['refusal'] !== '') delta.refusal = message['refusal'];
  const annotations = readAnnotations(message);
  if (annotations.length > 0) delta.annotations = numbered(annotations, state);
  const images = readRecords(message, 'images');
  if (images.length > 0) delta.images = images.map((entry) => ({ ...entry, index: state.images++ }));
  if (isRecord(message['audio'])) delta.audio = message['audio'];
  return hasFields(delta) ? delta : undefined;
}

function numbered(annotations: readonly JsonRecord[], state: OpenChoice): readonly JsonRecord[] {
  return annotations.map((entry) => ({ ...entry, index: state.annotations++ }));
}

/** Most events by far carry text and nothing else. */
function isPlain(message: JsonRecord): boolean {
  for (const name in message) {
    if (name !== 'content' && name !== 'role' && message[name] !== null) return false;
  }
  return true;
}

function readReasoningDelta(message: JsonRecord, thought: string, state: OpenChoice, delta: MutableDelta): void {
  const text = readReasoning(message) || thought;
  const details = readReasoningDetails(message);
  if (details.length === 0) {
    if (text !== '') addReasoning(text, state, delta);
    return;
  }
  if (text !== '') delta.reasoning = text;
  delta.reasoning_details = details;
}

function addReasoning(text: string, state: OpenChoice, delta: MutableDelta): void {
  const entry = { type: 'reasoning.text', index: 0, text };
  delta.reasoning = text;
  delta.reasoning_details = [state.reasoned ? entry : { ...entry, format: 'unknown' }];
  state.reasoned = true;
}

function hasFields(delta: Delta): boolean {
  for (const _ in delta) return true;
  return false;
}
