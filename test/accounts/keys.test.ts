import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ANSWER_USD, accountGateways, DAY, dataOf, errorOf, MINUTE, NOON, until } from './account-gateway.js';

const start = accountGateways();

/** Every key of the key object, in the words of the wire. */
const KEY_FIELDS = [
  'hash id name label disabled scopes limit limit_remaining limit_reset resets_at include_byok_in_limit',
  'usage usage_daily usage_weekly usage_monthly byok_usage byok_usage_daily byok_usage_weekly byok_usage_monthly',
  'rate_limit models tags transforms metadata created_at updated_at last_used_at expires_at created_by creator_user_id',
  'external_user workspace_id',
]
  .join(' ')
  .split(' ')
  .toSorted();
/** What `GET /key` has beside them. */
const CURRENT_FIELDS = [
  ...KEY_FIELDS,
  'is_free_tier',
  'is_management_key',
  'is_provisioning_key',
  'organization_id',
  'allowed_data_regions',
  'free_model_daily_requests',
].toSorted();

interface Created {
  readonly key: string;
  readonly data: Readonly<Record<string, unknown>> & { readonly hash: string };
}

describe('R-M40 the text of a key', () => {
  it('R-M40 is a prefix and 64 hex digits, and its id is the SHA-256 of all of it', async () => {
    const { manager, ask: send } = await start();
    const admin = await manager();
    for (const path of ['/auth/keys', '/keys', '/keys/']) {
      const answer = await send(path, { key: admin.key, body: { name: 'x' } });
      expect(answer.status).toBe(201);
      const { key, data } = answer.json() as Created;
      expect(key).toMatch(/^sk-or-v1-[0-9a-f]{64}$/);
      const hash = createHash('sha256').update(key).digest('hex');
      expect(data).toMatchObject({ hash, id: hash, label: `${key.slice(0, 12)}...${key.slice(-3)}` });
      expect(JSON.stringify(data)).not.toContain(key.slice(12, -3));
    }
  });

  it('R-M40 R-V35 is shown once: in no later answer, no row, no call to the store', async () => {
    const { manager, ask: send, chat, store, gateway } = await start();
    const admin = await manager();
    const { key, data } = (await send('/keys', { key: admin.key, body: { name: 'x' } })).json() as Created;
    await chat(key);
    const answers = [
      await send('/keys', { key: admin.key }),
      await send(`/keys/${data.hash}`, { key: admin.key }),
      await send(`/keys/${data.hash}`, { key: admin.key, method: 'PATCH', body: { name: 'y' } }),
      await send('/key', { key }),
      await send('/usage?group_by=key', { key: admin.key }),
      await send(`/keys/${key}`, { key: admin.key }),
      await send(`/keys/${data.hash}`, { key: admin.key, method: 'DELETE' }),
      await chat(key),
    ];
    const secrets = [key, admin.key].map((text) => text.slice(12, -3));
    for (const secret of secrets) {
      for (const { text, headers } of answers) expect(text + JSON.stringify(headers)).not.toContain(secret);
      const calls = JSON.stringify(store.calls, (_, value: unknown) =>
        typeof value === 'bigint' ? `${value}` : value,
      );
      expect(calls).not.toContain(secret);
      expect(JSON.stringify(await gateway.keys.list({ includeDisabled: true }))).not.toContain(secret);
    }
  });

  it('begins as the host says', async () => {
    const { key: make, ask: send } = await start({ auth: { keyPrefix: 'acme-live-' } });
    const { key } = await make();
    expect(key).toMatch(/^acme-live-[0-9a-f]{64}$/);
    expect(dataOf(await send('/key', { key }))['label']).toBe(`${key.slice(0, 13)}...${key.slice(-3)}`);
    await expect(start({ auth: { keyPrefix: 'No Good' } })).rejects.toThrow(TypeError);
  });
});

