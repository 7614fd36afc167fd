import { type Clock, type Gateway, type GatewayOptions, systemClock } from '@gatehouse/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { gate } from '../tools/gate.js';
import { listen, type RunningHost } from '../tools/hosts.js';
import { open, start } from '../tools/http-client.js';
import { chunk, eventStream, sseEvent } from '../tools/openai-answers.js';
import type { RequestRecord, ScriptedUpstream } from '../tools/scripted-upstream.js';
import { head, hold, offer, silence, write } from '../tools/upstream-steps.js';
import { type HostKind, KEY } from './host-kind.js';

const MEGABYTE = 1_048_576;
const OFFERED = 500 * MEGABYTE;
const ABORTED_STREAMS = 1000;
/** Clients that leave in each window, and how many of them at a time. */
const TIMES = 200;
const AT_ONCE = 10;
const sent = {
  headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
  body: JSON.stringify({ model: 'acme/small', messages: [{ role: 'user', content: 'hello' }], stream: true }),
};
const role = sseEvent(JSON.stringify(chunk({ role: 'assistant', content: '' })));
const letter = sseEvent(JSON.stringify(chunk({ content: 'x' })));

/** What happens when clients stop reading or leave. */
export function describeHangUps(
  kind: HostKind,
  gatewayWith: (options: Partial<GatewayOptions>) => Gateway,
  upstreamNow: () => ScriptedUpstream,
): void {
  describe('when clients leave', () => {
    let host: RunningHost | undefined;
    let gateway: Gateway | undefined;
    afterEach(async () => {
      await host?.close();
      await gateway?.close();
    });
    const target = async (options: Partial<GatewayOptions> = {}): Promise<string> => {
      gateway = gatewayWith(options);
      await gateway.ready;
      host = await listen(kind.mount(gateway, { at: '/api/v1' }));
      return `${host.origin}/api/v1/chat/completions`;
    };
    /** The request that the upstream gets next. */
    const arrival = (): Promise<RequestRecord> => upstreamNow().request(upstreamNow().requests.length);

    it(`leaves nothing behind after ${ABORTED_STREAMS} aborted streams`, async () => {
      upstreamNow().always(head(200, eventStream), write(role, letter), silence());
      const { clock, timers } = countingClock();
      const url = await target({ clock });
      // The lease of an idle gateway.
      const idle = timers();
      const round = async (): Promise<void> => {
        const { response, hangUp } = await open(url, sent);
        await new Promise((resolve) => response.once('data', resolve));
        hangUp();
      };
      const before = resources();
      for (let done = 0; done < ABORTED_STREAMS; done += 50) await Promise.all(Array.from({ length: 50 }, round));
      await upstreamNow().idle();
      await vi.waitFor(() => expect(more(resources(), before)).toEqual({}), { timeout: 5000 });
      expect(timers()).toBe(idle);
    });

    it('sends the first byte before the last one is made', async () => {
      const first = gate();
      upstreamNow().always(head(200, eventStream), write(role, letter), hold(first), write(letter));
      const { response, hangUp } = await open(await target(), sent);
      const piece = await new Promise<Buffer>((resolve) => response.once('data', resolve));
      expect(piece.toString()).toContain('"content":"x"');
      first.open();
      hangUp();
    });

    it('closes the upstream within 100 ms, whenever the client hangs up', async () => {
      const windows: Record<string, (url: string) => Promise<{ hangUp(): void }>> = {
        'before the headers': (url) => Promise.resolve(start(url, sent)),
        'before the first token': (url) => Promise.resolve(start(url, sent)),
        'in mid-stream': (url) => open(url, sent),
        'while paused': (url) => open(url, sent),
      };
      const scripts = {
        'before the headers': [silence()],
        'before the first token': [head(200, eventStream), write(role), silence()],
        'in mid-stream': [head(200, eventStream), write(role, letter, letter), silence()],
        'while paused': [head(200, eventStream), write(role), offer(letter, OFFERED)],
      };
      const url = await target();
      for (const [name, begin] of Object.entries(windows)) {
        upstreamNow().always(...(scripts[name as keyof typeof scripts] ?? []));
        const coming = arrival();
        const { hangUp } = await begin(url);
        const request = await coming;
        if (name === 'while paused') await untilStill(() => request.written);
        const leftAt = performance.now();
        hangUp();
        await request.socket.closed;
        expect([name, (request.socket.closedAt ?? Number.NaN) - leftAt]).toEqual([name, expect.toSatisfy(under100)]);
      }
    });

    it(`closes the upstream within 100 ms ${TIMES} times in each of four windows, and leaves nothing behind`, async () => {
      const { clock, timers } = countingClock();
      const url = await target({ clock });
      // The lease of an idle gateway.
      const idle = timers();
      const before = resources();
      const scripts = {
        'awaiting headers': [silence()],
        'before the first token': [head(200, eventStream), write(role), silence()],
        'in mid-stream': [head(200, eventStream), write(role, letter), silence()],
      };
      for (const [name, script] of Object.entries(scripts)) {
        upstreamNow().always(...script);
        for (let done = 0; done < TIMES; done += AT_ONCE) {
          const from = upstreamNow().requests.length;
          const clients = Array.from({ length: AT_ONCE }, () => start(url, sent));
          const requests = await Promise.all(clients.map((_, index) => upstreamNow().request(from + index)));
          if (name !== 'awaiting headers') await new Promise(setImmediate);
          const leftAt = performance.now();
          for (const { hangUp } of clients) hangUp();
          await Promise.all(requests.map(({ socket }) => socket.closed));
          const slowest = Math.max(...requests.map(({ socket }) => (socket.closedAt ?? Number.NaN) - leftAt));
          expect([name, slowest]).toEqual([name, expect.toSatisfy(under100)]);
        }
      }
      // Before anything was sent: nobody is asked at all.
      const asked = upstreamNow().requests.length;
      for (let done = 0; done < TIMES; done += AT_ONCE) {
        const clients = Array.from({ length: AT_ONCE }, () => start(url, { ...sent, dribble: true }));
        await new Promise(setImmediate);
        for (const { hangUp } of clients) hangUp();
      }
      await upstreamNow().idle();
      await vi.waitFor(() => expect(more(resources(), before)).toEqual({}), { timeout: 5000 });
      expect(upstreamNow().requests).toHaveLength(asked);
      await vi.waitFor(() => expect(timers()).toBe(idle), { timeout: 5000 });
      expect(gateway?.health().map(({ running }) => running)).toEqual([0]);
    });

    it('holds back the upstream of a client that does not read', async () => {
      upstreamNow().always(head(200, eventStream), write(role), offer(letter, OFFERED));
      const url = await target();
      globalThis.gc?.();
      const before = process.memoryUsage.rss();
      const coming = arrival();
      const { hangUp } = await open(url, sent);
      const request = await coming;
      await untilStill(() => request.written);
      expect(process.memoryUsage.rss() - before).toBeLessThan(32 * MEGABYTE);
      expect(request.written).toBeLessThan(OFFERED / 10);
      hangUp();
      await request.socket.closed;
    });
  });
}

