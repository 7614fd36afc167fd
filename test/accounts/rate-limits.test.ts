import { type CallerIdentity, createGateway, openaiCompatible } from '@gatehouse/core';
import { toNodeHandler } from '@gatehouse/node';
import { describe, expect, it } from 'vitest';
import { listen } from '../tools/hosts.js';
import { ask, type WholeResponse } from '../tools/http-client.js';
import { manualClock } from '../tools/manual-clock.js';
import { completion, failure } from '../tools/openai-answers.js';
import { startUpstream } from '../tools/scripted-upstream.js';
import { ANSWER_USD, accountGateways, DAY, dataOf, errorOf, HOUR, MINUTE, NOON } from './account-gateway.js';

const start = accountGateways();

/** Headers of rates, as numbers where they are. */
function rates({ headers }: WholeResponse): Record<string, string | number> {
  const found = Object.entries(headers).filter(([name]) => name.startsWith('x-ratelimit-'));
  return Object.fromEntries(
    found.map(([name, value]) => [
      name.slice('x-ratelimit-'.length),
      /^\d+$/.test(String(value)) ? Number(value) : String(value),
    ]),
  );
}

describe('requests a minute', () => {
  it('stand in both spellings on every answer, errors included', async () => {
    const { key: make, ask: send, chat } = await start();
    const { key } = await make({ rate_limit: { requests_per_minute: 60 } });
    expect(rates(await send('/key', { key }))).toEqual({
      limit: 60,
      remaining: 59,
      reset: NOON + 1000,
      'limit-requests': 60,
      'remaining-requests': 59,
      'reset-requests': '1s',
    });
    expect(rates(await chat(key))).toMatchObject({ remaining: 58, 'reset-requests': '2s' });
    expect(rates(await chat(key, { temperature: 9 }))).toMatchObject({ remaining: 57 });
    expect(rates(await chat(key, { model: 'no/such' }))).toMatchObject({ remaining: 56 });
    expect(rates(await chat(key, { stream: true }))).toMatchObject({ remaining: 55, 'reset-requests': '5s' });
    expect(rates(await send('/generation?id=none', { key }))).toMatchObject({ remaining: 54 });
    // A caller without a limit has no headers of one.
    const free = await make();
    expect(rates(await send('/key', { key: free.key }))).toEqual({});
  });

  it('beyond them it is 429 with when to come again, which uses nothing up', async () => {
    const { key: make, ask: send, clock } = await start();
    const { key } = await make({ rate_limit: { requests_per_minute: 2 } });
    for (let turn = 0; turn < 2; turn += 1) expect((await send('/key', { key })).status).toBe(200);
    for (let turn = 0; turn < 20; turn += 1) {
      const answer = await send('/key', { key });
      expect(answer.status).toBe(429);
      expect(answer.headers).toMatchObject({
        'retry-after': '30',
        'retry-after-ms': '30000',
        'x-should-retry': 'true',
        'x-ratelimit-limit': '2',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(NOON + MINUTE),
        'x-ratelimit-limit-requests': '2',
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '1m0s',
      });
      expect(errorOf(answer)).toEqual({
        code: 'rate_limit_exceeded',
        message: 'Rate limit exceeded: 2 requests per minute',
        metadata: {
          error_type: 'rate_limit_exceeded',
          code: 'rate_limit_exceeded',
          limit_source: 'key_requests',
          headers: {
            'X-RateLimit-Limit': '2',
            'X-RateLimit-Remaining': '0',
            'X-RateLimit-Reset': String(NOON + MINUTE),
          },
        },
      });
    }
    clock.advance(29_999);
    const late = await send('/key', { key });
    expect([late.status, late.headers['retry-after'], late.headers['retry-after-ms']]).toEqual([429, '1', '1']);
    clock.advance(1);
    expect((await send('/key', { key })).status).toBe(200);
    expect((await send('/key', { key })).status).toBe(429);
  });

  it('are checked after key and scope and before the body', async () => {
    const { key: make, ask: send, gateway } = await start();
    const { key, hash } = await make({ rate_limit: { requests_per_minute: 1 } });
    expect((await send('/credits', { key })).status).toBe(403);
    expect((await send('/no-such', { key })).status).toBe(404);
    expect((await send('/key', { key, method: 'POST' })).status).toBe(405);
    expect((await send('/key', { key })).status).toBe(200);
    const refused = await send('/chat/completions', { key, body: 'nonsense' });
    expect(refused.status).toBe(429);
    await gateway.keys.change(hash, { disabled: true });
    expect((await send('/key', { key })).status).toBe(401);
  });

  it('of one key are not those of another, and a change of the limit counts at once', async () => {
    const { key: make, ask: send, gateway } = await start();
    const a = await make({ rate_limit: { requests_per_minute: 1 } });
    const b = await make({ rate_limit: { requests_per_minute: 1 } });
    for (const { key } of [a, b]) expect((await send('/key', { key })).status).toBe(200);
    for (const { key } of [a, b]) expect((await send('/key', { key })).status).toBe(429);
    await gateway.keys.change(a.hash, { rate_limit: null });
    expect((await send('/key', { key: a.key })).status).toBe(200);
  });
});

