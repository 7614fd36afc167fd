import { describe, expect, it } from 'vitest';
import type { Clock } from '../clock.js';
import { Failure, type FailureKind } from '../failure.js';
import { Health, type HealthChange } from './health.js';
import { RetryBudget } from './retry-budget.js';

interface Time extends Clock {
  pass(milliseconds: number): void;
}

function timeFrom(start: number): Time {
  let now = start;
  return {
    now: () => now,
    after: () => () => undefined,
    pass: (milliseconds) => {
      now += milliseconds;
    },
  };
}

function setUp(random = 0.5): { time: Time; health: Health; changes: HealthChange[] } {
  const time = timeFrom(1_790_000_000_000);
  const changes: HealthChange[] = [];
  const bytes = Uint8Array.of(Math.floor(random * 256), 0, 0, 0);
  const health = new Health({ clock: time, random: () => bytes, onChange: (change) => changes.push(change) });
  return { time, health, changes };
}

const fail = (health: Health, kind: FailureKind = 'server_error', retryAfterMs?: number): void => {
  const trial = health.begin('x');
  trial.failure(new Failure(kind, 'no', { retryAfterMs }));
  trial.end();
};
const succeed = (health: Health): void => {
  const trial = health.begin('x');
  trial.success(100);
  trial.end();
};
const stateOf = (health: Health): string => health.of('x').state;

