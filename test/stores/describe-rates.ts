import type { RateUse } from '@gatehouse/core';
import { describe, expect, it } from 'vitest';
import type { Subject } from './describe-store.js';

const CLAIM = { fingerprint: 'f1', keepMs: 86_400_000, lapseMs: 600_000 };

/** A request with so many tokens. */
const request = (count: number): RateUse => ({ requests: 1, tokens: count });
/** Tokens of a request that is counted already. */
const tokens = (count: number): RateUse => ({ requests: 0, tokens: count });

/** Requests and tokens a minute. */
export function describeRates(subject: Subject): void {
  const rates = () => subject.store.rates;

  describe('rates', () => {
    it('let a minute of requests through at once, and then as many as come back', async () => {
      const name = subject.fresh('key');
      const limits = { requestsPerMinute: 3, tokensPerMinute: undefined };
      const verdicts = await Promise.all([1, 2, 3, 4, 5].map(() => rates().take(name, request(10), limits)));
      expect(verdicts.filter(({ passed }) => passed)).toHaveLength(3);
      expect(verdicts.find(({ passed }) => !passed)).toEqual({
        passed: false,
        retryAfterMs: 20_000,
        exceeded: 'requests',
        requests: { limit: 3, remaining: 0, fullInMs: 60_000 },
        tokens: undefined,
      });
      subject.clock.advance(20_000);
      expect((await rates().take(name, request(10), limits)).passed).toBe(true);
      expect((await rates().take(name, request(10), limits)).passed).toBe(false);
    });

    it('what is refused uses nothing up, and what is larger than a minute never passes', async () => {
      const name = subject.fresh('key');
      const limits = { requestsPerMinute: 10, tokensPerMinute: 100 };
      expect(await rates().take(name, request(101), limits)).toMatchObject({
        passed: false,
        retryAfterMs: undefined,
        exceeded: 'tokens',
        requests: { remaining: 10 },
      });
      expect((await rates().take(name, request(90), limits)).passed).toBe(true);
      expect(await rates().take(name, request(20), limits)).toMatchObject({ passed: false, retryAfterMs: 6_000 });
      expect(await rates().take(name, request(10), limits)).toMatchObject({ passed: true, tokens: { remaining: 0 } });
    });

    it('a correction takes more, below nothing if need be, or gives back, never above a full minute', async () => {
      const name = subject.fresh('key');
      const limits = { requestsPerMinute: undefined, tokensPerMinute: 60 };
      await rates().take(name, request(30), limits);
      await rates().correct(name, tokens(90), limits);
      expect(await rates().take(name, request(1), limits)).toMatchObject({ passed: false, retryAfterMs: 61_000 });
      await rates().correct(name, tokens(-1_000), limits);
      expect(await rates().take(name, request(1), limits)).toMatchObject({
        passed: true,
        tokens: { remaining: 59, fullInMs: 1_000 },
      });
    });

    it('a subject has its own, and no limit is none; a clock that goes back refills nothing', async () => {
      const [one, two] = [subject.fresh('key'), subject.fresh('key')];
      const limits = { requestsPerMinute: 1, tokensPerMinute: undefined };
      expect((await rates().take(one, request(1), limits)).passed).toBe(true);
      expect((await rates().take(two, request(1), limits)).passed).toBe(true);
      subject.clock.advance(-30_000);
      expect((await rates().take(one, request(1), limits)).passed).toBe(false);
      subject.clock.advance(30_000);
      expect((await rates().take(one, request(1), limits)).passed).toBe(false);
      const unlimited = { requestsPerMinute: undefined, tokensPerMinute: undefined };
      expect(await rates().take(subject.fresh('key'), request(1e9), unlimited)).toMatchObject({
        passed: true,
        requests: undefined,
      });
    });

    it('what was used while there was no limit does not count once there is one', async () => {
      const name = subject.fresh('key');
      const unlimited = { requestsPerMinute: undefined, tokensPerMinute: 10 };
      for (let count = 0; count < 5; count += 1) await rates().take(name, request(1), unlimited);
      subject.clock.advance(60_000);
      const limits = { requestsPerMinute: 2, tokensPerMinute: 10 };
      expect(await rates().take(name, request(1), limits)).toMatchObject({ passed: true, requests: { remaining: 1 } });
    });

    it('takes requests and tokens apart as well, and gives a request back', async () => {
      const name = subject.fresh('key');
      const limits = { requestsPerMinute: 1, tokensPerMinute: 10 };
      expect((await rates().take(name, { requests: 1, tokens: 0 }, limits)).passed).toBe(true);
      expect(await rates().take(name, tokens(11), limits)).toMatchObject({ passed: false, exceeded: 'tokens' });
      expect((await rates().take(name, tokens(10), limits)).passed).toBe(true);
      await rates().correct(name, { requests: -1, tokens: 0 }, limits);
      expect((await rates().take(name, { requests: 1, tokens: 0 }, limits)).passed).toBe(true);
    });
  });
}

