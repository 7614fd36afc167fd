import type { KeyRecord, Scope } from '@gatehouse/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accountGateways, DAY, dataOf, errorOf, MINUTE, NOON } from './account-gateway.js';

const SEED = 20_260_923;
const RUNS = 300;
const SCOPES: readonly Scope[] = [
  'chat',
  'route:explain',
  'models:read',
  'usage:own',
  'usage:read',
  'credits:read',
  'keys:read',
  'keys:write',
  'chat:grant',
];
const MODELS = ['acme/paid', 'acme/free', 'other/large', 'other/large:free', 'acme'];

const start = accountGateways();

/** Every field that says what a key may do, at random; most of the values lie close together. */
const rights = fc.record(
  {
    scopes: fc.oneof(
      fc.uniqueArray(fc.constantFrom<string>(...SCOPES, 'inference', 'management'), { minLength: 1, maxLength: 5 }),
      fc.constantFrom(['inference'], ['management'], ['chat'], ['keys:read', 'keys:write']),
    ),
    limit: fc.constantFrom(null, 0, 1, 2, 5),
    limit_reset: fc.constantFrom(null, 'daily', 'weekly', 'monthly'),
    rate_limit: fc.oneof(
      fc.constant(null),
      fc.record(
        {
          requests_per_minute: fc.constantFrom(null, 1, 10, 20),
          tokens_per_minute: fc.constantFrom(null, 100, 1000),
        },
        { requiredKeys: [] },
      ),
    ),
    models: fc.oneof(
      fc.constant(null),
      fc.uniqueArray(fc.constantFrom('*', 'acme/*', 'ACME/*', 'acme/free', 'other/*', '*:free'), {
        minLength: 1,
        maxLength: 2,
      }),
    ),
    expires_at: fc.constantFrom(null, 10, 20, 30).map((days) => days && new Date(NOON + days * DAY).toISOString()),
  },
  { requiredKeys: [] },
);

/** One of these fields: less is refused. */
const right = fc
  .tuple(rights, fc.nat(5))
  .map(([all, at]) => Object.fromEntries(Object.entries(all).filter((_, position) => position === at)));

interface Step {
  readonly actor: number;
  readonly target: number;
  readonly what: 'create' | 'change' | 'delete';
  readonly fields: object;
}
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    actor: fc.oneof(fc.constant(0), fc.nat(9)),
    target: fc.nat(9),
    what: fc.constantFrom('create', 'create', 'change', 'change', 'delete'),
    fields: fc.oneof(rights, right),
  }),
  { minLength: 4, maxLength: 10 },
);

function gives(giver: readonly Scope[], scope: Scope): boolean {
  if (giver.includes(scope)) return true;
  if (scope === 'chat' || scope === 'route:explain') return giver.includes('chat:grant');
  return scope === 'usage:own' && giver.includes('usage:read');
}

/** The most that a key can spend in so many days that begin at the start of every window. */
function mostIn(days: number, { limit, limitReset }: KeyRecord): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  const windows = { daily: days, weekly: Math.ceil(days / 7), monthly: Math.ceil(days / 31), lifetime: 1 };
  return Number(limit) * windows[limitReset ?? 'lifetime'];
}

function mayUse({ models, inheritedModels }: KeyRecord, model: string): boolean {
  const fits = (glob: string): boolean =>
    new RegExp(
      `^${glob
        .split('*')
        .map((part) => part.replace(/[.]/g, '\\.'))
        .join('.*')}$`,
      'i',
    ).test(model);
  return [...inheritedModels, ...(models === undefined ? [] : [models])].every((list) => list.some(fits));
}

