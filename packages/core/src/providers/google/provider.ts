import { toCredentials } from '../credential.js';
import type { ProviderOptions } from '../provider-options.js';
import { complainsOfSignature, withoutReasoning } from '../signatures.js';
import type { Provider } from '../types.js';
import { connectUpstream } from '../upstream.js';
import { classifyRefusal } from './classify.js';
import { REASONING_FORMAT } from './contents.js';
import { decodeBody } from './decode-body.js';
import { GeminiDecoder } from './decoder.js';
import { checkRequest, encodeRequest } from './encode.js';

const BASE_URL = 'https://generativelanguage.googleapis.com/v1beta';

/**
 * Google's Gemini API (`generateContent`).
 *
 * @example
 * google({ apiKey: process.env['GEMINI_API_KEY'] })
 * @throws TypeError for a key or a base URL that cannot be used.
 */
export function google(options: ProviderOptions): Provider {
  const { apiKey, baseUrl = BASE_URL, headers, models, extraModels, pricing, extraBody } = options;
  const credentials = toCredentials('google', 'x-goog-api-key', apiKey);
  return {
    slug: 'google',
    name: 'Google',
    catalog: 'google',
    models,
    extraModels,
    pricing,
    dataPolicy: options.dataPolicy,
    credentials: credentials.length,
    afterAbort: options.afterAbort ?? 'bills',
    codec: {
      reasoningFormat: REASONING_FORMAT,
      check: checkRequest,
      repair: (request, failure) => (complainsOfSignature(failure) ? withoutReasoning(request) : undefined),
      encode: (request, context) => encodeRequest(request, context, extraBody),
      decodeBody,
      decoder: (context) => new GeminiDecoder(context),
      classify: classifyRefusal,
    },
    connect: (settings) => connectUpstream({ baseUrl, credentials, headers }, settings),
  };
}
