import { describe, expect, it } from 'vitest';
import { importsOf, resolveImport, sourcesOf } from './source-files.js';

/** Rooms of the core from top to bottom. A file imports from its own room and from rooms below. */
const LEVELS: readonly (readonly string[])[] = [
  ['index.ts'],
  ['gateway.ts'],
  [
    'chat.ts',
    'chat-stream.ts',
    'chat-routing.ts',
    'chat-transforms.ts',
    'gateway-options.ts',
    'call-scope.ts',
    'discovery.ts',
    'accounts.ts',
    'key-administration.ts',
    'direct-chat.ts',
  ],
  ['http'],
  ['routing', 'transforms', 'accounting'],
  ['providers', 'catalog', 'stores'],
  ['sse'],
  [
    'wire',
    'errors.ts',
    'failure.ts',
    'cancellation.ts',
    'clock.ts',
    'random.ts',
    'usd.ts',
    'glob.ts',
    'deadlines.ts',
    'tell.ts',
  ],
];

/** What packages may import from packages. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  core: ['eventsource-parser', 'undici', 'zod', 'p-retry', '@opentelemetry/api'],
  node: ['@gatehouse/core'],
  express: ['@gatehouse/core', '@gatehouse/node', 'express'],
  koa: ['@gatehouse/core', '@gatehouse/node', 'koa'],
  sql: ['@gatehouse/core', '@photostructure/sqlite', 'pg'],
};

const CORE = 'packages/core/src/';

function levelOf(path: string): number {
  const room = path.slice(CORE.length).split('/')[0] ?? '';
  const level = LEVELS.findIndex((rooms) => rooms.includes(room));
  if (level === -1) throw new Error(`${path}: ${room} is in no level; give it one in this test and in the README`);
  return level;
}

function roomOf(path: string): string {
  return path.slice(CORE.length).split('/')[0] ?? '';
}

describe('imports', () => {
  it('reads import and export statements, one line or many', () => {
    const text =
      "import a from 'a';\nimport {\n  b,\n} from './b.js';\nexport * from '../c.js';\nconst d = 'from \\'x\\'';";
    expect(importsOf(text)).toEqual(['a', './b.js', '../c.js']);
  });

  it('go downward in the core; rooms of one level meet only through types', () => {
    const wrong: string[] = [];
    for (const { path, text } of sourcesOf('core')) {
      for (const specifier of importsOf(text).filter((name) => name.startsWith('.'))) {
        const target = resolveImport(path, specifier);
        const down = levelOf(target) - levelOf(path);
        const sameRoom = roomOf(target) === roomOf(path);
        const besides =
          down === 0 && (/(?:\/types|^[^/]+)\.ts$/.test(target.slice(CORE.length)) || levelOf(path) === 2);
        // The host's own types are plain data and may be known above and below.
        const port = target === `${CORE}http/types.ts`;
        if (!(down > 0 || sameRoom || besides || port)) wrong.push(`${path} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('have no cycles', () => {
    for (const name of Object.keys(PACKAGES)) {
      const graph = new Map(
        sourcesOf(name).map(({ path, text }) => [
          path,
          importsOf(text)
            .filter((specifier) => specifier.startsWith('.'))
            .map((specifier) => resolveImport(path, specifier)),
        ]),
      );
      const done = new Set<string>();
      const visit = (path: string, trail: readonly string[]): void => {
        if (trail.includes(path)) throw new Error(`cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' -> ')}`);
        if (done.has(path)) return;
        for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
        done.add(path);
      };
      for (const path of graph.keys()) visit(path, []);
    }
  });

  it('of packages are the allowed ones', () => {
    for (const [name, allowed] of Object.entries(PACKAGES)) {
      const foreign = sourcesOf(name).flatMap(({ text }) =>
        importsOf(text).filter((one) => !/^(?:\.|node:)/.test(one)),
      );
      expect(foreign.filter((one) => !allowed.includes(one))).toEqual([]);
    }
  });

  it('reach the network in one file only', () => {
    const users = sourcesOf('core').filter(({ text }) => /from 'undici'|from 'node:(?:http|https|net|tls)'/.test(text));
    expect(users.map(({ path }) => path)).toEqual([
      'packages/core/src/providers/exchange.ts',
      'packages/core/src/providers/upstream.ts',
    ]);
  });
});
