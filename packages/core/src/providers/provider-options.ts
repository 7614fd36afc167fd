import type { DataPolicy, ModelDeclaration, Pricing } from '../catalog/types.js';

/** What every provider over HTTP takes. */
export interface ProviderOptions {
  /** The team's key at this provider, or several to share the load. Kept in memory only, sent to `baseUrl` only, never printed. */
  readonly apiKey?: string | readonly string[] | undefined;
  /** Instead of the provider's public address, with its version and whatever else stands before every path. */
  readonly baseUrl?: string | undefined;
  /** The models to serve; by default all that the catalogue knows of this provider. Known ones need no more than an id. */
  readonly models?: readonly ModelDeclaration[] | undefined;
  /** Models to serve besides. */
  readonly extraModels?: readonly ModelDeclaration[] | undefined;
  /** The price of models of which no other is known, or `free`. A model without any price is not served. */
  readonly pricing?: Pricing | undefined;
  /** Further headers of every call to this provider. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What it does with what it is sent. */
  readonly dataPolicy?: DataPolicy | undefined;
  /** Whether it stops or goes on charging when a client leaves in the middle; known of presets. */
  readonly afterAbort?: 'stops' | 'bills' | undefined;
  /** Further fields of the body of every call; they replace what the gateway says. */
  readonly extraBody?: Readonly<Record<string, unknown>> | undefined;
}
