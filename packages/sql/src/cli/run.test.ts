import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGateway } from '@gatehouse/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlite } from '../sqlite.js';
import { run } from './run.js';

let folder: string;
let file: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'));
  file = join(folder, 'gateway.db');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a command line answers. */
async function gatehouse(...args: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  const out: string[] = [];
  const error: string[] = [];
  const terminal = {
    environment: { GATEHOUSE_DB: file },
    out: (line: string): void => void out.push(line),
    error: (line: string): void => void error.push(line),
  };
  return { code: await run(args, terminal), out: out.join('\n'), error: error.join('\n') };
}

describe('gatehouse', () => {
  it('makes a key that a gateway on the same database takes, shows it once, lists and revokes it', async () => {
    const made = await gatehouse('keys', 'create', '--name', 'admin', '--scopes', 'management', '--limit', '5');
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^sk-or-v1-[0-9a-f]{64}$/) });
    const gateway = createGateway({ providers: [], store: sqlite(file) });
    const ask = async (): Promise<number> => {
      const headers = { authorization: `Bearer ${made.out}` };
      return (await gateway.fetch('http://gateway/keys', { headers })).status;
    };
    expect(await ask()).toBe(200);
    const listed = await gatehouse('keys', 'list');
    const [hash = ''] = listed.out.split('\t');
    expect(listed.out).toContain('admin');
    expect(listed.out).not.toContain(made.out);
    expect(await gatehouse('keys', 'revoke', hash)).toMatchObject({ code: 0 });
    expect(await ask()).toBe(401);
    await gateway.close();
  });

  it('grants credits once for each id, and shows usage and what the audit says', async () => {
    const grant = ['credits', 'grant', '--amount', '12.5', '--id', 'payment-1', '--account', 'acme'];
    expect(await gatehouse(...grant)).toMatchObject({ code: 0, out: 'granted 12.5 USD; balance 12.5 USD' });
    expect((await gatehouse(...grant)).out).toBe('granted before, nothing changed; balance 12.5 USD');
    const conflict = await gatehouse('credits', 'grant', '--amount', '1', '--id', 'payment-1', '--account', 'acme');
    expect(conflict).toMatchObject({ code: 1, error: expect.stringContaining('externalId') });
    expect((await gatehouse('usage', '--account', 'acme')).out).toBe('total\t0 USD\t0 requests\t0 tokens');
    expect((await gatehouse('audit')).out).toBe('every sum equals its rows');
  });

  it.each([
    [['keys', 'create'], 2, 'expected --name'],
    [['keys', 'create', '--name', 'x', '--limit', 'much'], 2, '--limit: expected a number'],
    [['keys', 'create', '--name', 'x', '--scopes', 'everything'], 1, 'scopes.0'],
    [['keys', 'revoke', 'sk-or-v1-0'], 2, '64 hexadecimal digits'],
    [['keys', 'revoke', '0'.repeat(64)], 1, 'there is no such key'],
    [['credits', 'grant', '--id', '1'], 2, '--amount'],
    [['usage', '--group-by', 'colour'], 1, 'group_by'],
    [['keys', 'crate'], 2, 'there is no command "keys crate"'],
    [['--colour'], 2, "Unknown option '--colour'"],
  ])('says what is wrong with %j', async (args, code, text) => {
    const answer = await gatehouse(...args);
    expect([answer.code, answer.out]).toEqual([code, '']);
    expect(answer.error).toContain(text);
  });

  it('says why a database cannot be opened', async () => {
    const answer = await gatehouse('credits', 'show', '--db', join(folder, 'no', 'such', 'folder', 'gateway.db'));
    expect([answer.code, answer.out]).toEqual([1, '']);
    expect(answer.error).toMatch(/store .* not available: .*(?:open|directory)/i);
  });

  it('explains itself', async () => {
    expect(await gatehouse('--help')).toMatchObject({ code: 0, out: expect.stringContaining('gatehouse keys create') });
    expect((await gatehouse()).code).toBe(2);
  });
});