describe('the health of an endpoint', () => {
  it('trips at two failures that are half of the requests, not at fewer', () => {
    const { health, changes } = setUp();
    fail(health);
    expect(stateOf(health)).toBe('closed');
    fail(health);
    expect(stateOf(health)).toBe('open');
    expect(changes).toEqual([{ unit: 'x', from: 'closed', to: 'open', reason: 'server_error' }]);
    const other = setUp().health;
    for (let count = 0; count < 10; count += 1) succeed(other);
    fail(other);
    fail(other);
    expect(stateOf(other)).toBe('closed');
    for (let count = 0; count < 3; count += 1) fail(other);
    // Five in a row, whatever was before.
    expect(stateOf(other)).toBe('open');
  });

  it('forgets failures that are older than the window', () => {
    const { health, time } = setUp();
    fail(health);
    time.pass(31_000);
    fail(health);
    expect(stateOf(health)).toBe('closed');
  });

  it('lets one request at a time find out, opens for longer each time, and closes by a success', () => {
    const { health, time } = setUp();
    fail(health);
    fail(health);
    for (const [wait, least] of [
      [5000, 4500],
      [10_000, 9000],
      [20_000, 18_000],
      [20_000, 18_000],
    ] as const) {
      time.pass(least - 1);
      expect(stateOf(health)).toBe('open');
      time.pass(wait * 1.1 - least + 1);
      expect(stateOf(health)).toBe('probe');
      const probe = health.begin('x');
      expect(stateOf(health)).toBe('open');
      const second = health.begin('x');
      second.forget();
      second.end();
      expect(stateOf(health)).toBe('open');
      probe.failure(new Failure('timeout', 'no'));
      probe.end();
    }
    time.pass(22_000);
    succeed(health);
    expect(stateOf(health)).toBe('closed');
    fail(health);
    expect(stateOf(health)).toBe('closed');
  });

  it('gives the probe back when nothing was learned', () => {
    const { health, time } = setUp();
    fail(health);
    fail(health);
    time.pass(6000);
    const probe = health.begin('x');
    probe.forget();
    probe.end();
    expect(stateOf(health)).toBe('probe');
    const bad = health.begin('x');
    bad.failure(new Failure('invalid_request', 'the request is at fault'));
    bad.end();
    expect(stateOf(health)).toBe('probe');
  });

  it.each<FailureKind>(['invalid_request', 'too_large', 'context_length', 'content_policy', 'model_unavailable'])(
    '%s says nothing about it',
    (kind) => {
      const { health } = setUp();
      for (let count = 0; count < 20; count += 1) fail(health, kind);
      expect(stateOf(health)).toBe('closed');
    },
  );

  it('cools down after a rate limit, the longer of two hints counts, and it is no failure', () => {
    const { health, time } = setUp();
    fail(health, 'rate_limited', 30_000);
    fail(health, 'rate_limited', 1000);
    time.pass(29_999);
    expect(stateOf(health)).toBe('cooling');
    time.pass(1);
    expect(stateOf(health)).toBe('closed');
    fail(health, 'rate_limited');
    // The third in a row, without a hint: 5 s doubled twice.
    time.pass(19_999);
    expect(stateOf(health)).toBe('cooling');
    time.pass(1);
    succeed(health);
    fail(health, 'rate_limited', 10 * 3_600_000);
    time.pass(3_600_000);
    expect(stateOf(health)).toBe('closed');
  });

  it.each<FailureKind>(['upstream_auth', 'upstream_payment'])(
    '%s bars the credential for a minute, and tells once',
    (kind) => {
      const { health, time, changes } = setUp();
      fail(health, kind);
      fail(health, kind);
      expect(changes).toEqual([{ unit: 'x', from: 'closed', to: 'barred', reason: kind }]);
      time.pass(59_999);
      expect(stateOf(health)).toBe('barred');
      time.pass(1);
      expect(stateOf(health)).toBe('closed');
    },
  );

  it('counts a stream that breaks off after its first content', () => {
    const { health } = setUp();
    for (let count = 0; count < 2; count += 1) {
      const trial = health.begin('x');
      trial.success(100);
      trial.failure(new Failure('truncated', 'cut'));
      trial.end();
      trial.end();
    }
    expect(stateOf(health)).toBe('open');
    expect(health.running('x')).toBe(0);
  });

  /** A stream that has its first content, and is cut or not. */
  const stream = (health: Health, cut: boolean): void => {
    const trial = health.begin('x');
    trial.success(100);
    if (cut) trial.failure(new Failure('truncated', 'cut'));
    trial.end();
  };

  it('counts a stream that breaks off as a failure and as nothing else', () => {
    const { health, time } = setUp();
    for (let count = 0; count < 20; count += 1) {
      stream(health, count % 10 !== 0);
      // Apart by more than the window: what opens the circuit is looked at elsewhere.
      time.pass(31_000);
    }
    expect(health.listed('x').uptime30m).toBe(10);
  });

  it('is not taken for well because of streams that break off', () => {
    const { health } = setUp();
    for (let count = 0; count < 4; count += 1) succeed(health);
    for (let count = 0; count < 3; count += 1) stream(health, true);
    // Three of seven requests have failed.
    expect(stateOf(health)).toBe('closed');
    stream(health, true);
    expect(stateOf(health)).toBe('open');
    const { health: busy } = setUp();
    for (let count = 0; count < 100; count += 1) succeed(busy);
    for (let count = 0; count < 4; count += 1) stream(busy, true);
    expect(stateOf(busy)).toBe('closed');
    stream(busy, true);
    // Five in a row, whatever was before.
    expect(stateOf(busy)).toBe('open');
  });

  it('counts failures in a row anew after a stream that came to its end', () => {
    const { health } = setUp();
    for (let count = 0; count < 100; count += 1) succeed(health);
    for (let count = 0; count < 4; count += 1) fail(health);
    const long = health.begin('x');
    long.success(100);
    stream(health, false);
    long.failure(new Failure('truncated', 'cut'));
    long.end();
    expect(stateOf(health)).toBe('closed');
  });

  it('opens for longer each time, also where the probe breaks off after its first content', () => {
    const { health, time } = setUp();
    fail(health);
    fail(health);
    for (const wait of [5000, 10_000, 20_000]) {
      time.pass(wait - 1);
      expect(stateOf(health)).toBe('open');
      time.pass(1);
      expect(stateOf(health)).toBe('probe');
      stream(health, true);
    }
  });

  it('lets the next one find out where a probe hangs, and listens to the newer one', () => {
    const { health, time } = setUp();
    fail(health);
    fail(health);
    time.pass(5000);
    const hung = health.begin('x');
    time.pass(19_999);
    expect(stateOf(health)).toBe('open');
    time.pass(1);
    expect(stateOf(health)).toBe('probe');
    const next = health.begin('x');
    hung.forget();
    expect(stateOf(health)).toBe('open');
    next.success(100);
    expect(stateOf(health)).toBe('closed');
    const { health: other, time: later } = setUp();
    fail(other);
    fail(other);
    later.pass(5000);
    const late = other.begin('x');
    later.pass(20_000);
    succeed(other);
    // One failure of two, once the circuit is closed: it decides nothing any more.
    late.failure(new Failure('timeout', 'no'));
    expect(stateOf(other)).toBe('closed');
  });

  it('knows percentiles of five minutes, once there are five samples', () => {
    const { health, time } = setUp();
    for (const latency of [100, 200, 300, 400]) health.begin('x').success(latency);
    expect(health.latency('x', 'p50')).toBeUndefined();
    health.begin('x').success(500);
    expect([health.latency('x', 'p50'), health.latency('x', 'p90'), health.latency('x', 'p99')]).toEqual([
      300, 500, 500,
    ]);
    for (const speed of [10, 20, 30, 40, 50]) health.begin('x').throughput(speed);
    // Nine of ten are at least so fast.
    expect([health.throughput('x', 'p50'), health.throughput('x', 'p90')]).toEqual([30, 10]);
    time.pass(300_001);
    expect(health.latency('x', 'p50')).toBeUndefined();
    expect(health.listed('x').latency?.p50).toBe(300);
    expect(health.listed('x').uptime30m).toBe(100);
  });

  it('of a provider that comes and goes: traffic leaves, one probe at a time, and returns within 30 s', () => {
    for (const random of [0, 0.5, 0.99]) {
      const { health, time } = setUp(random);
      let since = time.now();
      let well = true;
      let failures = 0;
      const phases = [10_000, 65_000, 70_000, 5000, 40_000, 120_000, 90_000];
      for (const [index, length] of phases.entries()) {
        well = index % 2 === 0;
        since = time.now();
        failures = 0;
        let returned = 0;
        while (time.now() - since < length) {
          const state = stateOf(health);
          if (state === 'closed' || state === 'probe') {
            const trial = health.begin('x');
            if (state === 'probe') expect(stateOf(health)).toBe('open');
            if (well) {
              trial.success(100);
              if (returned === 0) returned = time.now() - since;
            } else {
              trial.failure(new Failure('overloaded', 'no'));
              failures += 1;
            }
            trial.end();
          }
          time.pass(250);
        }
        if (well) expect(returned).toBeLessThan(30_000);
        // The window is half full of successes at most; after that only probes come.
        else expect(failures).toBeLessThan(40 + length / 4500);
      }
    }
  });
});

describe('the retry budget', () => {
  it('is a share of the requests, with a floor, and counts those that moved on', () => {
    const time = timeFrom(0);
    const budget = new RetryBudget(time);
    expect([1, 2, 3, 4].map(() => budget.take())).toEqual([true, true, true, false]);
    for (let request = 0; request < 100; request += 1) budget.request();
    for (let more = 0; more < 10; more += 1) budget.note();
    expect([1, 2, 3].map(() => budget.take())).toEqual([true, true, false]);
    time.pass(20_000);
    expect([1, 2, 3, 4].map(() => budget.take())).toEqual([true, true, true, false]);
  });

  it('always has its floor, however many moved on', () => {
    const time = timeFrom(0);
    const budget = new RetryBudget(time);
    for (let request = 0; request < 100; request += 1) budget.request();
    for (let more = 0; more < 50; more += 1) budget.note();
    expect([1, 2, 3, 4].map(() => budget.take())).toEqual([true, true, true, false]);
    time.pass(10_000);
    expect(budget.take()).toBe(false);
  });
});
