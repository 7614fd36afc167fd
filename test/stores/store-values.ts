import type { Clock, GenerationRecord, KeyRecord, Reservation, Settlement } from '@gatehouse/core';
import { systemClock } from '@gatehouse/core';

/** Whole US dollars in nano-USD. */
export const USD = 1_000_000_000n;
export const DAY_MS = 86_400_000;
/** A Wednesday in the middle of a month, noon UTC: 2027-03-17. */
export const NOON: number = Date.UTC(2027, 2, 17, 12);

/** Time that a test sets as it likes, back as well. */
export interface SettableClock extends Clock {
  set(at: number): void;
  advance(milliseconds: number): void;
}

export function settableClock(start: number = NOON): SettableClock {
  let time = start;
  return {
    now: () => time,
    after: (milliseconds, callback, options) => systemClock.after(milliseconds, callback, options),
    set(at) {
      time = at;
    },
    advance(milliseconds) {
      time += milliseconds;
    },
  };
}

/** A finished request; what a test does not say is plausible. */
export function generation(
  changes: Partial<GenerationRecord> & Pick<GenerationRecord, 'id' | 'account'>,
): GenerationRecord {
  return {
    key: undefined,
    keyLabel: 'sk-or-v1-abc...123',
    createdAt: NOON,
    model: 'openai/gpt-4o',
    provider: 'OpenAI',
    endpoint: 'openai/gpt-4o',
    user: undefined,
    app: undefined,
    session: undefined,
    tags: [],
    charge: 0n,
    cost: 0n,
    promptTokens: 12,
    completionTokens: 34,
    reasoningTokens: 5,
    cachedTokens: 6,
    latencyMs: 120,
    generationMs: 950,
    outcome: 'completed',
    details: { finish: 'stop' },
    ...changes,
  };
}

/** A reservation with its attempt; what a test does not say binds nothing. */
export function reservation(
  changes: Partial<Reservation> & Pick<Reservation, 'id' | 'account' | 'amount'>,
): Reservation {
  const { id, account, key } = changes;
  return {
    key: undefined,
    limit: undefined,
    creditsRequired: true,
    share: undefined,
    ttlMs: 900_000,
    owner: 'the-process',
    dispatch: { attempt: 1, endpoint: 'openai/gpt-4o', price: '{"prompt":"1"}', floor: 100n },
    draft: generation({ id, account, key, promptTokens: 0, completionTokens: 0 }),
    ...changes,
  };
}

/** How a reservation ended. */
export function settlement(of: Pick<Reservation, 'id' | 'account' | 'key'>, charge: bigint): Settlement {
  const { id, account, key } = of;
  return { id, account, key, charge, record: generation({ id, account, key, charge, cost: charge }) };
}

/** A key as it is kept. */
export function keyRecord(changes: Partial<KeyRecord> & Pick<KeyRecord, 'hash' | 'account'>): KeyRecord {
  return {
    name: 'a key',
    label: 'sk-or-v1-abc...123',
    disabled: false,
    scopes: ['chat', 'usage:own'],
    limit: 5n * USD,
    limitReset: 'daily',
    requestsPerMinute: 60,
    tokensPerMinute: undefined,
    models: ['openai/*'],
    inheritedModels: [['*'], ['openai/*', 'google/*']],
    tags: ['team-a'],
    transforms: [],
    metadata: { owner: 'someone' },
    includeByokInLimit: false,
    creatorUserId: undefined,
    externalUser: 'user-1',
    createdAt: NOON,
    updatedAt: undefined,
    lastUsedAt: undefined,
    expiresAt: NOON + DAY_MS,
    createdBy: undefined,
    version: 1,
    ...changes,
  };
}
