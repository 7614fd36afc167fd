import { OpenRouter } from '@openrouter/sdk';
import * as openRouterErrors from '@openrouter/sdk/models/errors';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gate } from '../tools/gate.js';
import { hosts, listen, type RunningHost } from '../tools/hosts.js';
import { ask } from '../tools/http-client.js';
import { completion, failure, textStream } from '../tools/openai-answers.js';
import { hold } from '../tools/upstream-steps.js';
import { type AccountGateway, ANSWER_USD, DAY, MINUTE, startAccountGateway } from './account-gateway.js';

const UNKNOWN_KEY = `sk-or-v1-${'0'.repeat(64)}`;
const NOBODY = '0'.repeat(64);
const QUESTION = { model: 'acme/paid', messages: [{ role: 'user' as const, content: 'hello' }], max_tokens: 10 };

for (const [name, listenerOf] of Object.entries(hosts)) {
  describe(`official clients manage accounts on ${name}`, () => {
    let house: AccountGateway;
    let host: RunningHost;
    let admin: string;
    beforeAll(async () => {
      house = await startAccountGateway();
      host = await listen(listenerOf(house.gateway));
      admin = (await house.manager({ name: 'admin' })).key;
    });
    afterAll(async () => {
      await host.close();
      await house.close();
    });
    /** Counts the requests that reach the host while something is done. */
    const requestsOf = async (work: () => Promise<unknown>): Promise<number> => {
      let count = 0;
      const onRequest = (): void => {
        count += 1;
      };
      host.server.on('request', onRequest);
      await work();
      host.server.off('request', onRequest);
      return count;
    };

    describe('@openrouter/sdk', () => {
      const client = (apiKey = admin): OpenRouter =>
        new OpenRouter({ apiKey, serverURL: `${host.origin}/api/v1`, retryConfig: { strategy: 'none' } });

      it('creates, lists, reads, changes and deletes a key', async () => {
        const sdk = client();
        const expiresAt = new Date('2030-01-31T12:00:00.000Z');
        const plain = await sdk.apiKeys.create({ requestBody: { name: 'plain' } });
        expect(plain.key).toMatch(/^sk-or-v1-[0-9a-f]{64}$/);
        expect(plain.data).toMatchObject({
          name: 'plain',
          limit: null,
          limitReset: null,
          expiresAt: null,
          updatedAt: null,
        });
        const full = await sdk.apiKeys.create({
          requestBody: {
            name: 'full',
            limit: 12.5,
            limitReset: 'monthly',
            expiresAt,
            includeByokInLimit: true,
            creatorUserId: 'user-1',
            external: { user: 'partner-1' },
            workspaceId: 'default',
          },
        });
        expect(full.data).toMatchObject({
          limit: 12.5,
          limitRemaining: 12.5,
          limitReset: 'monthly',
          expiresAt,
          includeByokInLimit: true,
          creatorUserId: 'user-1',
          externalUser: 'partner-1',
          workspaceId: 'default',
        });
        const { hash } = full.data;
        const listed = await sdk.apiKeys.list();
        expect(listed.data.map((key) => key.name)).toEqual(['full', 'plain', 'admin']);
        expect((await sdk.apiKeys.list({ includeDisabled: true, offset: 1 })).data.map((key) => key.name)).toEqual([
          'plain',
          'admin',
        ]);
        expect((await sdk.apiKeys.get({ hash })).data).toMatchObject({ hash, name: 'full' });
        const changed = await sdk.apiKeys.update({
          hash,
          requestBody: { name: 'renamed', limit: null, limitReset: null, disabled: true, includeByokInLimit: false },
        });
        expect(changed.data).toMatchObject({
          name: 'renamed',
          limit: null,
          limitRemaining: null,
          limitReset: null,
          disabled: true,
        });
        expect(changed.data.updatedAt).not.toBeNull();
        for (const one of [hash, plain.data.hash])
          expect(await sdk.apiKeys.delete({ hash: one })).toEqual({ deleted: true });
        await expect(sdk.apiKeys.delete({ hash })).rejects.toBeInstanceOf(openRouterErrors.NotFoundResponseError);
      });

      it('reads its own key, whoever gave it', async () => {
        const user = await house.key({
          limit: 5,
          limit_reset: 'daily',
          rate_limit: { requests_per_minute: 1000 },
          expires_at: '2030-01-31T14:00:00+02:00',
        });
        const { data } = await client(user.key).apiKeys.getCurrentKeyMetadata();
        expect(data).toMatchObject({
          isManagementKey: false,
          limit: 5,
          limitReset: 'daily',
          organizationId: null,
          workspaceId: 'default',
          expiresAt: new Date('2030-01-31T12:00:00Z'),
          rateLimit: { requests: 1000, interval: '1m' },
          freeModelDailyRequests: { limit: -1, used: 0, remaining: -1 },
        });
        expect((await client().apiKeys.getCurrentKeyMetadata()).data).toMatchObject({
          isManagementKey: true,
          isProvisioningKey: true,
          limit: null,
        });
      });

      it('reads credits, limited and not', async () => {
        expect((await client().credits.getCredits()).data.totalCredits).toBe(9007199254740991);
        const account = `limited on ${name}`;
        const other = await house.manager({}, account);
        await house.gateway.credits.grant({ account, amount: 100, externalId: account });
        expect((await client(other.key).credits.getCredits()).data).toMatchObject({ totalCredits: 100, totalUsage: 0 });
      });

      it('reads generations, whole, streamed and failed, and the activity of the days before', async () => {
        const account = `active on ${name}`;
        const manager = await house.manager({}, account);
        const user = await house.key({}, account);
        const sdk = client(manager.key);
        const ids: string[] = [];
        const scripts = [completion('Hello'), textStream('Hello'), failure(400, { error: { message: 'no' } })];
        for (const [turn, script] of scripts.entries()) {
          house.upstream.next(script);
          const { headers } = await house.chat(user.key, { stream: turn === 1, user: 'ann', session_id: 's' });
          ids.push(String(headers['x-generation-id']));
        }
        for (const [turn, id] of ids.entries()) {
          const { data } = await sdk.generations.getGeneration({ id });
          expect(data).toMatchObject({
            id,
            model: 'acme/paid',
            usage: turn === 2 ? 0 : ANSWER_USD,
            streamed: turn === 1,
          });
        }
        await expect(sdk.generations.getGeneration({ id: 'gen-1-none' })).rejects.toBeInstanceOf(
          openRouterErrors.NotFoundResponseError,
        );
        house.clock.advance(DAY);
        const days = await sdk.analytics.getUserActivity();
        expect(days.data).toMatchObject([
          { model: 'acme/paid', requests: 3, usage: ANSWER_USD * 2, providerName: 'Acme' },
        ]);
        const date = days.data[0]?.date ?? '';
        const filtered = await sdk.analytics.getUserActivity({
          date,
          apiKeyHash: user.hash,
          userId: 'ann',
          groupBy: 'workspace',
          workspaceId: account,
        });
        expect(filtered.data).toMatchObject([{ requests: 3, workspaceId: account }]);
      });

      it('sees errors as its own types', async () => {
        const user = await house.key();
        const missing = { hash: NOBODY };
        const cases: readonly [() => Promise<unknown>, new (...args: never[]) => Error][] = [
          [() => client(UNKNOWN_KEY).apiKeys.list(), openRouterErrors.UnauthorizedResponseError],
          [() => client(UNKNOWN_KEY).apiKeys.getCurrentKeyMetadata(), openRouterErrors.UnauthorizedResponseError],
          [() => client(UNKNOWN_KEY).credits.getCredits(), openRouterErrors.UnauthorizedResponseError],
          [
            () => client(UNKNOWN_KEY).generations.getGeneration({ id: 'x' }),
            openRouterErrors.UnauthorizedResponseError,
          ],
          [() => client(user.key).credits.getCredits(), openRouterErrors.ForbiddenResponseError],
          [() => client(user.key).analytics.getUserActivity(), openRouterErrors.ForbiddenResponseError],
          [
            () => client(user.key).apiKeys.create({ requestBody: { name: 'x' } }),
            openRouterErrors.ForbiddenResponseError,
          ],
          [() => client().apiKeys.create({ requestBody: { name: '' } }), openRouterErrors.BadRequestResponseError],
          [() => client().apiKeys.list({ offset: -1 }), openRouterErrors.BadRequestResponseError],
          [() => client().analytics.getUserActivity({ date: 'x' }), openRouterErrors.BadRequestResponseError],
          [() => client().analytics.getUserActivity({ workspaceId: 'x' }), openRouterErrors.NotFoundResponseError],
          [() => client().apiKeys.get(missing), openRouterErrors.NotFoundResponseError],
          [() => client().apiKeys.update({ ...missing, requestBody: {} }), openRouterErrors.NotFoundResponseError],
          [
            () => client().apiKeys.update({ ...missing, requestBody: { limit: -1 } }),
            openRouterErrors.BadRequestResponseError,
          ],
          [() => client().apiKeys.delete(missing), openRouterErrors.NotFoundResponseError],
          [
            () => client().oAuth.exchangeAuthCodeForAPIKey({ requestBody: { code: 'x' } }),
            openRouterErrors.BadRequestResponseError,
          ],
        ];
        for (const [work, kind] of cases) await expect(work()).rejects.toBeInstanceOf(kind);
        const bounded = await house.key({ limit: 0, rate_limit: { requests_per_minute: 1 } });
        const send = (): Promise<unknown> =>
          client(bounded.key).chat.send({
            chatRequest: { model: 'acme/paid', messages: [{ role: 'user', content: 'x' }] },
          });
        await expect(send()).rejects.toBeInstanceOf(openRouterErrors.PaymentRequiredResponseError);
        await expect(send()).rejects.toBeInstanceOf(openRouterErrors.TooManyRequestsResponseError);
      });

      it('asks once where only the caller can mend it: no 5xx for that', async () => {
        // As it comes, it tries every 5xx again for an hour.
        const sdk = new OpenRouter({ apiKey: admin, serverURL: `${host.origin}/api/v1` });
        const count = await requestsOf(() => sdk.apiKeys.create({ requestBody: { name: '' } }).catch(() => undefined));
        expect(count).toBe(1);
      });
    });

    describe('openai', () => {
      const client = (apiKey: string, maxRetries = 2): OpenAI =>
        new OpenAI({ baseURL: `${host.origin}/api/v1`, apiKey, maxRetries });
      /** What a call throws, and how many requests it made. */
      const thrown = async (work: () => Promise<unknown>): Promise<readonly [unknown, number]> => {
        let error: unknown;
        const count = await requestsOf(() =>
          work().catch((one: unknown) => {
            error = one;
          }),
        );
        return [error, count];
      };

      it('raises 401, 402, 403, 404, 409 and 422 as its own errors, after one request', async () => {
        const user = await house.key();
        const poor = await house.key({ limit: 0 });
        const create = (key: string, body: object = {}, headers: Record<string, string> = {}): Promise<unknown> =>
          client(key).chat.completions.create({ ...QUESTION, ...body }, { headers });
        const waiting = gate();
        house.upstream.next(hold(waiting), completion('slow'));
        const running = create(user.key, {}, { 'idempotency-key': 'running' });
        await waiting.reached;
        for (const [work, kind, status, code] of [
          [() => create(UNKNOWN_KEY), OpenAI.AuthenticationError, 401, 'invalid_api_key'],
          [() => create(poor.key), OpenAI.APIError, 402, 'key_limit_exceeded'],
          [() => create(admin), OpenAI.PermissionDeniedError, 403, 'permission_denied'],
          [() => client(user.key).get('/generation?id=gen-1-none'), OpenAI.NotFoundError, 404, 'not_found'],
          [() => create(user.key, {}, { 'idempotency-key': 'running' }), OpenAI.ConflictError, 409, 'conflict'],
          [
            () => create(user.key, { user: 'x' }, { 'idempotency-key': 'running' }),
            OpenAI.UnprocessableEntityError,
            422,
            'unprocessable',
          ],
        ] as const) {
          const [error, requests] = await thrown(work);
          expect([status, requests]).toEqual([status, 1]);
          expect(error).toBeInstanceOf(kind);
          expect(error).toMatchObject({ status, code });
        }
        waiting.open();
        await running;
      });

      it('tries 429 and 503 again when they say so, and never what cannot pass', async () => {
        const slow = await house.key({ rate_limit: { requests_per_minute: 1 } });
        await client(slow.key).models.list();
        house.clock.advance(MINUTE - 1);
        const [limited, requests] = await thrown(() => client(slow.key).models.list());
        expect(limited).toBeInstanceOf(OpenAI.RateLimitError);
        expect(limited).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
        expect(requests).toBe(3);
        const small = await house.key({ rate_limit: { tokens_per_minute: 1 } });
        const [never, once] = await thrown(() => client(small.key).chat.completions.create(QUESTION));
        expect(never).toBeInstanceOf(OpenAI.RateLimitError);
        expect(once).toBe(1);
        const user = await house.key();
        house.store.set('down');
        const [down, twice] = await thrown(() => client(user.key, 1).models.list());
        house.store.set('up');
        expect(down).toBeInstanceOf(OpenAI.InternalServerError);
        expect(down).toMatchObject({ status: 503, code: 'service_unavailable' });
        expect(twice).toBe(2);
      });

      it('gets the same answer twice for one idempotency key', async () => {
        const user = await house.key();
        const create = (): Promise<OpenAI.ChatCompletion> =>
          client(user.key).chat.completions.create(QUESTION, { headers: { 'idempotency-key': 'same' } });
        expect(await create()).toEqual(await create());
      });
    });

    describe('never', () => {
      const send = (path: string, method: string, body?: object): ReturnType<typeof ask> =>
        ask(`${host.origin}/api/v1${path}`, {
          method,
          headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });

      it('a key made with 200, a deletion with 204 or without deleted:true', async () => {
        for (const path of ['/auth/keys', '/keys']) {
          const made = await send(path, 'POST', { name: 'x' });
          expect(made.status).toBe(201);
          const { data } = made.json() as { data: { hash: string } };
          const deleted = await send(`${path}/${data.hash}`, 'DELETE');
          expect([deleted.status, deleted.json()]).toEqual([200, { deleted: true }]);
        }
      });

      it('expires_at without an offset', async () => {
        const { key, data } = (
          await send('/keys', 'POST', { name: 'x', expires_at: '2031-05-01T00:00:00.5+05:30' })
        ).json() as { key: string; data: { hash: string; expires_at: string } };
        for (const answer of [
          await send(`/keys/${data.hash}`, 'GET'),
          await ask(`${host.origin}/api/v1/key`, { headers: { authorization: `Bearer ${key}` } }),
        ]) {
          expect((answer.json() as { data: unknown }).data).toMatchObject({ expires_at: '2031-04-30T18:30:00.500Z' });
        }
      });

      it('a word as error.code to the official SDK, on any of these routes', async () => {
        const agent = 'speakeasy-sdk/typescript 1.3.19 2.900.0 1.0.0 @openrouter/sdk';
        for (const [path, method, key] of [
          ['/key', 'GET', UNKNOWN_KEY],
          ['/credits?format=x', 'GET', admin],
          ['/keys', 'POST', admin],
          [`/keys/${NOBODY}`, 'GET', admin],
          [`/keys/${NOBODY}`, 'DELETE', admin],
          ['/keys/short', 'PATCH', admin],
          ['/usage?limit=0', 'GET', admin],
          ['/activity?date=x', 'GET', admin],
          ['/generation?id=none', 'GET', admin],
          ['/chat/completions', 'POST', admin],
        ] as const) {
          const answer = await ask(`${host.origin}/api/v1${path}`, {
            method,
            headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'user-agent': agent },
            ...(method !== 'GET' && method !== 'DELETE' && { body: '{}' }),
          });
          const { error } = answer.json() as { error: { code: unknown; metadata: Record<string, unknown> } };
          expect([path, error.code]).toEqual([path, answer.status]);
          expect(error.metadata).toMatchObject({ error_type: expect.any(String), code: expect.any(String) });
        }
      });
    });
  });
}
