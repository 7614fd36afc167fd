import type { Modality, ModelDeclarationObject, PriceDeclaration } from '../catalog/types.js';
import { Failure } from '../failure.js';
import { parseUsd } from '../usd.js';
import { isRecord, type JsonRecord, parseJson } from './json.js';

/** More models than this are not taken from one list. */
const MAX_MODELS = 20_000;
const MAX_TOKENS = 100_000_000;
const MAX_TEXT = 4000;
const MODEL_ID = /^[\x21-\x7e]{1,256}$/;
const MODALITIES: readonly Modality[] = ['text', 'image', 'file', 'audio', 'video'];

/** Rates that OpenRouter lists and the gateway knows under the same name. */
const RATES = [
  'request',
  'image',
  'web_search',
  'internal_reasoning',
  'input_cache_read',
  'input_cache_write',
  'audio',
] as const;

/**
 * Reads the list of models of an OpenAI-compatible `GET /models`: ids from anybody, with prices and facts where the list
 * is OpenRouter's. What is no sane value is left out; a price that is not sane in every part is no price.
 *
 * @throws Failure `bad_response` for what is no list.
 */
export function readModelList(text: string): readonly ModelDeclarationObject[] {
  const body = parseJson(text);
  const data = isRecord(body) ? body['data'] : body;
  if (!Array.isArray(data)) throw new Failure('bad_response', 'the answer is no list of models');
  const models = new Map<string, ModelDeclarationObject>();
  for (const entry of data.slice(0, MAX_MODELS) as readonly unknown[]) {
    const model = isRecord(entry) ? readModel(entry) : undefined;
    if (model !== undefined && !models.has(model.id)) models.set(model.id, model);
  }
  return [...models.values()];
}

function readModel(entry: JsonRecord): ModelDeclarationObject | undefined {
  const { id } = entry;
  if (typeof id !== 'string' || !MODEL_ID.test(id)) return undefined;
  const architecture = isRecord(entry['architecture']) ? entry['architecture'] : {};
  const top = isRecord(entry['top_provider']) ? entry['top_provider'] : {};
  return {
    id,
    upstreamId: id,
    name: text(entry['name']),
    description: text(entry['description']),
    created: wholeNumber(entry['created'], Number.MAX_SAFE_INTEGER),
    contextLength: wholeNumber(entry['context_length'] ?? entry['max_model_len'], MAX_TOKENS) || undefined,
    maxCompletionTokens: wholeNumber(top['max_completion_tokens'], MAX_TOKENS) || undefined,
    inputModalities: modalities(architecture['input_modalities']),
    outputModalities: modalities(architecture['output_modalities']),
    tokenizer: text(architecture['tokenizer']),
    supportedParameters: texts(entry['supported_parameters']),
    pricing: isRecord(entry['pricing']) ? readPricing(entry['pricing']) : undefined,
  };
}

function readPricing(pricing: JsonRecord): PriceDeclaration | undefined {
  const prompt = decimal(pricing['prompt']);
  const completion = decimal(pricing['completion']);
  const others = RATES.flatMap((name) =>
    pricing[name] === undefined ? [] : [[name, decimal(pricing[name])] as const],
  );
  if (prompt === undefined || completion === undefined || others.some(([, rate]) => rate === undefined)) {
    return undefined;
  }
  return { prompt, completion, ...Object.fromEntries(others) };
}

/** A finite, non-negative decimal number as text, or undefined. */
function decimal(value: unknown): string | undefined {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value < 0 || value > 1e6) return undefined;
    return /e/i.test(String(value)) ? value.toFixed(20) : String(value);
  }
  if (typeof value !== 'string') return undefined;
  try {
    parseUsd(value);
    return value;
  } catch {
    return undefined;
  }
}

function wholeNumber(value: unknown, most: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most ? value : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT) : undefined;
}

function texts(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string').slice(0, 100) : undefined;
}

function modalities(value: unknown): readonly Modality[] | undefined {
  const known = texts(value)?.flatMap((one) => MODALITIES.filter((modality) => modality === one));
  return known === undefined || known.length === 0 ? undefined : known;
}
