import { isRecord, type JsonRecord } from '../json.js';

/** `logprobsResult` in OpenAI's shape. */
export function readLogprobs(result: JsonRecord): unknown {
  const chosen = records(result['chosenCandidates']);
  const others = records(result['topCandidates']);
  return {
    content: chosen.map((candidate, position) => ({
      ...entryOf(candidate),
      top_logprobs: records(others[position]?.['candidates']).map(entryOf),
    })),
    refusal: null,
  };
}

function entryOf(candidate: JsonRecord): object {
  const token = typeof candidate['token'] === 'string' ? candidate['token'] : '';
  const logprob = typeof candidate['logProbability'] === 'number' ? candidate['logProbability'] : 0;
  return { token, logprob, bytes: [...Buffer.from(token)] };
}

function records(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