describe('tokens a minute', () => {
  it('count the estimate on arrival and the real total at the end', async () => {
    const { key: make, chat, upstream } = await start();
    const { key } = await make({ rate_limit: { tokens_per_minute: 1000 } });
    const usage = { prompt_tokens: 300, completion_tokens: 200, total_tokens: 500 };
    upstream.always(completion('Hello', usage));
    const first = await chat(key);
    expect(first.status).toBe(200);
    const { remaining } = rates(first);
    // A short prompt, by estimate.
    expect(remaining).toBeGreaterThan(950);
    const second = await chat(key);
    expect(rates(second)['remaining']).toBe(Number(remaining) - 500);
    const third = await chat(key);
    expect(third.status).toBe(429);
    expect(errorOf(third).metadata['limit_source']).toBe('key_tokens');
    expect(third.headers['x-should-retry']).toBe('true');
    expect(Number(third.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(rates(third)).toMatchObject({ limit: 1000, 'limit-tokens': 1000, 'remaining-tokens': 0 });
    expect(upstream.requests).toHaveLength(2);
  });

  it('are given back where less came of it: an estimate that was too high, a refusal, a failure', async () => {
    const { key: make, chat, upstream, gateway } = await start();
    const { key, hash } = await make({ rate_limit: { tokens_per_minute: 1000 } });
    const large = { messages: [{ role: 'user', content: 'word '.repeat(500) }] };
    const left = async (): Promise<unknown> => rates(await chat(key, { model: 'acme/free' }))['remaining'];
    upstream.always(completion('Hello', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }));
    const before = await left();
    for (let turn = 0; turn < 5; turn += 1) expect((await chat(key, large)).status).toBe(200);
    expect(await left()).toBe(before);
    // 402: nothing was asked.
    await gateway.keys.change(hash, { limit: 0 });
    for (let turn = 0; turn < 5; turn += 1) expect((await chat(key, large)).status).toBe(402);
    expect(await left()).toBe(before);
    await gateway.keys.change(hash, { limit: null });
    // 400: it was never counted.
    for (let turn = 0; turn < 5; turn += 1) expect((await chat(key, { ...large, n: 0 })).status).toBe(400);
    expect(await left()).toBe(before);
    // The provider refused every attempt.
    upstream.always(failure(400, { error: { message: 'no' } }));
    for (let turn = 0; turn < 5; turn += 1) expect((await chat(key, large)).status).toBe(400);
    upstream.always(completion('Hello', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }));
    expect(await left()).toBe(before);
  });

  it('a request larger than the whole window can never pass: it is not to be sent again', async () => {
    const { key: make, chat, ask: send } = await start();
    const { key } = await make({ rate_limit: { requests_per_minute: 10, tokens_per_minute: 100 } });
    const answer = await chat(key, { messages: [{ role: 'user', content: 'word '.repeat(1000) }] });
    expect(answer.status).toBe(429);
    expect(answer.headers['x-should-retry']).toBe('false');
    expect(answer.headers['retry-after']).toBeUndefined();
    expect(answer.headers['retry-after-ms']).toBeUndefined();
    expect(errorOf(answer).message).toMatch(
      /^Rate limit exceeded: 100 tokens per minute, and this request alone needs \d+$/,
    );
    // It has used up neither tokens nor requests.
    expect(rates(await send('/key', { key }))).toMatchObject({ 'remaining-tokens': 100, 'remaining-requests': 9 });
  });

  it('the tightest of both limits stands in X-RateLimit', async () => {
    const { key: make, ask: send } = await start();
    const { key } = await make({ rate_limit: { requests_per_minute: 4, tokens_per_minute: 1000 } });
    expect(rates(await send('/key', { key }))).toMatchObject({
      limit: 4,
      remaining: 3,
      'limit-requests': 4,
      'limit-tokens': 1000,
      'remaining-tokens': 1000,
      'reset-tokens': '0ms',
    });
  });
});

