import { Failure } from '../../failure.js';
import type { ServerSentEvent } from '../../sse/types.js';
import type { ChatChunk, Delta, ReasoningDetail } from '../../wire/chat.js';
import { AnswerChunks } from '../answer-chunks.js';
import { EventParser } from '../event-parser.js';
import { isRecord, type JsonRecord } from '../json.js';
import type { Renaming } from '../rename.js';
import type { CallContext, StreamDecoder, UsageReport } from '../types.js';
import { classifyError } from './classify.js';
import { jsonToolOf } from './structure.js';
import { toolNames } from './tool-names.js';
import { REASONING_FORMAT } from './turns.js';
import { readUsage } from './usage.js';

/** What clients call the tiers. */
const TIERS: ReadonlyMap<unknown, string> = new Map([
  ['standard', 'default'],
  ['priority', 'priority'],
]);
const MAX_BLOCKS = 1024;
const MAX_CALLS = 128;

/** A content block that has begun and not ended. */
type OpenBlock =
  | { readonly kind: 'text'; readonly from: number; readonly citations: JsonRecord[] }
  | { readonly kind: 'thinking'; readonly index: number; said: boolean }
  | { readonly kind: 'call'; readonly index: number; written: boolean }
  /** The structured answer, which is the input of a tool. */
  | { readonly kind: 'answer'; written: boolean }
  | { readonly kind: 'other' };

/** Reads one answer of the Messages API, event by event; a whole answer is the same events at once. */
export class AnthropicDecoder implements StreamDecoder {
  state: StreamDecoder['state'] = 'open';
  readonly #events: EventParser;
  readonly #chunks: AnswerChunks;
  readonly #context: CallContext;
  readonly #names: Renaming;
  /** The name of the tool that carries the structured answer. */
  readonly #answerTool: string | undefined;
  readonly #blocks = new Map<unknown, OpenBlock>();
  #messageId: unknown;
  #usage: JsonRecord | undefined;
  #native: string | null = null;
  #calls = 0;
  #details = 0;
  #annotations = 0;
  /** UTF-16 units of content so far. */
  #length = 0;
  #refused = false;

  constructor(context: CallContext) {
    this.#events = new EventParser(context.malformedEvents);
    this.#chunks = new AnswerChunks(context);
    this.#context = context;
    this.#names = toolNames(context.request);
    this.#answerTool = jsonToolOf(context.request, context.upstreamModel)?.name;
  }

  push(event: ServerSentEvent): readonly ChatChunk[] {
    if (this.state === 'complete') return [];
    const body = this.#events.parse(event);
    return body === undefined ? [] : this.read(body);
  }

  /** The chunks of one event's object. @throws Failure where it is an error. */
  read(event: JsonRecord): readonly ChatChunk[] {
    switch (event['type']) {
      case 'message_start':
        return this.#start(event['message']);
      case 'content_block_start':
        return this.#open(event['index'], event['content_block']);
      case 'content_block_delta':
        return this.#delta(event['index'], event['delta']);
      case 'content_block_stop':
        return this.#close(event['index']);
      case 'message_delta':
        return this.#messageDelta(event);
      case 'message_stop':
        this.state = 'complete';
        return [];
      case 'error':
        throw classifyError(isRecord(event['error']) ? event['error'] : {});
      default:
        return [];
    }
  }

  end(): readonly ChatChunk[] {
    if (this.state === 'open')
      throw new Failure('truncated', 'the upstream ended its stream before the answer was finished');
    return this.#chunks.finish(0, { native: this.#native, calledTools: this.#calls > 0 });
  }

  usage(): UsageReport | undefined {
    return this.#usage && readUsage(this.#usage);
  }