/** Idempotency keys. */
export function describeReplays(subject: Subject): void {
  const replays = () => subject.store.replays;
  const claimOf = (name: string, generationId: string) => ({ ...CLAIM, subject: name, value: 'v', generationId });

  describe('replays', () => {
    it('R-M30: one of two claims wins, the other one learns whose it is', async () => {
      const name = subject.fresh('key');
      const verdicts = await Promise.all([replays().claim(claimOf(name, 'g1')), replays().claim(claimOf(name, 'g2'))]);
      const winner = verdicts[0]?.kind === 'claimed' ? 'g1' : 'g2';
      expect(verdicts).toContainEqual({ kind: 'claimed' });
      expect(verdicts).toContainEqual({ kind: 'running', generationId: winner });
      const other = { ...claimOf(name, 'g3'), fingerprint: 'f2' };
      expect(await replays().claim(other)).toEqual({ kind: 'different', generationId: winner });
      expect(await replays().claim(claimOf(subject.fresh('key'), 'g4'))).toEqual({ kind: 'claimed' });
    });

    it.each([['{"id":"g1"}'], [undefined]])('R-M30: a finished one answers %s, until it is over', async (answer) => {
      const name = subject.fresh('key');
      await replays().claim(claimOf(name, 'g1'));
      await replays().finish(name, 'v', answer);
      const finished = { kind: 'finished', generationId: 'g1', answer };
      subject.clock.advance(CLAIM.keepMs - 1);
      expect(await replays().claim(claimOf(name, 'g2'))).toEqual(finished);
      expect(await replays().claim({ ...claimOf(name, 'g2'), fingerprint: 'f2' })).toMatchObject({ kind: 'different' });
      subject.clock.advance(1);
      expect(await replays().claim({ ...claimOf(name, 'g2'), fingerprint: 'f2' })).toEqual({ kind: 'claimed' });
      expect(await replays().claim({ ...claimOf(name, 'g3'), fingerprint: 'f2' })).toEqual({
        kind: 'running',
        generationId: 'g2',
      });
    });

    it('R-M30: a claim that is given up, or never finishes, may be made again', async () => {
      const name = subject.fresh('key');
      await replays().claim(claimOf(name, 'g1'));
      await replays().release(name, 'v');
      expect(await replays().claim(claimOf(name, 'g2'))).toEqual({ kind: 'claimed' });
      subject.clock.advance(CLAIM.lapseMs - 1);
      expect(await replays().claim(claimOf(name, 'g3'))).toEqual({ kind: 'running', generationId: 'g2' });
      subject.clock.advance(1);
      expect(await replays().claim(claimOf(name, 'g3'))).toEqual({ kind: 'claimed' });
      await subject.store.ledger.sweep('floor', 60_000);
      expect(await replays().claim(claimOf(name, 'g4'))).toEqual({ kind: 'running', generationId: 'g3' });
    });
  });
}
