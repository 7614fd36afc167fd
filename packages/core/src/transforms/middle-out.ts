import type { Transform } from './types.js';

/** The transform that `plugins: [{ id: 'context-compression' }]` means. */
export const MIDDLE_OUT = 'middle-out';

const ours = new WeakSet<Transform>();

/**
 * Cuts prompts that are too long for an endpoint's context: messages are taken from the middle, and the last of them is
 * shortened, until the rest fits. System messages that stand first, the first and last user turn and the last message stay
 * whole; a tool call and its results go together. Endpoints with at least half of the context that is needed are asked, or
 * else the one with the most.
 *
 * Every gateway knows it by its name, and uses it unasked for contexts of at most 8192 tokens. Among `transforms` of
 * `createGateway` it works for all of them.
 *
 * @example
 * createGateway({ providers, transforms: [middleOut()] });
 */
export function middleOut(): Transform {
  // What it does depends on the endpoint, so the routing of each attempt does it: see `PromptBudget`.
  const transform: Transform = { name: MIDDLE_OUT };
  ours.add(transform);
  return transform;
}

/** Whether a transform is this one, and not a host's of the same name. */
export function isMiddleOut(transform: Transform): boolean {
  return ours.has(transform);
}
