import type { ModelDeclaration, ServiceTier } from '../../catalog/types.js';
import { toCredentials } from '../credential.js';
import { readModelList } from '../model-list.js';
import type { ProviderOptions } from '../provider-options.js';
import type { CallContext, Provider, ProviderCodec } from '../types.js';
import { connectUpstream } from '../upstream.js';
import { classifyRefusal } from './classify.js';
import { decodeBody } from './decode-body.js';
import { OpenAiDecoder } from './decoder.js';
import { type EncodeOptions, encodeRequest } from './encode.js';
import { customVendor, type Vendor, type VendorSlug, vendors } from './vendors.js';

/** What a preset takes. */
export interface PresetOptions extends ProviderOptions {
  /**
   * Whether to ask the provider's own `GET /models` what it serves: from OpenRouter with prices. Asked at the start and
   * every hour, in the background. Default: where the catalogue knows no models of it and none are named.
   */
  readonly discover?: boolean | { readonly everyMs?: number; readonly timeoutMs?: number } | undefined;
  /** Tells this provider from another one of the same preset: `eu` makes `openai/eu`. Preferences may name either. */
  readonly region?: string | undefined;
  /** It serves only requests that ask for this service level, at prices of its own. */
  readonly tier?: ServiceTier | undefined;
  /** Content that begins with `<think>` is reasoning up to `</think>`. Default false: it is left as it is. */
  readonly thinkTags?: boolean | undefined;
}

/** What Azure takes: deployments have names of a team's own, so each model is declared. */
export interface AzureOptions extends Omit<PresetOptions, 'discover'> {
  /** The resource, as in `https://<resource>.openai.azure.com`; or `baseUrl`, up to and including `/openai/v1`. */
  readonly resource?: string | undefined;
  /** Sent as `api-version`. The paths of deployments need it; the `v1` API does without. */
  readonly apiVersion?: string | undefined;
  /** Whether calls go to `/openai/deployments/<name>` instead of the `v1` API. Default false. */
  readonly deploymentPaths?: boolean | undefined;
  /** `id` tells the model's family (`openai/gpt-5`), `upstreamId` is the name of the deployment. */
  readonly models: readonly ModelDeclaration[];
}

/** What an OpenAI-compatible upstream of the host's own takes. */
export interface OpenAiCompatibleOptions extends PresetOptions {
  /** Names the provider in routing and is the author of models that are declared by a bare name: `[a-z0-9-]`. */
  readonly slug: string;
  /** Display name, the `provider` of answers; by default the slug. */
  readonly name?: string | undefined;
  readonly baseUrl: string;
  readonly models: readonly ModelDeclaration[];
}

const CHAT_PATH = '/chat/completions';
const SLUG = /^[a-z0-9][a-z0-9-]{0,63}$/;

/**
 * Any upstream that speaks OpenAI's chat completions: vLLM, LM Studio, a model in the building.
 *
 * @example
 * openaiCompatible({ slug: 'acme', baseUrl: 'http://llm.internal:8000/v1', models: ['acme/small'], pricing: 'free' })
 * @throws TypeError for a slug or a base URL that cannot be used.
 */
export function openaiCompatible(options: OpenAiCompatibleOptions): Provider {
  if (!SLUG.test(options.slug)) {
    throw new TypeError(`slug: expected lower-case letters, digits and dashes, got ${JSON.stringify(options.slug)}`);
  }
  return toProvider(customVendor(options.slug, options.name ?? options.slug), options, options.baseUrl);
}

/** The provider of a preset. */
export function preset(slug: Exclude<VendorSlug, 'azure'>, options: PresetOptions): Provider {
  const vendor = vendors[slug];
  const baseUrl = options.baseUrl ?? vendor.baseUrl;
  if (baseUrl === undefined)
    throw new TypeError(`${slug}: baseUrl: expected the address of your ${vendor.name} service`);
  const discover = options.discover ?? (vendor.listsModels && options.models === undefined);
  return { ...toProvider(vendor, { ...options, discover }, baseUrl), catalog: slug };
}

/**
 * Models of OpenAI deployed on Azure.
 *
 * @example
 * azure({ resource: 'acme', apiKey, models: [{ id: 'openai/gpt-5-mini', upstreamId: 'our-mini', pricing: { … } }] })
 * @throws TypeError without `resource` or `baseUrl`, or without an `apiVersion` that `deploymentPaths` need.
 */
export function azure(options: AzureOptions): Provider {
  const { resource, apiVersion, deploymentPaths = false } = options;
  if (resource === undefined && options.baseUrl === undefined)
    throw new TypeError('azure: expected resource or baseUrl');
  if (deploymentPaths && apiVersion === undefined) throw new TypeError('azure: apiVersion: expected a version');
  const api = deploymentPaths ? 'openai' : 'openai/v1';
  const query = apiVersion === undefined ? '' : `?api-version=${encodeURIComponent(apiVersion)}`;
  const baseUrl = `${options.baseUrl ?? `https://${resource}.openai.azure.com/${api}`}${query}`;
  if (!deploymentPaths) return toProvider(vendors.azure, options, baseUrl);
  const path = ({ upstreamModel }: CallContext): string =>
    `/deployments/${encodeURIComponent(upstreamModel)}${CHAT_PATH}`;
  return toProvider(vendors.azure, options, baseUrl, path);
}

/** The codec of one vendor. */
export function openAiCodec(
  vendor: Vendor,
  options: { readonly [name in keyof EncodeOptions]?: EncodeOptions[name] | undefined } = {},
): ProviderCodec {
  const { path = () => CHAT_PATH, extraBody } = options;
  return {
    encode: (request, context) => encodeRequest(vendor, request, context, { path, extraBody }),
    decodeBody: (text, context) => decodeBody(vendor, text, context),
    decoder: (context) => new OpenAiDecoder(vendor, context),
    classify: classifyRefusal,
  };
}

function toProvider(
  described: Vendor,
  options: PresetOptions,
  baseUrl: string,
  path?: EncodeOptions['path'],
): Provider {
  const vendor = { ...described, thinkTags: options.thinkTags ?? described.thinkTags };
  const { apiKey, headers, models, extraModels, pricing = vendor.pricing, discover = false } = options;
  const credentials = toCredentials(vendor.slug, vendor.credential, apiKey);
  const suffix = options.region ?? options.tier;
  if (suffix !== undefined && !SLUG.test(suffix)) throw new TypeError(`${vendor.slug}: region: expected a slug`);
  const tier = options.tier && { service_tier: options.tier };
  return {
    slug: suffix === undefined ? vendor.slug : `${vendor.slug}/${suffix}`,
    name: vendor.name,
    models,
    extraModels,
    pricing,
    dataPolicy: options.dataPolicy,
    tier: options.tier,
    credentials: credentials.length,
    afterAbort: options.afterAbort ?? vendor.afterAbort,
    discovery:
      discover === false
        ? undefined
        : { path: '/models', read: readModelList, ...(typeof discover === 'object' && discover) },
    codec: openAiCodec(vendor, { path, extraBody: { ...tier, ...options.extraBody } }),
    connect: (settings) => connectUpstream({ baseUrl, credentials, headers }, settings),
  };
}
