// Starts every example as its package says, without any provider's key, asks it once streamed and once not, and stops it
// with the signal of Ctrl-C.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const START_MS = 30_000;
const KEY = 'sk-or-v1-key-of-the-examples-run';

for (const name of readdirSync('examples')) {
  const folder = join('examples', name);
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const [command, ...args] = scripts.start.split(' ');
  const child = spawn(command === 'node' ? process.execPath : command, args, {
    cwd: folder,
    env: { ...withoutProviders(process.env), PORT: '0', GATEHOUSE_KEY: KEY },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    const { baseUrl, model } = await started(child);
    for (const stream of [false, true]) await ask(baseUrl, model, stream);
    child.kill('SIGINT');
    const [code] = await exited;
    if (code !== 0) throw new Error(`${name} ended with ${code}`);
    console.log(`${name}: answered, streamed and not, and stopped`);
  } finally {
    child.kill('SIGKILL');
  }
}

function withoutProviders(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/_(API_KEY|BASE_URL)$/.test(name)));
}

/** Waits until the example says where it listens and what it serves. */
function started(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error(`did not start: ${text}`)), START_MS);
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (piece) => {
      text += piece;
      const baseUrl = /http:\/\/127\.0\.0\.1:\d+\S*/.exec(text)?.[0];
      const model = /"model":"([^"]+)"/.exec(text)?.[1];
      if (baseUrl === undefined || model === undefined) return;
      clearTimeout(timer);
      resolve({ baseUrl, model });
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it was ready: ${text}`)));
  });
}

async function ask(baseUrl, model, stream) {
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }], stream }),
  });
  const text = await response.text();
  const whole = stream ? text.endsWith('data: [DONE]\n\n') : JSON.parse(text).choices[0].message.content.length > 0;
  if (response.status !== 200 || !whole) throw new Error(`expected an answer, got ${response.status}: ${text}`);
}
