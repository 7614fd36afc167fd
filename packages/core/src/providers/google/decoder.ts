import { Failure } from '../../failure.js';
import type { ServerSentEvent } from '../../sse/types.js';
import type { ChatChunk, Delta } from '../../wire/chat.js';
import { AnswerChunks } from '../answer-chunks.js';
import { choiceIndex } from '../choice-index.js';
import { EventParser } from '../event-parser.js';
import { toFinishReason } from '../finish-reason.js';
import { isRecord, type JsonRecord } from '../json.js';
import type { Renaming } from '../rename.js';
import type { CallContext, StreamDecoder, UsageReport } from '../types.js';
import { classifyError } from './classify.js';
import { REASONING_FORMAT } from './contents.js';
import { toolNames } from './encode.js';
import { readLogprobs } from './logprobs.js';
import { readUsage } from './usage.js';

const MAX_CALLS = 128;
/** Reasons that an answer without content cannot have; another endpoint may do better. */
const NO_REASON: ReadonlySet<string> = new Set(['OTHER', 'NO_IMAGE', 'IMAGE_OTHER', 'FINISH_REASON_UNSPECIFIED']);
const USUAL_REASONS =
  /^(?:STOP|MAX_TOKENS|LANGUAGE|SAFETY|RECITATION|BLOCKLIST|PROHIBITED_CONTENT|SPII|IMAGE_(?!OTHER).+)$/;

interface OpenChoice {
  readonly index: number;
  calls: number;
  images: number;
  details: number;
  /** The index of the thought that is being told; undefined between thoughts. */
  thought: number | undefined;
  native: string | null;
  readonly cited: Set<string>;
}

/** Reads one answer of generateContent: a stream event by event, or a whole one, which is one event. */
export class GeminiDecoder implements StreamDecoder {
  state: StreamDecoder['state'] = 'open';
  readonly usageRepeats = true;
  /** Content has followed a reason: reasons do not tell the end of this stream, only its end does. */
  #resumed = false;
  readonly #context: CallContext;
  readonly #events: EventParser;
  readonly #chunks: AnswerChunks;
  readonly #names: Renaming;
  readonly #choices = new Map<number, OpenChoice>();
  #usage: JsonRecord | undefined;

  constructor(context: CallContext) {
    this.#context = context;
    this.#events = new EventParser(context.malformedEvents);
    this.#chunks = new AnswerChunks(context);
    this.#names = toolNames(context.request);
  }

  push(event: ServerSentEvent): readonly ChatChunk[] {
    const body = this.#events.parse(event);
    return body === undefined ? [] : this.read(body);
  }

