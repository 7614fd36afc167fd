import type { LimitReset } from './types.js';

/** Starts of the UTC day, of the week from Monday and of the month that a moment lies in, milliseconds. */
export interface Windows {
  readonly day: number;
  readonly week: number;
  readonly month: number;
}

const DAY_MS = 86_400_000;
/** 1970-01-01 was a Thursday: the Monday before it is three days earlier. */
const DAYS_SINCE_MONDAY = 3;

let latest: Windows = { day: Number.NaN, week: Number.NaN, month: Number.NaN };

/** The windows of a moment. Moments of one day, which come one after the other, share them. */
export function windowsOf(at: number): Windows {
  const day = at - (at % DAY_MS);
  if (day === latest.day) return latest;
  const weekday = (day / DAY_MS + DAYS_SINCE_MONDAY) % 7;
  const date = new Date(at);
  latest = { day, week: day - weekday * DAY_MS, month: Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) };
  return latest;
}

/** When the window of a moment ends and the next begins; undefined for a lifetime. */
export function resetOf(reset: LimitReset | undefined, at: number): number | undefined {
  const { day, week } = windowsOf(at);
  const date = new Date(at);
  switch (reset) {
    case undefined:
      return undefined;
    case 'daily':
      return day + DAY_MS;
    case 'weekly':
      return week + 7 * DAY_MS;
    case 'monthly':
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
    default:
      return reset satisfies never;
  }
}
