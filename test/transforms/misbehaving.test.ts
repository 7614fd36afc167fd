import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type ChatChunk,
  createGateway,
  defineProvider,
  type Gateway,
  GatewayError,
  memoryStore,
  type Store,
  type Transform,
} from '@gatehouse/core';
import { afterEach, describe, expect, it } from 'vitest';
import { hosts, listen, type RunningHost } from '../tools/hosts.js';
import { ask } from '../tools/http-client.js';
import { type ManualClock, manualClock } from '../tools/manual-clock.js';

const KEY = 'sk-or-v1-key-of-the-transform-tests';
const MODEL = 'acme/model';
const HOOK_MS = 5000;
const HOOKS = ['request', 'route', 'completion', 'stage', 'chunk', 'end'] as const;
type Hook = (typeof HOOKS)[number];

/** What a hook does instead of its work; the answer is what it gives back. */
type Misbehaviour = (given: unknown, clock: ManualClock) => unknown;

const misbehaviours: Readonly<Record<string, Misbehaviour>> = {
  throws() {
    throw new Error('a secret of the host');
  },
  'throws what is no error'() {
    throw 'a secret of the host';
  },
  'never answers'(_, clock) {
    // Nobody waits: time moves once the gateway has set its timer.
    void nextTurn().then(() => clock.advance(HOOK_MS + 1));
    return new Promise(() => undefined);
  },
  rejects() {
    return Promise.reject(new Error('a secret of the host'));
  },
  'changes what it was given'(given) {
    const first: unknown = Array.isArray(given) ? given[0] : given;
    Object.assign(first ?? {}, { model: 'other/model', choices: [], messages: [] });
    return given;
  },
  'gives back garbage': () => ({ messages: 7, choices: 'none' }),
  'gives back nothing': () => undefined,
};

/** A transform that does its work at every hook but one. */
function misbehaving(at: Hook, how: Misbehaviour, clock: ManualClock): Transform {
  const run = <T>(hook: Hook, given: T): T => (hook === at ? (how(given, clock) as T) : given);
  return {
    name: 'misbehaving',
    request: (request) => run('request', request),
    route: (candidates) => run('route', candidates),
    completion: (completion) => run('completion', completion),
    stage: () => {
      const held: ChatChunk[] = [];
      return run('stage', {
        chunk: (chunk) => run('chunk', [chunk]),
        end: () => run('end', held),
      });
    },
  };
}

interface Fixture {
  readonly gateway: Gateway;
  readonly store: Store;
  readonly clock: ManualClock;
  readonly defects: unknown[];
  /** Requests that reached the provider. */
  asked: number;
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function fixture(transforms: (clock: ManualClock) => Parameters<typeof createGateway>[0]['transforms']): Fixture {
  const clock = manualClock();
  const store = memoryStore({ clock });
  const made = { store, clock, defects: [] as unknown[], asked: 0 };
  const gateway = createGateway({
    providers: [
      defineProvider({
        slug: 'acme',
        name: 'Acme',
        models: [{ id: MODEL, pricing: { prompt: '0.000001', completion: '0.000002' }, contextLength: 100_000 }],
        async *generate() {
          result.asked += 1;
          yield 'Hello';
          await nextTurn();
          yield ' there';
        },
      }),
    ],
    auth: { keys: [KEY] },
    store,
    clock,
    timeouts: { transformMs: HOOK_MS },
    transforms: transforms(clock),
    onError: (error) => made.defects.push(error),
  });
  closing.push(() => gateway.close());
  const result: Fixture = Object.assign(made, { gateway });
  return result;
}

async function send(host: RunningHost, stream: boolean, more: object = {}): ReturnType<typeof ask> {
  return ask(`${host.origin}/api/v1/chat/completions`, {
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: MODEL, stream, messages: [{ role: 'user', content: 'Hello!' }], ...more }),
  });
}

/** Nothing is held any more, and every account is what its entries say. */
async function expectBooks({ gateway, store }: Fixture): Promise<void> {
  await gateway.drain();
  expect(await store.ledger.audit()).toEqual([]);
}

function chunksOf(text: string): readonly ChatChunk[] {
  const lines = text.split('\n\n').filter((line) => line.startsWith('data: {'));
  return lines.map((line) => JSON.parse(line.slice('data: '.length)) as ChatChunk);
}

const contentOf = (text: string): string =>
  chunksOf(text)
    .map(({ choices }) => choices[0]?.delta.content ?? '')
    .join('');

/** Whether a hook is on the way of such an answer at all, and before its provider is asked. */
const isOnWay = (hook: Hook, stream: boolean): boolean =>
  stream ? hook !== 'completion' : hook === 'request' || hook === 'route' || hook === 'completion';
