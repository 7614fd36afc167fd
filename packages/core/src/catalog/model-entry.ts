import { formatUsd } from '../usd.js';
import type { ModelEntry } from '../wire/models.js';
import { capabilitiesOf, parametersOf } from './capabilities.js';
import type { Model } from './model.js';
import { type Price, RATE_NAMES } from './price.js';

const MILLION = 1_000_000n;
const entries = new WeakMap<Model, ModelEntry>();

/** A model in the form of `GET /models`; the price is that of its first endpoint that has one. */
export function toModelEntry(model: Model): ModelEntry {
  const known = entries.get(model);
  if (known !== undefined) return known;
  const entry = makeEntry(model);
  entries.set(model, entry);
  return entry;
}

function makeEntry(model: Model): ModelEntry {
  const { id, facts, endpoints } = model;
  const author = id.slice(0, id.indexOf('/'));
  const price = endpoints.find((endpoint) => endpoint.price !== undefined)?.price;
  const contextLength = facts.contextLength ?? null;
  return {
    id,
    object: 'model',
    canonical_slug: id,
    name: facts.name ?? id,
    created: facts.created ?? 0,
    owned_by: author,
    provider: author,
    providers: [...new Set(endpoints.map((endpoint) => endpoint.provider.slug))],
    description: facts.description ?? '',
    context_length: contextLength,
    architecture: architectureOf(model),
    pricing: toPricing(price),
    top_provider: {
      context_length: contextLength,
      max_completion_tokens: facts.maxCompletionTokens ?? null,
      is_moderated: false,
    },
    per_request_limits: null,
    supported_parameters: parametersOf(facts),
    default_parameters: null,
    supported_voices: null,
    links: { details: `models/${id}/endpoints` },
    hugging_face_id: null,
    knowledge_cutoff: null,
    expiration_date: null,
    ...(facts.quality !== undefined && { quality: facts.quality }),
    capabilities: capabilitiesOf(facts, price),
  };
}

/** What goes in and what comes out. */
function architectureOf({ facts }: Model): ModelEntry['architecture'] {
  const { inputModalities = ['text'], outputModalities = ['text'], tokenizer = 'Other' } = facts;
  return {
    modality: `${inputModalities.join('+')}->${outputModalities.join('+')}`,
    input_modalities: inputModalities,
    output_modalities: outputModalities,
    tokenizer,
    instruct_type: null,
  };
}

/** What a client pays, markup included, as decimal strings; `-1` where nobody knows. */
export function toPricing(price: Price | undefined): Readonly<Record<string, string>> {
  const always = { request: '0', image: '0', web_search: '0', internal_reasoning: '0' };
  if (price === undefined) return { prompt: '-1', completion: '-1', ...always };
  const charged = (pico: bigint): string => formatUsd((pico * (MILLION + price.markupPpm) + MILLION - 1n) / MILLION);
  const rates = RATE_NAMES.flatMap((name) => {
    const pico = price.rates[name];
    return pico === undefined ? [] : [[name, charged(pico)] as const];
  });
  return { ...always, ...Object.fromEntries(rates) };
}
