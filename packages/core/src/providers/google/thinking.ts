import type { ChatRequest, ReasoningEffort } from '../../wire/chat.js';
import { EFFORT_RATIOS } from '../effort.js';
import type { Adjustment } from '../types.js';
import type { GeminiProfile } from './models.js';

const LEAST_BUDGET = 128;
const LARGEST_BUDGET = 24_576;
const LARGEST_BUDGET_OF_LARGE = 32_768;

/** `thinkingConfig` by the client's `reasoning` and what the model can do; undefined where nothing is to be said. */
export function thinkingConfig(
  { reasoning }: ChatRequest,
  profile: GeminiProfile,
  maxTokens: number | undefined,
  adjustments: Adjustment[],
): Readonly<Record<string, unknown>> | undefined {
  if (reasoning === undefined) return undefined;
  const { enabled, max_tokens: budget, exclude } = reasoning;
  const effort =
    enabled === false
      ? 'none'
      : (reasoning.effort ?? (enabled === true && budget === undefined ? 'medium' : undefined));
  if (effort === undefined && budget === undefined) return undefined;
  const adjust = (action: Adjustment['action'], detail: string): void => {
    adjustments.push({ param: 'reasoning', action, detail });
  };
  if (profile.thinking === 'none') {
    if (effort !== 'none') adjust('dropped', 'the model does not think');
    return undefined;
  }
  const shown = exclude === true ? {} : { includeThoughts: true };
  if (effort === 'none' && (profile.thinking === 'level' || profile.large)) {
    adjust('rewritten', 'the model always thinks: it thinks as little as it can');
  }
  if (effort === undefined) return { thinkingBudget: budget, ...shown };
  if (profile.thinking === 'level') return { thinkingLevel: levelOf(effort, profile), ...shown };
  if (effort === 'none') return { thinkingBudget: profile.large ? LEAST_BUDGET : 0 };
  const most = profile.large ? LARGEST_BUDGET_OF_LARGE : LARGEST_BUDGET;
  const wanted = Math.floor((maxTokens ?? most) * EFFORT_RATIOS[effort]);
  return { thinkingBudget: Math.min(Math.max(wanted, LEAST_BUDGET), most), ...shown };
}

function levelOf(effort: ReasoningEffort, { levels }: GeminiProfile): string {
  switch (effort) {
    case 'none':
    case 'minimal':
      return levels.minimal;
    case 'low':
    case 'medium':
    case 'high':
      return levels[effort];
    case 'xhigh':
    case 'max':
      return levels.high;
    default:
      return effort satisfies never;
  }
}