/** What a key has that whoever acts could not give, told by what it can do and not by its fields. */
function excess(key: KeyRecord, giver: KeyRecord): readonly string[] {
  const infinite = Number.POSITIVE_INFINITY;
  return [
    ...key.scopes.filter((scope) => !gives(giver.scopes, scope)),
    ...[1, 7, 31, 365, 3650].filter((days) => mostIn(days, key) > mostIn(days, giver)).map((days) => `${days} days`),
    ...((key.requestsPerMinute ?? infinite) > (giver.requestsPerMinute ?? infinite) ? ['requests'] : []),
    ...((key.tokensPerMinute ?? infinite) > (giver.tokensPerMinute ?? infinite) ? ['tokens'] : []),
    ...((key.expiresAt ?? infinite) > (giver.expiresAt ?? infinite) ? ['expiry'] : []),
    ...MODELS.filter((model) => mayUse(key, model) && !mayUse(giver, model)),
    ...(key.scopes.includes('chat') && key.scopes.includes('keys:write') ? ['chat beside keys:write'] : []),
  ];
}

describe('R-V04 T17 rights of keys', () => {
  it('R-V04 no key that is made, changed or removed ever has a right that whoever acts could not give', async () => {
    const { gateway, store, clock, ask: send } = await start();
    const done = { created: 0, changed: 0, removed: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(rights, rights, steps, async (first, second, actions) => {
        const keys: { readonly text: string; readonly hash: string }[] = [];
        const host = async (fields: object): Promise<void> => {
          try {
            const { key, data } = await gateway.keys.create({ name: 'root', ...fields });
            keys.push({ text: key, hash: data.hash });
          } catch {
            // Both chat and keys:write: there is no such key.
          }
        };
        await host({ ...first, scopes: ['management'] });
        await host({ ...second, scopes: ['keys:write', 'models:read'] });
        await host(second);
        await host({});
        for (const { actor, target, what, fields } of actions) {
          const who = keys[actor % keys.length];
          const whom = keys[target % keys.length];
          if (who === undefined || whom === undefined) continue;
          clock.advance(MINUTE);
          const giver = await store.keys.find(who.hash);
          const before = await store.keys.find(whom.hash);
          const path = what === 'create' ? '/auth/keys' : `/keys/${whom.hash}`;
          const method = { create: 'POST', change: 'PATCH', delete: 'DELETE' }[what];
          const body = what === 'delete' ? undefined : { ...fields, ...(what === 'create' && { name: 'child' }) };
          const answer = await send(path, { key: who.text, method, body });
          if (answer.status >= 400) {
            expect([400, 401, 403, 404]).toContain(answer.status);
            expect(await store.keys.find(whom.hash)).toEqual(
              before === undefined ? undefined : expect.objectContaining({ version: before.version }),
            );
            done.refused += 1;
            continue;
          }
          if (giver === undefined) throw new Error('a key that is gone was let in');
          expect(giver.scopes).toContain('keys:write');
          if (what === 'create') {
            const { key, data } = answer.json() as { readonly key: string; readonly data: { readonly hash: string } };
            keys.push({ text: key, hash: data.hash });
            const made = await store.keys.find(data.hash);
            if (made === undefined) throw new Error('the key was not kept');
            expect(excess(made, giver)).toEqual([]);
            expect(made.createdBy).toBe(giver.hash);
            done.created += 1;
          } else {
            if (before === undefined) throw new Error('a key that is gone was changed');
            expect(excess(before, giver)).toEqual([]);
            if (what === 'delete') {
              done.removed += 1;
              continue;
            }
            const after = await store.keys.find(whom.hash);
            if (after === undefined) throw new Error('the key is gone');
            expect(excess(after, giver)).toEqual([]);
            done.changed += 1;
          }
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
    // It is no proof where nothing was allowed, or nothing refused.
    for (const [what, count] of Object.entries(done)) expect([what, count > 20]).toEqual([what, true]);
  });

  it('R-V04 for every pair of scopes: given where it is owned or stands for it, else 403 that names it', async () => {
    const { manager, ask: send } = await start();
    for (const owned of SCOPES.filter((scope) => scope !== 'chat' && scope !== 'keys:write')) {
      const { key } = await manager({ scopes: ['keys:write', owned] });
      for (const wanted of SCOPES) {
        const answer = await send('/keys', { key, body: { name: 'child', scopes: [wanted] } });
        const isGiven = gives(['keys:write', owned], wanted);
        expect([owned, wanted, answer.status]).toEqual([owned, wanted, isGiven ? 201 : 403]);
        if (isGiven) continue;
        expect(errorOf(answer).code).toBe('permission_denied');
        expect(errorOf(answer).metadata).toMatchObject({ field: 'scopes', required_scope: wanted });
      }
    }
  });

  it('R-V04 chat and keys:write exclude each other, however they are asked for', async () => {
    const { gateway, manager, ask: send } = await start();
    const { key, hash } = await manager();
    for (const scopes of [
      ['chat', 'keys:write'],
      ['inference', 'management'],
      ['inference', 'keys:write'],
    ]) {
      for (const [path, method] of [
        ['/keys', 'POST'],
        [`/keys/${hash}`, 'PATCH'],
      ] as const) {
        const answer = await send(path, { key, method, body: { name: 'both', scopes } });
        expect([scopes, answer.status]).toEqual([scopes, 400]);
        expect(errorOf(answer).message).toMatch(/^scopes: /);
      }
    }
    const configured = { key: 'sk-or-v1-configured-for-both', scopes: ['inference', 'management'] } as const;
    await expect(start({ auth: { keys: [configured] } })).rejects.toThrow(/^auth\.keys: /);
    await expect(gateway.keys.create({ name: 'both', scopes: ['inference', 'management'] })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('R-V04 management keys cannot infer, and inference keys cannot manage', async () => {
    const { key: make, manager, ask: send, chat, upstream } = await start();
    const admin = await manager();
    const user = await make();
    for (const answer of [
      await chat(admin.key),
      await chat(admin.key, { stream: true }),
      await send('/route/explain', {
        key: admin.key,
        body: { model: 'acme/free', messages: [{ role: 'user', content: 'x' }] },
      }),
    ]) {
      expect(answer.status).toBe(403);
      expect(['chat', 'route:explain']).toContain(errorOf(answer).metadata['required_scope']);
    }
    expect(upstream.requests).toHaveLength(0);
    for (const [path, method, scope] of [
      ['/keys', 'GET', 'keys:read'],
      ['/auth/keys', 'GET', 'keys:read'],
      ['/keys', 'POST', 'keys:write'],
      ['/auth/keys', 'POST', 'keys:write'],
      [`/keys/${user.hash}`, 'GET', 'keys:read'],
      [`/keys/${user.hash}`, 'PATCH', 'keys:write'],
      [`/auth/keys/${user.hash}`, 'DELETE', 'keys:write'],
      ['/credits', 'GET', 'credits:read'],
      ['/activity', 'GET', 'usage:read'],
    ] as const) {
      const answer = await send(path, { key: user.key, method, ...(method === 'POST' && { body: { name: 'x' } }) });
      expect([path, method, answer.status]).toEqual([path, method, 403]);
      expect(errorOf(answer).metadata['required_scope']).toBe(scope);
      expect(answer.headers['x-should-retry']).toBe('false');
    }
  });

  it('R-V04 absent is the value of whoever makes the key, null and more than that are 403 that names the field', async () => {
    const { manager, ask: send } = await start();
    const until = new Date(NOON + DAY).toISOString();
    const { key, hash } = await manager({
      limit: 10,
      limit_reset: 'weekly',
      rate_limit: { requests_per_minute: 60, tokens_per_minute: 1000 },
      expires_at: until,
      models: ['acme/*'],
    });
    const create = (fields: object): ReturnType<typeof send> =>
      send('/keys', { key, body: { name: 'child', ...fields } });
    expect(dataOf(await create({}))).toMatchObject({
      scopes: ['chat', 'route:explain', 'models:read', 'usage:own'],
      limit: 10,
      limit_reset: 'weekly',
      resets_at: '2026-09-28T00:00:00.000Z',
      rate_limit: { requests_per_minute: 60, tokens_per_minute: 1000 },
      expires_at: until,
      models: null,
      created_by: hash,
    });
    expect(dataOf(await create({ limit: 3, rate_limit: { requests_per_minute: 5 } }))).toMatchObject({
      limit: 3,
      limit_reset: 'weekly',
      rate_limit: { requests_per_minute: 5, tokens_per_minute: 1000 },
    });
    for (const fields of [
      { limit: 10 },
      { limit: 0 },
      { limit_reset: 'monthly' },
      { limit_reset: null },
      { models: ['*'] },
    ]) {
      expect([fields, (await create(fields)).status]).toEqual([fields, 201]);
    }
    for (const [fields, field] of [
      [{ limit: null }, 'limit'],
      [{ limit: 10.000000001 }, 'limit'],
      [{ limit_reset: 'daily' }, 'limit_reset'],
      [{ rate_limit: null }, 'rate_limit.requests_per_minute'],
      [{ rate_limit: { requests_per_minute: 61 } }, 'rate_limit.requests_per_minute'],
      [{ rate_limit: { tokens_per_minute: null } }, 'rate_limit.tokens_per_minute'],
      [{ expires_at: null }, 'expires_at'],
      [{ expires_at: new Date(NOON + DAY + 1).toISOString() }, 'expires_at'],
      [{ workspace_id: 'another' }, 'workspace_id'],
    ] as const) {
      const answer = await create(fields);
      expect([fields, answer.status]).toEqual([fields, 403]);
      expect(errorOf(answer).metadata['field']).toBe(field);
    }
  });

  it('R-V04 a model must match the list of every key in the chain, as it was when the key was made', async () => {
    const { manager, gateway, ask: send, chat } = await start();
    const top = await manager({ models: ['acme/*'] });
    const middle = (
      await send('/keys', { key: top.key, body: { name: 'm', scopes: ['management'], models: ['*free', '*paid'] } })
    ).json() as { key: string };
    const bottom = (
      await send('/keys', { key: middle.key, body: { name: 'b', models: ['*/free', 'other/*'] } })
    ).json() as { key: string };
    expect((await chat(bottom.key, { model: 'acme/free' })).status).toBe(200);
    const refused = await chat(bottom.key, { model: 'acme/paid' });
    expect([refused.status, errorOf(refused).code]).toEqual([403, 'model_not_allowed']);
    const listed = dataOf<readonly { id: string }[]>(await send('/models', { key: bottom.key }));
    expect(listed.map(({ id }) => id)).toEqual(['acme/free']);
    await gateway.keys.change(top.hash, { models: ['nothing'] });
    expect((await chat(bottom.key, { model: 'acme/free' })).status).toBe(200);
    // The manager's own list is not shown as the child's, and cannot be taken away from it.
    const { data } = (await send('/key', { key: bottom.key })).json() as { data: { models: unknown } };
    expect(data.models).toEqual(['*/free', 'other/*']);
  });

  it('R-V04 a caller can neither widen itself nor touch a key that has more than it could give', async () => {
    const { manager, key: make, ask: send } = await start();
    const small = await manager({ limit: 5, models: ['acme/*'] });
    const large = await manager();
    const rich = await make({ limit: 100 });
    for (const body of [
      { limit: null },
      { limit: 6 },
      { models: null },
      { models: ['*'] },
      { scopes: ['management', 'usage:own', 'chat:grant'] },
    ]) {
      const answer = await send(`/keys/${small.hash}`, { key: small.key, method: 'PATCH', body });
      expect([body, answer.status]).toEqual([body, 'scopes' in body ? 200 : 403]);
    }
    for (const hash of [large.hash, rich.hash]) {
      expect((await send(`/keys/${hash}`, { key: small.key, method: 'PATCH', body: { name: 'mine' } })).status).toBe(
        403,
      );
      expect((await send(`/keys/${hash}`, { key: small.key, method: 'PATCH', body: { disabled: true } })).status).toBe(
        403,
      );
      expect((await send(`/keys/${hash}`, { key: small.key, method: 'DELETE' })).status).toBe(403);
      expect((await send(`/keys/${hash}`, { key: large.key })).status).toBe(200);
    }
  });
});
