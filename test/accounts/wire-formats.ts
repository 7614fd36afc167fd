import { anthropic, google, openai, openaiCompatible, type PriceDeclaration, type Provider } from '@gatehouse/core';

/** Tokens that an upstream says it has counted; a test may let it say anything. */
export interface Counts {
  readonly prompt: unknown;
  readonly completion: unknown;
}

/** Why an upstream ends an answer; `blank`: it gives no reason. */
export type Reason = 'stop' | 'length' | 'filter' | 'error' | 'blank';

type JsonObject = Readonly<Record<string, unknown>>;

/** What a test declares of the one model of a provider. */
interface Wares {
  readonly baseUrl: string;
  readonly pricing: PriceDeclaration;
  /** Tokens. */
  readonly maxCompletionTokens?: number;
}

/** One provider's language, as far as accounts follow from it. Composed by hand, without any code of the gateway. */
export interface WireFormat {
  readonly name: string;
  readonly model: string;
  /** What the table of capabilities says of this provider. */
  readonly afterAbort: 'stops' | 'bills' | undefined;
  provider(wares: Wares): Provider;
  /** What comes before any content, with what is known of usage by then. */
  start(usage: Counts | undefined): readonly object[];
  /** Whether `start` tells usage. */
  readonly startReports: boolean;
  /** A piece of text; `usage`: what was counted so far. */
  text(text: string, usage: Counts | undefined): object;
  /** Whether pieces of text tell usage. */
  readonly textReports: boolean;
  finish(reason: Reason, usage: Counts | undefined): readonly object[];
  /** Stands after the last event, as it is. */
  readonly terminal: string;
  /** An error among the events. */
  readonly error: object;
  /** The same answer in one piece. */
  whole(text: string, reason: Reason, usage: Counts | undefined): object;
  frame(event: object): string;
  /** Texts of a request, a message each. */
  prompts(asked: JsonObject): readonly string[];
  /** The most tokens that a request asks for. */
  mostTokens(asked: JsonObject): unknown;
}

const apiKey = 'upstream-key-of-the-exits';
const objects = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? (value as JsonObject[]) : []);
const object = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null ? (value as JsonObject) : {};
const data = (event: object): string => `data: ${JSON.stringify(event)}\n\n`;

/** A message's text, whether it is a string or parts. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return objects(content)
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join('');
}

const openAiReasons: Readonly<Record<Reason, string | null>> = {
  stop: 'stop',
  length: 'length',
  filter: 'content_filter',
  error: 'error',
  blank: null,
};
const openAiUsage = ({ prompt, completion }: Counts): object => ({
  usage: { prompt_tokens: prompt, completion_tokens: completion },
});
const openAiChunk = (delta: object, reason: string | null = null): object => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'upstream',
  choices: [{ index: 0, delta, finish_reason: reason }],
});

/** Chat completions, at a provider that stops when its client leaves. */
export const openAiFormat: WireFormat = {
  name: 'OpenAI',
  model: 'openai/gpt-4.1-nano',
  afterAbort: 'stops',
  provider: ({ baseUrl, ...facts }) =>
    openai({ apiKey, baseUrl, models: [{ id: openAiFormat.model, contextLength: 100_000, ...facts }] }),
  start: () => [openAiChunk({ role: 'assistant', content: '' })],
  startReports: false,
  text: (content) => openAiChunk({ content }),
  textReports: false,
  finish: (reason, usage) => [
    ...(reason === 'blank' ? [] : [openAiChunk({}, openAiReasons[reason])]),
    ...(usage === undefined ? [] : [{ choices: [], ...openAiUsage(usage) }]),
  ],
  terminal: 'data: [DONE]\n\n',
  error: { error: { message: 'secret of the upstream', code: 503 } },
  whole: (content, reason, usage) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'upstream',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: openAiReasons[reason] }],
    ...(usage !== undefined && openAiUsage(usage)),
  }),
  frame: data,
  prompts: ({ messages }) => objects(messages).map(({ content }) => textOf(content)),
  mostTokens: (asked) => asked['max_completion_tokens'] ?? asked['max_tokens'],
};

