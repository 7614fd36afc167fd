import { describe, expect, it } from 'vitest';
import { sourcesOf } from './source-files.js';

/** Every name that a package exports from its index, types included, in alphabetical order. */
function exportsOf(name: string): readonly string[] {
  const index = sourcesOf(name).find(({ path }) => path.endsWith('src/index.ts'))?.text ?? '';
  const names = [...index.matchAll(/export (?:type )?\{([^}]*)\} from/g)].flatMap((match) =>
    (match[1] ?? '').split(','),
  );
  const whole = [...index.matchAll(/export (?:type )?\* from '([^']+)'/g)].map((match) => `* from ${match[1]}`);
  return [...names.map((one) => one.trim()).filter((one) => one !== ''), ...whole].sort();
}

describe('public names', () => {
  for (const name of ['core', 'node', 'express', 'koa']) {
    it(`of @gatehouse/${name} change only on purpose`, async () => {
      await expect(`${exportsOf(name).join('\n')}\n`).toMatchFileSnapshot(`public-names/${name}.txt`);
    });
  }
});