describe('the key object', () => {
  it('has every field, null where there is nothing', async () => {
    const { manager, ask: send } = await start();
    const admin = await manager();
    const { data } = (await send('/keys', { key: admin.key, body: { name: '  spaced  ' } })).json() as Created;
    expect(Object.keys(data).toSorted()).toEqual(KEY_FIELDS);
    expect(data).toEqual({
      hash: data.hash,
      id: data.hash,
      name: 'spaced',
      label: expect.stringMatching(/^sk-or-v1-[0-9a-f]{3}\.\.\.[0-9a-f]{3}$/),
      disabled: false,
      scopes: ['chat', 'route:explain', 'models:read', 'usage:own'],
      limit: null,
      limit_remaining: null,
      limit_reset: null,
      resets_at: null,
      include_byok_in_limit: false,
      usage: 0,
      usage_daily: 0,
      usage_weekly: 0,
      usage_monthly: 0,
      byok_usage: 0,
      byok_usage_daily: 0,
      byok_usage_weekly: 0,
      byok_usage_monthly: 0,
      rate_limit: null,
      models: null,
      tags: [],
      transforms: [],
      metadata: {},
      created_at: '2026-09-23T12:00:00.000Z',
      updated_at: null,
      last_used_at: null,
      expires_at: null,
      created_by: admin.hash,
      creator_user_id: null,
      external_user: null,
      workspace_id: 'default',
    });
    for (const one of [
      dataOf(await send(`/keys/${data.hash}`, { key: admin.key })),
      dataOf<readonly object[]>(await send('/keys', { key: admin.key }))[0] ?? {},
      dataOf(await send(`/keys/${data.hash}`, { key: admin.key, method: 'PATCH', body: {} })),
    ]) {
      expect(Object.keys(one).toSorted()).toEqual(KEY_FIELDS);
    }
  });

  it('keeps all that it is given', async () => {
    const { manager, ask: send } = await start();
    const admin = await manager();
    const { data } = (
      await send('/keys', {
        key: admin.key,
        body: {
          name: 'n',
          scopes: ['models:read'],
          limit: 12.345678901,
          limit_reset: 'monthly',
          rate_limit: { requests_per_minute: 1_000_000, tokens_per_minute: 1_000_000_000 },
          models: ['ACME/*'],
          expires_at: '2030-01-31T02:00:00+02:00',
          tags: ['team:a', 'x y'],
          metadata: { owner: 'ann' },
          include_byok_in_limit: true,
          creator_user_id: 'u1',
          external: { user: 'e1' },
          workspace_id: 'default',
        },
      })
    ).json() as Created;
    expect(data).toMatchObject({
      limit: 12.345678901,
      limit_remaining: 12.345678901,
      limit_reset: 'monthly',
      resets_at: '2026-10-01T00:00:00.000Z',
      rate_limit: { requests_per_minute: 1_000_000, tokens_per_minute: 1_000_000_000 },
      models: ['ACME/*'],
      expires_at: '2030-01-31T00:00:00.000Z',
      tags: ['team:a', 'x y'],
      metadata: { owner: 'ann' },
      include_byok_in_limit: true,
      creator_user_id: 'u1',
      external_user: 'e1',
    });
  });

  it('GET /key has what versions of the official SDK demand, for keys and for callers of the configuration', async () => {
    const configured = 'sk-or-v1-configured-by-the-host';
    const { key: make, manager, ask: send } = await start({ auth: { keys: [configured] } });
    const user = await make({ rate_limit: { requests_per_minute: 60 } });
    for (const path of ['/key', '/auth/key']) {
      for (const key of [user.key, configured, (await manager()).key]) {
        const data = dataOf(await send(path, { key }));
        expect(Object.keys(data).toSorted()).toEqual(CURRENT_FIELDS);
      }
    }
    expect(dataOf(await send('/key', { key: user.key }))).toMatchObject({
      is_free_tier: false,
      is_management_key: false,
      is_provisioning_key: false,
      organization_id: null,
      allowed_data_regions: ['global'],
      free_model_daily_requests: { limit: -1, used: 0, remaining: -1 },
      rate_limit: { requests: 60, interval: '1m', requests_per_minute: 60, tokens_per_minute: -1 },
    });
    expect(dataOf(await send('/key', { key: (await manager()).key }))).toMatchObject({
      is_management_key: true,
      is_provisioning_key: true,
      rate_limit: { requests: -1 },
    });
  });

  it('counts what was used, and notes the last use once a minute', async () => {
    const { key: make, manager, chat, clock, ask: send, store } = await start();
    const admin = await manager();
    const { key, hash } = await make({ limit: 1 });
    const shown = async (): Promise<object> => dataOf(await send(`/keys/${hash}`, { key: admin.key }));
    await chat(key);
    await chat(key);
    const usage = ANSWER_USD * 2;
    expect(await shown()).toMatchObject({
      usage,
      usage_daily: usage,
      usage_weekly: usage,
      usage_monthly: usage,
      limit_remaining: 1 - usage,
      last_used_at: '2026-09-23T12:00:00.000Z',
    });
    expect(store.callsOf('keys', 'touch').filter(([touched]) => touched === hash)).toHaveLength(1);
    clock.advance(MINUTE);
    await chat(key);
    expect(await shown()).toMatchObject({ last_used_at: '2026-09-23T12:01:00.000Z' });
    clock.advance(DAY);
    expect(await shown()).toMatchObject({ usage: ANSWER_USD * 3, usage_daily: 0, usage_weekly: ANSWER_USD * 3 });
    clock.advance(5 * DAY);
    expect(await shown()).toMatchObject({ usage_weekly: 0, usage_monthly: ANSWER_USD * 3 });
    clock.advance(5 * DAY);
    expect(await shown()).toMatchObject({ usage: ANSWER_USD * 3, usage_monthly: 0 });
  });
});

