import { isRecord, type JsonRecord } from '../json.js';
import { checkedReport, count, optionalCount } from '../token-counts.js';
import type { UsageReport } from '../types.js';
import type { Vendor } from './vendors.js';

/**
 * Reads a `usage` object of the OpenAI family. Counts that are not sane (negative, fractional, absurd, more cached than
 * sent) make the whole report unusable: undefined, and the gateway counts for itself.
 */
export function readUsage(vendor: Vendor, raw: unknown): UsageReport | undefined {
  if (!isRecord(raw)) return undefined;
  const prompt = count(raw['prompt_tokens']);
  const reportedCompletion = count(raw['completion_tokens']);
  if (prompt === undefined || reportedCompletion === undefined) return undefined;
  const promptDetails = record(raw['prompt_tokens_details']) ?? record(raw['prompt_token_details']);
  const completionDetails = record(raw['completion_tokens_details']);
  const cachedRead = optionalCount(
    promptDetails?.['cached_tokens'] ?? raw['prompt_cache_hit_tokens'] ?? raw['num_cached_tokens'],
  );
  const cacheWrite5m = optionalCount(promptDetails?.['cache_write_tokens']);
  const audioIn = optionalCount(promptDetails?.['audio_tokens']);
  const imageIn = optionalCount(promptDetails?.['image_tokens']);
  const audioOut = optionalCount(completionDetails?.['audio_tokens']);
  const reasoning = optionalCount(completionDetails?.['reasoning_tokens'] ?? raw['reasoning_tokens']);
  const outside =
    vendor.reasoningOutsideCompletion ||
    (reasoning > 0 && raw['total_tokens'] === prompt + reportedCompletion + reasoning);
  const completion = outside ? reportedCompletion + reasoning : reportedCompletion;
  const whole = vendor.reasoningOutsideCompletion && cachedRead > prompt ? prompt + cachedRead : prompt;
  return checkedReport({ prompt: whole, completion, cachedRead, cacheWrite5m, audioIn, imageIn, reasoning, audioOut });
}

function record(value: unknown): JsonRecord | undefined {
  return isRecord(value) ? value : undefined;
}
