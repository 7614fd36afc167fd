import type { UsageReport } from './types.js';

/** No answer has more tokens than this; a larger count is a defect of the sender. */
const MAX_TOKENS = 100_000_000;

/** A count of tokens; undefined for what is none. */
export function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_TOKENS ? value : undefined;
}

/** Absent and null are none; anything else that is no count spoils the report. */
export function optionalCount(value: unknown): number {
  return value === undefined || value === null ? 0 : (count(value) ?? Number.NaN);
}

/**
 * A report whose counts fit together; undefined for one with a count that is none, with more read from and written to
 * the cache than was sent, or with more reasoning than was written.
 */
export function checkedReport(report: UsageReport): UsageReport | undefined {
  const { prompt, completion, cachedRead = 0, cacheWrite5m = 0, cacheWrite1h = 0, reasoning = 0 } = report;
  const counts = Object.values(report) as readonly number[];
  const fits = cachedRead + cacheWrite5m + cacheWrite1h <= prompt && reasoning <= completion;
  return fits && counts.every((value) => value >= 0) ? report : undefined;
}
