import type { CallTarget, Provider } from '../providers/types.js';
import type { Price } from './price.js';
import type { DataPolicy, ModelFacts, Pricing } from './types.js';

/** A model at a provider. */
export interface Endpoint {
  /** Canonical id of the model. */
  readonly model: string;
  /** The provider's own id. */
  readonly upstreamModel: string;
  readonly provider: Provider;
  /** Undefined: nobody knows what it costs, so nothing is sent there. */
  readonly price: Price | undefined;
  /** Tokens; undefined where nobody knows. */
  readonly contextLength: number | undefined;
  /** Tokens; undefined where nobody knows. */
  readonly maxCompletionTokens: number | undefined;
  readonly quantization: string | undefined;
  /** Request parameters that it takes, by their names on the wire. */
  readonly parameters: readonly string[];
  readonly dataPolicy: DataPolicy;
  /** Names it among all endpoints: provider and upstream id. */
  readonly key: string;
}

/** A model and everybody who serves it, in the order in which the host lists its providers. */
export interface Model {
  readonly id: string;
  readonly facts: ModelFacts;
  readonly endpoints: readonly Endpoint[];
}

/** What a host says of a model, over what is known of it already. */
export interface ModelOverride extends ModelFacts {
  readonly id: string;
  /** Only at the provider of this slug; by default wherever the model is served. */
  readonly provider?: string | undefined;
  readonly pricing?: Pricing | undefined;
}

/** What a codec has to know of an endpoint. */
export function targetOf({ model, upstreamModel, maxCompletionTokens }: Endpoint): CallTarget {
  return { model, upstreamModel, maxOutputTokens: maxCompletionTokens };
}