  /** The chunks of one event's object. @throws Failure where it is an error or says that the prompt was blocked. */
  read(body: JsonRecord): readonly ChatChunk[] {
    if (isRecord(body['error'])) throw classifyError(body['error']);
    if (isRecord(body['usageMetadata'])) this.#usage = body['usageMetadata'];
    const candidates = Array.isArray(body['candidates']) ? body['candidates'].filter(isRecord) : [];
    if (candidates.length === 0) refuseBlocked(body['promptFeedback']);
    return candidates.flatMap((candidate) => this.#candidate(candidate));
  }

  end(): readonly ChatChunk[] {
    const finished = this.#choices.size > 0 && [...this.#choices.values()].every(({ native }) => native !== null);
    if (finished) return this.close();
    throw new Failure('truncated', 'the upstream ended its stream before the answer was finished');
  }

  /** The ends of all choices, whether or not the upstream gave reasons. @throws Failure `empty_response` */
  close(): readonly ChatChunk[] {
    const open = [...this.#choices.values()].sort((a, b) => a.index - b.index);
    const natives = open.flatMap(({ native }) => native ?? []);
    const pointless = natives.some((native) => NO_REASON.has(native) || !USUAL_REASONS.test(native));
    if (open.length === 0 || (pointless && !this.#chunks.started)) {
      throw new Failure('empty_response', 'the upstream answered with nothing');
    }
    return open.flatMap(({ index, native, calls }) => this.#chunks.finish(index, { native, calledTools: calls > 0 }));
  }

  usage(): UsageReport | undefined {
    return this.#usage && readUsage(this.#usage);
  }

  #candidate(candidate: JsonRecord): readonly ChatChunk[] {
    const choice = this.#choice(candidate['index']);
    const content = isRecord(candidate['content']) ? candidate['content'] : {};
    const parts = Array.isArray(content['parts']) ? content['parts'].filter(isRecord) : [];
    const logprobs = isRecord(candidate['logprobsResult']) ? readLogprobs(candidate['logprobsResult']) : null;
    const deltas = parts.flatMap((part) => this.#part(part, choice));
    const chunks = deltas.flatMap((delta, position) =>
      this.#chunks.content(choice.index, delta, position === 0 ? logprobs : null),
    );
    if (chunks.length > 0 && choice.native !== null) {
      this.#resumed = true;
      this.state = 'open';
    }
    const sources = readSources(candidate['groundingMetadata'], choice);
    const cited = sources.length === 0 ? [] : this.#chunks.content(choice.index, { annotations: sources });
    this.#finish(choice, candidate['finishReason']);
    return cited.length === 0 ? chunks : [...chunks, ...cited];
  }

  #finish(choice: OpenChoice, reason: unknown): void {
    if (typeof reason !== 'string' || reason === '') return;
    // Of a whole answer its beginning is worth something; of a stream the client has it already.
    const worthNothing = this.#context.stream || !this.#chunks.started;
    if (worthNothing && toFinishReason(reason, false) === 'error') {
      throw new Failure('bad_response', 'the upstream broke off', { providerCode: reason.slice(0, 64) });
    }
    choice.native = reason;
    const finished = [...this.#choices.values()].every(({ native }) => native !== null);
    if (finished && !this.#resumed) this.state = 'finished';
  }

  #choice(given: unknown): OpenChoice {
    const index = choiceIndex(given);
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const choice: OpenChoice = {
      index,
      calls: 0,
      images: 0,
      details: 0,
      thought: undefined,
      native: null,
      cited: new Set(),
    };
    this.#choices.set(index, choice);
    this.state = 'open';
    return choice;
  }

  #part(part: JsonRecord, choice: OpenChoice): readonly Delta[] {
    const { text, thoughtSignature: signature } = part;
    if (isRecord(part['functionCall'])) return [this.#call(part['functionCall'], signature, choice)];
    if (part['thought'] === true) return thoughtDelta(text, signature, choice);
    const content = typeof text === 'string' && text !== '' ? { content: text } : {};
    const images = isRecord(part['inlineData']) ? imageDelta(part['inlineData'], choice) : {};
    if ('content' in content || 'images' in images) choice.thought = undefined;
    const seal = isText(signature) ? { reasoning_details: [sealed(signature, undefined, choice)] } : {};
    const delta: Delta = { ...content, ...images, ...seal };
    return Object.keys(delta).length === 0 ? [] : [delta];
  }

  #call(call: JsonRecord, signature: unknown, choice: OpenChoice): Delta {
    if (choice.calls >= MAX_CALLS) throw new Failure('bad_response', 'the upstream made too many tool calls');
    choice.thought = undefined;
    const id = isText(call['id']) ? call['id'] : this.#context.newToolCallId();
    const name = typeof call['name'] === 'string' ? call['name'] : '';
    const written = JSON.stringify(isRecord(call['args']) ? call['args'] : {});
    const fragment = {
      index: choice.calls++,
      id,
      type: 'function',
      function: { name: this.#names.back(name), arguments: written },
    } as const;
    if (!isText(signature)) return { tool_calls: [fragment] };
    return {
      tool_calls: [{ ...fragment, extra_content: { google: { thought_signature: signature } } }],
      reasoning_details: [sealed(signature, id, choice)],
    };
  }
}

/** @throws Failure `content_policy` where the prompt was blocked. */
function refuseBlocked(feedback: unknown): void {
  const reason = isRecord(feedback) ? feedback['blockReason'] : undefined;
  if (!isText(reason)) return;
  throw new Failure('content_policy', 'the upstream blocked the prompt', {
    status: 200,
    providerCode: reason.slice(0, 64),
    reason: reason.slice(0, 64),
  });
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Thoughts that follow one another are one entry; a signature ends it. */
function thoughtDelta(text: unknown, signature: unknown, choice: OpenChoice): readonly Delta[] {
  if (!isText(text) && !isText(signature)) return [];
  const continued = choice.thought !== undefined;
  const index = choice.thought ?? choice.details++;
  choice.thought = isText(signature) ? undefined : index;
  const entry = {
    type: 'reasoning.text',
    index,
    ...(!continued && { format: REASONING_FORMAT }),
    text: isText(text) ? text : '',
    ...(isText(signature) && { signature }),
  };
  return [{ ...(isText(text) && { reasoning: text }), reasoning_details: [entry] }];
}

/** A signature of what is no thought itself: of a call, or of text. */
function sealed(
  data: string,
  id: string | undefined,
  choice: OpenChoice,
): NonNullable<Delta['reasoning_details']>[number] {
  choice.thought = undefined;
  return {
    type: 'reasoning.encrypted',
    index: choice.details++,
    format: REASONING_FORMAT,
    data,
    ...(id !== undefined && { id }),
  };
}

function imageDelta(data: JsonRecord, choice: OpenChoice): Delta {
  const { mimeType, data: bytes } = data;
  if (typeof mimeType !== 'string' || !mimeType.startsWith('image/') || typeof bytes !== 'string') return {};
  const image = { type: 'image_url', image_url: { url: `data:${mimeType};base64,${bytes}` }, index: choice.images++ };
  return { images: [image] };
}

/** Sources on the web, each once. */
function readSources(grounding: unknown, choice: OpenChoice): readonly unknown[] {
  if (!isRecord(grounding) || !Array.isArray(grounding['groundingChunks'])) return [];
  return grounding['groundingChunks'].flatMap((chunk: unknown) => {
    const web = isRecord(chunk) && isRecord(chunk['web']) ? chunk['web'] : {};
    const { uri: url, title } = web;
    if (!isText(url) || choice.cited.has(url)) return [];
    const index = choice.cited.size;
    choice.cited.add(url);
    const citation = { url, title: isText(title) ? title : url, start_index: 0, end_index: 0 };
    return [{ type: 'url_citation', url_citation: citation, index }];
  });
}
