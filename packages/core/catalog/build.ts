import type { ConditionalPrice, ModelPrice, Provider, TieredPrices } from '@pydantic/genai-prices';
import type { BundledCatalog, BundledEndpoint } from '../src/catalog/bundled.js';
import type { ModelFacts, PriceDeclaration, PriceOverride, RateName } from '../src/catalog/types.js';
import { formatUsd, parseUsd } from '../src/usd.js';
import { families } from './families.js';
import { selections } from './selection.js';

/** Units of the price list: how many of them its price is for. */
const RATES: Readonly<Record<string, { readonly name: RateName; readonly per: bigint }>> = {
  input_mtok: { name: 'prompt', per: 1_000_000n },
  output_mtok: { name: 'completion', per: 1_000_000n },
  cache_read_mtok: { name: 'input_cache_read', per: 1_000_000n },
  cache_write_mtok: { name: 'input_cache_write', per: 1_000_000n },
  cache_write_1h_mtok: { name: 'input_cache_write_1h', per: 1_000_000n },
  input_audio_mtok: { name: 'audio', per: 1_000_000n },
  input_image_mtok: { name: 'image_token', per: 1_000_000n },
  output_audio_mtok: { name: 'audio_output', per: 1_000_000n },
  output_image_mtok: { name: 'image_output', per: 1_000_000n },
  output_reasoning_mtok: { name: 'internal_reasoning', per: 1_000_000n },
  web_searches_kcount: { name: 'web_search', per: 1000n },
  requests_kcount: { name: 'request', per: 1000n },
};
/** Prices for what a chat completion does not use, or counts in a way that we cannot see. */
const IGNORED: ReadonlySet<string> = new Set([
  'storage_searches_kcount',
  'cache_audio_read_mtok',
  'cache_image_read_mtok',
  'input_video_mtok',
  'output_video_mtok',
]);

const TEXT_PARAMETERS = ['max_tokens', 'temperature', 'top_p', 'stop', 'frequency_penalty', 'presence_penalty', 'seed'];
const TOOL_PARAMETERS = ['tools', 'tool_choice', 'parallel_tool_calls', 'response_format', 'structured_outputs'];
const REASONING_PARAMETERS = ['reasoning', 'include_reasoning'];

/** The bundled catalogue of a day, out of a price list and the hand-kept tables beside this file. Pure. */
export function buildCatalog(priceList: (source: string) => Provider | undefined, date: string): BundledCatalog {
  const models: Record<string, ModelFacts> = {};
  const endpoints: Record<string, readonly BundledEndpoint[]> = {};
  for (const { vendor, source, model: nameOf, upstream } of selections) {
    const provider = priceList(source);
    if (provider === undefined) throw new Error(`the price list has no provider ${source}`);
    const served = new Map<string, BundledEndpoint>();
    for (const listed of provider.models) {
      const model = nameOf(listed.id);
      const pricing = listed.deprecated === true ? undefined : toPricing(listed.prices, date);
      if (model === undefined || pricing === undefined || served.has(model)) continue;
      served.set(model, { model, upstream: upstream(listed.id), pricing });
      models[model] ??= toFacts(model, listed.context_window);
    }
    endpoints[vendor] = [...served.values()].sort((a, b) => (a.model < b.model ? -1 : 1));
  }
  return { date, models: sorted(models), endpoints };
}

function toPricing(prices: ModelPrice | readonly ConditionalPrice[], date: string): PriceDeclaration | undefined {
  if (!isConditional(prices)) return toDeclaration(prices, []);
  // The last condition that holds counts.
  const started = prices.filter(({ constraint }) => constraint?.type !== 'start_date' || constraint.start_date <= date);
  const always = started.findLastIndex(({ constraint }) => constraint?.type !== 'time_of_date');
  const windows = started.slice(always + 1).map(({ constraint, prices: rates }) => {
    if (constraint?.type !== 'time_of_date') throw new Error('expected a time of day');
    const utc = `${constraint.start_time.slice(0, 5)}-${constraint.end_time.slice(0, 5)}`;
    return { utc, ...ratesOf(rates, (price) => (typeof price === 'number' ? price : price.base)) };
  });
  const usual = started[always];
  return usual && toDeclaration(usual.prices, windows);
}

function isConditional(prices: ModelPrice | readonly ConditionalPrice[]): prices is readonly ConditionalPrice[] {
  return Array.isArray(prices);
}

