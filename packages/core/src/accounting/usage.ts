import type { UsageReport } from '../providers/types.js';
import { nanoToUsd } from '../usd.js';
import type { ChatMessage, ChatRequest, Choice, ChunkChoice, Usage } from '../wire/chat.js';
import type { Cost } from './cost.js';

/** Bytes of text that make a token, roughly, for providers that report nothing. */
const BYTES_PER_TOKEN = 4;
const TOKENS_PER_MESSAGE = 4;

/** Usage in wire form: every field that clients insist on, as integers, with the charge. */
export function toUsage(report: UsageReport, cost: Cost, options: { readonly estimated: boolean }): Usage {
  const { cachedRead = 0, cacheWrite5m = 0, cacheWrite1h = 0, audioIn = 0, reasoning = 0 } = report;
  const { audioOut = 0, imageOut = 0, webSearches = 0 } = report;
  return {
    prompt_tokens: report.prompt,
    completion_tokens: report.completion,
    total_tokens: report.prompt + report.completion,
    prompt_tokens_details: {
      cached_tokens: cachedRead,
      cache_write_tokens: cacheWrite5m + cacheWrite1h,
      audio_tokens: audioIn,
    },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      ...(audioOut > 0 && { audio_tokens: audioOut }),
      ...(imageOut > 0 && { image_tokens: imageOut }),
    },
    ...(webSearches > 0 && { server_tool_use_details: { web_search_requests: webSearches } }),
    cost: nanoToUsd(cost.total),
    is_byok: false,
    cost_details: {
      upstream_inference_cost: nanoToUsd(cost.upstream),
      upstream_inference_prompt_cost: nanoToUsd(cost.prompt),
      upstream_inference_completions_cost: nanoToUsd(cost.completion),
    },
    ...(options.estimated && { estimated: true as const }),
  };
}

/** Images that a request carries, anywhere in its messages. */
export function countImages(request: ChatRequest): number {
  const parts = request.messages.flatMap(({ content }) => (typeof content === 'object' ? (content ?? []) : []));
  return parts.filter((part) => part.type === 'image_url').length;
}

/** Counts for an answer whose provider reported none: a token for four bytes, and four for each message. */
export function estimateUsage(request: ChatRequest, outputBytes: number): UsageReport {
  const prompt = request.messages.reduce((sum, message) => sum + TOKENS_PER_MESSAGE + tokens(messageBytes(message)), 0);
  return { prompt, completion: tokens(outputBytes) };
}

/** UTF-8 bytes of text in one step of an answer: content, reasoning, refusal and tool arguments. */
export function deltaBytes(choice: ChunkChoice): number {
  const { content, reasoning, refusal, tool_calls: calls } = choice.delta;
  let bytes = typeof content === 'string' ? Buffer.byteLength(content) : 0;
  if (reasoning !== undefined) bytes += Buffer.byteLength(reasoning);
  if (typeof refusal === 'string') bytes += Buffer.byteLength(refusal);
  for (const call of calls ?? []) bytes += Buffer.byteLength(call.function.arguments);
  return bytes;
}

function tokens(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

function messageBytes(message: ChatMessage): number {
  const { content } = message;
  if (content === undefined) return 0;
  if (typeof content === 'string') return Buffer.byteLength(content);
  return content.reduce((sum, part) => sum + (part.type === 'text' ? Buffer.byteLength(part.text) : 0), 0);
}

/** UTF-8 bytes of text in whole choices: content, reasoning, refusal and tool arguments. */
export function choiceBytes(choices: readonly Choice[]): number {
  return choices.reduce((sum, { message }) => {
    const calls = message.tool_calls ?? [];
    const { content, reasoning, refusal } = message;
    const text = [content ?? '', reasoning ?? '', refusal ?? '', ...calls.map((call) => call.function.arguments)];
    return sum + Buffer.byteLength(text.join(''));
  }, 0);
}
