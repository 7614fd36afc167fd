import { describe, expect, it } from 'vitest';
import { Cancellation } from '../cancellation.js';
import type { Endpoint } from '../catalog/model.js';
import type { Clock, TimerOptions } from '../clock.js';
import { Failure, type FailureKind } from '../failure.js';
import type { Provider, ProviderCodec } from '../providers/types.js';
import { Health } from './health.js';
import { RetryBudget } from './retry-budget.js';
import type { Attempt, Call } from './types.js';
import { type Walker, walk } from './walk.js';

/** A clock that is always there already, and remembers how its timers were set. */
function hastyClock(): Clock & { readonly timers: (TimerOptions | undefined)[] } {
  const timers: (TimerOptions | undefined)[] = [];
  return {
    timers,
    now: () => 0,
    after(_milliseconds, callback, options) {
      timers.push(options);
      queueMicrotask(callback);
      return () => undefined;
    },
  };
}

function walkerOn(clock: Clock): Walker {
  const random = (count: number): Uint8Array => new Uint8Array(count).fill(128);
  return {
    clock,
    random,
    health: new Health({ clock, random, onChange: undefined }),
    budget: new RetryBudget(clock),
    upstreamDetail: 'full',
    transports: new Map(),
    fallbackOnModeration: false,
    endpointRequests: 256,
    answered: () => undefined,
  };
}

function attemptAt(slug: string, model: string, codec: Partial<ProviderCodec> = {}): Attempt {
  const provider = { slug, name: slug, codec } as Provider;
  const endpoint = { model, provider, key: `${slug} ${model}` } as Endpoint;
  return {
    wanted: { model: { id: model, facts: {}, endpoints: [endpoint] } },
    endpoint,
    credential: 0,
    unit: endpoint.key,
    state: 'closed',
    price: 1,
  };
}

const callSaying = (content: string): Call =>
  ({
    request: { messages: [{ role: 'user', content }] },
    scope: new Cancellation(),
    records: [],
    deadline: 600_000,
    payment: { assertLive: () => undefined, dispatch: async () => undefined },
  }) as unknown as Call;

/** Walks, and fails as it is told, one failure a send. Tells what was sent where, and what came of it. */
async function outcome(
  attempts: readonly Attempt[],
  failures: readonly FailureKind[],
  walker: Walker,
): Promise<{ readonly sent: readonly string[]; readonly answer: string }> {
  const sent: string[] = [];
  const answer = await walk(callSaying('plain'), attempts, walker, async ({ request }, { endpoint }) => {
    const kind = failures[sent.length];
    const isMended = request.messages.some(({ content }) => content === 'mended');
    sent.push(`${endpoint.provider.slug}: ${isMended ? 'mended' : 'plain'}`);
    if (kind !== undefined) throw new Failure(kind, 'no');
    return 'answered';
  }).catch((error: { readonly code: string }) => error.code);
  return { sent, answer };
}

describe('trying candidates', () => {
  it('keeps the process alive between two attempts', async () => {
    const clock = hastyClock();
    expect(await outcome([attemptAt('a', 'm')], ['server_error'], walkerOn(clock))).toEqual({
      sent: ['a: plain', 'a: plain'],
      answer: 'answered',
    });
    expect(clock.timers).toEqual([{ hold: true }]);
  });

  const mending: Partial<ProviderCodec> = {
    repair: (request, { kind }) =>
      kind === 'invalid_request' ? { ...request, messages: [{ role: 'user', content: 'mended' }] } : undefined,
  };
  it.each<[string, readonly FailureKind[], readonly string[]]>([
    ['mended and failing', ['invalid_request', 'server_error'], ['a: plain', 'a: mended', 'b: plain']],
    ['failing and complaining', ['server_error', 'invalid_request'], ['a: plain', 'a: plain', 'b: plain']],
    ['mended', ['invalid_request'], ['a: plain', 'a: mended']],
  ])('asks one endpoint twice at most: %s', async (_name, failures, expected) => {
    const attempts = [attemptAt('a', 'm', mending), attemptAt('b', 'other')];
    expect(await outcome(attempts, failures, walkerOn(hastyClock()))).toEqual({ sent: expected, answer: 'answered' });
  });

  it('repeats where it is worth it, however many requests have moved on elsewhere', async () => {
    const walker = walkerOn(hastyClock());
    for (const one of ['1', '2', '3', '4']) {
      const { sent } = await outcome([attemptAt(`a${one}`, 'm'), attemptAt(`b${one}`, 'm')], ['server_error'], walker);
      expect(sent).toHaveLength(2);
    }
    expect(await outcome([attemptAt('only', 'other')], ['server_error'], walker)).toEqual({
      sent: ['only: plain', 'only: plain'],
      answer: 'answered',
    });
  });
});
