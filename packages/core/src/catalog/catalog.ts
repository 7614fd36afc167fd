import { GatewayError } from '../errors.js';
import { globMatcher } from '../glob.js';
import type { Provider } from '../providers/types.js';
import type { BundledCatalog } from './bundled.js';
import { bundledCatalog } from './bundled-data.js';
import { collectModels } from './collect.js';
import type { Model, ModelOverride } from './model.js';
import { aliasOf } from './names.js';
import { parseMarkup } from './price.js';
import type { ModelDeclarationObject } from './types.js';

/** What a host may change about the catalogue. */
export interface CatalogOptions {
  /** Facts and prices over the known ones. */
  readonly models?: readonly ModelOverride[] | undefined;
  /** Per cent on top of what providers charge: `20`, `'2.5'`. Default 0. */
  readonly markup?: number | string | undefined;
  /** Globs of model ids that are neither listed nor served. */
  readonly hide?: readonly string[] | undefined;
  /** The data to start from: by default what comes with the package, `false` for none. */
  readonly bundled?: BundledCatalog | false | undefined;
}

const MAX_CANDIDATES = 10;
const NO_DATA: BundledCatalog = { date: '', models: {}, endpoints: {} };

/** Which models there are, by every name that they have. */
export class Catalog {
  readonly #providers: readonly Provider[];
  readonly #bundled: BundledCatalog;
  readonly #overrides: readonly ModelOverride[];
  readonly #markupPpm: bigint;
  readonly #hidden: readonly ((id: string) => boolean)[];
  readonly #discovered = new Map<Provider, readonly ModelDeclarationObject[]>();
  #models: ReadonlyMap<string, Model> = new Map();
  #aliases: ReadonlyMap<string, readonly Model[]> = new Map();

  /** @throws TypeError for a declaration that cannot be served. */
  constructor(providers: readonly Provider[], options: CatalogOptions = {}) {
    this.#providers = providers;
    this.#bundled = options.bundled === false ? NO_DATA : (options.bundled ?? bundledCatalog);
    this.#overrides = options.models ?? [];
    this.#markupPpm = parseMarkup(options.markup ?? 0);
    this.#hidden = (options.hide ?? []).map(globMatcher);
    this.#build();
  }

  /** Day of the bundled data, `YYYY-MM-DD`; undefined without it. */
  get date(): string | undefined {
    return this.#bundled.date === '' ? undefined : this.#bundled.date;
  }

  get providers(): readonly Provider[] {
    return this.#providers;
  }

  /** Every model, in the order of declaration. */
  list(): readonly Model[] {
    return [...this.#models.values()];
  }

  /**
   * Takes what a provider says it serves, instead of what it said before. What the host or the bundled data says of the
   * same model counts more.
   */
  discover(provider: Provider, models: readonly ModelDeclarationObject[]): void {
    this.#discovered.set(provider, models);
    this.#build();
  }

  /** The model of exactly this id. */
  find(id: string): Model | undefined {
    return this.#models.get(id);
  }

  /**
   * The model that a client means: an exact id, another spelling of one, or a bare name that only one model has.
   *
   * @throws GatewayError `model_not_found`, `model_ambiguous`, or `unsupported_feature` for names that are no models.
   */
  resolve(name: string): Model {
    const exact = this.#models.get(name);
    if (exact !== undefined) return exact;
    refuseUnbuilt(name);
    const fitting = this.#aliases.get(aliasOf(name)) ?? [];
    const [only] = fitting;
    if (only === undefined) throw new GatewayError('model_not_found', `${name} is not a valid model ID`);
    if (fitting.length === 1) return only;
    throw new GatewayError('model_ambiguous', `${name} is the name of ${fitting.length} models: give the author too`, {
      metadata: { candidates: fitting.slice(0, MAX_CANDIDATES).map((model) => model.id) },
    });
  }

  #build(): void {
    const models = collectModels({
      providers: this.#providers,
      bundled: this.#bundled,
      overrides: this.#overrides,
      markupPpm: this.#markupPpm,
      discovered: (provider) => this.#discovered.get(provider) ?? [],
      hidden: (id) => this.#hidden.some((matches) => matches(id)),
    });
    this.#models = models;
    this.#aliases = groupByAlias(models);
  }
}

function refuseUnbuilt(name: string): void {
  if (name.startsWith('openrouter/')) throw unsupported(`model: ${name}`, name);
  if (name.startsWith('@preset/') || name.startsWith('~')) throw unsupported('model: presets', 'preset');
}

function unsupported(what: string, feature: string): GatewayError {
  return new GatewayError('unsupported_feature', `${what} is not supported yet`, { metadata: { feature } });
}

/** Every other name of every model: its own spelled otherwise, its part after the author, and its ids at providers. */
function groupByAlias(models: ReadonlyMap<string, Model>): ReadonlyMap<string, readonly Model[]> {
  const groups = new Map<string, Model[]>();
  const add = (name: string, model: Model): void => {
    const alias = aliasOf(name);
    const group = groups.get(alias);
    if (group === undefined) groups.set(alias, [model]);
    else if (!group.includes(model)) group.push(model);
  };
  for (const model of models.values()) {
    add(model.id, model);
    add(model.id.slice(model.id.indexOf('/') + 1), model);
  }
  for (const model of models.values()) {
    for (const { upstreamModel } of model.endpoints) {
      // The name of a model counts more than what a provider happens to call another one.
      if (!groups.has(aliasOf(upstreamModel))) add(upstreamModel, model);
    }
  }
  return groups;
}
