import { hash } from 'node:crypto';
import {
  anthropic,
  createGateway,
  type Gateway,
  google,
  memoryStore,
  openaiCompatible,
  type Store,
} from '@gatehouse/core';
import { postgres } from '@gatehouse/sql/postgres';
import { sqlite } from '@gatehouse/sql/sqlite';
import { CLIENT_KEY, MODELS } from '../scenarios.js';
import { countStatement, setting } from './serve.js';

/** The gateway that is measured, the same under every host, with the client's key and its limit in the store. */
export async function benchGateway(): Promise<Gateway> {
  const origin = setting('BENCH_UPSTREAM');
  const apiKey = 'upstream-key';
  const served = (
    id: string,
  ): { id: string; pricing: { prompt: string; completion: string }; maxCompletionTokens: number } => ({
    id,
    pricing: { prompt: '0.00000015', completion: '0.0000006' },
    maxCompletionTokens: 8192,
  });
  const store = storeOf(process.env['BENCH_STORE'] ?? '');
  await store.open();
  await addKey(store);
  return createGateway({
    providers: [
      openaiCompatible({ slug: 'bench', baseUrl: `${origin}/v1`, apiKey, models: [served(MODELS.openai)] }),
      anthropic({ baseUrl: `${origin}/v1`, apiKey, models: [served(MODELS.anthropic)] }),
      google({ baseUrl: `${origin}/v1beta`, apiKey, models: [served(MODELS.google)] }),
    ],
    store,
  });
}

function storeOf(place: string): Store {
  if (place === '') return memoryStore();
  return place.includes('://')
    ? postgres(place, { onStatement: countStatement })
    : sqlite(place, { onStatement: countStatement });
}

async function addKey(store: Store): Promise<void> {
  await store.keys.insert({
    hash: hash('sha256', CLIENT_KEY, 'hex'),
    account: 'default',
    name: 'bench',
    label: 'sk-or-v1-bench',
    disabled: false,
    scopes: ['chat', 'models:read'],
    limit: 1_000_000_000_000_000n,
    limitReset: 'monthly',
    requestsPerMinute: undefined,
    tokensPerMinute: undefined,
    models: undefined,
    inheritedModels: [],
    tags: [],
    transforms: [],
    metadata: {},
    includeByokInLimit: false,
    creatorUserId: undefined,
    externalUser: undefined,
    createdAt: Date.now(),
    updatedAt: undefined,
    lastUsedAt: undefined,
    expiresAt: undefined,
    createdBy: undefined,
    version: 1,
  });
  await store.ledger.grant({
    account: 'default',
    externalId: 'bench',
    amount: 1_000_000_000_000_000n,
    note: undefined,
  });
}
