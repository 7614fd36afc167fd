import { capabilitiesOf, parametersOf } from '../../catalog/capabilities.js';
import type { Model } from '../../catalog/model.js';
import { isFree, type Price } from '../../catalog/price.js';
import type { ModelQuery, ModelSort } from './model-query.js';

const DAY_MS = 86_400_000;

/** What is searched of a model, lower-case; made once for each. */
const texts = new WeakMap<Model, { readonly names: string; readonly all: string }>();

/** The models that a query asks for, in the order that it asks for; pages come later. Pure. */
export function selectModels(models: readonly Model[], query: ModelQuery, nowMs: number): readonly Model[] {
  if (query.unknownFigure) return [];
  const found = models.filter((model) => fits(model, query, nowMs));
  return query.sort === undefined ? found : sorted(found, query.sort);
}

/** The price that a model is listed with: that of its first endpoint that has one. */
function priceOf(model: Model): Price | undefined {
  return model.endpoints.find((endpoint) => endpoint.price !== undefined)?.price;
}

function fits(model: Model, query: ModelQuery, nowMs: number): boolean {
  return (
    fitsText(model, query) &&
    fitsMakers(model, query) &&
    fitsAbilities(model, query) &&
    fitsPrice(priceOf(model), query) &&
    fitsAge(model.facts.created, query, nowMs)
  );
}

function fitsText(model: Model, { search, searchNames }: ModelQuery): boolean {
  if (search === undefined && searchNames === undefined) return true;
  const { names, all } = textOf(model);
  return (search === undefined || all.includes(search)) && (searchNames === undefined || names.includes(searchNames));
}

function textOf(model: Model): { readonly names: string; readonly all: string } {
  const known = texts.get(model);
  if (known !== undefined) return known;
  const { name = '', description = '' } = model.facts;
  const names = `${model.id}\n${name}`.toLowerCase();
  const text = { names, all: `${names}\n${description.toLowerCase()}` };
  texts.set(model, text);
  return text;
}

function fitsMakers(model: Model, { provider, authors, servedBy }: ModelQuery): boolean {
  const author = model.id.slice(0, model.id.indexOf('/')).toLowerCase();
  const serves = (names: readonly string[]): boolean =>
    model.endpoints.some((one) => names.includes(one.provider.slug) || names.includes(one.provider.name.toLowerCase()));
  return (
    (provider === undefined || provider.includes(author) || serves(provider)) &&
    (authors === undefined || authors.includes(author)) &&
    (servedBy === undefined || serves(servedBy))
  );
}

function fitsAbilities(model: Model, query: ModelQuery): boolean {
  const { facts } = model;
  const { inputModalities = ['text'], outputModalities = ['text'], tokenizer = 'Other', contextLength } = facts;
  const able = query.capabilities.length === 0 ? undefined : capabilitiesOf(facts, priceOf(model));
  return (
    query.capabilities.every((name) => able?.[name] === true) &&
    query.parameters.every((name) => parametersOf(facts).includes(name)) &&
    query.inputModalities.every((name) => inputModalities.some((modality) => modality === name)) &&
    (query.outputModalities?.every((name) => outputModalities.some((modality) => modality === name)) ?? true) &&
    (query.tokenizers?.includes(tokenizer.toLowerCase()) ?? true) &&
    (query.minContext === undefined || (contextLength !== undefined && contextLength >= query.minContext))
  );
}

function fitsPrice(price: Price | undefined, query: ModelQuery): boolean {
  const { free, minPrice, maxPrice, minOutputPrice, maxOutputPrice } = query;
  if (free !== undefined && (price !== undefined && isFree(price)) !== free) return false;
  return (
    within(price?.rates.prompt, minPrice, maxPrice) && within(price?.rates.completion, minOutputPrice, maxOutputPrice)
  );
}

function within(value: bigint | undefined, least: bigint | undefined, most: bigint | undefined): boolean {
  if (least === undefined && most === undefined) return true;
  return value !== undefined && (least === undefined || value >= least) && (most === undefined || value <= most);
}

function fitsAge(created: number | undefined, { minAgeDays, maxAgeDays }: ModelQuery, nowMs: number): boolean {
  if (minAgeDays === undefined && maxAgeDays === undefined) return true;
  if (created === undefined) return false;
  const days = (nowMs - created * 1000) / DAY_MS;
  return (minAgeDays === undefined || days >= minAgeDays) && (maxAgeDays === undefined || days <= maxAgeDays);
}

/** Stable; a model without the figure comes last whichever way the order goes. */
function sorted(models: readonly Model[], sort: ModelSort): readonly Model[] {
  const figure = figureOf(sort);
  const direction = sort === 'pricing-low-to-high' ? 1 : -1;
  return [...models].sort((a, b) => {
    const [left, right] = [figure(a), figure(b)];
    if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
    return (left - right) * direction;
  });
}

function figureOf(sort: ModelSort): (model: Model) => number | undefined {
  switch (sort) {
    case 'newest':
      return ({ facts }) => facts.created;
    case 'context-high-to-low':
      return ({ facts }) => facts.contextLength;
    case 'quality-high-to-low':
      return ({ facts }) => facts.quality;
    case 'pricing-low-to-high':
    case 'pricing-high-to-low':
      return (model) => {
        const rates = priceOf(model)?.rates;
        return rates && Number(rates.prompt + rates.completion);
      };
    default:
      return sort satisfies never;
  }
}
