import type { ChatRequest, ReasoningEffort } from '../../wire/chat.js';
import { EFFORT_RATIOS } from '../effort.js';
import type { Adjustment } from '../types.js';
import type { ClaudeProfile } from './models.js';

/** How a call thinks, in the provider's fields. */
export interface Thinking {
  /** The `thinking` field; undefined: nothing is said and the model does as it is used to. */
  readonly field: Readonly<Record<string, unknown>> | undefined;
  /** `output_config.effort` */
  readonly effort: string | undefined;
  /** Whether thinking is asked for. */
  readonly on: boolean;
}

/** What a wish for thinking depends on. */
interface ThinkingCase {
  readonly request: ChatRequest;
  readonly profile: ClaudeProfile;
  readonly maxTokens: number;
  /** What rules thinking out, in words; undefined where nothing does. */
  readonly obstacle: string | undefined;
  /** Grows by what could not be had. */
  readonly adjustments: Adjustment[];
}

const LEAST_BUDGET = 1024;
const LARGEST_BUDGET = 128_000;
const NOT_SAID: Thinking = { field: undefined, effort: undefined, on: false };

/** The thinking of a call, by the client's `reasoning` and what the model can do. */
export function chooseThinking({ request, profile, maxTokens, obstacle, adjustments }: ThinkingCase): Thinking {
  const wish = wishOf(request);
  const adjust = (action: Adjustment['action'], detail: string): void => {
    adjustments.push({ param: 'reasoning', action, detail });
  };
  if (wish === undefined) return obstacle === undefined ? NOT_SAID : resting(profile, NOT_SAID);
  if (profile.thinking === 'none') {
    if (wish.effort !== 'none') adjust('dropped', 'the model does not think');
    return NOT_SAID;
  }
  if (wish.effort === 'none') {
    if (!profile.canRest) adjust('rewritten', 'the model always thinks: it thinks as little as it can');
    return resting(profile, adaptive('low', request, profile));
  }
  if (obstacle !== undefined && profile.canRest) {
    adjust('dropped', obstacle);
    return resting(profile, NOT_SAID);
  }
  if (wish.budget !== undefined && profile.thinking === 'adaptive' && !profile.budgets) {
    adjust('rewritten', 'the model takes an effort instead of a number of tokens');
    return adaptive(nearestEffort(wish.budget / maxTokens), request, profile);
  }
  if (profile.thinking === 'adaptive' && wish.budget === undefined) return adaptive(wish.effort, request, profile);
  return budgeted(wish, maxTokens, adjust);
}

/** A wish to think or not to; undefined where there is none. */
function wishOf({
  reasoning,
}: ChatRequest): { readonly effort: ReasoningEffort; readonly budget: number | undefined } | undefined {
  if (reasoning === undefined) return undefined;
  const { effort, enabled, max_tokens: budget } = reasoning;
  if (effort === 'none' || enabled === false) return { effort: 'none', budget: undefined };
  if (effort === undefined && budget === undefined && enabled === undefined) return undefined;
  return { effort: effort ?? 'medium', budget };
}

/** No thinking, said where the model would otherwise think; `instead` where it cannot rest. */
function resting(profile: ClaudeProfile, instead: Thinking): Thinking {
  if (!profile.canRest) return instead;
  return profile.thinking === 'adaptive' ? { field: { type: 'disabled' }, effort: undefined, on: false } : NOT_SAID;
}

function adaptive(effort: ReasoningEffort, { reasoning }: ChatRequest, profile: ClaudeProfile): Thinking {
  const display = reasoning?.exclude === true ? 'omitted' : 'summarized';
  return { field: { type: 'adaptive', display }, effort: effortOf(effort, profile), on: true };
}

function effortOf(effort: ReasoningEffort, { highestEfforts }: ClaudeProfile): string {
  switch (effort) {
    case 'none':
    case 'minimal':
    case 'low':
      return 'low';
    case 'medium':
    case 'high':
      return effort;
    case 'xhigh':
      return highestEfforts.includes('xhigh') ? 'xhigh' : 'max';
    case 'max':
      return 'max';
    default:
      return effort satisfies never;
  }
}

function nearestEffort(part: number): ReasoningEffort {
  const known = Object.entries(EFFORT_RATIOS) as readonly [Exclude<ReasoningEffort, 'none'>, number][];
  const distance = ([, ratio]: readonly [string, number]): number => Math.abs(ratio - part);
  return known.reduce((best, one) => (distance(one) < distance(best) ? one : best))[0];
}

function budgeted(
  wish: { readonly effort: ReasoningEffort; readonly budget: number | undefined },
  maxTokens: number,
  adjust: (action: Adjustment['action'], detail: string) => void,
): Thinking {
  if (maxTokens <= LEAST_BUDGET) {
    adjust('dropped', `thinking takes more than ${LEAST_BUDGET} tokens of output`);
    return NOT_SAID;
  }
  const share = wish.effort === 'none' ? 0 : EFFORT_RATIOS[wish.effort];
  const wanted = wish.budget ?? Math.min(Math.floor(maxTokens * share), LARGEST_BUDGET);
  const budget = Math.min(Math.max(wanted, LEAST_BUDGET), maxTokens - 1);
  return { field: { type: 'enabled', budget_tokens: budget }, effort: undefined, on: true };
}