describe('R-V04 fields of a key', () => {
  it('R-V04 that are unknown or wrong are 400 and name themselves', async () => {
    const { manager, ask: send, gateway } = await start();
    const admin = await manager();
    const long = 'x'.repeat(101);
    const wrong: readonly [object, string][] = [
      [{ limt: 5 }, 'limt'],
      [{ key: 'sk-or-v1-mine' }, 'key'],
      [{ account: 'other' }, 'account'],
      [{ disabled: true }, 'disabled'],
      [{ hash: 'x' }, 'hash'],
      [{ inherited_models: [] }, 'inherited_models'],
      [{ name: '' }, 'name'],
      [{ name: '   ' }, 'name'],
      [{ name: long }, 'name'],
      [{ name: 5 }, 'name'],
      [{ name: null }, 'name'],
      [{ scopes: ['admin'] }, 'scopes.0'],
      [{ scopes: 'chat' }, 'scopes'],
      [{ scopes: Array.from({ length: 17 }, () => 'chat') }, 'scopes'],
      [{ limit: '5' }, 'limit'],
      [{ limit: -1 }, 'limit'],
      [{ limit: 1e9 + 1 }, 'limit'],
      [{ limit: 0.1234567891 }, 'limit'],
      [{ limit_reset: 'yearly' }, 'limit_reset'],
      [{ rate_limit: 5 }, 'rate_limit'],
      [{ rate_limit: { requests: 5 } }, 'rate_limit.requests'],
      [{ rate_limit: { requests_per_minute: 0 } }, 'rate_limit.requests_per_minute'],
      [{ rate_limit: { requests_per_minute: 1.5 } }, 'rate_limit.requests_per_minute'],
      [{ rate_limit: { tokens_per_minute: 1e9 + 1 } }, 'rate_limit.tokens_per_minute'],
      [{ models: [] }, 'models'],
      [{ models: [''] }, 'models.0'],
      [{ models: ['x'.repeat(257)] }, 'models.0'],
      [{ models: Array.from({ length: 101 }, () => '*') }, 'models'],
      [{ expires_at: '2030-01-01' }, 'expires_at'],
      [{ expires_at: '2030-01-01T00:00:00' }, 'expires_at'],
      [{ expires_at: new Date(NOON).toISOString() }, 'expires_at'],
      [{ expires_at: 1_900_000_000 }, 'expires_at'],
      [{ tags: ['a,b'] }, 'tags.0'],
      [{ tags: ['x'.repeat(65)] }, 'tags.0'],
      [{ tags: Array.from({ length: 11 }, (_, at) => `t${at}`) }, 'tags'],
      [{ metadata: { a: 1 } }, 'metadata.a'],
      [{ metadata: { a: 'x'.repeat(513) } }, 'metadata.a'],
      [{ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`k${at}`, 'v'])) }, 'metadata'],
      [{ include_byok_in_limit: 'yes' }, 'include_byok_in_limit'],
      [{ creator_user_id: '' }, 'creator_user_id'],
      [{ external: 'e1' }, 'external'],
      [{ external: { user: 'e', more: 1 } }, 'external.more'],
      [{ workspace_id: 5 }, 'workspace_id'],
    ];
    const { total_count: before } = await gateway.keys.list();
    for (const [fields, path] of wrong) {
      const answer = await send('/keys', { key: admin.key, body: { name: 'x', ...fields } });
      expect([fields, answer.status]).toEqual([fields, 400]);
      const { code, message, metadata } = errorOf(answer);
      expect(code).toBe('invalid_request');
      expect([fields, message]).toEqual([
        fields,
        expect.stringMatching(new RegExp(`^${path.replaceAll('.', '\\.')}: `)),
      ]);
      expect((metadata['issues'] as readonly { path: string }[])[0]?.path).toBe(path);
      if ('disabled' in fields) continue;
      const patched = await send(`/keys/${admin.hash}`, { key: admin.key, method: 'PATCH', body: fields });
      expect([fields, patched.status]).toEqual([fields, 400]);
    }
    for (const body of [{}, [], 'x', null]) {
      expect((await send('/keys', { key: admin.key, body })).status).toBe(400);
    }
    expect((await gateway.keys.list()).total_count).toBe(before);
  });

  it('null of an optional field is as if it were absent', async () => {
    const { manager, ask: send } = await start();
    const { key } = await manager();
    const body = Object.fromEntries(
      [
        'scopes limit limit_reset rate_limit models expires_at tags metadata include_byok_in_limit creator_user_id',
        'external workspace_id',
      ]
        .join(' ')
        .split(' ')
        .map((name) => [name, null]),
    );
    const answer = await send('/keys', { key, body: { name: 'x', ...body } });
    expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
    expect(dataOf(answer)).toMatchObject({
      limit: null,
      scopes: ['chat', 'route:explain', 'models:read', 'usage:own'],
    });
  });

  it('that look like a key are not echoed', async () => {
    const { manager, key: make, ask: send } = await start();
    const { key } = await manager();
    const user = await make();
    const answer = await send('/keys', { key, body: { name: 'x', [user.key]: 1 } });
    expect([answer.status, errorOf(answer).message]).toEqual([400, 'unknown field']);
    expect(answer.text).not.toContain(user.key.slice(12, -3));
  });

  it('code is what the route is for elsewhere: it is not supported', async () => {
    const { manager, ask: send } = await start();
    const { key } = await manager();
    for (const body of [{ code: 'abc' }, { code: 'abc', code_verifier: 'x', code_challenge_method: 'S256' }]) {
      const answer = await send('/auth/keys', { key, body });
      expect([answer.status, errorOf(answer).code]).toEqual([400, 'unsupported_feature']);
      expect(errorOf(answer).metadata['feature']).toBe('pkce');
    }
  });
});

