// Checks what would be published: exports (publint), types (attw), unused files, exports and dependencies (knip).
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const packages = readdirSync('packages').map((name) => join('packages', name));

/** Runs one of the project's own tools; its output is shown, its failure is ours. */
function run(tool, ...args) {
  console.log(`\n$ ${tool} ${args.join(' ')}`);
  execFileSync(join('node_modules', '.bin', tool), args, { stdio: 'inherit' });
}

for (const folder of packages) {
  run('publint', '--strict', '--pack', 'pnpm', folder);
  run('attw', '--pack', folder, '--profile', 'esm-only', '--format', 'ascii');
}
run('knip');
