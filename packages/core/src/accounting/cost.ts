import { type Price, type Rates, ratesFor } from '../catalog/price.js';
import type { UsageReport } from '../providers/types.js';

/** What a price may depend on besides the counts. */
export interface CostBasis {
  /** When the request was sent, milliseconds since the epoch. */
  readonly atMs: number;
  /** Images in the prompt. */
  readonly inputImages?: number | undefined;
}

/** What an answer costs, in whole nano-USD (1e-9 USD). */
export interface Cost {
  /** What is charged: the provider's price with the host's markup. */
  readonly total: bigint;
  /** The provider's price. */
  readonly upstream: bigint;
  readonly prompt: bigint;
  /** `upstream` less `prompt`, so that the parts add up. */
  readonly completion: bigint;
}

const PICO_PER_NANO = 1000n;
const MILLION = 1_000_000n;

/** Exact: terms are summed in pico-USD, the markup multiplies the sum, and it is rounded up once. Pure. */
export function costOf(usage: UsageReport, price: Price, basis: CostBasis): Cost {
  const rates = ratesFor(price, usage.prompt, basis.atMs);
  const prompt = promptPico(usage, rates, basis.inputImages ?? 0);
  const sum = prompt + completionPico(usage, rates);
  const upstream = divideUp(sum, PICO_PER_NANO);
  const promptPart = prompt / PICO_PER_NANO;
  return {
    total: divideUp(sum * (MILLION + price.markupPpm), PICO_PER_NANO * MILLION),
    upstream,
    prompt: promptPart,
    completion: upstream - promptPart,
  };
}

function promptPico(usage: UsageReport, rates: Rates, inputImages: number): bigint {
  const { prompt, cachedRead = 0, cacheWrite5m = 0, cacheWrite1h = 0, webSearches = 0 } = usage;
  const uncached = prompt - cachedRead - cacheWrite5m - cacheWrite1h;
  // Audio and images that were read from the cache are counted there.
  const audio = Math.min(usage.audioIn ?? 0, uncached);
  const image = Math.min(usage.imageIn ?? 0, uncached - audio);
  const write = rates.input_cache_write ?? rates.prompt;
  return (
    times(uncached - audio - image, rates.prompt) +
    times(cachedRead, rates.input_cache_read ?? rates.prompt) +
    times(cacheWrite5m, write) +
    times(cacheWrite1h, rates.input_cache_write_1h ?? write) +
    times(audio, rates.audio ?? rates.prompt) +
    times(image, rates.image_token ?? rates.prompt) +
    times(inputImages, rates.image ?? 0n) +
    times(webSearches, rates.web_search ?? 0n) +
    (rates.request ?? 0n)
  );
}

function completionPico(usage: UsageReport, rates: Rates): bigint {
  const { completion, reasoning = 0 } = usage;
  const spoken = completion - reasoning;
  const audio = Math.min(usage.audioOut ?? 0, spoken);
  const image = Math.min(usage.imageOut ?? 0, spoken - audio);
  return (
    times(spoken - audio - image, rates.completion) +
    times(reasoning, rates.internal_reasoning || rates.completion) +
    times(audio, rates.audio_output ?? rates.completion) +
    times(image, rates.image_output ?? rates.completion)
  );
}

function times(count: number, rate: bigint): bigint {
  return BigInt(count) * rate;
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}