describe('PATCH', () => {
  it('leaves what is absent and clears what is null', async () => {
    const { manager, ask: send, clock } = await start();
    const { key } = await manager();
    const fields = {
      name: 'one',
      scopes: ['chat'],
      limit: 5,
      limit_reset: 'daily',
      rate_limit: { requests_per_minute: 10, tokens_per_minute: 100 },
      models: ['acme/*'],
      expires_at: '2030-01-01T00:00:00Z',
      tags: ['a'],
      metadata: { a: 'b' },
      include_byok_in_limit: true,
      creator_user_id: 'u',
      external: { user: 'e' },
    };
    const { data } = (await send('/keys', { key, body: fields })).json() as Created;
    const path = `/auth/keys/${data.hash}`;
    const patch = async (body: object): Promise<object> => {
      const answer = await send(path, { key, method: 'PATCH', body });
      expect(answer.status).toBe(200);
      return dataOf(answer);
    };
    clock.advance(1000);
    const touched = await patch({});
    expect(touched).toEqual({ ...data, updated_at: '2026-09-23T12:00:01.000Z' });
    expect(await patch({ name: ' two ', disabled: true, rate_limit: { tokens_per_minute: null } })).toEqual({
      ...touched,
      name: 'two',
      disabled: true,
      rate_limit: { requests_per_minute: 10, tokens_per_minute: null },
    });
    const cleared = await patch({
      disabled: false,
      limit: null,
      limit_reset: null,
      rate_limit: null,
      models: null,
      expires_at: null,
      tags: null,
      metadata: null,
      creator_user_id: null,
      external: null,
      include_byok_in_limit: null,
    });
    expect(cleared).toMatchObject({
      name: 'two',
      scopes: ['chat'],
      disabled: false,
      limit: null,
      limit_remaining: null,
      limit_reset: null,
      resets_at: null,
      rate_limit: null,
      models: null,
      expires_at: null,
      tags: [],
      metadata: {},
      include_byok_in_limit: false,
      creator_user_id: null,
      external_user: null,
    });
    expect(dataOf(await send(path, { key }))).toEqual(cleared);
    for (const body of [{ name: null }, { scopes: null }, { disabled: null }]) {
      expect([body, (await send(path, { key, method: 'PATCH', body })).status]).toEqual([body, 400]);
    }
  });

  it('of one key at the same time: one wins, the other is a conflict that may be sent again', async () => {
    const { manager, key: make, ask: send, store } = await start();
    const { key } = await manager();
    const { hash } = await make();
    const before = store.callsOf('keys', 'find').length;
    store.set('late', 'keys');
    const patch = (name: string): ReturnType<typeof send> =>
      send(`/keys/${hash}`, { key, method: 'PATCH', body: { name } });
    const both = [patch('a'), patch('b')];
    // Both are authenticated by one query, then both read the key, and only then write it.
    await until(() => store.callsOf('keys', 'find').length === before + 1);
    await new Promise((resolve) => setImmediate(resolve));
    store.release();
    await until(() => store.callsOf('keys', 'find').length >= before + 3);
    store.set('up', 'keys');
    store.release();
    const answers = await Promise.all(both);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    const conflict = answers.find(({ status }) => status === 409);
    if (conflict === undefined) throw new Error('there was no conflict');
    expect(errorOf(conflict).code).toBe('conflict');
    expect(conflict.headers['x-should-retry']).toBe('true');
  });
});

