import type { Percentile } from '../wire/chat.js';

/** Samples that are kept of each figure. */
const MOST_SAMPLES = 512;
/** Fewer say nothing. */
const LEAST_SAMPLES = 5;
const SHARES: Readonly<Record<Percentile, number>> = { p50: 0.5, p75: 0.75, p90: 0.9, p99: 0.99 };

/** One value of a figure; it may be corrected. */
export interface Sample {
  readonly at: number;
  value: number;
}

/** A figure of one endpoint over time. */
export class Figure {
  readonly #better: 'low' | 'high';
  #samples: Sample[] = [];

  /** Whether small values are better, as of latency, or large ones, as of throughput. */
  constructor(better: 'low' | 'high') {
    this.#better = better;
  }

  add(at: number, value: number): Sample {
    const sample = { at, value };
    this.#samples.push(sample);
    if (this.#samples.length > 2 * MOST_SAMPLES) this.#samples = this.#samples.slice(-MOST_SAMPLES);
    return sample;
  }

  /** The mean of the last `windowMs`; undefined without any. */
  mean(now: number, windowMs: number): number | undefined {
    const values = this.#samples.filter(({ at }) => at > now - windowMs);
    return values.length === 0 ? undefined : values.reduce((sum, { value }) => sum + value, 0) / values.length;
  }

  /**
   * The value that this share of the requests of the last `windowMs` reached, or better; undefined where too few are
   * known. Nearest rank.
   */
  percentile(name: Percentile, now: number, windowMs: number): number | undefined {
    const values = this.#samples.filter(({ at }) => at > now - windowMs).map(({ value }) => value);
    if (values.length < LEAST_SAMPLES) return undefined;
    values.sort((a, b) => (this.#better === 'low' ? a - b : b - a));
    return values[Math.ceil(SHARES[name] * values.length) - 1];
  }
}
