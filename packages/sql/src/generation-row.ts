import type { GenerationRecord } from '@gatehouse/core';
import { bigintOf, maybeNumberOf, maybeTextOf, numberOf, objectOf, textOf, textsOf, wordOf } from './columns.js';
import type { SqlRow, SqlValue } from './runner.js';
import { storableJson } from './storable-json.js';

/** The columns of a generation in the order of `generationValues`, without `n`, the number of its charge. */
export const GENERATION_COLUMNS = [
  'id',
  'account',
  'spender',
  'key_label',
  'created_at',
  'model',
  'provider',
  'endpoint',
  'end_user',
  'app',
  'session',
  'tags',
  'charge',
  'cost',
  'prompt_tokens',
  'completion_tokens',
  'reasoning_tokens',
  'cached_tokens',
  'latency_ms',
  'generation_ms',
  'outcome',
  'details',
] as const;

const OUTCOMES = ['completed', 'failed', 'cancelled', 'crashed'] as const;

/** A generation as its row's values. */
export function generationValues(record: GenerationRecord): readonly SqlValue[] {
  return [
    record.id,
    record.account,
    record.key ?? null,
    record.keyLabel,
    record.createdAt,
    record.model,
    record.provider,
    record.endpoint,
    record.user ?? null,
    record.app ?? null,
    record.session ?? null,
    // Most have none: then there is nothing to write.
    record.tags.length === 0 ? '[]' : storableJson(record.tags),
    record.charge,
    record.cost,
    record.promptTokens,
    record.completionTokens,
    record.reasoningTokens,
    record.cachedTokens,
    record.latencyMs ?? null,
    record.generationMs ?? null,
    record.outcome,
    JSON.stringify(record.details),
  ];
}

/** A generation as JSON may hold it: by column, integers of 64 bits as text. */
export function generationObject(record: GenerationRecord): Readonly<Record<string, string | number | null>> {
  const values = generationValues(record);
  return Object.fromEntries(
    GENERATION_COLUMNS.map((column, index) => {
      const value = values[index] ?? null;
      return [column, typeof value === 'bigint' ? String(value) : value];
    }),
  );
}

/** Columns that a draft shares with its hold. */
const OF_HOLD = 3;

/** A draft as short as it can be written beside its hold: values in the order of the columns, without what the hold says. */
export function packDraft(record: GenerationRecord): string {
  const values = generationValues(record).slice(OF_HOLD);
  return JSON.stringify(values.map((value) => (typeof value === 'bigint' ? String(value) : value)));
}

/** Reads what `packDraft` wrote into the row of the hold. */
export function unpackDraft(draft: string, hold: SqlRow): GenerationRecord {
  const values: unknown = JSON.parse(draft);
  if (!Array.isArray(values)) throw new TypeError('The draft of a hold is no list');
  const columns = GENERATION_COLUMNS.slice(OF_HOLD).map((column, index) => [column, values[index]]);
  return readGeneration({ ...hold, ...Object.fromEntries(columns) });
}

/** Reads a generation from its row, or from what `generationObject` made. */
export function readGeneration(row: SqlRow): GenerationRecord {
  return {
    id: textOf(row, 'id'),
    account: textOf(row, 'account'),
    key: maybeTextOf(row, 'spender'),
    keyLabel: textOf(row, 'key_label'),
    createdAt: numberOf(row, 'created_at'),
    model: textOf(row, 'model'),
    provider: textOf(row, 'provider'),
    endpoint: textOf(row, 'endpoint'),
    user: maybeTextOf(row, 'end_user'),
    app: maybeTextOf(row, 'app'),
    session: maybeTextOf(row, 'session'),
    tags: textsOf(textOf(row, 'tags')),
    charge: bigintOf(row, 'charge'),
    cost: bigintOf(row, 'cost'),
    promptTokens: numberOf(row, 'prompt_tokens'),
    completionTokens: numberOf(row, 'completion_tokens'),
    reasoningTokens: numberOf(row, 'reasoning_tokens'),
    cachedTokens: numberOf(row, 'cached_tokens'),
    latencyMs: maybeNumberOf(row, 'latency_ms'),
    generationMs: maybeNumberOf(row, 'generation_ms'),
    outcome: wordOf(row, 'outcome', OUTCOMES),
    details: objectOf(textOf(row, 'details')),
  };
}