describe('callers of the host', () => {
  async function startHost(identities: Readonly<Record<string, CallerIdentity>>): Promise<{
    chat(who: string, headers?: Record<string, string>): Promise<WholeResponse>;
    close(): Promise<void>;
  }> {
    const upstream = await startUpstream();
    upstream.always(completion('Hello'));
    const gateway = createGateway({
      providers: [
        openaiCompatible({ slug: 'acme', baseUrl: upstream.baseUrl, models: ['acme/free'], pricing: 'free' }),
      ],
      catalog: { bundled: false },
      clock: manualClock(NOON),
    });
    const identify = ({
      headers,
    }: {
      headers: Record<string, string | string[] | undefined>;
    }): CallerIdentity | undefined => identities[String(headers['x-who'])];
    const host = await listen(toNodeHandler(gateway, { prefix: '/api/v1', identify }));
    return {
      chat: (who, headers = {}) =>
        ask(`${host.origin}/api/v1/chat/completions`, {
          headers: { 'x-who': who, 'content-type': 'application/json', ...headers },
          body: JSON.stringify({ model: 'acme/free', messages: [{ role: 'user', content: who }] }),
        }),
      async close() {
        await host.close();
        await gateway.close();
        await upstream.close();
      },
    };
  }

  it('without a name share the limits of their account, which the error says', async () => {
    const house = { account: 'house', requestsPerMinute: 1 };
    const { chat, close } = await startHost({ a: house, b: house, c: { ...house, id: 'c' } });
    expect((await chat('a')).status).toBe(200);
    expect(errorOf(await chat('b')).metadata['limit_source']).toBe('account_requests');
    expect((await chat('c')).status).toBe(200);
    expect(errorOf(await chat('c')).metadata['limit_source']).toBe('key_requests');
    await close();
  });

  it('with slashes in account or name are not taken for one another', async () => {
    const bound = { requestsPerMinute: 1 };
    const { chat, close } = await startHost({
      a: { ...bound, account: 'x/y', id: 'z' },
      b: { ...bound, account: 'x', id: 'y/z' },
      c: { ...bound, account: 'account', id: 'x' },
      d: { ...bound, account: 'x' },
      e: { ...bound, account: 'x', id: '' },
      f: { ...bound, account: 'x/', id: '' },
    });
    // Nor are their idempotency keys: each answer is its caller's own.
    const ids = new Set<unknown>();
    for (const who of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const answer = await chat(who, { 'idempotency-key': 'same' });
      expect([who, answer.status]).toEqual([who, 200]);
      ids.add((answer.json() as { id: string }).id);
    }
    expect(ids.size).toBe(6);
    await close();
  });
});

