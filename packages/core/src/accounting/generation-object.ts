import type { GenerationRecord } from '../stores/types.js';
import { nanoToUsd } from '../usd.js';

/** Fields of `GET /generation` that a record may know, with what stands for not knowing. */
const UNKNOWN = {
  request_id: null,
  upstream_id: null,
  provider_responses: [],
  http_referer: null,
  user_agent: null,
  streamed: null,
  cancelled: false,
  finish_reason: null,
  native_finish_reason: null,
  moderation_latency: null,
  native_tokens_completion_images: null,
  num_media_prompt: null,
  num_media_completion: null,
  num_input_audio_prompt: null,
  num_search_results: null,
  num_fetches: null,
  web_search_engine: null,
  upstream_inference_cost: null,
  cache_discount: null,
  service_tier: null,
  router: null,
  preset_id: null,
  response_cache_source_id: null,
  error: null,
  estimated: false,
  adjustments: [],
} as const;

/** A finished request as clients see it: every field is there, null where nobody knows. Pure. */
export function toGenerationObject(record: GenerationRecord): Readonly<Record<string, unknown>> {
  const { details } = record;
  const known = Object.keys(UNKNOWN).map((name) => [name, details[name] ?? UNKNOWN[name as keyof typeof UNKNOWN]]);
  return {
    id: record.id,
    ...Object.fromEntries(known),
    api_type: 'completions',
    model: record.model,
    provider_name: record.provider,
    created_at: new Date(record.createdAt).toISOString(),
    origin: details['http_referer'] ?? '',
    app_id: null,
    external_user: record.user ?? null,
    latency: record.latencyMs ?? null,
    generation_time: record.generationMs ?? null,
    tokens_prompt: record.promptTokens,
    tokens_completion: record.completionTokens,
    native_tokens_prompt: record.promptTokens,
    native_tokens_completion: record.completionTokens,
    native_tokens_reasoning: record.reasoningTokens,
    native_tokens_cached: record.cachedTokens,
    usage: nanoToUsd(record.charge),
    total_cost: nanoToUsd(record.charge),
    is_byok: false,
    session_id: record.session ?? null,
    workspace_id: record.account,
    data_region: 'global',
    tags: record.tags,
    user: record.user ?? null,
    app: record.app ?? null,
    key: record.key ?? null,
  };
}
