import { parseUsd } from '../usd.js';
import type { PriceDeclaration, Pricing, RateName } from './types.js';

/** Integers in pico-USD (1e-12 USD): per token, per request, per image or per search. */
export type Rates = Readonly<Partial<Record<RateName, bigint>>> & {
  readonly prompt: bigint;
  readonly completion: bigint;
};

/** When other rates replace the usual ones, for the whole request. */
interface RateOverride {
  /** Prompts of more tokens than this. */
  readonly abovePromptTokens: number | undefined;
  /** Minutes of the UTC day, the first included; `from` after `to` runs over midnight. */
  readonly utcMinutes: { readonly from: number; readonly to: number } | undefined;
  readonly rates: Readonly<Partial<Record<RateName, bigint>>>;
}

/** What an endpoint costs. */
export interface Price {
  readonly rates: Rates;
  /** In order: of those that apply, later ones win rate by rate. */
  readonly overrides: readonly RateOverride[];
  /** What the host adds, in millionths of the provider's price. */
  readonly markupPpm: bigint;
}

/** Every rate, by the name that it has on the wire. */
export const RATE_NAMES: readonly RateName[] = [
  'prompt',
  'completion',
  'request',
  'image',
  'web_search',
  'internal_reasoning',
  'input_cache_read',
  'input_cache_write',
  'input_cache_write_1h',
  'audio',
  'image_token',
  'audio_output',
  'image_output',
];

const WINDOW = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;
const FREE: PriceDeclaration = { prompt: '0', completion: '0' };

/** @throws TypeError for a price that is no decimal number, or a condition that is none. */
export function parsePrice(pricing: Pricing, markupPpm = 0n): Price {
  const declaration = pricing === 'free' ? FREE : pricing;
  return {
    rates: {
      ...parseRates(declaration),
      prompt: parseUsd(declaration.prompt),
      completion: parseUsd(declaration.completion),
    },
    overrides: (declaration.overrides ?? []).map((override) => ({
      abovePromptTokens: override.above_prompt_tokens,
      utcMinutes: override.utc === undefined ? undefined : parseWindow(override.utc),
      rates: parseRates(override),
    })),
    markupPpm,
  };
}

/**
 * A markup in percent (`20`, `'2.5'`) as millionths.
 *
 * @throws TypeError for anything but a non-negative decimal number of at most four decimals.
 */
export function parseMarkup(percent: number | string): bigint {
  const match = /^(\d{1,6})(?:\.(\d{1,4}))?$/.exec(String(percent));
  if (match === null) throw new TypeError(`markup: expected per cent like 20 or "2.5", got ${JSON.stringify(percent)}`);
  return BigInt((match[1] ?? '0') + (match[2] ?? '').padEnd(4, '0'));
}

/** The rates of one request. */
export function ratesFor(price: Price, promptTokens: number, atMs: number): Rates {
  let { rates } = price;
  for (const override of price.overrides) {
    if (applies(override, promptTokens, atMs)) rates = { ...rates, ...override.rates };
  }
  return rates;
}

/** Whether a price is zero in every respect. */
export function isFree(price: Price): boolean {
  return [price.rates, ...price.overrides.map(({ rates }) => rates)].every((rates) =>
    RATE_NAMES.every((name) => (rates[name] ?? 0n) === 0n),
  );
}

function applies({ abovePromptTokens, utcMinutes }: RateOverride, promptTokens: number, atMs: number): boolean {
  if (abovePromptTokens !== undefined && promptTokens <= abovePromptTokens) return false;
  if (utcMinutes === undefined) return true;
  const minute = Math.floor(atMs / 60_000) % 1440;
  const { from, to } = utcMinutes;
  return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}

function parseRates(declaration: Partial<PriceDeclaration>): Partial<Record<RateName, bigint>> {
  const rates: Partial<Record<RateName, bigint>> = {};
  for (const name of RATE_NAMES) {
    const text = declaration[name];
    if (text !== undefined) rates[name] = parseUsd(text);
  }
  return rates;
}

function parseWindow(text: string): { readonly from: number; readonly to: number } {
  const match = WINDOW.exec(text);
  if (match === null) throw new TypeError(`utc: expected a window like "16:30-00:30", got ${JSON.stringify(text)}`);
  const [, fromHour, fromMinute, toHour, toMinute] = match.map(Number);
  return { from: (fromHour ?? 0) * 60 + (fromMinute ?? 0), to: (toHour ?? 0) * 60 + (toMinute ?? 0) };
}
