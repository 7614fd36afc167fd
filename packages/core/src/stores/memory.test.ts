import { describe, expect, it } from 'vitest';
import { memoryStore } from './memory.js';
import type { GenerationRecord, Reservation } from './types.js';

const LIVE_MS = 900_000;

function recordOf(id: string): GenerationRecord {
  return {
    id,
    account: 'default',
    key: 'somebody',
    keyLabel: '',
    createdAt: 1,
    model: 'acme/small',
    provider: 'Acme',
    endpoint: 'acme',
    user: undefined,
    app: undefined,
    session: undefined,
    tags: [],
    charge: 0n,
    cost: 0n,
    promptTokens: 1,
    completionTokens: 1,
    reasoningTokens: 0,
    cachedTokens: 0,
    latencyMs: undefined,
    generationMs: undefined,
    outcome: 'completed',
    details: {},
  };
}

function reservationOf(id: string): Reservation {
  const dispatch = { attempt: 1, endpoint: 'acme', price: '{}', floor: 1n };
  const facts = { creditsRequired: false, share: undefined, ttlMs: LIVE_MS, owner: 'me', limit: undefined };
  return { id, account: 'default', key: 'somebody', amount: 10n, ...facts, dispatch, draft: recordOf(id) };
}

describe('the store in memory', () => {
  it('knows the newest requests one by one, and the sums of all', async () => {
    const { ledger, generations } = memoryStore({ keep: 10 });
    for (let number = 0; number < 25; number += 1) {
      const reservation = reservationOf(`gen-${number}`);
      await ledger.reserve(reservation);
      const { id, account, key } = reservation;
      if (number % 5 === 4) await ledger.void({ id, account, key });
      else await ledger.settle({ id, account, key, charge: 3n, record: recordOf(id) });
    }
    expect(await ledger.balance('default')).toMatchObject({ charged: 60n, held: 0n, requests: 20 });
    expect((await ledger.spending(['somebody'])).get('somebody')?.total).toBe(60n);
    expect(await generations.find('gen-3', 'default')).toBeUndefined();
    expect(await generations.find('gen-23', 'default')).toMatchObject({ charge: 3n });
    expect(await ledger.audit()).toEqual([]);
  });
});
