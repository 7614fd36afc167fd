import type { ReasoningEffort } from '../wire/chat.js';

/** The part of the output limit that an effort may think for, where a provider counts thinking in tokens. */
export const EFFORT_RATIOS: Readonly<Record<Exclude<ReasoningEffort, 'none'>, number>> = {
  max: 0.95,
  xhigh: 0.95,
  high: 0.8,
  medium: 0.5,
  low: 0.2,
  minimal: 0.1,
};
