import { cardFinder } from './detect-card.js';
import { emailFinder } from './detect-email.js';
import { ibanFinder } from './detect-iban.js';
import { phoneFinder } from './detect-phone.js';
import { secretFinder } from './detect-secret.js';
import type { Finder } from './hold-back.js';

/** What is known how to be found, by its name in options. */
export const DETECTORS = ['secret', 'email', 'iban', 'card', 'phone'] as const;

export type DetectorName = (typeof DETECTORS)[number];

/**
 * Finds one kind of personal or secret value. Each looks at a bounded stretch around a character that gives it away, so
 * the time is linear in the text, and so much is held back of a stream at most.
 */
export const finders: Readonly<Record<DetectorName, Finder>> = {
  secret: secretFinder,
  email: emailFinder,
  iban: ibanFinder,
  card: cardFinder,
  phone: phoneFinder,
};
