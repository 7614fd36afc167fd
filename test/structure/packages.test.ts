import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { filesBelow, ROOT } from './source-files.js';

const manifest = z.looseObject({
  name: z.string(),
  scripts: z.record(z.string(), z.string()).default({}),
  dependencies: z.record(z.string(), z.string()).default({}),
  exports: z.unknown().optional(),
});
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];

function read(path: string): z.infer<typeof manifest> {
  return manifest.parse(JSON.parse(readFileSync(join(ROOT, path), 'utf8')));
}

const names = ['core', 'node', 'express', 'koa', 'sql'];

describe('packages', () => {
  it('run nothing at install, and neither does what they depend on', () => {
    for (const name of names) {
      const own = read(`packages/${name}/package.json`);
      expect(INSTALL_SCRIPTS.filter((script) => script in own.scripts)).toEqual([]);
      for (const dependency of Object.keys(own.dependencies).filter((one) => !one.startsWith('@gatehouse/'))) {
        const theirs = read(`packages/${name}/node_modules/${dependency}/package.json`);
        expect(INSTALL_SCRIPTS.slice(0, 3).filter((script) => script in theirs.scripts)).toEqual([]);
      }
    }
  });

  it('resolve to their source under the dev-source condition, which stands first', () => {
    for (const name of names) {
      const { exports } = read(`packages/${name}/package.json`);
      const entries = Object.values(z.record(z.string(), z.record(z.string(), z.string())).parse(exports));
      expect(entries.map((conditions) => Object.keys(conditions)[0])).toEqual(entries.map(() => 'dev-source'));
      expect(entries).not.toEqual([]);
    }
  });

  it('name no registry and no place of a machine', () => {
    const tracked = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
    const pattern = new RegExp(
      ['registry', '\\.[a-z]+\\.', '(?:org|com|dev)', '|/(?:ho', 'me|wo', 'rk|ro', 'ot)/[a-z]'].join(''),
    );
    const wrong = tracked.filter((path) => pattern.test(readFileSync(join(ROOT, path), 'utf8')));
    expect(wrong).toEqual([]);
  });
});

describe('documentation', () => {
  it('has a README in every package', () => {
    const readmes = filesBelow('packages', 'README.md').map(({ path }) => path);
    expect(readmes.toSorted()).toEqual(names.map((name) => `packages/${name}/README.md`).toSorted());
  });
});
