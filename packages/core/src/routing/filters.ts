import { targetOf } from '../catalog/model.js';
import { ratesFor } from '../catalog/price.js';
import type { Unsuitable } from '../providers/types.js';
import type { ChatRequest, ContentPart, ProviderPreferences } from '../wire/chat.js';
import { namesExactly, namesProvider } from './names.js';
import type { Candidate, PlanInput } from './types.js';

/** Why a candidate may not serve a request, in the wire's words. In the order in which they are looked at. */
export const EXCLUSIONS = [
  'price_unknown',
  'allowed_providers',
  'tier',
  'data_policy:training',
  'data_policy:zdr',
  'data_policy:distillable',
  'quantization',
  'require_parameters',
  'modality',
  'max_price',
  'context_length',
] as const;

/** A candidate that may not serve a request. */
export interface Exclusion {
  readonly candidate: Candidate;
  readonly by: (typeof EXCLUSIONS)[number];
  /** For people. */
  readonly reason: string;
  /** What the provider itself says. */
  readonly unsuitable?: Unsuitable;
}

type Problem = Omit<Exclusion, 'candidate'>;

/** Parameters that are not on lists of supported ones, or need no support. */
const UNLISTED: ReadonlySet<string> = new Set([
  ...['messages', 'model', 'models', 'provider', 'auto', 'stream', 'user', 'session_id', 'metadata', 'service_tier'],
  ...['cache_control', 'prompt_cache_key', 'n'],
]);
const MODALITIES: Readonly<Record<ContentPart['type'], string>> = {
  text: 'text',
  image_url: 'image',
  input_audio: 'audio',
  video_url: 'video',
  file: 'file',
};
const PICO_USD = 1e12;
const MILLION = 1e6;

/** The first thing that speaks against a candidate; undefined where nothing does. Pure. */
export function excludes(candidate: Candidate, input: PlanInput): Exclusion | undefined {
  for (const filter of FILTERS) {
    const problem = filter(candidate, input);
    if (problem !== undefined) return { candidate, ...problem };
  }
  return undefined;
}

type Filter = (candidate: Candidate, input: PlanInput) => Problem | undefined;

/** In the order of `EXCLUSIONS`. */
const FILTERS: readonly Filter[] = [
  ({ endpoint }) =>
    endpoint.price === undefined ? { by: 'price_unknown', reason: 'nobody knows what it costs' } : undefined,
  allowedProviders,
  tierAdmitted,
  dataPolicy,
  ({ endpoint }, { request }) => {
    const { quantizations } = preferencesOf(request);
    const kept = quantizations === undefined || quantizations.includes(endpoint.quantization ?? 'unknown');
    return kept
      ? undefined
      : { by: 'quantization', reason: `it is ${endpoint.quantization ?? 'of unknown'} quantization` };
  },
  requiredParameters,
  modality,
  maxPrice,
  contextLength,
];

function preferencesOf(request: ChatRequest): ProviderPreferences {
  return request.provider ?? {};
}

function allowedProviders({ endpoint: { provider } }: Candidate, { request, host }: PlanInput): Problem | undefined {
  const { only, ignore, order, allow_fallbacks: fallbacks } = preferencesOf(request);
  const by = 'allowed_providers';
  for (const list of [only, host.only]) {
    if (list !== undefined && !namesProvider(list, provider)) return { by, reason: 'it is not among `only`' };
  }
  for (const list of [ignore, host.ignore]) {
    if (list !== undefined && namesProvider(list, provider)) return { by, reason: 'it is among `ignore`' };
  }
  if (fallbacks !== false || order === undefined || namesProvider(order, provider)) return undefined;
  return { by, reason: 'it is not among `order`, and fallbacks are not allowed' };
}

/** Endpoints of a service level serve only requests that ask for it. */
function tierAdmitted({ endpoint, wanted }: Candidate, { request }: PlanInput): Problem | undefined {
  const { provider } = endpoint;
  const { order, only } = preferencesOf(request);
  const { tier } = provider;
  if (tier === undefined || namesExactly(order, provider) || namesExactly(only, provider)) return undefined;
  const byVariant = wanted.tier === tier && order === undefined && request.service_tier !== 'default';
  if (request.service_tier === tier || byVariant) return undefined;
  return { by: 'tier', reason: `it serves requests of the tier ${tier}` };
}

