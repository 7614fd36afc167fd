import type { Sample } from './describe-provider.js';

const json = (payloads: readonly object[]): readonly string[] => payloads.map((payload) => JSON.stringify(payload));

const chunk = (delta: object, finish: string | null = null, more: object = {}): object => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'upstream',
  choices: [{ index: 0, delta, finish_reason: finish }],
  ...more,
});
const openAiUsage = { choices: [], usage: { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 } };

/** Streams of the OpenAI family. */
export const openAiSamples: readonly Sample[] = [
  {
    name: 'composed: text over characters of several bytes',
    payloads: json([
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: 'Grüße, 👩‍👩‍👧' }),
      chunk({ content: ' “wörld”\n' }),
      chunk({}, 'stop'),
      openAiUsage,
    ]),
  },
  {
    name: 'composed: reasoning and two parallel calls',
    payloads: json([
      chunk({ role: 'assistant', content: null, reasoning_content: 'Both' }),
      chunk({ reasoning_content: ' cities.' }),
      chunk({
        tool_calls: [{ index: 0, id: 'call_a', type: 'function', function: { name: 'weather', arguments: '' } }],
      }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '"Oslo"}' } }] }),
      chunk({
        tool_calls: [{ index: 1, id: 'call_b', type: 'function', function: { name: 'time', arguments: '{}' } }],
      }),
      chunk({}, 'tool_calls'),
      openAiUsage,
    ]),
  },
];

const start = (usage: object): object => ({
  type: 'message_start',
  message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content: [], stop_reason: null, usage },
});
const open = (index: number, block: object): object => ({ type: 'content_block_start', index, content_block: block });
const delta = (index: number, piece: object): object => ({ type: 'content_block_delta', index, delta: piece });
const close = (index: number): object => ({ type: 'content_block_stop', index });
const stop = (reason: string, usage: object): readonly object[] => [
  { type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage },
  { type: 'message_stop' },
];

/** Streams of the Messages API. */
export const anthropicSamples: readonly Sample[] = [
  {
    name: 'composed: thinking, redacted thinking, text and parallel calls',
    payloads: json([
      start({ input_tokens: 10, cache_read_input_tokens: 1000, cache_creation_input_tokens: 100, output_tokens: 1 }),
      open(0, { type: 'thinking', thinking: '', signature: '' }),
      { type: 'ping' },
      delta(0, { type: 'thinking_delta', thinking: 'Two ' }),
      delta(0, { type: 'thinking_delta', thinking: 'cities.' }),
      delta(0, { type: 'signature_delta', signature: 'c2lnbmVk' }),
      close(0),
      open(1, { type: 'redacted_thinking', data: 'aGlkZGVu' }),
      close(1),
      open(2, { type: 'text', text: '' }),
      delta(2, { type: 'text_delta', text: 'I look “both” up 👀' }),
      close(2),
      open(3, { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} }),
      delta(3, { type: 'input_json_delta', partial_json: '' }),
      delta(3, { type: 'input_json_delta', partial_json: '{"city":' }),
      delta(3, { type: 'input_json_delta', partial_json: '"Oslo"}' }),
      close(3),
      open(4, { type: 'tool_use', id: 'toolu_2', name: 'time', input: {} }),
      close(4),
      ...stop('tool_use', { output_tokens: 77 }),
    ]),
  },
  {
    name: 'composed: a search of the provider and its sources',
    payloads: json([
      start({ input_tokens: 50, output_tokens: 1 }),
      open(0, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }),
      delta(0, { type: 'input_json_delta', partial_json: '{"query":"x"}' }),
      close(0),
      open(1, { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] }),
      close(1),
      open(2, { type: 'text', text: '' }),
      delta(2, { type: 'text_delta', text: 'First. ' }),
      close(2),
      open(3, { type: 'text', text: '', citations: [] }),
      delta(3, {
        type: 'citations_delta',
        citation: { type: 'web_search_result_location', url: 'https://a.example/', title: null, cited_text: 'so' },
      }),
      delta(3, { type: 'text_delta', text: 'Second.' }),
      close(3),
      ...stop('end_turn', { output_tokens: 12, server_tool_use: { web_search_requests: 1 } }),
    ]),
  },
];

const candidate = (parts: readonly object[], more: object = {}, usage: object = {}): object => ({
  candidates: [{ content: { parts, role: 'model' }, index: 0, ...more }],
  usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 20, ...usage },
});

/** Streams of generateContent. */
export const geminiSamples: readonly Sample[] = [
  {
    name: 'composed: thoughts, text, a picture and sources',
    payloads: json([
      candidate([{ text: 'Let me ', thought: true }]),
      candidate([{ text: 'see.', thought: true }]),
      candidate([{ text: 'Grüße 👋' }, { text: ' there' }]),
      candidate([{ inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } }]),
      candidate(
        [{ text: '', thoughtSignature: 'c2lnbmVk' }],
        {
          finishReason: 'STOP',
          groundingMetadata: {
            groundingChunks: [
              { web: { uri: 'https://a.example/', title: 'A' } },
              { web: { uri: 'https://a.example/', title: 'A' } },
              { web: { uri: 'https://b.example/' } },
            ],
          },
        },
        { candidatesTokenCount: 6, thoughtsTokenCount: 5 },
      ),
    ]),
  },
  {
    name: 'composed: parallel calls with one signature',
    payloads: json([
      candidate([
        { functionCall: { name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'c2lnbmVk' },
        { functionCall: { name: 'weather', args: { city: 'Rome' } } },
      ]),
      candidate([{ functionCall: { id: 'given', name: 'time' } }]),
      candidate([], { finishReason: 'STOP' }, { candidatesTokenCount: 20 }),
    ]),
  },
];