describe('DELETE', () => {
  it('is 200 with deleted:true, once; then the key is 404, and its usage stays', async () => {
    const { manager, key: make, ask: send, chat } = await start();
    const admin = await manager();
    const { key, hash } = await make();
    await chat(key);
    const first = await send(`/auth/keys/${hash}`, { key: admin.key, method: 'DELETE' });
    expect([first.status, first.text]).toEqual([200, '{"deleted":true}']);
    for (const method of ['DELETE', 'GET', 'PATCH']) {
      const again = await send(`/keys/${hash}`, { key: admin.key, method, ...(method === 'PATCH' && { body: {} }) });
      expect([method, again.status, errorOf(again).code]).toEqual([method, 404, 'not_found']);
    }
    const { data } = (await send('/usage?group_by=key', { key: admin.key })).json() as { data: readonly object[] };
    expect(data).toEqual([expect.objectContaining({ key: hash, requests: 1, usage: ANSWER_USD })]);
  });

  it('lets a request that is under way end, and bills it', async () => {
    const { manager, key: make, ask: send, chat, store, gateway } = await start();
    const admin = await manager();
    const { key, hash } = await make();
    store.set('held', 'ledger');
    const running = chat(key);
    await until(() => store.callsOf('ledger', 'reserve').length === 1);
    expect((await send(`/keys/${hash}`, { key: admin.key, method: 'DELETE' })).status).toBe(200);
    store.set('up');
    store.release();
    expect((await running).status).toBe(200);
    expect((await gateway.usage({ group_by: 'key' })).data).toMatchObject([{ key: hash, usage: ANSWER_USD }]);
    expect((await chat(key)).status).toBe(401);
  });
});

