import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Gateway, GenerationRecord, Store } from '@gatehouse/core';
import { storeAt } from '@gatehouse/sql';

const FIRST_CREDITS_USD = 10;
const MANAGEMENT_KEY = 'quickstart management';

/** The database: `GATEHOUSE_DB` (a file, or a `postgres://` URL), or a file beside the example. */
export async function openStore(place: string): Promise<Store> {
  if (!place.includes('://')) mkdirSync(dirname(place), { recursive: true });
  const store = await storeAt(place);
  await store.open();
  return store;
}

/** On the first start: credits to spend, and a management key. Tells what was made. */
export async function setUp(gateway: Gateway, managementKeyGiven: boolean): Promise<readonly string[]> {
  const notes: string[] = [];
  const { granted } = await gateway.credits.grant({ amount: FIRST_CREDITS_USD, externalId: 'quickstart' });
  if (granted)
    notes.push(`The account has been granted ${FIRST_CREDITS_USD} USD to spend on models that cost something.`);
  if (managementKeyGiven) return [...notes, 'Management key: from GATEHOUSE_MANAGEMENT_KEY.'];
  const { data } = await gateway.keys.list({ includeDisabled: true });
  const known = data.find(({ name }) => name === MANAGEMENT_KEY);
  if (known !== undefined) return [...notes, `Management key: ${known.label}, shown when it was made.`];
  const { key } = await gateway.keys.create({ name: MANAGEMENT_KEY, scopes: ['management'] });
  return [...notes, `Management key, shown this once: ${key}`];
}

/** One line for each request that is over: what it cost, and what is left. */
export async function logRequest(gateway: Gateway, generation: GenerationRecord): Promise<void> {
  const { model, outcome, promptTokens, completionTokens, charge, account } = generation;
  const { balance } = await gateway.credits.read(account);
  console.log(
    `${model}: ${outcome}, ${promptTokens} + ${completionTokens} tokens, ${usd(Number(charge) / 1e9)}; ${usd(balance)} left`,
  );
}

function usd(amount: number): string {
  return `${amount.toFixed(6)} USD`;
}
