import type { UsageGroup, UsageQuery } from '../../stores/types.js';
import { windowsOf } from '../../stores/windows.js';
import { fieldError } from '../../wire/validation-error.js';
import { listParam, wholeParam, wordParam } from '../query.js';

/** A query of usage, before it is known whose. */
export type ParsedUsageQuery = Omit<UsageQuery, 'account'>;

const HASH = /^[0-9a-f]{64}$/i;
const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const MOST_VALUES = 20;
const MOST_GROUPS = 3;
const MOST_ROWS = 10_000;
const DEFAULT_ROWS = 1000;
const GROUPS = ['model', 'provider', 'key', 'user', 'app', 'tag'] as const satisfies readonly UsageGroup[];
const GRANULARITIES = ['hour', 'day', 'month', 'all'] as const;
/** The longest range of each, days. */
const LONGEST: Readonly<Record<UsageQuery['granularity'], number>> = { hour: 31, day: 366, month: 3660, all: 3660 };
const DATE_CHARACTERS = 10;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/** @throws GatewayError `invalid_request` that names the parameter and what was expected. */
export function parseUsageQuery(params: URLSearchParams, now: number): ParsedUsageQuery {
  const granularity = wordParam(params, 'granularity', GRANULARITIES) ?? 'day';
  return {
    ...rangeOf(params, granularity, now),
    granularity,
    groupBy: groupsOf(params),
    models: values(params, 'model'),
    providers: values(params, 'provider'),
    keys: values(params, 'key')?.map((key) => (HASH.test(key) ? key.toLowerCase() : key)),
    users: values(params, 'user'),
    apps: values(params, 'app'),
    tags: values(params, 'tag'),
    sessions: values(params, 'session_id'),
    limit: wholeParam(params, 'limit', 1, MOST_ROWS) ?? DEFAULT_ROWS,
    offset: wholeParam(params, 'offset', 0, Number.MAX_SAFE_INTEGER) ?? 0,
  };
}

/** A day that a parameter names, from its start; undefined where there is none. @throws GatewayError `invalid_request`. */
export function dayParam(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  const at = timeOf(text, 0, DATE);
  if (at === undefined) throw fieldError(name, 'expected a date such as 2026-01-31');
  return at;
}

function rangeOf(
  params: URLSearchParams,
  granularity: UsageQuery['granularity'],
  now: number,
): Pick<UsageQuery, 'start' | 'end'> {
  const day = dayParam(params, 'date');
  const from = timeParam(params, ['start', 'from', 'start_date'], 0);
  const to = timeParam(params, ['end', 'to', 'end_date'], DAY_MS);
  if (day !== undefined) {
    if (from !== undefined || to !== undefined) throw fieldError('date', 'expected either `date` or `start` and `end`');
    return { start: day, end: day + DAY_MS };
  }
  const end = to ?? now + 1;
  const start = from ?? windowsOf(end - 1).day - (DEFAULT_DAYS - 1) * DAY_MS;
  if (start >= end) throw fieldError('start', 'expected a time before `end`');
  const days = LONGEST[granularity];
  if (end - start > days * DAY_MS)
    throw fieldError('start', `expected at most ${days} days of granularity ${granularity}`);
  return { start, end };
}

/** A time by one of its names; a bare date means its start, or with `dayMs` its end. */
function timeParam(params: URLSearchParams, names: readonly string[], dayMs: number): number | undefined {
  const given = names.filter((name) => (params.get(name) ?? '') !== '');
  const [name = '', second] = given;
  if (second !== undefined) throw fieldError(second, `expected it not beside \`${name}\`, which means the same`);
  const text = params.get(name) ?? '';
  if (text === '') return undefined;
  const at = timeOf(text, dayMs, DATE_TIME);
  if (at === undefined) throw fieldError(name, 'expected a date such as 2026-01-31, or ISO 8601 with an offset');
  return at;
}

/** A date, moved by `dayMs`, or a text of another pattern; undefined for what is neither, such as 30 February. */
function timeOf(text: string, dayMs: number, pattern: RegExp): number | undefined {
  const isDate = DATE.test(text);
  if (!isDate && !pattern.test(text)) return undefined;
  // Date.parse takes the 30th of February for the 2nd of March.
  const day = text.slice(0, DATE_CHARACTERS);
  const start = Date.parse(day);
  if (Number.isNaN(start) || !new Date(start).toISOString().startsWith(day)) return undefined;
  const at = isDate ? start + dayMs : Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

function groupsOf(params: URLSearchParams): readonly UsageGroup[] {
  const names = listParam(params, 'group_by', MOST_GROUPS);
  if (names === undefined) return ['model', 'provider'];
  if (names.length === 1 && names[0] === 'none') return [];
  return [...new Set(names)].map((name) => {
    const group = GROUPS.find((one) => one === name);
    if (group === undefined) throw fieldError('group_by', `expected none, or up to three of ${GROUPS.join(', ')}`);
    return group;
  });
}

function values(params: URLSearchParams, name: string): readonly string[] | undefined {
  return listParam(params, name, MOST_VALUES);
}
