import { isRecord, type JsonRecord } from '../json.js';
import { checkedReport, count, optionalCount } from '../token-counts.js';
import type { UsageReport } from '../types.js';

/** Reads `usageMetadata`: thoughts stand beside the candidates' tokens. Undefined for counts that cannot be. */
export function readUsage(raw: JsonRecord): UsageReport | undefined {
  const prompt = count(raw['promptTokenCount']);
  if (prompt === undefined) return undefined;
  const reasoning = optionalCount(raw['thoughtsTokenCount']);
  const sent = raw['promptTokensDetails'];
  const made = raw['candidatesTokensDetails'];
  return checkedReport({
    prompt: prompt + optionalCount(raw['toolUsePromptTokenCount']),
    completion: optionalCount(raw['candidatesTokenCount']) + reasoning,
    cachedRead: optionalCount(raw['cachedContentTokenCount']),
    reasoning,
    audioIn: ofModality(sent, 'AUDIO'),
    imageIn: ofModality(sent, 'IMAGE'),
    audioOut: ofModality(made, 'AUDIO'),
    imageOut: ofModality(made, 'IMAGE'),
  });
}

function ofModality(details: unknown, modality: string): number {
  if (!Array.isArray(details)) return 0;
  return details
    .filter(isRecord)
    .filter((detail) => detail['modality'] === modality)
    .reduce((sum, detail) => sum + optionalCount(detail['tokenCount']), 0);
}