function dataPolicy({ endpoint, wanted }: Candidate, { request, host }: PlanInput): Problem | undefined {
  const preferences = preferencesOf(request);
  const { collects = true, zeroRetention = false } = endpoint.dataPolicy;
  const deny = preferences.data_collection === 'deny' || host.dataCollection === 'deny';
  if (deny && collects) return { by: 'data_policy:training', reason: 'it may collect what it is sent' };
  if ((preferences.zdr === true || host.zdr === true) && !zeroRetention) {
    return { by: 'data_policy:zdr', reason: 'it is not marked as keeping nothing' };
  }
  if (preferences.enforce_distillable_text === true && wanted.model.facts.distillable !== true) {
    return { by: 'data_policy:distillable', reason: 'its answers may not train other models' };
  }
  return undefined;
}

function requiredParameters({ endpoint }: Candidate, { request }: PlanInput): Problem | undefined {
  if (preferencesOf(request).require_parameters !== true) return undefined;
  const missing = parametersOf(request).find((name) => !endpoint.parameters.includes(name));
  return missing === undefined ? undefined : { by: 'require_parameters', reason: `it does not list ${missing}` };
}

/** Parameters that a request sends, by their names on lists. */
export function parametersOf(request: ChatRequest): readonly string[] {
  const sent = Object.entries(request).filter(([name, value]) => value !== undefined && !UNLISTED.has(name));
  return sent.map(([name]) => {
    if (name !== 'response_format') return name;
    return request.response_format?.type === 'json_schema' ? 'structured_outputs' : 'response_format';
  });
}

function modality({ endpoint, wanted }: Candidate, { request }: PlanInput): Problem | undefined {
  const unsuitable = endpoint.provider.codec.check?.(request, targetOf(endpoint));
  if (unsuitable !== undefined) return { by: 'modality', reason: unsuitable.message, unsuitable };
  const { inputModalities } = wanted.model.facts;
  if (inputModalities === undefined) return undefined;
  const foreign = partsOf(request).find((part) => !inputModalities.some((one) => one === MODALITIES[part.type]));
  return foreign && { by: 'modality', reason: `the model does not take ${MODALITIES[foreign.type]}` };
}

function partsOf({ messages }: ChatRequest): readonly ContentPart[] {
  return messages.flatMap(({ content }) => (typeof content === 'object' ? (content ?? []) : []));
}

function maxPrice({ endpoint }: Candidate, { request, promptTokens, atMs }: PlanInput): Problem | undefined {
  const { max_price: most } = preferencesOf(request);
  if (most === undefined || endpoint.price === undefined) return undefined;
  const rates = ratesFor(endpoint.price, promptTokens, atMs);
  const markup = 1 + Number(endpoint.price.markupPpm) / MILLION;
  const usd = (rate: bigint | undefined, units: number): number => (Number(rate ?? 0n) / PICO_USD) * units * markup;
  const figures = {
    prompt: usd(rates.prompt, MILLION),
    completion: usd(rates.completion, MILLION),
    audio: usd(rates.audio, MILLION),
    request: usd(rates.request, 1),
    image: usd(rates.image, 1),
  };
  for (const name of ['prompt', 'completion', 'audio', 'request', 'image'] as const) {
    const bound = most[name];
    // A price that is the bound to the last digit keeps it, whatever binary fractions make of it.
    if (bound !== undefined && figures[name] > bound * (1 + Number.EPSILON * 8)) {
      return { by: 'max_price', reason: `its price of ${name} is ${figures[name]}` };
    }
  }
  return undefined;
}

function contextLength({ endpoint }: Candidate, { request, promptTokens, prompt }: PlanInput): Problem | undefined {
  const { contextLength: context } = endpoint;
  const needed = promptTokens + (request.max_tokens ?? 0);
  if (context === undefined) return undefined;
  if (prompt === undefined ? needed <= context : prompt.fits(context) || prompt.mayCut(context, false))
    return undefined;
  return { by: 'context_length', reason: `its context is ${context} tokens, and about ${needed} are needed` };
}
