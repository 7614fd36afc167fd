import { EVENTS } from '../scenarios.js';

/** One provider's way to answer, as small as it can be. */
export interface UpstreamFormat {
  /** A whole answer. */
  readonly whole: string;
  /** The frames of a stream of `EVENTS` words. */
  readonly words: readonly string[];
  /** The frames of a stream whose content is one event of 4 MB. */
  readonly large: readonly string[];
}

const WHOLE = 'The answer of a small request is a sentence or two, like this one.';
const LARGE = `word0 ${'x'.repeat(4 * 1_048_576)} word${EVENTS - 1}`;
const words = Array.from({ length: EVENTS }, (_, number) => ` word${number}`);
const frame = (event: object): string => `data: ${JSON.stringify(event)}\n\n`;

const chunk = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_790_000_000, model: 'bench' };
const usage = { prompt_tokens: 20, completion_tokens: EVENTS, total_tokens: 20 + EVENTS };
const step = (delta: object, finish_reason: string | null = null): string =>
  frame({ ...chunk, choices: [{ index: 0, delta, logprobs: null, finish_reason }] });
const openAiStream = (texts: readonly string[]): readonly string[] => [
  step({ role: 'assistant', content: '' }),
  ...texts.map((content) => step({ content })),
  step({}, 'stop'),
  frame({ ...chunk, choices: [], usage }),
  'data: [DONE]\n\n',
];

/** OpenAI's chat completions. */
const openAi: UpstreamFormat = {
  whole: JSON.stringify({
    ...chunk,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: WHOLE }, logprobs: null, finish_reason: 'stop' }],
    usage,
  }),
  words: openAiStream(words),
  large: openAiStream([LARGE]),
};

const named = (event: { readonly type: string; readonly [field: string]: unknown }): string =>
  `event: ${event.type}\n${frame(event)}`;
const tokens = { input_tokens: 20, output_tokens: EVENTS };
const message = { id: 'msg_bench', type: 'message', role: 'assistant', model: 'bench', usage: tokens };
const anthropicStream = (texts: readonly string[]): readonly string[] => [
  named({ type: 'message_start', message: { ...message, content: [], stop_reason: null } }),
  named({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
  ...texts.map((text) => named({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
  named({ type: 'content_block_stop', index: 0 }),
  named({ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: tokens }),
  named({ type: 'message_stop' }),
];

/** Anthropic's messages. */
const anthropic: UpstreamFormat = {
  whole: JSON.stringify({ ...message, content: [{ type: 'text', text: WHOLE }], stop_reason: 'end_turn' }),
  words: anthropicStream(words),
  large: anthropicStream([LARGE]),
};

const usageMetadata = { promptTokenCount: 20, candidatesTokenCount: EVENTS, totalTokenCount: 20 + EVENTS };
const answer = (text: string, more: object = {}): object => ({
  candidates: [{ content: { parts: [{ text }], role: 'model' }, index: 0, ...more }],
  usageMetadata,
  modelVersion: 'bench',
});
const geminiStream = (texts: readonly string[]): readonly string[] => [
  ...texts.map((text) => frame(answer(text))),
  frame(answer('', { finishReason: 'STOP' })),
];

/** Gemini's generateContent. */
const gemini: UpstreamFormat = {
  whole: JSON.stringify(answer(WHOLE, { finishReason: 'STOP' })),
  words: geminiStream(words),
  large: geminiStream([LARGE]),
};

/** The format of a path. */
export function formatOf(path: string): UpstreamFormat {
  if (path.endsWith('/messages')) return anthropic;
  return path.includes('enerateContent') ? gemini : openAi;
}

/** Whether a path and a body ask for a stream. */
export function asksForStream(path: string, body: string): boolean {
  return path.includes(':streamGenerateContent') || body.includes('"stream":true');
}
