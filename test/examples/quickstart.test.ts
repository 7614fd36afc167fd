import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import OpenAI from 'openai';
import { expect, it } from 'vitest';
import { ROOT } from '../structure/source-files.js';
import { jsonAnswer } from '../tools/openai-answers.js';
import { startUpstream } from '../tools/scripted-upstream.js';

const KEY = 'sk-or-v1-key-of-the-quickstart-test';

it('the quickstart serves Claude and Gemini where their keys are set', async () => {
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
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--conditions=dev-source', '--import', 'tsx', 'src/main.ts'], {
    cwd: join(ROOT, 'examples', 'quickstart'),
    env: {
      PATH,
      HOME,
      PORT: '0',
      GATEHOUSE_KEY: KEY,
      ANTHROPIC_API_KEY: 'k',
      ANTHROPIC_BASE_URL: upstream.baseUrl,
      GEMINI_API_KEY: 'k',
      GEMINI_BASE_URL: upstream.baseUrl,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    const baseURL = await new Promise<string>((resolve) => {
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        const found = /http:\/\/127\.0\.0\.1:\d+\/api\/v1/.exec(text)?.[0];
        if (found !== undefined && text.includes('curl')) resolve(found);
      });
    });
    const client = new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0 });
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
  } finally {
    child.kill('SIGINT');
    const [code] = (await once(child, 'exit')) as [number | null];
    await upstream.close();
    expect(code).toBe(0);
  }
});