/** The same language at a server that nobody knows. */
export const customFormat: WireFormat = {
  ...openAiFormat,
  name: 'custom',
  model: 'acme/small',
  afterAbort: undefined,
  provider: ({ baseUrl, ...facts }) =>
    openaiCompatible({
      slug: 'acme',
      baseUrl,
      models: [{ id: customFormat.model, contextLength: 100_000, ...facts }],
    }),
};

const anthropicReasons: Readonly<Record<Reason, string | null>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  filter: 'refusal',
  error: 'error',
  blank: null,
};

/** The Messages API, which tells what it has read before it writes. */
export const anthropicFormat: WireFormat = {
  name: 'Anthropic',
  model: 'anthropic/claude-sonnet-4.5',
  afterAbort: 'stops',
  provider: ({ baseUrl, ...facts }) =>
    anthropic({ apiKey, baseUrl, models: [{ id: anthropicFormat.model, contextLength: 100_000, ...facts }] }),
  start: (usage) => [
    {
      type: 'message_start',
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'claude',
        content: [],
        stop_reason: null,
        usage: usage === undefined ? {} : { input_tokens: usage.prompt, output_tokens: usage.completion },
      },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  ],
  startReports: true,
  text: (text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
  textReports: false,
  finish: (reason, usage) => [
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: anthropicReasons[reason], stop_sequence: null },
      usage: usage === undefined ? {} : { output_tokens: usage.completion },
    },
    { type: 'message_stop' },
  ],
  terminal: '',
  error: { type: 'error', error: { type: 'overloaded_error', message: 'secret of the upstream' } },
  whole: (text, reason, usage) => ({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [{ type: 'text', text }],
    stop_reason: anthropicReasons[reason],
    ...(usage !== undefined && { usage: { input_tokens: usage.prompt, output_tokens: usage.completion } }),
  }),
  frame: (event) => `event: ${String(object(event)['type'])}\n${data(event)}`,
  prompts: ({ messages }) => objects(messages).map(({ content }) => textOf(content)),
  mostTokens: (asked) => asked['max_tokens'],
};

const geminiReasons: Readonly<Record<Reason, string | undefined>> = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  filter: 'SAFETY',
  error: 'MALFORMED_FUNCTION_CALL',
  blank: undefined,
};
const geminiUsage = ({ prompt, completion }: Counts): object => ({
  usageMetadata: { promptTokenCount: prompt, candidatesTokenCount: completion },
});
const geminiEvent = (parts: readonly object[], reason: Reason | undefined, usage: Counts | undefined): object => ({
  candidates: [
    {
      index: 0,
      content: { role: 'model', parts },
      ...(reason !== undefined && { finishReason: geminiReasons[reason] }),
    },
  ],
  ...(usage !== undefined && geminiUsage(usage)),
});

/** generateContent, which counts along, and goes on charging when its client is gone. */
export const geminiFormat: WireFormat = {
  name: 'Gemini',
  model: 'google/gemini-3-pro-preview',
  afterAbort: 'bills',
  provider: ({ baseUrl, ...facts }) =>
    google({ apiKey, baseUrl, models: [{ id: geminiFormat.model, contextLength: 100_000, ...facts }] }),
  start: () => [],
  startReports: false,
  text: (text, usage) => geminiEvent([{ text }], undefined, usage),
  textReports: true,
  finish: (reason, usage) => [geminiEvent([], reason, usage)],
  terminal: '',
  error: { error: { code: 503, status: 'UNAVAILABLE', message: 'secret of the upstream' } },
  whole: (text, reason, usage) => geminiEvent([{ text }], reason, usage),
  frame: data,
  prompts: ({ contents }) => objects(contents).map(({ parts }) => textOf(parts)),
  mostTokens: (asked) => object(asked['generationConfig'])['maxOutputTokens'],
};

/** The three of them. */
export const wireFormats: readonly WireFormat[] = [openAiFormat, anthropicFormat, geminiFormat];
