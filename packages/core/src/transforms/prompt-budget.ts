import { GatewayError } from '../errors.js';
import type { ChatMessage, ChatRequest } from '../wire/chat.js';
import { messageTokens, mostTokens, textTokens, toolTokens } from './estimate-tokens.js';
import { type PromptUnit, Turns, unitsOf } from './prompt-units.js';
import type { Fit, FitTarget } from './types.js';

/** `always`: at every endpoint. `small`: only at those with little context. `never`: nowhere. */
export type Compression = 'always' | 'small' | 'never';

/** Contexts of so many tokens or fewer are cut for without being asked. */
const SMALL_CONTEXT = 8192;
/** Room for an answer whose length the request leaves open, where there is room for it. */
const ANSWER_ROOM = 1024;
const ANSWER_SHARE = 8;
/** What is left of a message is at least this many tokens, or nothing is. */
const LEAST_REST = 64;
const GAP = '\n[…]\n';
const GAP_TOKENS = 6;
/** What the model said between two turns of the user that are kept, where there is no room for any of it. */
const BRIDGE: ChatMessage = { role: 'assistant', content: GAP.trim() };
const BRIDGE_TOKENS = messageTokens(BRIDGE);

/** The prompt of one request against the contexts of endpoints: whether it fits, and what is left of it where it is cut. */
export class PromptBudget {
  readonly #request: ChatRequest;
  readonly #compression: Compression;
  readonly #most: number;
  #measured: Measured | undefined;
  readonly #fits = new Map<string, Fit | undefined>();

  constructor(request: ChatRequest, compression: Compression) {
    this.#request = request;
    const { modalities } = request;
    const isImageOnly = modalities?.length === 1 && modalities[0] === 'image';
    this.#compression = isImageOnly ? 'never' : compression;
    this.#most = mostTokens(request);
  }

  /** Whether it was made for the prompt of this request. */
  isOf({ messages, tools, max_tokens: output }: ChatRequest): boolean {
    const own = this.#request;
    return messages === own.messages && tools === own.tools && output === own.max_tokens;
  }

  /** Whether the whole prompt and the output that is asked for fit. */
  fits(context: number): boolean {
    const output = this.#request.max_tokens ?? 0;
    // Nearly all prompts are so short that they need not be looked at.
    return this.#most + output <= context || this.#measure().needed <= context;
  }

