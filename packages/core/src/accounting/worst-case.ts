import type { Endpoint } from '../catalog/model.js';
import { type Price, RATE_NAMES, type Rates } from '../catalog/price.js';
import type { ChatMessage, ChatRequest, ContentPart } from '../wire/chat.js';

/** How large a request is at most. Independent of who serves it. */
export interface RequestSize {
  /** No tokenizer that works on bytes makes more tokens of the text. */
  readonly tokens: number;
  readonly images: number;
  /** Something whose size nobody knows before it is fetched: it may fill the whole context. */
  readonly unbounded: boolean;
}

/** What a request can come to at one endpoint. */
export interface WorstCase {
  /** Tokens. */
  readonly input: number;
  /** Tokens of one choice. */
  readonly output: number;
  /** Nano-USD, markup included. */
  readonly amount: bigint;
  /** Nano-USD of the input alone, at most. */
  readonly inputAmount: bigint;
  /** Pico-USD, without markup, that a token of all choices together costs at most. */
  readonly outputRate: bigint;
}

const MESSAGE_TOKENS = 16;
const TOOL_TOKENS = 64;
/** More than any provider makes of one picture, but for the models whose small price is made up for by many tokens. */
const IMAGE_TOKENS = 8000;
const SMALL_MODEL_IMAGE_TOKENS = 50_000;
const SMALL_MODEL_IMAGES = /^openai\/gpt-4o-mini\b/;
/** The least bytes that a token of sound or film takes, encoded as tightly as is usual. */
const AUDIO_BYTES_PER_TOKEN = 20;
/** Where nobody says how long a context or an answer can be. */
const UNKNOWN_CONTEXT = 1_000_000;
const UNKNOWN_OUTPUT = 32_768;
/** Searches that one request may start at a provider. */
const MOST_SEARCHES = 10;
const PICO_PER_NANO = 1000n;
const MILLION = 1_000_000n;

/** Measures a request, and what goes upstream beside it. Pure; linear in its size. */
export function sizeOf(request: ChatRequest, extra: Readonly<Record<string, unknown>> = {}): RequestSize {
  // Whatever an unknown field says, its provider may read it as prompt.
  let tokens = Object.keys(extra).length === 0 ? 0 : Buffer.byteLength(JSON.stringify(extra));
  let images = 0;
  let unbounded = false;
  for (const message of request.messages) {
    tokens += MESSAGE_TOKENS + bytesAround(message);
    const { content } = message;
    if (typeof content === 'string') tokens += Buffer.byteLength(content);
    for (const part of typeof content === 'object' ? (content ?? []) : []) {
      if (part.type === 'image_url') images += 1;
      else {
        const most = mediaTokens(part);
        tokens += most ?? 0;
        unbounded ||= most === undefined;
      }
    }
  }
  const tools = request.tools ?? [];
  if (tools.length > 0) tokens += tools.length * TOOL_TOKENS + Buffer.byteLength(JSON.stringify(tools));
  if (request.response_format !== undefined) tokens += Buffer.byteLength(JSON.stringify(request.response_format));
  return { tokens, images, unbounded };
}

/** What a request can come to at an endpoint whose price is known. `most` bounds the output, where somebody has to pay for it. */
export function worstCaseAt(
  { model, price, contextLength, maxCompletionTokens }: Endpoint & { readonly price: Price },
  request: ChatRequest,
  size: RequestSize,
  most?: number,
): WorstCase {
  const context = contextLength ?? UNKNOWN_CONTEXT;
  const perImage = SMALL_MODEL_IMAGES.test(model) ? SMALL_MODEL_IMAGE_TOKENS : IMAGE_TOKENS;
  const input = size.unbounded ? context : Math.min(context, size.tokens + size.images * perImage);
  const longest = maxCompletionTokens ?? contextLength ?? UNKNOWN_OUTPUT;
  const output = Math.min(request.max_tokens ?? longest, longest, most ?? longest);
  const rates = dearest(price);
  const inputPico =
    BigInt(input) * inputRate(rates, request, size) +
    BigInt(size.images) * (rates.image ?? 0n) +
    (rates.web_search ?? 0n) * BigInt(request.web_search_options === undefined ? 1 : MOST_SEARCHES) +
    (rates.request ?? 0n);
  const outputRate =
    largest(rateOf(rates, ['completion', 'internal_reasoning', ...mediaOut(request)])) * choices(request);
  return {
    input,
    output,
    amount: toNano(inputPico + BigInt(output) * outputRate, price),
    inputAmount: toNano(inputPico, price),
    outputRate,
  };
}

