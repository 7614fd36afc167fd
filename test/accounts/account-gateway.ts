import {
  createGateway,
  type Gateway,
  type GatewayOptions,
  memoryStore,
  type NewKey,
  openaiCompatible,
  type Store,
  type StoreChange,
} from '@gatehouse/core';
import { toNodeHandler } from '@gatehouse/node';
import { afterEach } from 'vitest';
import { listen, type RunningHost } from '../tools/hosts.js';
import { ask, type Sent, type WholeResponse } from '../tools/http-client.js';
import { type ManualClock, manualClock } from '../tools/manual-clock.js';
import { completion } from '../tools/openai-answers.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { type WatchedStore, watchedStore } from './watched-store.js';

/** 2026-09-23T12:00:00Z, a Wednesday. */
export const NOON = Date.UTC(2026, 8, 23, 12);
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;

/** What one answer of the scripted upstream costs at the prices of `acme/paid`: 7 tokens in, 5 out. */
export const ANSWER_USD = 0.000017;

/** How a request is sent. */
interface Asked {
  readonly method?: string;
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** A gateway with accounts, on a real socket, with a clock that stands still. */
export interface AccountGateway {
  readonly gateway: Gateway;
  readonly clock: ManualClock;
  readonly store: WatchedStore;
  readonly upstream: ScriptedUpstream;
  readonly host: RunningHost;
  readonly changes: readonly StoreChange[];
  ask(path: string, asked?: Asked): Promise<WholeResponse>;
  /** Asks `acme/paid`, with at most 10 tokens of answer. */
  chat(key: string | undefined, body?: object, headers?: Readonly<Record<string, string>>): Promise<WholeResponse>;
  /** A key made by the host, by default for inference in the account `default`. */
  key(fields?: Partial<NewKey>, account?: string): Promise<{ readonly key: string; readonly hash: string }>;
  /** A management key. */
  manager(fields?: Partial<NewKey>, account?: string): Promise<{ readonly key: string; readonly hash: string }>;
  close(): Promise<void>;
}

/** What a test gives of its own. */
export interface AccountGatewayParts extends Partial<GatewayOptions> {
  /** By default one in memory. */
  readonly kept?: Store;
  readonly manual?: ManualClock;
}

/** Starts a gateway with two models: `acme/paid` at 1 and 2 USD a million tokens, and `acme/free`. */
export async function startAccountGateway({
  kept,
  manual,
  ...options
}: AccountGatewayParts = {}): Promise<AccountGateway> {
  const clock = manual ?? manualClock(NOON);
  const upstream = await startUpstream();
  upstream.always(completion('Hello'));
  const store = watchedStore(kept ?? memoryStore({ clock }));
  const changes: StoreChange[] = [];
  const sizes = { contextLength: 100_000, maxCompletionTokens: 1000 };
  const gateway = createGateway({
    providers: [
      openaiCompatible({
        slug: 'acme',
        name: 'Acme',
        baseUrl: upstream.baseUrl,
        models: [
          { id: 'acme/paid', pricing: { prompt: '0.000001', completion: '0.000002' }, ...sizes },
          { id: 'acme/free', pricing: 'free', ...sizes },
        ],
      }),
    ],
    catalog: { bundled: false },
    clock,
    store,
    onStoreChange: (change) => changes.push(change),
    ...options,
  });
  await gateway.ready;
  const host = await listen(toNodeHandler(gateway, { prefix: '/api/v1' }));
  const send = (path: string, { method, key, headers, body }: Asked = {}): Promise<WholeResponse> =>
    ask(`${host.origin}/api/v1${path}`, {
      ...(method !== undefined && { method }),
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    } satisfies Sent);
  const make = async (fields: NewKey, account?: string): Promise<{ readonly key: string; readonly hash: string }> => {
    const { key, data } = await gateway.keys.create(fields, account);
    return { key, hash: data.hash };
  };
  return {
    gateway,
    clock,
    store,
    upstream,
    host,
    changes,
    ask: send,
    chat: (key, body = {}, headers = {}) =>
      send('/chat/completions', {
        key,
        headers,
        body: { model: 'acme/paid', messages: [{ role: 'user', content: 'hello' }], max_tokens: 10, ...body },
      }),
    key: (fields = {}, account) => make({ name: 'a key', ...fields }, account),
    manager: (fields = {}, account) => make({ name: 'a manager', scopes: ['management'], ...fields }, account),
    async close() {
      await host.close();
      await gateway.close();
      await upstream.close();
    },
  };
}

/** The `error` of an answer, as far as tests look at it. */
export interface ShownError {
  readonly code: unknown;
  readonly message: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The error in the body of an answer. */
export function errorOf(answer: WholeResponse): ShownError {
  return (answer.json() as { readonly error: ShownError }).error;
}

/** What stands under `data` in the body of an answer. */
export function dataOf<Data = Readonly<Record<string, unknown>>>(answer: WholeResponse): Data {
  return (answer.json() as { readonly data: Data }).data;
}

/** Waits until a condition holds; events of sockets bring it about, not time. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}

/** Starts gateways that are closed after each test of the file. */
export function accountGateways(): (parts?: AccountGatewayParts) => Promise<AccountGateway> {
  const open: AccountGateway[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  return async (parts = {}) => {
    const one = await startAccountGateway(parts);
    open.push(one);
    return one;
  };
}
