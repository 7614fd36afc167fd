import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of the repository. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

/** A TypeScript file of a package. */
export interface SourceFile {
  /** From the top of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** Every file below a folder whose name ends so; build output and dependencies are left out. */
export function filesBelow(folder: string, ending: string): readonly SourceFile[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !/(?:^|\/)(?:node_modules|dist|\.nodes)\//.test(path))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** The sources of a package, without its tests. */
export function sourcesOf(name: string): readonly SourceFile[] {
  return filesBelow(`packages/${name}/src`, '.ts').filter(({ path }) => !path.endsWith('.test.ts'));
}

/** What a file imports, types included, as written. */
export function importsOf(text: string): readonly string[] {
  return [...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^'";]*?from\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}

/** The path of a relative import, from the top of the repository. */
export function resolveImport(from: string, specifier: string): string {
  return normalize(join(dirname(from), specifier))
    .replaceAll('\\', '/')
    .replace(/\.js$/, '.ts');
}
