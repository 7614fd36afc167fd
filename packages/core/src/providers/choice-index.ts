import { Failure } from '../failure.js';

const MAX_CHOICES = 16;

/** The number that a provider gives a choice, 0 where it gives none. @throws Failure `bad_response` for a wild one. */
export function choiceIndex(given: unknown): number {
  const index = typeof given === 'number' && Number.isInteger(given) ? given : 0;
  if (index >= 0 && index < MAX_CHOICES) return index;
  throw new Failure('bad_response', 'the upstream numbers its choices wildly');
}
