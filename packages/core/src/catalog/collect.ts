import type { Provider } from '../providers/types.js';
import type { BundledCatalog, BundledEndpoint } from './bundled.js';
import { parametersOf } from './capabilities.js';
import type { Endpoint, Model, ModelOverride } from './model.js';
import { aliasOf } from './names.js';
import { parsePrice } from './price.js';
import type { ModelDeclaration, ModelDeclarationObject, ModelFacts, Pricing } from './types.js';

/** Everything that says something about models. */
export interface CatalogSources {
  readonly providers: readonly Provider[];
  readonly bundled: BundledCatalog;
  readonly overrides: readonly ModelOverride[];
  readonly markupPpm: bigint;
  discovered(provider: Provider): readonly ModelDeclarationObject[];
  hidden(model: string): boolean;
}

const MODEL_ID = /^[\x21-\x7e]{1,256}$/;

/**
 * Puts the sources together, by canonical id in the order of providers and their models. Of a model the host's override
 * counts most, then the declaration at its provider, then what the provider itself says, then the bundled data.
 *
 * @throws TypeError for a declaration that cannot be served.
 */
export function collectModels(sources: CatalogSources): ReadonlyMap<string, Model> {
  const collected = new Map<string, { id: string; facts: ModelFacts; endpoints: Endpoint[] }>();
  for (const provider of sources.providers) {
    for (const declaration of declarationsOf(provider, sources)) {
      const endpoint = toEndpoint(provider, declaration, sources);
      if (sources.hidden(endpoint.model)) continue;
      const known = collected.get(endpoint.model);
      const model = known ?? {
        id: endpoint.model,
        facts: factsOf(endpoint.model, declaration, sources),
        endpoints: [],
      };
      if (known === undefined) collected.set(model.id, model);
      if (!model.endpoints.some((one) => one.provider === provider)) {
        model.endpoints.push(withLimits(endpoint, model.facts));
      }
    }
  }
  return collected;
}

/** What a provider serves: the models that the host names, or all known ones, and those that it was found to serve. */
function declarationsOf(provider: Provider, sources: CatalogSources): readonly ModelDeclarationObject[] {
  const known = (provider.catalog && sources.bundled.endpoints[provider.catalog]) || [];
  const named = (declaration: ModelDeclaration): ModelDeclarationObject => withKnown(provider, declaration, known);
  const own = provider.models?.map(named) ?? known.map(fromBundled);
  return [...(provider.extraModels ?? []).map(named), ...own, ...sources.discovered(provider)];
}

function fromBundled({ model, upstream, pricing }: BundledEndpoint): ModelDeclarationObject {
  return { id: model, upstreamId: upstream, pricing };
}

/** A host's declaration, with the price and the upstream id that are known of it. */
function withKnown(
  provider: Provider,
  given: ModelDeclaration,
  known: readonly BundledEndpoint[],
): ModelDeclarationObject {
  const declaration = typeof given === 'string' ? { id: given } : given;
  if (!MODEL_ID.test(declaration.id)) {
    throw new TypeError(`${provider.slug}: models: expected an id of 1 to 256 printable characters without blanks`);
  }
  const id = aliasOf(declaration.id);
  const match = known.find(({ model, upstream }) => aliasOf(model) === id || aliasOf(upstream) === id);
  if (match === undefined) return declaration;
  const { model, upstream, pricing } = match;
  return {
    ...declaration,
    id: declaration.id.includes('/') ? declaration.id : model,
    upstreamId: declaration.upstreamId ?? upstream,
    pricing: declaration.pricing ?? pricing,
  };
}

function toEndpoint(provider: Provider, declaration: ModelDeclarationObject, sources: CatalogSources): Endpoint {
  const own = `${provider.slug.split('/', 1)[0]}/`;
  const model = declaration.id.includes('/') ? declaration.id : own + declaration.id;
  const pricing = overriddenPricing(model, provider, sources) ?? declaration.pricing ?? provider.pricing;
  return {
    model,
    upstreamModel: declaration.upstreamId ?? (model.startsWith(own) ? model.slice(own.length) : model),
    provider,
    price: pricing === undefined ? undefined : parsePrice(pricing, sources.markupPpm),
    contextLength: declaration.contextLength,
    maxCompletionTokens: declaration.maxCompletionTokens,
    quantization: declaration.quantization,
    parameters: declaration.supportedParameters ?? [],
    dataPolicy: { ...provider.dataPolicy, ...declaration.dataPolicy },
    key: `${provider.slug} ${declaration.upstreamId ?? model}`,
  };
}

/** An endpoint of which nothing else is known has the limits of its model. */
function withLimits(endpoint: Endpoint, facts: ModelFacts): Endpoint {
  return {
    ...endpoint,
    parameters: endpoint.parameters.length > 0 ? endpoint.parameters : parametersOf(facts),
    contextLength: endpoint.contextLength ?? facts.contextLength,
    maxCompletionTokens: endpoint.maxCompletionTokens ?? facts.maxCompletionTokens,
  };
}

function overriddenPricing(model: string, provider: Provider, sources: CatalogSources): Pricing | undefined {
  return sources.overrides.findLast(
    (override) =>
      override.id === model &&
      override.pricing !== undefined &&
      (override.provider === undefined || override.provider === provider.slug),
  )?.pricing;
}

/** The facts of a model; absent ones do not hide what an earlier source knows. */
function factsOf(model: string, declaration: ModelDeclarationObject, sources: CatalogSources): ModelFacts {
  const { id, upstreamId, pricing, quantization, ...declared } = declaration;
  const overrides = sources.overrides
    .filter((override) => override.id === model && override.provider === undefined)
    .map(({ id: _, provider, pricing: __, ...facts }) => facts);
  const layers: readonly ModelFacts[] = [sources.bundled.models[model] ?? {}, declared, ...overrides];
  return Object.assign({}, ...layers.map(withoutAbsent)) as ModelFacts;
}

function withoutAbsent(facts: ModelFacts): ModelFacts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}