describe('402', () => {
  it('R-M32 key_limit_exceeded says what the limit is, what is left and when it starts anew', async () => {
    const { key: make, chat, upstream } = await start();
    const { key } = await make({ limit: 0.0005, limit_reset: 'daily' });
    const answer = await chat(key, { max_tokens: 900 });
    expect(answer.status).toBe(402);
    expect(answer.headers['x-should-retry']).toBe('false');
    expect(answer.headers['retry-after']).toBeUndefined();
    const { code, message, metadata } = errorOf(answer);
    expect(code).toBe('key_limit_exceeded');
    const affordable = metadata['affordable_tokens'];
    expect(affordable).toBeGreaterThan(200);
    expect(affordable).toBeLessThan(250);
    expect(message).toBe(
      `This request requires more credits, or fewer max_tokens. You requested up to 900 tokens, but can only afford ${String(affordable)}.`,
    );
    expect(metadata).toEqual({
      error_type: 'payment_required',
      code: 'key_limit_exceeded',
      requested_tokens: 900,
      affordable_tokens: affordable,
      limit: 0.0005,
      limit_remaining: 0.0005,
      limit_reset: 'daily',
      resets_at: '2026-09-24T00:00:00.000Z',
    });
    expect(upstream.requests).toHaveLength(0);
    // What it says it can afford, it can.
    expect((await chat(key, { max_tokens: affordable })).status).toBe(200);
    expect((await chat((await make({ limit: 0 })).key)).status).toBe(402);
  });

  it('R-M32 insufficient_credits says what is affordable, and nothing of a key', async () => {
    const { key: make, chat, gateway, upstream } = await start();
    const { key } = await make({ limit: 100 });
    await gateway.credits.grant({ amount: 0.0001, externalId: 'g' });
    const answer = await chat(key, { max_tokens: 500 });
    expect(answer.status).toBe(402);
    expect(answer.headers['x-should-retry']).toBe('false');
    const { code, message, metadata } = errorOf(answer);
    expect(code).toBe('insufficient_credits');
    expect(Object.keys(metadata).toSorted()).toEqual(['affordable_tokens', 'code', 'error_type', 'requested_tokens']);
    expect(message).toBe(
      `This request requires more credits, or fewer max_tokens. You requested up to 500 tokens, but can only afford ${String(metadata['affordable_tokens'])}.`,
    );
    expect(upstream.requests).toHaveLength(0);
    expect((await chat(key, { max_tokens: metadata['affordable_tokens'] })).status).toBe(200);
  });

  it('R-M32 with both causes it is the limit of the key', async () => {
    const { key: make, chat, gateway } = await start();
    const { key } = await make({ limit: 0.00001 });
    await gateway.credits.grant({ amount: 0.00001, externalId: 'g' });
    expect(errorOf(await chat(key, { max_tokens: 500 })).code).toBe('key_limit_exceeded');
  });

  it('free models need neither balance nor limit', async () => {
    const { key: make, chat, gateway } = await start({ billing: { creditsRequired: true } });
    const { key } = await make({ limit: 0 });
    expect((await chat(key, { model: 'acme/free' })).status).toBe(200);
    expect((await chat(key, { model: 'acme/free', stream: true })).status).toBe(200);
    expect(errorOf(await chat(key)).code).toBe('key_limit_exceeded');
    const other = await make();
    expect(errorOf(await chat(other.key)).code).toBe('insufficient_credits');
    expect((await chat(other.key, { models: ['acme/paid', 'acme/free'] })).status).toBe(200);
    expect(await gateway.credits.audit()).toEqual([]);
  });

  it('R-M28 windows of a day, a week and a month roll at 00:00 UTC', async () => {
    // Two answers at most fit into the limit, the third does not.
    const limit = 0.00006;
    for (const [reset, at, rolls] of [
      ['daily', NOON, Date.UTC(2026, 8, 24)],
      ['weekly', NOON, Date.UTC(2026, 8, 28)],
      ['monthly', NOON, Date.UTC(2026, 9, 1)],
      ['monthly', Date.UTC(2028, 1, 10), Date.UTC(2028, 2, 1)],
      ['weekly', Date.UTC(2026, 11, 31, 23), Date.UTC(2027, 0, 4)],
    ] as const) {
      const { key: make, chat, ask: send, clock } = await start({ manual: manualClock(at) });
      const { key } = await make({ limit, limit_reset: reset });
      const spend = async (): Promise<number> => {
        let answers = 0;
        while ((await chat(key, { max_tokens: 5 })).status === 200) answers += 1;
        return answers;
      };
      const first = await spend();
      expect(first).toBeGreaterThan(0);
      expect(dataOf(await send('/key', { key }))).toMatchObject({
        limit_remaining: Number((limit - first * ANSWER_USD).toFixed(9)),
        resets_at: new Date(rolls).toISOString(),
      });
      clock.advance(rolls - at - 1);
      expect((await chat(key, { max_tokens: 5 })).status).toBe(402);
      clock.advance(1);
      expect(dataOf(await send('/key', { key }))).toMatchObject({
        limit_remaining: limit,
        usage: Number((first * ANSWER_USD).toFixed(9)),
      });
      expect(await spend()).toBe(first);
    }
  });

  it('R-M28 without a window the limit is for the life of the key, and raising it helps at once', async () => {
    const { key: make, chat, clock, gateway } = await start();
    const { key, hash } = await make({ limit: 0.00004 });
    expect((await chat(key, { max_tokens: 5 })).status).toBe(200);
    expect((await chat(key, { max_tokens: 5 })).status).toBe(402);
    clock.advance(40 * DAY + HOUR);
    expect(errorOf(await chat(key, { max_tokens: 5 })).metadata).toMatchObject({ limit_reset: null, resets_at: null });
    await gateway.keys.change(hash, { limit: 1 });
    expect((await chat(key, { max_tokens: 5 })).status).toBe(200);
    // Below what is spent already: nothing is left, and never less than that.
    expect(await gateway.keys.change(hash, { limit: 0.00001 })).toMatchObject({ limit_remaining: 0 });
    expect(errorOf(await chat(key)).metadata).toMatchObject({ limit_remaining: 0, affordable_tokens: 0 });
  });
});