function under100(milliseconds: unknown): boolean {
  return typeof milliseconds === 'number' && milliseconds < 100;
}

/** Waits until a count has stopped growing: for a tenth of a second, and for ten seconds at most. */
async function untilStill(count: () => number): Promise<void> {
  let last = -1;
  for (let rounds = 0; rounds < 100 && (last !== count() || last === 0); rounds += 1) {
    last = count();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What keeps the process alive, by kind. */
function resources(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** The kinds of which there are more than before, and how many. The clock of the wait itself does not count. */
function more(now: Readonly<Record<string, number>>, before: Readonly<Record<string, number>>): object {
  const grown = Object.entries(now).filter(([kind, count]) => kind !== 'Timeout' && count > (before[kind] ?? 0));
  return Object.fromEntries(grown);
}

/** The machine's clock, and how many of its timers are set. */
function countingClock(): { readonly clock: Clock; readonly timers: () => number } {
  const set = new Set<object>();
  const clock: Clock = {
    now: () => Date.now(),
    after(milliseconds, callback) {
      const timer = {};
      set.add(timer);
      const cancel = systemClock.after(milliseconds, () => {
        set.delete(timer);
        callback();
      });
      return () => {
        set.delete(timer);
        cancel();
      };
    },
  };
  return { clock, timers: () => set.size };
}
