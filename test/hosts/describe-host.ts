import {
  createGateway,
  type Gateway,
  type GatewayOptions,
  type MaybeIdentity,
  openaiCompatible,
} from '@gatehouse/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listen, type RunningHost } from '../tools/hosts.js';
import { ask, type WholeResponse } from '../tools/http-client.js';
import { completion, eventStream, sse, textChunks, textStream } from '../tools/openai-answers.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { end, head, split, write } from '../tools/upstream-steps.js';
import { describeHangUps } from './hang-ups.js';
import { type HostKind, KEY, type MountOptions } from './host-kind.js';

const BODY_LIMIT = 300_000;
const json = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` };
const question = { model: 'acme/small', messages: [{ role: 'user', content: 'Grüße 👋' }] };

/** A gateway in front of a scripted upstream. */
function gatewayFor(upstream: ScriptedUpstream, options: Partial<GatewayOptions> = {}): Gateway {
  return createGateway({
    providers: [openaiCompatible({ slug: 'acme', baseUrl: upstream.baseUrl, models: ['acme/small'], pricing: 'free' })],
    auth: { keys: [KEY] },
    limits: { bodyBytes: BODY_LIMIT },
    ...options,
  });
}

/** Proves that a host carries the gateway as it should. Call it from a test file. */
export function describeHost(kind: HostKind): void {
  describe(`on ${kind.name}`, () => {
    let upstream: ScriptedUpstream;
    let gateway: Gateway;
    let host: RunningHost | undefined;
    beforeAll(async () => {
      upstream = await startUpstream();
      gateway = gatewayFor(upstream);
    });
    afterAll(async () => {
      await gateway.close();
      await upstream.close();
    });
    beforeEach(() => upstream.always(completion('Hello')));
    afterEach(async () => {
      await host?.close();
      host = undefined;
    });

    const url = async (options: MountOptions, path: string, of: Gateway = gateway): Promise<string> => {
      host = await listen(kind.mount(of, options));
      return `${host.origin}${options.at === '/' ? '' : options.at}${path}`;
    };
    const chat = async (
      options: MountOptions,
      body: unknown,
      headers: Record<string, string> = json,
    ): Promise<WholeResponse> =>
      ask(await url(options, '/chat/completions'), {
        headers,
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      });

    // First: its count of what is left behind starts from nothing.
    describeHangUps(
      kind,
      (options) => gatewayFor(upstream, options),
      () => upstream,
    );

    for (const parser of [undefined, ...kind.parsers]) {
      describe(`behind ${parser ?? 'no parser'}`, () => {
        for (const at of kind.mounts) {
          it(`answers at ${at}`, async () => {
            const before = upstream.requests.length;
            const answer = await chat({ at, parser }, question);
            expect(answer.status).toBe(200);
            expect(answer.json()).toMatchObject({ choices: [{ message: { content: 'Hello' } }] });
            expect(upstream.requests[before]?.json()).toMatchObject({ messages: question.messages });
          });
        }

        it('streams', async () => {
          upstream.always(textStream('Hel', 'lo'));
          const answer = await chat({ at: '/api/v1', parser }, { ...question, stream: true });
          expect(answer.status).toBe(200);
          expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
          expect(answer.text).toMatch(/"content":"Hel".*"content":"lo".*data: \[DONE\]\n\n$/s);
        });

        it('refuses malformed JSON with 400, a long body with 413, another type with 415', async () => {
          expect((await chat({ at: '/api/v1', parser }, '{"model":')).status).toBe(400);
          await host?.close();
          const long = { ...question, messages: [{ role: 'user', content: 'x'.repeat(BODY_LIMIT) }] };
          expect((await chat({ at: '/api/v1', parser }, long)).status).toBe(413);
          await host?.close();
          const other = { ...json, 'content-type': 'text/plain' };
          expect((await chat({ at: '/api/v1', parser }, JSON.stringify(question), other)).status).toBe(415);
        });
      });
    }

    it('tells errors in one shape', async () => {
      const malformed = await chat({ at: '/api/v1' }, '{"model":');
      expect(malformed.headers['x-should-retry']).toBe('false');
      expect(malformed.json()).toMatchObject({
        error: { code: 'invalid_request', metadata: { error_type: 'invalid_request', code: 'invalid_request' } },
      });
    });

    it('answers 404, 405, HEAD and OPTIONS in JSON, of its own mount', async () => {
      const base = await url({ at: '/api/v1' }, '');
      const missing = await ask(`${base}/nothing/here`, { headers: json });
      expect(missing.status).toBe(404);
      expect(missing.json()).toMatchObject({ error: { code: 'not_found' } });
      const wrong = await ask(`${base}/chat/completions`, { method: 'DELETE', headers: json });
      expect(wrong.status).toBe(405);
      expect(wrong.headers.allow).toBe('POST, OPTIONS');
      expect(wrong.json()).toMatchObject({ error: { code: 'method_not_allowed' } });
      const options = await ask(`${base}/models`, { method: 'OPTIONS' });
      expect([options.status, options.headers.allow, options.text]).toEqual([204, 'GET, HEAD, OPTIONS', '']);
      const headOnly = await ask(`${base}/models`, { method: 'HEAD', headers: json });
      expect([headOnly.status, headOnly.text]).toEqual([200, '']);
      expect(headOnly.headers['content-type']).toBe('application/json; charset=utf-8');
    });

    it.skipIf(!kind.middleware)('passes on what is not its own, where the host says so', async () => {
      const base = await url({ at: '/api/v1', unhandled: 'next' }, '');
      for (const [method, path] of [
        ['GET', '/nothing/here'],
        ['DELETE', '/chat/completions'],
        ['OPTIONS', '/models'],
      ] as const) {
        const passed = await ask(`${base}${path}`, { method });
        expect([method, passed.status, passed.text]).toEqual([method, 299, 'the host itself']);
      }
      expect((await ask(`${base}/models`, { headers: json })).status).toBe(200);
    });

    it.skipIf(!kind.middleware)('lets the host say who is calling', async () => {
      const identify = (user: string | undefined): MaybeIdentity => {
        if (user === 'broken') throw new Error('secret of the host');
        return user === undefined ? undefined : { label: user, models: user === 'guest' ? ['other/*'] : ['*'] };
      };
      const errors: unknown[] = [];
      const own = gatewayFor(upstream, { onError: (error) => errors.push(error) });
      const target = await url({ at: '/api/v1', identify }, '/chat/completions', own);
      const as = (user: string | undefined): Promise<WholeResponse> =>
        ask(target, {
          headers: { 'content-type': 'application/json', ...(user !== undefined && { 'x-host-user': user }) },
          body: JSON.stringify(question),
        });
      expect((await as('ann')).status).toBe(200);
      expect((await as('guest')).status).toBe(403);
      expect((await as(undefined)).status).toBe(401);
      const broken = await as('broken');
      expect(broken.status).toBe(500);
      expect(broken.text).not.toContain('secret of the host');
      expect(errors).toHaveLength(1);
      await own.close();
    });

    it('keeps two gateways apart', async () => {
      const other = gatewayFor(upstream, { auth: { keys: ['sk-or-v1-key-of-the-other-gateway'] } });
      const first = await listen(kind.mount(gateway, { at: '/api/v1' }));
      const second = await listen(kind.mount(other, { at: '/api/v1' }));
      expect((await ask(`${first.origin}/api/v1/models`, { headers: json })).status).toBe(200);
      expect((await ask(`${second.origin}/api/v1/models`, { headers: json })).status).toBe(401);
      await Promise.all([first.close(), second.close(), other.close()]);
    });

    it('reads and relays multi-byte text split at every byte', async () => {
      const bytes = sse(textChunks(['Grüße ', '👋🏽', ' 東京']));
      upstream.always(head(200, eventStream), write(...split(bytes, 1)), end());
      const before = upstream.requests.length;
      const answer = await ask(await url({ at: '/api/v1' }, '/chat/completions'), {
        headers: json,
        body: JSON.stringify({ ...question, stream: true }),
        dribble: true,
      });
      expect(upstream.requests[before]?.json()).toMatchObject({ messages: question.messages });
      expect(contentOf(answer.text)).toBe('Grüße 👋🏽 東京');
    });

    it('answers a client that sends far more than it may', async () => {
      const body = Buffer.alloc(30_000_000, 'x');
      for (let round = 0; round < 3; round += 1) {
        const answer = await chat({ at: '/api/v1' }, body);
        expect([answer.status, answer.headers.connection]).toEqual([413, 'close']);
        expect(answer.json()).toMatchObject({ error: { code: 'payload_too_large' } });
        await host?.close();
      }
    });
  });
}

/** The text of a stream of server-sent events. */
function contentOf(text: string): string {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map(
      (event) =>
        (JSON.parse(event.slice(6)) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '',
    )
    .join('');
}
