import { isRecord, type JsonRecord } from '../json.js';
import { checkedReport, count, optionalCount } from '../token-counts.js';
import type { UsageReport } from '../types.js';

/**
 * Reads a `usage` object of the Messages API: `input_tokens` leaves out what was read from the cache and written to it.
 * Undefined for counts that cannot be.
 */
export function readUsage(raw: JsonRecord): UsageReport | undefined {
  const input = count(raw['input_tokens']);
  const output = count(raw['output_tokens']);
  if (input === undefined || output === undefined) return undefined;
  const whole = throughIterations(raw) ?? { input, output };
  const cachedRead = optionalCount(raw['cache_read_input_tokens']);
  const written = optionalCount(raw['cache_creation_input_tokens']);
  const byAge = isRecord(raw['cache_creation']) ? raw['cache_creation'] : {};
  const cacheWrite1h = Math.min(optionalCount(byAge['ephemeral_1h_input_tokens']), written);
  const details = isRecord(raw['output_tokens_details']) ? raw['output_tokens_details'] : {};
  const tools = isRecord(raw['server_tool_use']) ? raw['server_tool_use'] : {};
  return checkedReport({
    prompt: whole.input + cachedRead + written,
    completion: whole.output,
    cachedRead,
    cacheWrite5m: written - cacheWrite1h,
    cacheWrite1h,
    reasoning: optionalCount(details['thinking_tokens']),
    webSearches: optionalCount(tools['web_search_requests']),
  });
}

/**
 * With compaction the counts beside are those of the last step only; what is billed is the sum of the steps. Not so where
 * another model stepped in: there the counts beside are whole.
 */
function throughIterations(raw: JsonRecord): { readonly input: number; readonly output: number } | undefined {
  const { iterations } = raw;
  if (!Array.isArray(iterations)) return undefined;
  const steps = iterations.filter(isRecord);
  if (steps.some((step) => step['type'] === 'fallback_message')) return undefined;
  const billed = steps.filter((step) => step['type'] === 'compaction' || step['type'] === 'message');
  if (billed.length === 0) return undefined;
  const sum = (name: string): number => billed.reduce((total, step) => total + optionalCount(step[name]), 0);
  return { input: sum('input_tokens'), output: sum('output_tokens') };
}
