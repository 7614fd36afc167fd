import { createHash } from 'node:crypto';
import {
  createGateway,
  type Gateway,
  type GatewayOptions,
  type GenerationRecord,
  memoryStore,
  type Store,
} from '@gatehouse/core';
import { expect } from 'vitest';
import { hosts, listen } from '../tools/hosts.js';
import { ask, open, start, type WholeResponse } from '../tools/http-client.js';
import { type ManualClock, manualClock } from '../tools/manual-clock.js';
import type { Expected } from './oracle.js';

const KEY = 'sk-or-v1-key-of-the-exit-tests';
const KEY_HASH = createHash('sha256').update(KEY).digest('hex');
const HEADERS = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
const NANO = 1e9;

/** A gateway on a real socket, with books that a test can look into. */
export interface CountingHouse {
  readonly gateway: Gateway;
  readonly store: Store;
  readonly clock: ManualClock;
  /** Records in the order in which their charges were written. */
  readonly records: readonly GenerationRecord[];
  /** The record of this index, as soon as its charge is written. */
  record(index: number): Promise<GenerationRecord>;
  /** Asks for a whole answer. */
  whole(body: object, headers?: Readonly<Record<string, string>>): Promise<WholeResponse>;
  /** Asks for a stream, which the test reads bit by bit. */
  stream(body: object, how?: { readonly paused: boolean }): Promise<OpenStream>;
  /** Asks and does not wait. */
  begin(body: object): { hangUp(): void };
  /** What `GET /generation` says. */
  generation(id: string): Promise<Readonly<Record<string, unknown>>>;
  /** Moves time on in steps until something has happened. */
  timeUntil<T>(done: Promise<T>, stepMs: number): Promise<T>;
  /** Compares everything that is written of one request, the first of its house, with what an oracle says. */
  agrees(id: string, expected: Expected, more?: Readonly<Record<string, unknown>>): Promise<void>;
  /** The same without asking the gateway, which may take no requests any more. */
  agreesInBooks(id: string, expected: Expected): Promise<void>;
  /** Resolves when the host has seen a client leave, from now on. */
  clientGone(): Promise<void>;
  close(): Promise<void>;
}

/** A streamed answer as its client sees it. */
interface OpenStream {
  readonly status: number;
  readonly id: string;
  /** Everything so far. */
  readonly text: string;
  /** Resolves when this was read. */
  until(text: string): Promise<void>;
  /** Resolves with everything when the answer is over. */
  readonly ended: Promise<string>;
  hangUp(): void;
}

/** USD that the account has, and that its key may spend in a day. */
export interface Means {
  /** What the gateway sees of the store. */
  readonly behind?: (store: Store) => Store;
  readonly credits?: number;
  readonly limit?: number;
}

/** Opens one. */
export async function openHouse(
  options: Omit<GatewayOptions, 'clock' | 'store' | 'auth' | 'random' | 'onGeneration'>,
  { credits = 10, limit = 5, behind = (store) => store }: Means = {},
): Promise<CountingHouse> {
  const clock = manualClock();
  const store = memoryStore({ clock });
  const records: GenerationRecord[] = [];
  let arrivals: (() => void)[] = [];
  const gateway = createGateway({
    ...options,
    clock,
    store: behind(store),
    auth: { keys: [{ key: KEY, limit, limitReset: 'daily' }] },
    // Nothing is left to chance: the first in the alphabet is asked first, and again at once.
    random: (count) => new Uint8Array(count),
    onGeneration(record) {
      records.push(record);
      for (const resolve of arrivals.splice(0)) resolve();
    },
  });
  await gateway.credits.grant({ amount: credits, externalId: 'first' });
  const host = await listen(hosts['node:http']?.(gateway) ?? (() => undefined));
  host.server.on('request', (_request, response) => {
    response.on('close', () => host.server.emit('client gone'));
  });
  const url = `${host.origin}/api/v1/chat/completions`;
  const sent = (body: object) => ({ headers: HEADERS, body: JSON.stringify(body) });
  const house: CountingHouse = {
    gateway,
    store,
    clock,
    records,
    async record(index) {
      for (;;) {
        const found = records[index];
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => {
          arrivals = [...arrivals, resolve];
        });
      }
    },
    whole: (body, headers = {}) => ask(url, { ...sent(body), headers: { ...HEADERS, ...headers } }),
    stream: async (body, { paused } = { paused: false }) =>
      reading(await open(url, sent({ ...body, stream: true })), paused),
    begin: (body) => start(url, sent(body)),
    async generation(id) {
      const { status, text, json } = await ask(`${host.origin}/api/v1/generation?id=${id}`, { headers: HEADERS });
      expect([status, text]).toEqual([200, expect.any(String)]);
      return (json() as { data: Record<string, unknown> }).data;
    },
    async timeUntil(done, stepMs) {
      let isDone = false;
      void done.finally(() => {
        isDone = true;
      });
      for (let steps = 0; steps < 1000 && !isDone; steps += 1) {
        // What is on its way through sockets comes before the next step.
        for (let turns = 0; turns < 20 && !isDone; turns += 1) await new Promise(setImmediate);
        if (!isDone) clock.advance(stepMs);
      }
      return done;
    },
    async agrees(id, expected, more = {}) {
      // First of all: the answer has just ended, and its bill is there.
      const shown = await house.generation(id);
      expect(shown).toMatchObject({
        total_cost: Number(expected.charge) / NANO,
        usage: Number(expected.charge) / NANO,
        cancelled: expected.outcome === 'cancelled',
        native_tokens_prompt: expected.promptTokens,
        native_tokens_completion: expected.completionTokens,
        ...more,
      });
      await house.agreesInBooks(id, expected);
    },
    async agreesInBooks(id, expected) {
      const { charge, cost, outcome, promptTokens, completionTokens, key } =
        (await store.generations.find(id, 'default')) ?? {};
      expect({ charge, cost, outcome, promptTokens, completionTokens }).toEqual(expected);
      expect(key).toBe(KEY_HASH);
      expect(await store.ledger.balance('default')).toMatchObject({ charged: expected.charge, held: 0n, requests: 1 });
      const spent = (await store.ledger.spending([KEY_HASH])).get(KEY_HASH);
      expect(spent).toEqual({
        total: expected.charge,
        day: expected.charge,
        week: expected.charge,
        month: expected.charge,
      });
      expect(await store.ledger.audit()).toEqual([]);
    },
    clientGone: () =>
      new Promise((resolve) => {
        host.server.once('client gone', resolve);
      }),
    async close() {
      await host.close();
      await gateway.close();
    },
  };
  return house;
}

function reading({ response, hangUp }: Awaited<ReturnType<typeof open>>, paused: boolean): OpenStream {
  let text = '';
  let readers: (() => void)[] = [];
  let isOver = false;
  const wake = (): void => {
    const woken = readers;
    readers = [];
    for (const resolve of woken) resolve();
  };
  response.setEncoding('utf8');
  if (!paused) {
    response.on('data', (piece: string) => {
      text += piece;
      wake();
    });
  }
  const ended = new Promise<string>((resolve) => {
    response.on('close', () => {
      isOver = true;
      resolve(text);
      wake();
    });
  });
  return {
    status: response.statusCode ?? 0,
    id: String(response.headers['x-generation-id']),
    get text() {
      return text;
    },
    async until(wanted) {
      while (!text.includes(wanted)) {
        if (isOver) throw new Error(`the stream ended before ${JSON.stringify(wanted)}: ${text}`);
        await new Promise<void>((resolve) => {
          readers.push(resolve);
        });
      }
    },
    ended,
    hangUp,
  };
}
