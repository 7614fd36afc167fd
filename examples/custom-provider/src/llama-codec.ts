import {
  AnswerChunks,
  accumulate,
  type CallContext,
  type ChatChunk,
  type ChatMessage,
  type ChatRequest,
  type DecodedAnswer,
  EventParser,
  Failure,
  type ProviderCodec,
  type ServerSentEvent,
  type StreamDecoder,
  type UpstreamRequest,
  type UsageReport,
} from '@gatehouse/core';

/**
 * A codec for the native API of llama.cpp's server, `POST /completion`: a prompt goes in, and objects with `content` and,
 * at the end, `stop` and counts of tokens come out. Everything here is pure; connections, deadlines, framing and failover
 * are the gateway's.
 */
export const llamaCodec: ProviderCodec = {
  encode,
  decodeBody,
  decoder: (context) => new LlamaDecoder(context),
  classify,
};

type Answer = Readonly<Record<string, unknown>>;

/** What the API has no field for. What could not be passed on is told, not forgotten. */
const UNKNOWN = ['tools', 'tool_choice', 'response_format', 'n', 'logit_bias', 'reasoning'] as const;

function encode(request: ChatRequest, context: CallContext): UpstreamRequest {
  const { max_tokens: n_predict = -1, temperature, top_p, top_k, min_p, seed, stop } = request;
  const given = Object.entries({ temperature, top_p, top_k, min_p, seed, stop }).filter(
    ([, value]) => value !== undefined,
  );
  return {
    method: 'POST',
    path: '/completion',
    headers: {},
    body: { prompt: promptOf(request.messages), n_predict, stream: context.stream, ...Object.fromEntries(given) },
    adjustments: UNKNOWN.filter((param) => request[param] !== undefined).map((param) => ({
      param,
      action: 'dropped',
      detail: 'llama.cpp does not take it',
    })),
  };
}

/** A conversation in ChatML, the template of many open models. */
function promptOf(messages: readonly ChatMessage[]): string {
  const turns = messages.map(({ role, content = '' }) => `<|im_start|>${role}\n${textOf(content)}<|im_end|>\n`);
  return `${turns.join('')}<|im_start|>assistant\n`;
}

function textOf(content: NonNullable<ChatMessage['content']>): string {
  return typeof content === 'string'
    ? content
    : content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** A whole answer is the same as a stream of one event: both are read by the same code. */
function decodeBody(text: string, context: CallContext): DecodedAnswer {
  const decoder = new LlamaDecoder(context);
  const chunks = decoder.push({ data: text });
  return { ...accumulate([...chunks, ...decoder.end()]), usage: decoder.usage() };
}

class LlamaDecoder implements StreamDecoder {
  state: StreamDecoder['state'] = 'open';
  readonly #events: EventParser;
  readonly #chunks: AnswerChunks;
  #last: Answer = {};

  constructor(context: CallContext) {
    this.#events = new EventParser(context.malformedEvents);
    this.#chunks = new AnswerChunks(context);
  }

  push(event: ServerSentEvent): readonly ChatChunk[] {
    const answer = this.#events.parse(event);
    if (answer === undefined || this.state === 'complete') return [];
    if (answer['error'] !== undefined) throw failureOf(answer, 500);
    const { content } = answer;
    if (answer['stop'] === true) {
      this.#last = answer;
      this.state = 'complete';
    }
    return typeof content === 'string' && content !== '' ? this.#chunks.content(0, { content }) : [];
  }

  end(): readonly ChatChunk[] {
    if (this.state === 'open') throw new Failure('truncated', 'the server ended before the answer was finished');
    const word = this.#last['stop_type'];
    const native = typeof word === 'string' ? word : null;
    return this.#chunks.finish(0, { native, calledTools: false, reason: native === 'limit' ? 'length' : 'stop' });
  }

  usage(): UsageReport | undefined {
    const { tokens_evaluated: prompt, tokens_predicted: completion } = this.#last;
    return typeof prompt === 'number' && typeof completion === 'number' ? { prompt, completion } : undefined;
  }
}

function classify({ status, text }: { readonly status: number; readonly text: string }): Failure {
  try {
    return failureOf(JSON.parse(text) as Answer, status);
  } catch {
    return failureOf({}, status);
  }
}

/** `{ error: { code, message, type } }`; 503 while the model is being loaded. */
function failureOf(answer: Answer, status: number): Failure {
  const error = (typeof answer['error'] === 'object' && answer['error'] !== null ? answer['error'] : {}) as Answer;
  const details = { status, raw: JSON.stringify(answer).slice(0, 2048) };
  if (error['type'] === 'exceed_context_size_error') {
    return new Failure('context_length', 'the prompt does not fit the context', details);
  }
  if (status === 503 || error['code'] === 503) return new Failure('overloaded', 'the model is being loaded', details);
  return new Failure(status >= 500 ? 'server_error' : 'invalid_request', 'the server refused', details);
}
