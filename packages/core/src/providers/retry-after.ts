import type { UpstreamHeaders } from './types.js';

const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * When the upstream wants to be asked again, in milliseconds: `retry-after-ms`, then `retry-after` in seconds. A date
 * needs the upstream's own clock beside it (`date`), so that this stays a pure function; without one it is no hint.
 */
export function retryAfterMs(headers: UpstreamHeaders): number | undefined {
  const exact = finite(headers['retry-after-ms']);
  if (exact !== undefined) return exact;
  const given = headers['retry-after'];
  const seconds = finite(given);
  if (seconds !== undefined) return bounded(seconds * 1000);
  if (typeof given !== 'string' || typeof headers['date'] !== 'string') return undefined;
  return bounded(Date.parse(given) - Date.parse(headers['date']));
}

function finite(value: string | readonly string[] | undefined): number | undefined {
  return typeof value === 'string' && /^\d{1,9}(?:\.\d{1,9})?$/.test(value) ? bounded(Number(value)) : undefined;
}

function bounded(milliseconds: number): number | undefined {
  return Number.isFinite(milliseconds) ? Math.min(Math.max(milliseconds, 0), MAX_RETRY_AFTER_MS) : undefined;
}
