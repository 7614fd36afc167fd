import { CAPABILITY_NAMES } from '../../catalog/capabilities.js';
import type { CapabilityName } from '../../catalog/types.js';
import { parseUsd } from '../../usd.js';
import { fieldError } from '../../wire/validation-error.js';
import { flagParam, listParam, wholeParam, wordParam } from '../query.js';

/** What a client wants of the list of models; absent means anything. Prices are pico-USD per token. */
export interface ModelQuery {
  /** Author slugs, or slugs or display names of providers, lower-case. */
  readonly provider: readonly string[] | undefined;
  readonly authors: readonly string[] | undefined;
  readonly servedBy: readonly string[] | undefined;
  readonly free: boolean | undefined;
  /** Lower-case; in id, name or description. */
  readonly search: string | undefined;
  /** Lower-case; in id or name. */
  readonly searchNames: string | undefined;
  readonly capabilities: readonly CapabilityName[];
  readonly parameters: readonly string[];
  readonly inputModalities: readonly string[];
  /** Undefined: all. */
  readonly outputModalities: readonly string[] | undefined;
  readonly tokenizers: readonly string[] | undefined;
  readonly minContext: number | undefined;
  readonly minPrice: bigint | undefined;
  readonly maxPrice: bigint | undefined;
  readonly minOutputPrice: bigint | undefined;
  readonly maxOutputPrice: bigint | undefined;
  readonly minAgeDays: number | undefined;
  readonly maxAgeDays: number | undefined;
  /** A wish for a figure that the catalogue has of no model. */
  readonly unknownFigure: boolean;
  readonly sort: ModelSort | undefined;
  readonly offset: number;
  /** Undefined: no pages. */
  readonly limit: number | undefined;
  readonly format: 'list' | 'array';
}

/** Orders of the list for which there are figures. */
export type ModelSort =
  | 'newest'
  | 'pricing-low-to-high'
  | 'pricing-high-to-low'
  | 'context-high-to-low'
  | 'quality-high-to-low';

const SORTS: ReadonlySet<string> = new Set<ModelSort>([
  'newest',
  'pricing-low-to-high',
  'pricing-high-to-low',
  'context-high-to-low',
  'quality-high-to-low',
]);
/** Orders by figures that nobody has given: all are last, in the order of the catalogue. */
const SORTS_WITHOUT_FIGURES: ReadonlySet<string> = new Set([
  'most-popular',
  'top-weekly',
  'throughput-high-to-low',
  'latency-low-to-high',
  'intelligence-high-to-low',
  'coding-high-to-low',
  'agentic-high-to-low',
  'design-arena-elo-high-to-low',
]);
const FIGURES = ['zdr', 'distillable', 'category'].concat(
  ['intelligence_index', 'coding_index', 'agentic_index', 'tool_success_rate'].flatMap((name) => [
    `min_${name}`,
    `max_${name}`,
  ]),
);
const MAX_SEARCH = 100;
const MAX_VALUES = 50;
const PAGE = 500;
const MAX_PAGE = 1000;
const PER_MILLION = 1_000_000n;

/** @throws GatewayError `invalid_request` that names the parameter and what was expected. */
export function parseModelQuery(query: string): ModelQuery {
  const params = new URLSearchParams(query);
  const capabilities = list(params, 'capabilities') ?? [];
  const unknown = capabilities.find((name) => !CAPABILITY_NAMES.some((known) => known === name));
  if (unknown !== undefined) throw fieldError('capabilities', `expected names out of ${CAPABILITY_NAMES.join(', ')}`);
  const outputs = list(params, 'output_modalities') ?? ['text'];
  const offset = wholeParam(params, 'offset', 0, Number.MAX_SAFE_INTEGER);
  return {
    provider: list(params, 'provider'),
    authors: list(params, 'model_authors'),
    servedBy: list(params, 'providers'),
    free: flagParam(params, 'free'),
    search: searched(params, 'search'),
    searchNames: searched(params, 'q'),
    capabilities: capabilities as readonly CapabilityName[],
    parameters: list(params, 'supported_parameters') ?? [],
    inputModalities: list(params, 'input_modalities') ?? [],
    outputModalities: outputs.includes('all') ? undefined : outputs,
    tokenizers: list(params, 'arch'),
    minContext: wholeParam(params, 'context', 1, Number.MAX_SAFE_INTEGER),
    minPrice: usdPerMillion(params, 'min_price'),
    maxPrice: usdPerMillion(params, 'max_price'),
    minOutputPrice: usdPerMillion(params, 'min_output_price'),
    maxOutputPrice: usdPerMillion(params, 'max_output_price'),
    minAgeDays: wholeParam(params, 'min_age_days', 0, 100_000),
    maxAgeDays: wholeParam(params, 'max_age_days', 0, 100_000),
    unknownFigure: FIGURES.some((name) => (params.get(name) ?? '') !== '' && params.get(name) !== 'false'),
    sort: sort(params),
    offset: offset ?? 0,
    limit: wholeParam(params, 'limit', 1, MAX_PAGE) ?? (offset === undefined ? undefined : PAGE),
    format: wordParam(params, 'format', ['list', 'array']) ?? 'list',
  };
}

function list(params: URLSearchParams, name: string): readonly string[] | undefined {
  return listParam(params, name, MAX_VALUES)?.map((value) => value.toLowerCase());
}

function searched(params: URLSearchParams, name: string): string | undefined {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  if (text.length > MAX_SEARCH) throw fieldError(name, `expected at most ${MAX_SEARCH} characters`);
  return text.toLowerCase();
}

function usdPerMillion(params: URLSearchParams, name: string): bigint | undefined {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  try {
    return parseUsd(text) / PER_MILLION;
  } catch {
    throw fieldError(name, 'expected USD per million tokens, a number from 0');
  }
}

function sort(params: URLSearchParams): ModelSort | undefined {
  const text = params.get('sort');
  if (text === null || text === '' || SORTS_WITHOUT_FIGURES.has(text)) return undefined;
  if (SORTS.has(text)) return text as ModelSort;
  throw fieldError('sort', `expected one of ${[...SORTS, ...SORTS_WITHOUT_FIGURES].join(', ')}`);
}
