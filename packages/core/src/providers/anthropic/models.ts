/** What a Claude model takes, where models differ. */
export interface ClaudeProfile {
  /** `budget`: thinks for a number of tokens; `adaptive`: decides by itself, with an effort. */
  readonly thinking: 'none' | 'budget' | 'adaptive';
  /** Adaptive models that take a number of tokens as well. */
  readonly budgets: boolean;
  /** Thinking can be turned off. */
  readonly canRest: boolean;
  /** The efforts above `high` that it knows. */
  readonly highestEfforts: readonly ('xhigh' | 'max')[];
  /** Takes `temperature`, `top_p` and `top_k`. */
  readonly samples: boolean;
  /** Takes the start of its own answer as the last message. */
  readonly prefill: boolean;
  /** Takes a JSON Schema for its answer, and `strict` tools. */
  readonly structured: boolean;
}

const basic: ClaudeProfile = {
  thinking: 'none',
  budgets: false,
  canRest: true,
  highestEfforts: [],
  samples: true,
  prefill: true,
  structured: false,
};
/** What is taken for granted of models whose name says nothing: what most servers of this API take. */
const unknown: ClaudeProfile = { ...basic, thinking: 'budget' };

/** `claude-sonnet-4-5-20250929`, `anthropic.claude-3-7-sonnet-…`, `claude-opus-5` */
const NEW_NAME = /claude-([a-z]+)-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/;
const OLD_NAME = /claude-(\d)(?:[-.](\d{1,2}))?-(?:haiku|sonnet|opus)/;

/**
 * The profile of a model by the provider's id of it.
 * Source: the provider's public pages on models, extended and adaptive thinking, effort and structured outputs.
 */
export function profileOf(upstreamModel: string): ClaudeProfile {
  const name = upstreamModel.toLowerCase();
  const old = OLD_NAME.exec(name);
  if (old !== null) {
    const thinks = version(old[1], old[2]) >= 3.07;
    return { ...basic, thinking: thinks ? 'budget' : 'none' };
  }
  const match = NEW_NAME.exec(name);
  if (match === null) return unknown;
  const family = match[1] ?? '';
  return byVersion(family, version(match[2], match[3]));
}

function byVersion(family: string, generation: number): ClaudeProfile {
  if (generation < 4) return basic;
  const structured = generation >= 4.05 || (family === 'opus' && generation >= 4.01);
  if (generation < 4.06) return { ...basic, thinking: 'budget', structured };
  const adaptive = { ...basic, thinking: 'adaptive', structured, prefill: false } as const;
  if (generation < 4.07) return { ...adaptive, budgets: true, highestEfforts: ['max'] };
  const alwaysThinks = !['opus', 'sonnet', 'haiku'].includes(family) || (family === 'opus' && generation >= 5.05);
  return { ...adaptive, samples: false, canRest: !alwaysThinks, highestEfforts: ['xhigh', 'max'] };
}

/** 4 and 5 as 4.05, so that 4.10 comes after 4.9. */
function version(major: string | undefined, minor: string | undefined): number {
  return Number(major) + Number(minor ?? 0) / 100;
}
