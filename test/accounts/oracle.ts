import type { PriceDeclaration } from '@gatehouse/core';
import type { Exchange } from './logged-upstream.js';

/** Whole pico-USD (1e-12 USD) a token. */
export interface PicoPrice {
  readonly prompt: bigint;
  readonly completion: bigint;
}

/** What only the client's side knows of a request. */
export interface ClientSide {
  /** It left before its answer was over. */
  readonly left?: boolean;
  /** Some content had reached it. */
  readonly delivered?: boolean;
  /** The answer was longer than had been asked for, and was cut off there. */
  readonly cut?: boolean;
  /** An answer that broke off is charged for what came of it. */
  readonly observed?: boolean;
  /** Per cent on top of the price. */
  readonly markup?: bigint;
  /** Nano-USD that were held, where the answer may be dearer. */
  readonly held?: bigint;
}

/** What the books are to say of a request. Amounts in nano-USD. */
export interface Expected {
  readonly charge: bigint;
  readonly cost: bigint;
  readonly outcome: 'completed' | 'failed' | 'cancelled';
  readonly promptTokens: number;
  readonly completionTokens: number;
}

interface Tokens {
  readonly prompt: number;
  readonly completion: number;
}

const MOST_TOKENS = 100_000_000;

/** A price as providers publish it. */
export function declared({ prompt, completion }: PicoPrice): PriceDeclaration {
  const usd = (pico: bigint): string => `0.${String(pico).padStart(12, '0')}`;
  return { prompt: usd(prompt), completion: usd(completion) };
}

/** The table of events, charges and costs, from what the upstreams have noted, in order. Shares no code with the gateway. */
export function expectedOf(exchanges: readonly Exchange[], client: ClientSide = {}): Expected {
  const last = exchanges.at(-1);
  if (last === undefined) throw new Error('nobody was asked');
  const before = exchanges.slice(0, -1).reduce((sum, one) => sum + failedCost(one), 0n);
  const isWhole = last.finish !== undefined && last.finish !== 'error';
  const { left = false, delivered = false, cut = false, observed = false, markup = 0n } = client;
  if (!left && !isWhole && !delivered) {
    const cost = before + failedCost(last);
    return { charge: 0n, cost, outcome: 'failed', promptTokens: 0, completionTokens: 0 };
  }
  const tokens = isWhole ? finalTokens(last) : tokensSoFar(last);
  const cost = before + nano(tokens, last, 0n);
  const isBlank = last.finish === 'blank' && tokens.completion === 0;
  const isFree = !left && !cut && (isBlank || (!isWhole && !observed));
  const full = nano(tokens, last, markup);
  const charge = isFree ? 0n : client.held !== undefined && full > client.held ? client.held : full;
  return {
    charge,
    cost,
    outcome: left ? 'cancelled' : isWhole || cut ? 'completed' : 'failed',
    promptTokens: tokens.prompt,
    completionTokens: tokens.completion,
  };
}

/** Nano-USD, rounded up once. */
export function nano({ prompt, completion }: Tokens, { price }: Pick<Exchange, 'price'>, markup: bigint): bigint {
  const pico = BigInt(prompt) * price.prompt + BigInt(completion) * price.completion;
  return ceil(pico * (100n + markup), 100_000n);
}

/** A token for four bytes, and four for each message. */
export function promptEstimate({ format, asked }: Exchange): number {
  return format.prompts(asked).reduce((sum, text) => sum + 4 + quarter(text), 0);
}

function failedCost(exchange: Exchange): bigint {
  const reported = valid(exchange);
  if (reported !== undefined) return nano(reported, exchange, 0n);
  const answered = exchange.status !== undefined && exchange.status < 300;
  return answered ? nano({ prompt: promptEstimate(exchange), completion: 0 }, exchange, 0n) : 0n;
}

function finalTokens(exchange: Exchange): Tokens {
  return valid(exchange) ?? { prompt: promptEstimate(exchange), completion: quarter(exchange.text) };
}

/** What was written counts, also where the provider has not counted it yet. */
function tokensSoFar(exchange: Exchange): Tokens {
  const reported = valid(exchange);
  return {
    prompt: reported?.prompt ?? promptEstimate(exchange),
    completion: Math.max(reported?.completion ?? 0, quarter(exchange.text)),
  };
}

/** What the provider told last; undefined where it makes no sense. */
function valid({ reported }: Exchange): Tokens | undefined {
  const { prompt, completion } = reported ?? {};
  return isCount(prompt) && isCount(completion) ? { prompt, completion } : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MOST_TOKENS;
}

function quarter(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

function ceil(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}
