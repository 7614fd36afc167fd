import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { expect, it, vi } from 'vitest';
import { ROOT } from '../structure/source-files.js';
import { jsonAnswer } from '../tools/openai-answers.js';
import { startUpstream } from '../tools/scripted-upstream.js';

const KEY = 'sk-or-v1-key-of-the-quickstart-test';
const MANAGEMENT_KEY = 'sk-or-v1-management-key-of-the-quickstart-test';

it('the quickstart serves Claude and Gemini where their keys are set, and keeps its books', async () => {
  const upstream = await startUpstream();
  upstream.respond(({ path }) =>
    jsonAnswer(
      200,
      path === '/v1/messages'
        ? {
            id: 'm',
            content: [{ type: 'text', text: 'claude' }],
            stop_reason: 'end_turn',
            usage: { input_tokens: 1, output_tokens: 1 },
          }
        : { candidates: [{ content: { parts: [{ text: 'gemini' }] }, finishReason: 'STOP' }] },
    ),
  );
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-quickstart-'));
  const environment = {
    GATEHOUSE_DB: join(folder, 'gateway.db'),
    ANTHROPIC_API_KEY: 'k',
    ANTHROPIC_BASE_URL: upstream.baseUrl,
    GEMINI_API_KEY: 'k',
    GEMINI_BASE_URL: upstream.baseUrl,
  };
  try {
    const first = await start(environment);
    expect(first.output()).toContain('The account has been granted 10 USD');
    expect(first.output()).toMatch(/Management key, shown this once: sk-or-v1-[0-9a-f]{64}/);
    const client = new OpenAI({ baseURL: first.baseURL, apiKey: KEY, maxRetries: 0 });
    const ask = async (model: string): Promise<unknown> => {
      const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'hello' }] });
      return answer.choices[0]?.message.content;
    };
    expect(await ask('anthropic/claude-sonnet-4.5')).toBe('claude');
    expect(await ask('google/gemini-2.5-pro')).toBe('gemini');
    expect(upstream.requests.map(({ path }) => path)).toEqual([
      '/v1/messages',
      '/v1/models/gemini-2.5-pro:generateContent',
    ]);
    // One token in at 3 USD a million, one out at 15.
    const line = 'anthropic/claude-sonnet-4.5: completed, 1 + 1 tokens, 0.000018 USD; 9.999982 USD left';
    await vi.waitFor(() => expect(first.output()).toContain(line));
    expect(await first.stop()).toBe(0);

    const second = await start({ ...environment, GATEHOUSE_MANAGEMENT_KEY: MANAGEMENT_KEY });
    expect(second.output()).not.toContain('has been granted');
    expect(second.output()).toContain('from GATEHOUSE_MANAGEMENT_KEY');
    const headers = { authorization: `Bearer ${MANAGEMENT_KEY}` };
    const credits = (await (await fetch(`${second.baseURL}/credits`, { headers })).json()) as { balance: number };
    expect(credits.balance).toBeLessThan(9.999_982);
    const keys = (await (await fetch(`${second.baseURL}/keys`, { headers })).json()) as { data: { name: string }[] };
    expect(keys.data.map(({ name }) => name)).toEqual(['quickstart management']);
    expect(await second.stop()).toBe(0);
  } finally {
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Starts the example as its package says, and waits for its welcome. */
async function start(environment: Readonly<Record<string, string>>): Promise<{
  readonly baseURL: string;
  output(): string;
  stop(): Promise<number | null>;
}> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--conditions=dev-source', '--import', 'tsx', 'src/main.ts'], {
    cwd: join(ROOT, 'examples', 'quickstart'),
    env: { PATH, HOME, PORT: '0', GATEHOUSE_KEY: KEY, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let text = '';
  const baseURL = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      const found = /http:\/\/127\.0\.0\.1:\d+\/api\/v1/.exec(text)?.[0];
      if (found !== undefined && text.includes('Ctrl-C stops')) resolve(found);
    });
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    child.once('exit', () => reject(new Error(`the example ended: ${text}`)));
  });
  return {
    baseURL,
    output: () => text,
    async stop() {
      child.kill('SIGINT');
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}