/** How many tokens of output some money buys beside the input. */
export function affordableOutput(worst: WorstCase, money: bigint, { markupPpm }: Price): number {
  const left = money - worst.inputAmount;
  if (left <= 0n) return 0;
  if (worst.outputRate === 0n) return Number.MAX_SAFE_INTEGER;
  const tokens = (left * PICO_PER_NANO * MILLION) / (worst.outputRate * (MILLION + markupPpm));
  return Number(tokens < BigInt(Number.MAX_SAFE_INTEGER) ? tokens : BigInt(Number.MAX_SAFE_INTEGER));
}

/** Names, calls and reasoning: whatever of a message goes upstream beside its content. */
function bytesAround(message: ChatMessage): number {
  const { content: _, role: __, ...rest } = message;
  return Object.values(rest).some((value) => value !== undefined) ? Buffer.byteLength(JSON.stringify(rest)) : 0;
}

/** The most tokens that a part other than a picture makes; undefined where nobody knows. */
function mediaTokens(part: Exclude<ContentPart, { readonly type: 'image_url' }>): number | undefined {
  switch (part.type) {
    case 'text':
      return Buffer.byteLength(part.text);
    case 'input_audio':
      return Math.ceil(part.input_audio.data.length / AUDIO_BYTES_PER_TOKEN);
    case 'video_url':
      return dataTokens(part.video_url.url);
    case 'file':
      return dataTokens(part.file.file_data);
    default:
      return part satisfies never;
  }
}

function dataTokens(data: string | undefined): number | undefined {
  return data === undefined || /^https?:/i.test(data) ? undefined : data.length;
}

/** The dearest that each rate gets, at any length of prompt and any time of day. */
function dearest({ rates, overrides }: Price): Rates {
  if (overrides.length === 0) return rates;
  const all = [rates, ...overrides.map((override) => override.rates)];
  const most = RATE_NAMES.map((name) => [name, largest(all.map((one) => one[name] ?? 0n))] as const);
  return { ...rates, ...Object.fromEntries(most.filter(([, rate]) => rate > 0n)) };
}

function inputRate(rates: Rates, request: ChatRequest, { images }: RequestSize): bigint {
  const written = request.cache_control !== undefined || hasCacheControl(request);
  return largest(
    rateOf(rates, [
      'prompt',
      ...(written ? (['input_cache_write', 'input_cache_write_1h'] as const) : []),
      ...(images > 0 ? (['image_token'] as const) : []),
      ...(hasAudio(request) ? (['audio'] as const) : []),
    ]),
  );
}

function hasCacheControl({ messages, tools = [] }: ChatRequest): boolean {
  return (
    tools.some((tool) => tool.cache_control !== undefined) ||
    partsOf(messages).some((part) => part.type === 'text' && part.cache_control !== undefined)
  );
}

function hasAudio({ messages }: ChatRequest): boolean {
  return partsOf(messages).some((part) => part.type === 'input_audio');
}

function partsOf(messages: readonly ChatMessage[]): readonly ContentPart[] {
  return messages.flatMap(({ content }) => (typeof content === 'object' ? (content ?? []) : []));
}

function mediaOut({ modalities = [] }: ChatRequest): readonly ('audio_output' | 'image_output')[] {
  return [
    ...(modalities.includes('audio') ? (['audio_output'] as const) : []),
    ...(modalities.includes('image') ? (['image_output'] as const) : []),
  ];
}

function rateOf(rates: Rates, names: readonly (keyof Rates)[]): readonly bigint[] {
  return names.map((name) => rates[name] ?? 0n);
}

function choices({ n = 1 }: ChatRequest): bigint {
  return BigInt(n);
}

function largest(values: readonly bigint[]): bigint {
  let most = 0n;
  for (const value of values) if (value > most) most = value;
  return most;
}

function toNano(pico: bigint, { markupPpm }: Price): bigint {
  const by = PICO_PER_NANO * MILLION;
  return (pico * (MILLION + markupPpm) + by - 1n) / by;
}
