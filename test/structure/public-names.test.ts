import { describe, expect, it } from 'vitest';
import { sourcesOf } from './source-files.js';

/** Every name that a package exports from an entry, by default its index, types included, in alphabetical order. */
function exportsOf(name: string, entry = 'index'): readonly string[] {
  const index = sourcesOf(name).find(({ path }) => path.endsWith(`src/${entry}.ts`))?.text ?? '';
  const names = [...index.matchAll(/export (?:type )?\{([^}]*)\} from/g)].flatMap((match) =>
    (match[1] ?? '').split(','),
  );
  const whole = [...index.matchAll(/export (?:type )?\* from '([^']+)'/g)].map((match) => `* from ${match[1]}`);
  const own = [...index.matchAll(/^export (?:async )?(?:function|class|const|interface|type) (\w+)/gm)];
  const declared = own.map((match) => match[1] ?? '');
  return [...names.map((one) => one.trim()).filter((one) => one !== ''), ...whole, ...declared].sort();
}

describe('public names', () => {
  for (const name of ['core', 'node', 'express', 'koa']) {
    it(`of @gatehouse/${name} change only on purpose`, async () => {
      await expect(`${exportsOf(name).join('\n')}\n`).toMatchFileSnapshot(`public-names/${name}.txt`);
    });
  }

  for (const entry of ['sqlite', 'postgres']) {
    it(`of @gatehouse/sql/${entry} change only on purpose`, async () => {
      await expect(`${exportsOf('sql', entry).join('\n')}\n`).toMatchFileSnapshot(`public-names/sql-${entry}.txt`);
    });
  }
});
