import type { ModelFacts, PriceDeclaration } from './types.js';

/** A model at a provider, as the bundled data has it. */
export interface BundledEndpoint {
  /** Canonical id of the model. */
  readonly model: string;
  /** The provider's own id. */
  readonly upstream: string;
  readonly pricing: PriceDeclaration;
}

/** What the package knows without being told. */
export interface BundledCatalog {
  /** Day of the data, `YYYY-MM-DD`. */
  readonly date: string;
  /** By canonical id. */
  readonly models: Readonly<Record<string, ModelFacts>>;
  /** By the slug of a preset; most wanted models first. */
  readonly endpoints: Readonly<Record<string, readonly BundledEndpoint[]>>;
}