describe('the id in the path', () => {
  it('is the hash in either case', async () => {
    const { manager, key: make, ask: send } = await start();
    const { key } = await manager();
    const { hash } = await make();
    for (const id of [hash.toUpperCase(), hash, `${hash}/`]) {
      expect(dataOf(await send(`/keys/${id}`, { key }))['hash']).toBe(hash);
    }
    expect(
      dataOf(await send(`/keys/${hash.toUpperCase()}`, { key, method: 'PATCH', body: { name: 'z' } }))['hash'],
    ).toBe(hash);
    expect((await send(`/keys/${hash.toUpperCase()}`, { key, method: 'DELETE' })).status).toBe(200);
  });

  it('anything else is 400 and is not echoed, least of all the key itself', async () => {
    const { manager, key: make, ask: send } = await start();
    const { key } = await manager();
    const user = await make();
    for (const id of [
      user.key,
      encodeURIComponent(user.key),
      'short',
      'a'.repeat(63),
      'a'.repeat(65),
      'g'.repeat(64),
      `${'a'.repeat(64)}%0a`,
      '%27%20OR%201=1',
    ]) {
      for (const method of ['GET', 'PATCH', 'DELETE']) {
        const answer = await send(`/auth/keys/${id}`, { key, method, ...(method === 'PATCH' && { body: {} }) });
        expect([id, method, answer.status]).toEqual([id, method, 400]);
        expect(errorOf(answer).message).toMatch(/^key_id: /);
        if (id.length > 6) expect(answer.text + JSON.stringify(answer.headers)).not.toContain(decodeURIComponent(id));
      }
    }
    expect((await send('/key', { key: user.key })).status).toBe(200);
  });

  it('of another account is 404, for every method', async () => {
    const { manager, key: make, ask: send } = await start();
    const { key } = await manager({}, 'ours');
    const theirs = await make({}, 'theirs');
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const answer = await send(`/keys/${theirs.hash}`, {
        key,
        method,
        ...(method === 'PATCH' && { body: { name: 'mine' } }),
      });
      expect([method, answer.status]).toEqual([method, 404]);
    }
    expect((await send('/keys', { key })).text).not.toContain(theirs.hash);
    expect(dataOf(await send('/key', { key: theirs.key }))).toMatchObject({ name: 'a key', workspace_id: 'theirs' });
  });
});

describe('GET /keys', () => {
  it('lists the newest first, in pages, without the disabled ones unless they are asked for, and by tag', async () => {
    const { manager, key: make, ask: send, gateway, clock } = await start();
    const { key } = await manager();
    for (const name of ['a', 'b', 'c']) {
      clock.advance(1);
      await make({ name, tags: name === 'b' ? ['blue'] : [] });
    }
    const list = async (query: string): Promise<unknown> => {
      const answer = await send(`/keys${query}`, { key });
      expect(answer.status).toBe(200);
      const { data, total_count: total } = answer.json() as {
        data: readonly { name: string; hash: string }[];
        total_count: number;
      };
      return [data.map(({ name }) => name).join(' '), total];
    };
    expect(await list('')).toEqual(['c b a a manager', 4]);
    expect(await list('?limit=2')).toEqual(['c b', 4]);
    expect(await list('?offset=1&limit=2')).toEqual(['b a', 4]);
    expect(await list('?offset=9')).toEqual(['', 4]);
    expect(await list('?tag=blue')).toEqual(['b', 1]);
    const { data } = await gateway.keys.list({ tag: 'blue' });
    await gateway.keys.change(data[0]?.hash ?? '', { disabled: true });
    expect(await list('')).toEqual(['c a a manager', 3]);
    expect(await list('?include_disabled=true')).toEqual(['c b a a manager', 4]);
    expect(await list('?include_disabled=false&unknown=1')).toEqual(['c a a manager', 3]);
  });

  it('names the parameter that is wrong', async () => {
    const { manager, ask: send } = await start();
    const { key } = await manager();
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'offset=-1', 'offset=1.5', 'include_disabled=yes']) {
      const answer = await send(`/auth/keys?${query}`, { key });
      expect([query, answer.status]).toEqual([query, 400]);
      expect(errorOf(answer).message).toMatch(new RegExp(`^${query.split('=')[0]}: `));
    }
  });
});
