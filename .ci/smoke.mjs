// Packs every package, installs the tarballs into an empty project with npm, and lets a host in ESM and one in CommonJS
// answer a request, streamed and not.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-smoke-'));
const tarballs = join(folder, 'tarballs');
const project = join(folder, 'project');

const body = `
const app = express();
const provider = defineProvider({
  slug: 'echo', name: 'Echo', models: ['echo/parrot'],
  async *generate(request) { yield 'You said: '; yield request.messages[0].content; },
});
const gateway = createGateway({ providers: [provider], auth: { keys: ['sk-or-v1-smoke-test-key'] } });
app.use('/api/v1', toExpress(gateway));
const server = app.listen(0, '127.0.0.1', async () => {
  for (const stream of [false, true]) {
    const response = await fetch(\`http://127.0.0.1:\${server.address().port}/api/v1/chat/completions\`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-or-v1-smoke-test-key', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'echo/parrot', messages: [{ role: 'user', content: 'hello' }], stream }),
    });
    const text = await response.text();
    if (response.status !== 200 || !text.includes('hello') || stream !== text.endsWith('[DONE]\\n\\n')) throw new Error(text);
  }
  console.log(process.argv[1], 'answered, streamed and not');
  server.close();
  await gateway.close();
});
`;

const hosts = {
  'host.mjs': `import express from 'express';
import { createGateway, defineProvider } from '@gatehouse/core';
import { toExpress } from '@gatehouse/express';
${body}`,
  'host.cjs': `const express = require('express');
const { createGateway, defineProvider } = require('@gatehouse/core');
const { toExpress } = require('@gatehouse/express');
${body}`,
};

function run(command, args, cwd) {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

/** What is packed is what was built: no tests, no build state, and for every source file its output. */
function checkFiles(tarball, source) {
  const packed = run('tar', ['-tzf', tarball], folder)
    .trim()
    .split('\n')
    .map((line) => line.replace(/^package\//, ''));
  const stray = packed.filter((file) => /\.test\.|tsbuildinfo|node_modules/.test(file));
  const sources = packed.filter((file) => file.startsWith('src/') && file.endsWith('.ts'));
  const missing = sources
    .flatMap((file) => ['.js', '.d.ts'].map((ending) => file.replace(/^src/, 'dist').replace(/\.ts$/, ending)))
    .filter((file) => !packed.includes(file));
  const wanted = ['package.json', 'README.md', 'LICENSE'].filter((file) => !packed.includes(file));
  if (stray.length > 0 || missing.length > 0 || wanted.length > 0 || sources.length === 0) {
    throw new Error(`${source}: packed wrongly: ${JSON.stringify({ stray, missing, wanted })}`);
  }
}

try {
  mkdirSync(tarballs);
  mkdirSync(project);
  for (const name of readdirSync('packages')) {
    run('npx', ['--yes', 'pnpm@10', 'pack', '--pack-destination', tarballs], resolve('packages', name));
  }
  const files = readdirSync(tarballs).map((file) => join(tarballs, file));
  for (const file of files) checkFiles(file, file);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'smoke', private: true }));
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...files, 'express@5'], project);
  for (const [name, text] of Object.entries(hosts)) {
    writeFileSync(join(project, name), text);
    process.stdout.write(run(process.execPath, [name], project));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
