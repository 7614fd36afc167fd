import { parametersOf as listed } from '../catalog/capabilities.js';
import type { Catalog } from '../catalog/catalog.js';
import type { Model } from '../catalog/model.js';
import { splitName } from '../catalog/variants.js';
import { GatewayError } from '../errors.js';
import { globMatcher } from '../glob.js';
import type { ChatRequest } from '../wire/chat.js';
import type { WantedModel } from './types.js';

/** Models that automatic choice tries, at most. */
const MOST_AUTO_MODELS = 10;
const AUTO: ReadonlySet<string> = new Set(['auto', 'openrouter/auto']);
/** Output that automatic choice reckons with, tokens. */
const AUTO_OUTPUT = 500;

/** What the names in a request amount to. */
export interface WantedModels {
  readonly models: readonly WantedModel[];
  /** A name asked for reasoning. */
  readonly thinking: boolean;
  /** The models were chosen for the client. */
  readonly auto: boolean;
}

/**
 * The models that names mean, in their order and without repetitions, as far as the caller may use them.
 *
 * @throws GatewayError `model_not_found`, `model_ambiguous`, `model_not_allowed`, `no_endpoints`, `unsupported_feature`.
 */
export function resolveWanted(
  names: readonly string[],
  request: ChatRequest,
  { catalog, mayUse }: { readonly catalog: Catalog; mayUse(model: string): boolean },
): WantedModels {
  const auto = names.some((name) => AUTO.has(name));
  const resolved = names.flatMap((name) =>
    AUTO.has(name) ? chooseModels(request, catalog, mayUse) : [resolveOne(name, catalog)],
  );
  const distinct = resolved.filter(
    (one, position) => resolved.findIndex(({ wanted }) => wanted.model === one.wanted.model) === position,
  );
  const models = distinct.map(({ wanted }) => wanted).filter(({ model }) => mayUse(model.id));
  if (models.length === 0) throw new GatewayError('model_not_allowed', 'this key may not use the requested models');
  return { models, thinking: distinct.some(({ thinking }) => thinking), auto };
}

interface Resolved {
  readonly wanted: WantedModel;
  readonly thinking: boolean;
}

function resolveOne(name: string, catalog: Catalog): Resolved {
  const exact = catalog.find(name);
  if (exact !== undefined) return { wanted: { model: exact }, thinking: false };
  const { base, variants, unbuilt } = splitName(name);
  if (unbuilt !== undefined) {
    throw new GatewayError('unsupported_feature', `model: the variant ${unbuilt} is not supported yet`, {
      metadata: { feature: unbuilt },
    });
  }
  const sorts = variants.filter(({ sort }) => sort !== undefined);
  if (sorts.length > 1) {
    const message = 'expected at most one of the variants :nitro, :floor and :exacto';
    throw new GatewayError('invalid_request', `model: ${message}`, {
      metadata: { issues: [{ path: 'model', message }] },
    });
  }
  const model = catalog.resolve(base);
  const thinking = variants.some((variant) => variant.thinking === true);
  if (thinking && !listed(model.facts).includes('reasoning')) {
    throw new GatewayError('model_not_found', `${name} is not a valid model ID`);
  }
  const [sort] = sorts;
  return { wanted: { model, sort: sort?.sort, tier: sort?.tier }, thinking };
}

/** The cheapest models that can do what is asked, by name the same ones for the same request. */
function chooseModels(request: ChatRequest, catalog: Catalog, mayUse: (model: string) => boolean): readonly Resolved[] {
  const { allowed_models: allowed, excluded_models: excluded, min_quality: quality = 0 } = request.auto ?? {};
  const admits = (globs: readonly string[], { id }: Model): boolean => globs.some((glob) => globMatcher(glob)(id));
  const needed = neededParameters(request);
  const chosen = catalog
    .list()
    .filter(
      (model) =>
        mayUse(model.id) &&
        model.endpoints.some(({ price }) => price !== undefined) &&
        (model.facts.outputModalities ?? ['text']).join() === 'text' &&
        needed.every((name) => listed(model.facts).includes(name)) &&
        (quality === 0 || (model.facts.quality ?? 0) >= quality) &&
        (allowed === undefined || admits(allowed, model)) &&
        (excluded === undefined || !admits(excluded, model)),
    );
  if (chosen.length === 0) {
    throw new GatewayError('no_endpoints', 'No models match your request and model restrictions');
  }
  return chosen
    .map((model) => ({ model, price: cheapest(model) }))
    .sort((a, b) => a.price - b.price || (a.model.id < b.model.id ? -1 : 1))
    .slice(0, MOST_AUTO_MODELS)
    .map(({ model }) => ({ wanted: { model }, thinking: false }));
}

function neededParameters({ tools = [], response_format: format, reasoning }: ChatRequest): readonly string[] {
  return [
    ...(tools.length > 0 ? ['tools'] : []),
    ...(format?.type === 'json_schema' ? ['structured_outputs'] : []),
    ...(format?.type === 'json_object' ? ['response_format'] : []),
    ...(reasoning !== undefined && reasoning.effort !== 'none' ? ['reasoning'] : []),
  ];
}

/** What the least answer costs at the cheapest endpoint, in pico-USD: as many tokens in as out. */
function cheapest({ endpoints }: Model): number {
  const prices = endpoints.flatMap(({ price }) =>
    price === undefined ? [] : [Number(price.rates.prompt + price.rates.completion) * AUTO_OUTPUT],
  );
  return Math.min(...prices);
}
