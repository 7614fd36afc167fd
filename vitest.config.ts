import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The packages' sources, so that nothing needs building before a test.
  ssr: { resolve: { conditions: ['dev-source', 'node'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts', 'bench/**/*.test.ts'],
    // Real sockets and two cores: a worker a core, generous limits so that a busy machine is never a failure.
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--expose-gc'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
