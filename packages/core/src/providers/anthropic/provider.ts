import { toCredentials } from '../credential.js';
import type { ProviderOptions } from '../provider-options.js';
import { complainsOfSignature, withoutReasoning } from '../signatures.js';
import type { Provider } from '../types.js';
import { connectUpstream } from '../upstream.js';
import { classifyRefusal } from './classify.js';
import { decodeBody } from './decode-body.js';
import { AnthropicDecoder } from './decoder.js';
import { type AnthropicEndpoint, checkRequest, encodeRequest } from './encode.js';
import { REASONING_FORMAT } from './turns.js';

/** What `anthropic` takes. */
export interface AnthropicOptions extends ProviderOptions {
  /** Instead of `apiKey`: a token that goes into `Authorization`. */
  readonly authToken?: string | undefined;
  /** Beta features of every call, by their names in `anthropic-beta`. */
  readonly betas?: readonly string[] | undefined;
  /** Beta features that clients may ask for with `x-anthropic-beta`. Default: none. */
  readonly allowedBetas?: readonly string[] | undefined;
  /** System messages in mid-conversation stay where they are, for models that take them. Default false: they go to the top. */
  readonly inlineSystem?: boolean | undefined;
}

/**
 * Anthropic's Messages API, or a server that speaks it.
 *
 * @example
 * anthropic({ apiKey: process.env['ANTHROPIC_API_KEY'] })
 * @throws TypeError for a key or a base URL that cannot be used.
 */
export function anthropic(options: AnthropicOptions): Provider {
  const {
    apiKey,
    authToken,
    baseUrl = 'https://api.anthropic.com/v1',
    headers,
    models,
    extraModels,
    pricing,
  } = options;
  const endpoint: AnthropicEndpoint = {
    betas: options.betas ?? [],
    allowedBetas: new Set(options.allowedBetas),
    inlineSystem: options.inlineSystem ?? false,
    extraBody: options.extraBody,
  };
  const credentials =
    authToken === undefined
      ? toCredentials('anthropic', 'x-api-key', apiKey)
      : toCredentials('anthropic', 'authorization', authToken);
  return {
    slug: 'anthropic',
    name: 'Anthropic',
    catalog: 'anthropic',
    models,
    extraModels,
    pricing,
    dataPolicy: options.dataPolicy,
    credentials: credentials.length,
    afterAbort: options.afterAbort ?? 'stops',
    codec: {
      reasoningFormat: REASONING_FORMAT,
      check: checkRequest,
      repair: (request, failure) => (complainsOfSignature(failure) ? withoutReasoning(request) : undefined),
      encode: (request, context) => encodeRequest(request, context, endpoint),
      decodeBody,
      decoder: (context) => new AnthropicDecoder(context),
      classify: classifyRefusal,
    },
    connect: (settings) => connectUpstream({ baseUrl, credentials, headers }, settings),
  };
}