  /** Whether what does not fit may be cut, at an endpoint with half of what is needed, or with the `largest` context. */
  mayCut(context: number, largest: boolean): boolean {
    if (!this.#isOn(context)) return false;
    const { needed, least } = this.#measure();
    return least <= context && (largest || context * 2 >= needed);
  }

  /** Why nothing is left to be asked. */
  refusal(context: number): GatewayError {
    const { text, tools, output, needed } = this.#measure();
    return new GatewayError(
      'context_length_exceeded',
      `This endpoint's maximum context length is ${context} tokens. However, you requested about ${needed} tokens ` +
        `(${text} of text input, ${tools} of tool input, ${output} in the output). Please reduce the length of either ` +
        'one, or use the context-compression plugin to compress your prompt automatically.',
    );
  }

  /**
   * The messages for one endpoint; undefined where they may stay as they are.
   *
   * @throws GatewayError `context_length_exceeded` where what has to be kept does not fit.
   */
  fit(target: FitTarget): Fit | undefined {
    const { contextLength, mostMessages } = target;
    if (!this.#isOn(contextLength)) return undefined;
    const count = this.#request.messages.length;
    const isLong = contextLength !== undefined && !this.fits(contextLength);
    const isMany = mostMessages !== undefined && count > mostMessages;
    if (!isLong && !isMany) return undefined;
    const key = `${isLong ? contextLength : ''} ${isMany ? mostMessages : ''}`;
    if (!this.#fits.has(key)) this.#fits.set(key, this.#cut(isLong ? contextLength : undefined, mostMessages ?? count));
    return this.#fits.get(key);
  }

  #isOn(context: number | undefined): boolean {
    if (this.#compression !== 'small') return this.#compression === 'always';
    return context !== undefined && context <= SMALL_CONTEXT;
  }

  #measure(): Measured {
    this.#measured ??= measure(this.#request);
    return this.#measured;
  }

  #cut(context: number | undefined, mostMessages: number): Fit | undefined {
    const { messages } = this.#request;
    const measured = this.#measure();
    if (context !== undefined && measured.least > context) throw this.refusal(context);
    const room = context === undefined ? Number.POSITIVE_INFINITY : roomFor(measured, context, this.#request);
    const cut = cutMiddle(messages, measured.units, room, mostMessages);
    if (cut === messages) return undefined;
    return {
      messages: cut,
      step: {
        type: 'context_compression',
        name: 'context-compression',
        data: {
          engine: 'middle-out',
          input_type: 'messages',
          original_count: messages.length,
          compressed_count: cut.length,
        },
      },
    };
  }
}

/** Tokens, estimated. */
interface Measured {
  readonly units: readonly PromptUnit[];
  readonly text: number;
  readonly tools: number;
  readonly output: number;
  /** All of it. */
  readonly needed: number;
  /** Without what may be cut. */
  readonly least: number;
}

function measure(request: ChatRequest): Measured {
  const units = unitsOf(request.messages);
  const text = sumOf(units);
  const tools = toolTokens(request.tools);
  const output = request.max_tokens ?? 0;
  const least = sumOf(units.filter(({ isKept }) => isKept)) + tools + output;
  return { units, text, tools, output, needed: text + tools + output, least };
}

function sumOf(units: readonly PromptUnit[]): number {
  return units.reduce((sum, { tokens }) => sum + tokens, 0);
}

/** Tokens that the messages may have. */
function roomFor({ least, tools, output }: Measured, context: number, { max_tokens: asked }: ChatRequest): number {
  const reserve = asked === undefined ? Math.min(ANSWER_ROOM, Math.floor(context / ANSWER_SHARE)) : 0;
  return Math.max(context - reserve, Math.min(least + BRIDGE_TOKENS, context)) - tools - output;
}

/**
 * Takes units away, from the middle outwards, until the rest fits; the last one is shortened where that is enough. Turns
 * that alternated do so still, unless what is kept fills all of the room.
 */
function cutMiddle(
  messages: readonly ChatMessage[],
  units: readonly PromptUnit[],
  room: number,
  mostMessages: number,
): readonly ChatMessage[] {
  const removable = units.filter(({ isKept }) => !isKept);
  const turns = new Turns(messages);
  // Room for a word between the first turns of the user and the last ones, in case that all between them goes.
  const most = room - BRIDGE_TOKENS;
  let tokens = sumOf(units);
  let count = messages.length;
  const gone = new Set<number>();
  const shortened = new Map<number, ChatMessage>();
  for (const unit of middleOutwards(removable)) {
    if (tokens <= most && count <= mostMessages) break;
    const rest = most - (tokens - unit.tokens);
    const place = unit.places[0] ?? 0;
    const message = unit.places.length === 1 && count <= mostMessages ? messages[place] : undefined;
    const mayStay = message !== undefined && rest >= LEAST_REST && !turns.clashes(place, gone);
    const short = mayStay ? shorten(message, unit.tokens, rest) : undefined;
    if (short !== undefined) {
      shortened.set(place, short);
      tokens = most;
      continue;
    }
    tokens -= unit.tokens;
    count -= unit.places.length;
    for (const one of unit.places) gone.add(one);
  }
  if (gone.size === 0 && shortened.size === 0) return messages;
  const open = turns.settle(units, gone);
  const left = (): readonly ChatMessage[] =>
    messages.flatMap((message, place) => (gone.has(place) ? [] : [shortened.get(place) ?? message]));
  if (open === undefined) return left();
  const cut = left();
  const rest = room - cut.reduce((sum, message) => sum + messageTokens(message), 0);
  const place = bridgePlace(messages, open);
  if (place === undefined || rest < BRIDGE_TOKENS || cut.length >= mostMessages) return cut;
  gone.delete(place);
  shortened.set(place, bridgeOf(messages[place] ?? BRIDGE, rest));
  return left();
}

/** Where the model spoke last between two places, but for its calls of tools, which nothing would answer. */
function bridgePlace(messages: readonly ChatMessage[], [left, right]: readonly [number, number]): number | undefined {
  const offset = messages.slice(left + 1, right).findLastIndex(({ role }) => role === 'assistant');
  return offset === -1 ? undefined : left + 1 + offset;
}

/** As much of an answer as there is room for, at least that there was one. */
function bridgeOf(message: ChatMessage, room: number): ChatMessage {
  if (message.role !== 'assistant' || message.tool_calls !== undefined) return BRIDGE;
  const tokens = messageTokens(message);
  return tokens <= room ? message : (shorten(message, tokens, room) ?? BRIDGE);
}

function* middleOutwards(units: readonly PromptUnit[]): Generator<PromptUnit> {
  let before = Math.floor((units.length - 1) / 2);
  let after = before + 1;
  while (before >= 0 || after < units.length) {
    const first = units[before];
    const second = units[after];
    if (first !== undefined) yield first;
    if (second !== undefined) yield second;
    before -= 1;
    after += 1;
  }
}

/** A message of text alone with its middle left out. */
function shorten(message: ChatMessage, tokens: number, room: number): ChatMessage | undefined {
  const { content } = message;
  if (message.role === 'tool' || (message.role === 'assistant' && message.tool_calls !== undefined)) return undefined;
  if (typeof content !== 'string' || content === '') return undefined;
  const around = tokens - textTokens(content);
  let characters = Math.floor((content.length * (room - around - GAP_TOKENS)) / tokens);
  while (characters >= LEAST_REST) {
    const text = withoutMiddle(content, characters);
    const over = textTokens(text) + around - room;
    if (over <= 0) return { ...message, content: text };
    characters = Math.floor(characters * 0.9);
  }
  return undefined;
}

function withoutMiddle(text: string, characters: number): string {
  const half = Math.floor(characters / 2);
  const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
  // Not through a pair of surrogates.
  const head = isHigh(text.charCodeAt(half - 1)) ? half - 1 : half;
  const tail = isHigh(text.charCodeAt(text.length - half - 1)) ? text.length - half + 1 : text.length - half;
  return text.slice(0, head) + GAP + text.slice(tail);
}