  #start(message: unknown): readonly ChatChunk[] {
    if (!isRecord(message)) return [];
    if (this.#messageId !== undefined) {
      if (message['id'] === this.#messageId) return [];
      throw new Failure('bad_response', 'the upstream began a second message inside the first');
    }
    this.#messageId = message['id'] ?? '';
    this.#replaceUsage(message['usage']);
    this.#stopReason(message['stop_reason']);
    const content = Array.isArray(message['content']) ? message['content'] : [];
    return content.flatMap((block: unknown, position) => {
      const key = `started ${position}`;
      return [...this.#open(key, block), ...this.#close(key)];
    });
  }

  #messageDelta(event: JsonRecord): readonly ChatChunk[] {
    this.#replaceUsage(event['usage']);
    const delta = isRecord(event['delta']) ? event['delta'] : {};
    this.#stopReason(delta['stop_reason']);
    return this.#refusal(delta['stop_details']);
  }

  #stopReason(reason: unknown): void {
    if (typeof reason !== 'string' || reason === '') return;
    this.#native = reason;
    this.state = 'finished';
  }

  /** A field that is there replaces what was known; an absent one leaves it. Nothing is added up. */
  #replaceUsage(usage: unknown): void {
    if (!isRecord(usage)) return;
    const given = Object.fromEntries(
      Object.entries(usage).filter(([, value]) => value !== null && value !== undefined),
    );
    this.#usage = { ...this.#usage, ...given };
    this.#chunks.note({ tier: TIERS.get(usage['service_tier']) });
  }

  #refusal(details: unknown): readonly ChatChunk[] {
    if (this.#refused || !isRecord(details) || typeof details['explanation'] !== 'string') return [];
    this.#refused = true;
    return this.#chunks.content(0, { refusal: details['explanation'] });
  }

  #open(key: unknown, block: unknown): readonly ChatChunk[] {
    if (!isRecord(block)) return [];
    if (this.#blocks.size >= MAX_BLOCKS) throw new Failure('bad_response', 'the upstream opens too many blocks');
    switch (block['type']) {
      case 'text': {
        const citations = Array.isArray(block['citations']) ? block['citations'].filter(isRecord) : [];
        this.#blocks.set(key, { kind: 'text', from: this.#length, citations });
        return this.#text(block['text']);
      }
      case 'thinking': {
        const open = { kind: 'thinking', index: this.#details++, said: false } as const;
        this.#blocks.set(key, { ...open });
        return [...this.#thinking(key, block['thinking']), ...this.#signature(key, block['signature'])];
      }
      case 'redacted_thinking':
        this.#blocks.set(key, { kind: 'other' });
        return this.#redacted(block['data']);
      case 'tool_use':
        return this.#openCall(key, block);
      default:
        this.#blocks.set(key, { kind: 'other' });
        return [];
    }
  }

  #openCall(key: unknown, block: JsonRecord): readonly ChatChunk[] {
    const name = typeof block['name'] === 'string' ? block['name'] : '';
    const input = isRecord(block['input']) && Object.keys(block['input']).length > 0 ? block['input'] : undefined;
    if (name === this.#answerTool) {
      this.#blocks.set(key, { kind: 'answer', written: false });
    } else {
      if (this.#calls >= MAX_CALLS) throw new Failure('bad_response', 'the upstream made too many tool calls');
      this.#blocks.set(key, { kind: 'call', index: this.#calls, written: false });
    }
    const opening = name === this.#answerTool ? [] : this.#beginCall(block['id'], name);
    return input === undefined ? opening : [...opening, ...this.#argument(key, JSON.stringify(input))];
  }

  #beginCall(id: unknown, name: string): readonly ChatChunk[] {
    const index = this.#calls++;
    return this.#chunks.content(0, {
      tool_calls: [
        {
          index,
          id: typeof id === 'string' && id !== '' ? id : this.#context.newToolCallId(),
          type: 'function',
          function: { name: this.#names.back(name), arguments: '' },
        },
      ],
    });
  }

  #delta(key: unknown, delta: unknown): readonly ChatChunk[] {
    if (!isRecord(delta)) return [];
    switch (delta['type']) {
      case 'text_delta':
        return this.#text(delta['text']);
      case 'thinking_delta':
        return this.#thinking(key, delta['thinking']);
      case 'signature_delta':
        return this.#signature(key, delta['signature']);
      case 'input_json_delta':
        return this.#argument(key, delta['partial_json']);
      case 'citations_delta': {
        const block = this.#blocks.get(key);
        if (block?.kind === 'text' && isRecord(delta['citation'])) block.citations.push(delta['citation']);
        return [];
      }
      default:
        return [];
    }
  }

  #close(key: unknown): readonly ChatChunk[] {
    const block = this.#blocks.get(key);
    this.#blocks.delete(key);
    switch (block?.kind) {
      case 'text':
        return this.#citations(block.citations, block.from);
      case 'call':
        return block.written
          ? []
          : this.#chunks.content(0, { tool_calls: [{ index: block.index, function: { arguments: '{}' } }] });
      case 'answer':
        return block.written ? [] : this.#chunks.content(0, { content: '{}' });
      default:
        return [];
    }
  }

  /** Text beside a structured answer is no part of it. */
  #text(text: unknown): readonly ChatChunk[] {
    if (typeof text !== 'string' || text === '' || this.#answerTool !== undefined) return [];
    this.#length += text.length;
    return this.#chunks.content(0, { content: text });
  }

  #thinking(key: unknown, text: unknown): readonly ChatChunk[] {
    const block = this.#blocks.get(key);
    if (block?.kind !== 'thinking' || typeof text !== 'string' || text === '') return [];
    return this.#chunks.content(0, { reasoning: text, reasoning_details: [detail(block, { text })] });
  }

  #signature(key: unknown, signature: unknown): readonly ChatChunk[] {
    const block = this.#blocks.get(key);
    if (block?.kind !== 'thinking' || typeof signature !== 'string' || signature === '') return [];
    return this.#chunks.content(0, { reasoning_details: [detail(block, { text: '', signature })] });
  }

  #redacted(data: unknown): readonly ChatChunk[] {
    if (typeof data !== 'string') return [];
    const entry = { type: 'reasoning.encrypted', index: this.#details++, format: REASONING_FORMAT, data };
    return this.#chunks.content(0, { reasoning_details: [entry] });
  }

  #argument(key: unknown, text: unknown): readonly ChatChunk[] {
    const block = this.#blocks.get(key);
    if (typeof text !== 'string' || text === '') return [];
    if (block?.kind === 'answer') {
      block.written = true;
      return this.#chunks.content(0, { content: text });
    }
    if (block?.kind !== 'call') return [];
    block.written = true;
    return this.#chunks.content(0, { tool_calls: [{ index: block.index, function: { arguments: text } }] });
  }

  #citations(citations: readonly JsonRecord[], from: number): readonly ChatChunk[] {
    const annotations = citations.flatMap((citation) => {
      const { type, url, title, cited_text: content } = citation;
      if (type !== 'web_search_result_location' || typeof url !== 'string') return [];
      const span = { start_index: from, end_index: this.#length };
      return [
        {
          type: 'url_citation',
          url_citation: {
            url,
            title: typeof title === 'string' ? title : url,
            ...(typeof content === 'string' && { content }),
            ...span,
          },
          index: this.#annotations++,
        },
      ];
    });
    return annotations.length === 0 ? [] : this.#chunks.content(0, { annotations } satisfies Delta);
  }
}

/** A piece of one thinking block; what names the format stands on its first piece only. */
function detail(
  block: Extract<OpenBlock, { kind: 'thinking' }>,
  fields: { readonly text: string; readonly signature?: string },
): ReasoningDetail {
  const entry = { type: 'reasoning.text', index: block.index, ...fields };
  if (block.said) return entry;
  block.said = true;
  return { ...entry, format: REASONING_FORMAT };
}
