import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGateway } from '@gatehouse/core';
import { afterAll, describe, expect, it } from 'vitest';
import { filesBelow, ROOT } from './source-files.js';

/** Inside the tests' own package, so that examples resolve what they import. */
const FOLDER = join(ROOT, 'test', '.readme');

const documents = [
  ...filesBelow('packages', 'README.md'),
  ...filesBelow('.', 'README.md').filter(({ path }) => path === 'README.md'),
];

it('tells the date of the bundled data', async () => {
  const gateway = createGateway({ providers: [], auth: { keys: ['a-key-of-the-test'], publicModels: true } });
  const answer = await gateway.fetch(new Request('http://gateway/models'));
  const { meta } = (await answer.json()) as { meta: { catalogue_date: string } };
  await gateway.close();
  expect(meta.catalogue_date).toMatch(/^\d{4}-\d\d-\d\d$/);
  expect(documents.find(({ path }) => path === 'README.md')?.text).toContain(`The data is of ${meta.catalogue_date}`);
});

describe('code in READMEs', () => {
  afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

  it('type-checks', () => {
    mkdirSync(FOLDER, { recursive: true });
    let count = 0;
    for (const { path, text } of documents) {
      for (const match of text.matchAll(/```ts\n(.*?)```/gs)) {
        count += 1;
        writeFileSync(join(FOLDER, `${path.replaceAll('/', '-')}-${count}.ts`), `${match[1] ?? ''}\nexport {};\n`);
      }
    }
    expect(count).toBeGreaterThan(5);
    const options = {
      noEmit: true,
      composite: false,
      declaration: false,
      declarationMap: false,
      isolatedDeclarations: false,
    };
    const config = {
      extends: '../../tsconfig.base.json',
      compilerOptions: { ...options, exactOptionalPropertyTypes: false },
    };
    writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify({ ...config, include: ['*.ts'] }));
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', FOLDER], { encoding: 'utf8' });
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
  });
});