function toDeclaration(prices: ModelPrice, windows: readonly PriceOverride[]): PriceDeclaration | undefined {
  if (Object.keys(prices).some((key) => !(key in RATES) && !IGNORED.has(key))) return undefined;
  const { prompt, completion, ...others } = ratesOf(prices, (price) =>
    typeof price === 'number' ? price : price.base,
  );
  if (prompt === undefined || completion === undefined) return undefined;
  const overrides = [...tiersOf(prices), ...windows];
  return { prompt, completion, ...others, ...(overrides.length > 0 && { overrides }) };
}

/** Every bound of a long prompt, with the prices above it. */
function tiersOf(prices: ModelPrice): readonly PriceOverride[] {
  const tiered = Object.values(prices).filter((price) => price !== undefined && typeof price !== 'number');
  const bounds = new Set(tiered.flatMap(({ tiers }) => tiers.map(({ start }) => start)));
  return [...bounds]
    .sort((a, b) => a - b)
    .map((start) => ({
      above_prompt_tokens: start,
      ...ratesOf(prices, (price) =>
        typeof price === 'number' ? undefined : price.tiers.find((tier) => tier.start === start)?.price,
      ),
    }));
}

function ratesOf(
  prices: ModelPrice,
  pick: (price: number | TieredPrices) => number | undefined,
): Partial<Record<RateName, string>> {
  const rates: Partial<Record<RateName, string>> = {};
  for (const [key, price] of Object.entries(prices)) {
    const rate = RATES[key];
    const value = price === undefined || rate === undefined ? undefined : pick(price);
    if (rate !== undefined && value !== undefined) rates[rate.name] = perUnit(value, rate.per);
  }
  return rates;
}

/** A price for many as a price for one, exact to a pico-dollar and rounded up beyond. */
function perUnit(price: number, per: bigint): string {
  const pico = parseUsd(/e/.test(String(price)) ? price.toFixed(20) : String(price));
  return formatUsd((pico + per - 1n) / per);
}

function toFacts(model: string, listedContext: number | undefined): ModelFacts {
  const family = families.find(({ match }) => match.test(model));
  if (family === undefined) throw new Error(`no family fits ${model}`);
  const { description, tokenizer, context = listedContext, output, takes, gives, reasoning, plain, released } = family;
  const lacks = family.lacks ?? [];
  return {
    name: displayName(model),
    ...(description !== '' && { description }),
    ...(released !== undefined && { created: Date.parse(released) / 1000 }),
    ...(context !== undefined && { contextLength: context }),
    ...(output !== undefined && { maxCompletionTokens: output }),
    ...(takes !== undefined && { inputModalities: takes }),
    ...(gives !== undefined && { outputModalities: gives }),
    tokenizer,
    supportedParameters: [
      ...TEXT_PARAMETERS,
      ...(plain === true ? [] : TOOL_PARAMETERS),
      ...(reasoning === true ? REASONING_PARAMETERS : []),
    ].filter((parameter) => !lacks.includes(parameter)),
  };
}

const AUTHOR_NAMES: Readonly<Record<string, string>> = {
  ai21: 'AI21',
  amazon: 'Amazon',
  anthropic: 'Anthropic',
  cohere: 'Cohere',
  deepseek: 'DeepSeek',
  google: 'Google',
  inception: 'Inception',
  'meta-llama': 'Meta',
  microsoft: 'Microsoft',
  minimax: 'MiniMax',
  mistralai: 'Mistral',
  moonshotai: 'MoonshotAI',
  nousresearch: 'Nous',
  nvidia: 'NVIDIA',
  openai: 'OpenAI',
  perplexity: 'Perplexity',
  qwen: 'Qwen',
  'x-ai': 'xAI',
  'z-ai': 'Z.ai',
};

/** `openai/gpt-4o-mini` as `OpenAI: GPT-4o Mini`. */
function displayName(model: string): string {
  const [author = '', slug = ''] = model.split('/');
  const words = slug
    .replace(/^(gpt|glm)-/, (prefix) => prefix.toUpperCase())
    .split('-')
    .map((word) => (/^o?\d|^\d/.test(word) ? word : word.charAt(0).toUpperCase() + word.slice(1)));
  const name = words.join(' ').replace(/^(GPT|GLM) /, '$1-');
  return `${AUTHOR_NAMES[author] ?? author}: ${name}`;
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
