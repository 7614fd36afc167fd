import { describe, expect, it } from 'vitest';
import { Cancellation } from '../cancellation.js';
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import type { ChatRequest } from '../wire/chat.js';
import { TransformRegistry } from './registry.js';
import { TransformRun } from './transform-run.js';
import type { Transform, TransformContext, TransformEntry } from './types.js';

const REQUEST: ChatRequest = { model: 'acme/model', messages: [{ role: 'user', content: 'Hello!' }] };

interface Timer {
  readonly milliseconds: number;
  readonly callback: () => void;
}

interface Fixture {
  readonly run: TransformRun;
  readonly scope: Cancellation;
  readonly timers: Set<Timer>;
  readonly reported: GatewayError[];
}

function runOf(transforms: readonly (Transform | TransformEntry)[]): Fixture {
  const registry = new TransformRegistry(transforms);
  const scope = new Cancellation();
  const timers = new Set<Timer>();
  const reported: GatewayError[] = [];
  const clock: Clock = {
    now: () => 0,
    after(milliseconds, callback) {
      const timer = { milliseconds, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const run = new TransformRun(
    registry.select({ named: [], withoutDefaults: false, off: [] }, []),
    {
      generationId: 'gen-1',
      requestId: 'req_1',
      account: 'default',
      label: 'a key',
      tags: ['a'],
      headers: () => ({ 'x-team': 'research' }),
      stream: false,
      startedAt: 7,
    },
    scope,
    { clock, hookMs: 1000, report: (error) => reported.push(error) },
  );
  return { run, scope, timers, reported };
}

const adding = (name: string): Transform => ({
  name,
  request: (request) => ({ ...request, messages: [...request.messages, { role: 'user', content: name }] }),
});

describe('hooks of a call', () => {
  it('run in the order of the configuration, each on what the one before made', async () => {
    const { run } = runOf([adding('first'), adding('second')]);
    const { messages } = await run.request(REQUEST);
    expect(messages.map(({ content }) => content)).toEqual(['Hello!', 'first', 'second']);
    expect(run.steps.map(({ name }) => name)).toEqual(['first', 'second']);
  });

  it('leave the request of the caller alone, which is not even frozen', async () => {
    const given = { ...REQUEST, messages: [{ role: 'user' as const, content: 'Hello!' }] };
    await runOf([adding('first')]).run.request(given);
    expect(given.messages).toHaveLength(1);
    expect(Object.isFrozen(given.messages)).toBe(false);
  });

  it('get the same context at every hook, with facts of the call', async () => {
    const seen: TransformContext[] = [];
    const keep = (context: TransformContext): void => void seen.push(context);
    const { run } = runOf([
      {
        name: 'keeping',
        request(request, context) {
          keep(context);
          return request;
        },
        route(candidates, context) {
          keep(context);
          return candidates;
        },
        stage(context) {
          keep(context);
          return { chunk: (chunk) => [chunk] };
        },
      },
    ]);
    await run.request(REQUEST);
    run.route([]);
    run.stages();
    expect(new Set(seen).size).toBe(1);
    expect(seen).toHaveLength(3);
    expect(seen[0]).toMatchObject({ account: 'default', tags: ['a'], headers: { 'x-team': 'research' }, startedAt: 7 });
    expect(run.steps).toEqual([]);
  });

  it('are told to stop when their time is up, and leave no timer behind', async () => {
    let signal: AbortSignal | undefined;
    const { run, timers } = runOf([
      {
        name: 'slow',
        timeoutMs: 50,
        request(_, context) {
          signal = context.signal;
          return new Promise(() => undefined);
        },
      },
    ]);
    const asked = run.request(REQUEST);
    const [timer] = timers;
    expect(timer?.milliseconds).toBe(50);
    timer?.callback();
    await expect(asked).rejects.toMatchObject({ code: 'internal_error' });
    expect(signal?.aborted).toBe(true);
    expect(timers.size).toBe(0);
  });

  it('are told to stop when the call ends, whose reason counts also for optional ones', async () => {
    let signal: AbortSignal | undefined;
    const hanging: Transform = {
      name: 'hanging',
      request(_, context) {
        signal = context.signal;
        return new Promise(() => undefined);
      },
    };
    const { run, scope, timers, reported } = runOf([{ transform: hanging, optional: true }]);
    const asked = run.request(REQUEST);
    const reason = new GatewayError('client_closed', 'the client went away');
    scope.cancel(reason);
    await expect(asked).rejects.toBe(reason);
    expect(signal?.aborted).toBe(true);
    expect(timers.size).toBe(0);
    expect(reported).toEqual([]);
  });

  it('may not change whether the answer is streamed, nor give something that is no request', async () => {
    for (const made of [{ ...REQUEST, stream: true }, { ...REQUEST, temperature: 9 }, { messages: [] }]) {
      const { run } = runOf([{ name: 'wrong', request: () => made }]);
      await expect(run.request(REQUEST)).rejects.toMatchObject({ code: 'internal_error' });
    }
  });

  it('may choose and order candidates, but not invent or repeat them', () => {
    const candidate = (provider: string) => ({
      model: 'acme/model',
      provider,
      providerName: provider,
      price: 1,
      contextLength: undefined,
      maxCompletionTokens: undefined,
      tier: undefined,
      health: 'closed',
    });
    const candidates = ['a', 'b', 'c'].map(candidate);
    const routed = (route: NonNullable<Transform['route']>): readonly number[] =>
      runOf([{ name: 'routing', route }]).run.route(candidates);
    expect(routed((given) => given.toReversed())).toEqual([2, 1, 0]);
    expect(routed((given) => given.filter(({ provider }) => provider !== 'b'))).toEqual([0, 2]);
    expect(() => routed((given) => given.map((one) => ({ ...one })))).toThrow(GatewayError);
    expect(() => routed((given) => [...given, ...given])).toThrow(GatewayError);
  });

  it('run for an explanation only where they do nothing but route', () => {
    const { run } = runOf([adding('first'), { ...adding('second'), pure: true }]);
    expect(run.routedRequest(REQUEST).messages.map(({ content }) => content)).toEqual(['Hello!', 'second']);
  });

  it('cost a call nothing where there are none', async () => {
    const { run } = runOf([]);
    expect(run.requests).toBe(false);
    expect(run.routes).toBe(false);
    expect(run.stages()).toBeUndefined();
    expect(await run.request(REQUEST)).toBe(REQUEST);
  });
});
