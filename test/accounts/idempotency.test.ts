import { afterEach, describe, expect, it } from 'vitest';
import { gate } from '../tools/gate.js';
import type { WholeResponse } from '../tools/http-client.js';
import { chunk, completion, eventStream, failure, sseEvent, textStream } from '../tools/openai-answers.js';
import { cut, head, hold, write } from '../tools/upstream-steps.js';
import {
  type AccountGateway,
  type AccountGatewayParts,
  ANSWER_USD,
  DAY,
  errorOf,
  HOUR,
  MINUTE,
  startAccountGateway,
  until,
} from './account-gateway.js';

const open: AccountGateway[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
async function start(parts: AccountGatewayParts = {}): Promise<
  AccountGateway & {
    readonly key: AccountGateway['key'];
    /** Asks with an idempotency key. */
    once(value: string, body?: object, headers?: Record<string, string>): Promise<WholeResponse>;
    readonly text: string;
  }
> {
  const one = await startAccountGateway(parts);
  open.push(one);
  const { key: text } = await one.key();
  return {
    ...one,
    text,
    once: (value, body = {}, headers = {}) => one.chat(text, body, { 'idempotency-key': value, ...headers }),
  };
}

const statusAndRetry = ({ status, headers }: WholeResponse): unknown => [status, headers['x-should-retry']];

describe('R-M30 Idempotency-Key', () => {
  it('R-M30 a JSON answer is given again, byte for byte, and costs nothing', async () => {
    const { once, upstream, gateway, text, chat } = await start();
    const first = await once('a');
    expect([first.status, first.headers['idempotent-replayed']]).toEqual([200, undefined]);
    upstream.always(completion('something else'));
    for (let turn = 0; turn < 3; turn += 1) {
      const again = await once('a');
      expect(again.status).toBe(200);
      expect(again.headers['idempotent-replayed']).toBe('true');
      expect(again.headers['x-generation-id']).toBe(first.headers['x-generation-id']);
      expect(again.headers['content-type']).toBe(first.headers['content-type']);
      expect(again.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
      expect(again.text).toBe(first.text);
    }
    expect(upstream.requests).toHaveLength(1);
    expect(await gateway.credits.read()).toMatchObject({
      total_usage: ANSWER_USD,
      usage_summary: { total: { requests: 1 } },
    });
    // Without the header, or with another value, it is another request.
    expect((await chat(text)).headers['idempotent-replayed']).toBeUndefined();
    expect((await once('b')).text).not.toBe(first.text);
    expect(upstream.requests).toHaveLength(3);
    expect(await gateway.credits.audit()).toEqual([]);
  });

  it('R-M30 the same body in another order of its fields is the same; another body is 422', async () => {
    const { once, upstream } = await start();
    const first = await once('a', { provider: { sort: 'price', allow_fallbacks: true } });
    const same = await once('a', { provider: { allow_fallbacks: true, sort: 'price' } });
    expect(same.text).toBe(first.text);
    const { headers } = first;
    for (const body of [{}, { provider: { sort: 'price' } }, { stream: true }, { temperature: 1 }, { user: 'ann' }]) {
      const answer = await once('a', body);
      expect(statusAndRetry(answer)).toEqual([422, 'false']);
      expect(errorOf(answer)).toMatchObject({
        code: 'unprocessable',
        metadata: { error_type: 'unprocessable', generation_id: headers['x-generation-id'] },
      });
    }
    expect(upstream.requests).toHaveLength(1);
  });

  it('R-M30 while it runs it is 409, not to be sent again, whatever was sent first', async () => {
    const { once, upstream, gateway } = await start();
    for (const stream of [false, true]) {
      const waiting = gate();
      upstream.next(hold(waiting), stream ? textStream('slow') : completion('slow'));
      const first = once(`run ${stream}`, { stream });
      await waiting.reached;
      const second = await once(`run ${stream}`, { stream });
      expect(statusAndRetry(second)).toEqual([409, 'false']);
      expect(second.headers['retry-after']).toBeUndefined();
      expect(errorOf(second).code).toBe('conflict');
      expect(errorOf(second).metadata['generation_id']).toMatch(/^gen-/);
      expect(second.headers['x-generation-id']).toBe(errorOf(second).metadata['generation_id']);
      expect(statusAndRetry(await once(`run ${stream}`, { stream, top_p: 0.5 }))).toEqual([422, 'false']);
      waiting.open();
      expect((await first).headers['x-generation-id']).toBe(errorOf(second).metadata['generation_id']);
    }
    expect(upstream.requests).toHaveLength(2);
    expect(await gateway.credits.audit()).toEqual([]);
  });

  it('R-M30 of twenty at once one runs, the others are 409 or the same answer', async () => {
    const { once, upstream, gateway } = await start();
    const answers = await Promise.all(Array.from({ length: 20 }, () => once('a')));
    expect(upstream.requests).toHaveLength(1);
    const fresh = answers.filter(
      ({ status, headers }) => status === 200 && headers['idempotent-replayed'] === undefined,
    );
    expect(fresh).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 200) expect(answer.text).toBe(fresh[0]?.text);
      else expect(statusAndRetry(answer)).toEqual([409, 'false']);
    }
    expect((await gateway.usage()).summary).toMatchObject({ requests: 1, usage: ANSWER_USD });
  });

  it('R-M30 a stream that is complete is 409 that names the generation', async () => {
    const { once, upstream } = await start();
    upstream.always(textStream('Hello'));
    const first = await once('a', { stream: true });
    expect(first.text).toContain('[DONE]');
    const again = await once('a', { stream: true });
    expect(statusAndRetry(again)).toEqual([409, 'false']);
    expect(errorOf(again).metadata['generation_id']).toBe(first.headers['x-generation-id']);
    expect(errorOf(again).message).toBe('Idempotency-Key: the request has been answered, and the answer is not kept');
    expect(upstream.requests).toHaveLength(1);
  });

  it('R-M30 an answer over 1 MiB is not kept: 409; one just below is', async () => {
    const { once, upstream, store } = await start();
    for (const [size, status] of [
      [1_040_000, 200],
      [1_048_577, 409],
    ] as const) {
      upstream.next(completion('x'.repeat(size)));
      const first = await once(`of ${size}`);
      expect(first.status).toBe(200);
      const again = await once(`of ${size}`);
      expect(again.status).toBe(status);
      if (status === 409) expect(errorOf(again).metadata['generation_id']).toBe(first.headers['x-generation-id']);
    }
    const kept = store.callsOf('replays', 'finish').map(([, , answer]) => typeof answer);
    expect(kept).toEqual(['string', 'undefined']);
  });

  it("R-M30 idempotency: 'reject' keeps no answer", async () => {
    const { once, store } = await start({ idempotency: 'reject' });
    const first = await once('a');
    expect(first.status).toBe(200);
    const again = await once('a');
    expect(statusAndRetry(again)).toEqual([409, 'false']);
    expect(errorOf(again).metadata['generation_id']).toBe(first.headers['x-generation-id']);
    expect(store.callsOf('replays', 'finish')).toEqual([[expect.any(String), 'a', undefined]]);
  });

  it('R-M30 a request that failed may be sent again: refused, out of money, no provider, cut before content', async () => {
    const { once, upstream, gateway, clock } = await start();
    const { data } = await gateway.keys.list();
    const hash = data[0]?.hash ?? '';
    expect((await once('a', { temperature: 9 })).status).toBe(400);
    expect((await once('a', { model: 'no/such' })).status).toBe(400);
    await gateway.keys.change(hash, { limit: 0 });
    expect((await once('a')).status).toBe(402);
    await gateway.keys.change(hash, { limit: null, rate_limit: { tokens_per_minute: 1 } });
    expect((await once('a')).status).toBe(429);
    await gateway.keys.change(hash, { rate_limit: null });
    for (const stream of [false, true]) {
      upstream.always(failure(400, { error: { message: 'no' } }));
      expect((await once(`b ${stream}`, { stream })).status).toBe(400);
      upstream.always(stream ? textStream('Hello') : completion('Hello'));
      expect((await once(`b ${stream}`, { stream })).status).toBe(200);
    }
    clock.advance(MINUTE);
    upstream.always(completion('Hello'));
    expect((await once('a')).status).toBe(200);
    expect((await once('a')).headers['idempotent-replayed']).toBe('true');
  });

  it('R-M30 a stream that broke off may be sent again: it cost nothing', async () => {
    const { once, upstream, gateway } = await start();
    upstream.next(head(200, eventStream), write(sseEvent(JSON.stringify(chunk({ content: 'Hel' })))), cut());
    upstream.always(textStream('Hello'));
    const first = await once('a', { stream: true });
    expect(first.text).toContain('"finish_reason":"error"');
    expect((await gateway.credits.read()).total_usage).toBe(0);
    const second = await once('a', { stream: true });
    expect([second.status, second.text.includes('"finish_reason":"stop"')]).toEqual([200, true]);
    expect((await once('a', { stream: true })).status).toBe(409);
  });

  it('R-M30 a stream that failed after its first keep-alive may be sent again', async () => {
    const { once, upstream, clock } = await start();
    const waiting = gate();
    upstream.next(hold(waiting), failure(400, { error: { message: 'no' } }));
    upstream.always(textStream('Hello'));
    const first = once('a', { stream: true });
    await waiting.reached;
    await until(() => clock.due.includes(10_000));
    clock.advance(10_000);
    waiting.open();
    const { status, text } = await first;
    expect([status, text.startsWith(': '), text.includes('"error"')]).toEqual([200, true, true]);
    expect((await once('a', { stream: true })).status).toBe(200);
  });

  it('R-M30 is one key’s own: another key, or account, with the same value asks anew', async () => {
    const { once, chat, key, upstream } = await start();
    const first = await once('a');
    const other = await key();
    const foreign = await key({}, 'another');
    for (const { key: text } of [other, foreign]) {
      const answer = await chat(text, {}, { 'idempotency-key': 'a' });
      expect([answer.status, answer.headers['idempotent-replayed']]).toEqual([200, undefined]);
      expect(answer.text).not.toBe(first.text);
    }
    expect(upstream.requests).toHaveLength(3);
  });

  it('R-M30 is kept for 24 hours', async () => {
    const { once, clock, upstream } = await start();
    const first = await once('a');
    clock.advance(DAY - HOUR);
    expect((await once('a')).text).toBe(first.text);
    clock.advance(HOUR);
    expect((await once('a')).headers['idempotent-replayed']).toBeUndefined();
    expect(upstream.requests).toHaveLength(2);
  });

  it('R-M30 takes 1 to 255 printable ASCII characters; others are 400 and ask nobody', async () => {
    const { once, upstream } = await start();
    for (const value of ['x'.repeat(255), '~', 'with blank', '{"a":1}', "' OR 1=1 --"]) {
      expect((await once(value)).status).toBe(200);
      expect((await once(value)).headers['idempotent-replayed']).toBe('true');
    }
    const before = upstream.requests.length;
    for (const value of ['x'.repeat(256), 'é', 'a\tb']) {
      const answer = await once(value);
      expect([value, answer.status, errorOf(answer).message]).toEqual([
        value,
        400,
        expect.stringMatching(/^Idempotency-Key: /),
      ]);
    }
    expect(upstream.requests).toHaveLength(before);
  });

  it('R-M31 answers are kept only for requests that carry the header', async () => {
    const { chat, once, store, text } = await start();
    await chat(text);
    expect(store.calls.filter(({ part }) => part === 'replays')).toEqual([]);
    await once('a');
    const seen = JSON.stringify(
      store.calls.filter(({ part }) => part !== 'replays'),
      (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
    );
    expect(seen).not.toContain('Hello');
    // Nor is the question: what is kept of it is a digest.
    expect(JSON.stringify(store.callsOf('replays', 'claim'))).not.toContain('hello');
  });

  it('R-D04 the answer stands also where it cannot be kept, and the key stays taken', async () => {
    const { once, store, upstream, clock } = await start();
    const waiting = gate();
    upstream.next(hold(waiting), completion('Hello'));
    const first = once('a');
    await waiting.reached;
    store.set('down', 'replays');
    waiting.open();
    expect((await first).status).toBe(200);
    store.set('up');
    expect(statusAndRetry(await once('a'))).toEqual([409, 'false']);
    expect(upstream.requests).toHaveLength(1);
    // Nobody answers it any more: once it cannot run any longer, it may be sent again.
    clock.advance(11 * MINUTE);
    expect((await once('a')).status).toBe(200);
  });
});