const isBefore = (hook: Hook): boolean => hook === 'request' || hook === 'route' || hook === 'stage';

describe.each(Object.entries(hosts))('misbehaving transforms on %s', (_, listenerOf) => {
  async function started(one: Fixture): Promise<RunningHost> {
    const host = await listen(listenerOf(one.gateway));
    closing.push(() => host.close());
    return host;
  }

  for (const hook of HOOKS) {
    for (const [what, how] of Object.entries(misbehaviours)) {
      // What a stage is made of is its own.
      if (what === 'changes what it was given' && (hook === 'stage' || hook === 'end')) continue;
      // Other hooks are asked at once: what is no answer there is garbage.
      for (const stream of [false, true]) {
        it(`${hook} ${what}, ${stream ? 'streamed' : 'whole'}: a clear error, and balanced books`, async () => {
          const one = fixture((clock) => [misbehaving(hook, how, clock)]);
          const host = await started(one);
          const { status, text, headers } = await send(host, stream);
          expect(text).not.toContain('secret of the host');
          if (!isOnWay(hook, stream)) {
            expect(status).toBe(200);
            expect(one.defects).toEqual([]);
          } else if (isBefore(hook) || !stream) {
            expect(status).toBe(500);
            expect(headers['content-type']).toContain('application/json');
            expect(JSON.parse(text)).toMatchObject({
              error: { code: 'internal_error', message: 'Internal Server Error' },
            });
            expect(one.asked).toBe(isBefore(hook) ? 0 : 1);
          } else {
            expect(status).toBe(200);
            expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
            const last = chunksOf(text).at(-1);
            expect(last?.error).toMatchObject({ code: 'internal_error', message: 'Internal Server Error' });
            expect(last?.choices[0]?.finish_reason).toBe('error');
          }
          if (isOnWay(hook, stream)) expect(String(one.defects[0])).toContain('transform misbehaving');
          await expectBooks(one);
          const { summary } = await one.gateway.usage();
          // Whatever was generated is charged, whatever became of it here.
          expect(summary.usage > 0).toBe(one.asked > 0);
        });

        it(`${hook} ${what}, ${stream ? 'streamed' : 'whole'}: passed over where it is optional`, async () => {
          const one = fixture((clock) => [{ transform: misbehaving(hook, how, clock), optional: true }]);
          const host = await started(one);
          const { status, text } = await send(host, stream);
          expect(status).toBe(200);
          const said = stream
            ? contentOf(text)
            : (JSON.parse(text) as { choices: { message: { content: string } }[] }).choices[0]?.message.content;
          expect(said).toBe('Hello there');
          expect(one.defects.length > 0).toBe(isOnWay(hook, stream));
          await expectBooks(one);
        });
      }
    }
  }

  it('refuses on purpose, with its own words and nothing held', async () => {
    const refusing: Transform = {
      name: 'refusing',
      request() {
        throw new GatewayError('guardrail_blocked', 'not here', { metadata: { patterns: ['policy 7'] } });
      },
    };
    const one = fixture(() => [{ transform: refusing, optional: true }]);
    const host = await started(one);
    for (const stream of [false, true]) {
      const { status, text } = await send(host, stream);
      expect(status).toBe(403);
      expect(JSON.parse(text)).toMatchObject({
        error: { code: 'guardrail_blocked', message: 'not here', metadata: { patterns: ['policy 7'] } },
      });
    }
    expect(one.asked).toBe(0);
    expect(one.defects).toEqual([]);
    await expectBooks(one);
  });

  it('switches off what may be switched off, and nothing else', async () => {
    const shouting = (name: string, sign: string): Transform => ({
      name,
      completion: (completion) => ({
        ...completion,
        choices: completion.choices.map((choice) => ({
          ...choice,
          message: { ...choice.message, content: `${choice.message.content}${sign}` },
        })),
      }),
    });
    const one = fixture(() => [
      shouting('usual', '!'),
      { transform: shouting('forced', '?'), use: 'always' },
      { transform: shouting('asked', '.'), use: 'requested' },
    ]);
    const host = await started(one);
    const said = async (transforms?: readonly unknown[]): Promise<unknown> => {
      const { text } = await send(host, false, transforms === undefined ? {} : { transforms });
      return (JSON.parse(text) as { choices: { message: { content: string } }[] }).choices[0]?.message.content;
    };
    expect(await said()).toBe('Hello there!?');
    expect(await said([])).toBe('Hello there?');
    expect(await said(['asked'])).toBe('Hello there!.?');
    expect(await said(['forced'])).toBe('Hello there!?');
    const { status, text } = await send(host, false, { transforms: ['usual', 'nobody'] });
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ error: { metadata: { issues: [{ path: 'transforms.1' }] } } });
    await expectBooks(one);
  });
});
