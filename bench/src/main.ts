import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArguments, USAGE } from './arguments.js';
import { makeDatabases } from './databases.js';
import { measureScenario, type Target } from './measure.js';
import { toTarget } from './peers.js';
import { measurePlanning, type PlanningCost } from './planning.js';
import { type ServerProcess, startServer } from './processes.js';
import { MODELS, scenarios } from './scenarios.js';
import { measureStages, type StageCost } from './stages.js';
import { toTable } from './table.js';

const README = fileURLToPath(new URL('../README.md', import.meta.url));
const BEGIN = '<!-- last table: begin -->';
const END = '<!-- last table: end -->';

/** What is measured, the floor first; ratios are against it. */
const SERVERS = { floor: 'floor', 'gateway, node:http': 'gateway-node', 'gateway, Express': 'gateway-express' };
/** The gateway on `node:http` once more, before upstreams that speak other formats. */
const FORMATS = { 'gateway, Anthropic': MODELS.anthropic, 'gateway, Gemini': MODELS.google };

const bench = parseArguments(process.argv.slice(2));
if (bench.help) console.log(USAGE);
else await run();

async function run(): Promise<void> {
  const started: ServerProcess[] = [];
  const databases = await makeDatabases();
  try {
    const upstream = await startServer('upstream', { BENCH_PACE_MS: String(bench.paceMs) });
    started.push(upstream);
    console.log(`upstream on ${upstream.origin}, events every ${bench.paceMs} ms`);
    const targets: Target[] = [];
    for (const [name, file] of Object.entries(SERVERS)) {
      const server = await startServer(file, { BENCH_UPSTREAM: upstream.origin });
      started.push(server);
      const target = (title: string, model: string): Target => ({
        name: title,
        destination: { origin: server.origin, path: '/chat/completions', model },
        measure: () => server.measure(),
      });
      targets.push(target(name, MODELS.openai));
      if (file !== 'gateway-node') continue;
      targets.push(...Object.entries(FORMATS).map(([title, model]) => target(title, model)));
    }
    // The gateway on `node:http` once more, with keys and money on a database; the others keep them in memory.
    for (const [name, place] of Object.entries(databases.places)) {
      const server = await startServer('gateway-node', { BENCH_UPSTREAM: upstream.origin, BENCH_STORE: place });
      started.push(server);
      targets.push({
        name,
        destination: { origin: server.origin, path: '/chat/completions', model: MODELS.openai },
        measure: () => server.measure(),
      });
    }
    const report = await measureAll([...targets, ...bench.peers.map(toTarget)]);
    const whole = !bench.quick && bench.scenario === '' && bench.peers.length === 0 && bench.paceMs === 2;
    if (whole) writeTable(report);
  } finally {
    for (const server of started) server.stop();
    await databases.remove();
  }
}

async function measureAll(targets: readonly Target[]): Promise<string> {
  const parts = [`Node ${process.versions.node}, ${cpus().length} cores, ${bench.rounds} rounds.`];
  for (const scenario of scenarios(bench.quick).filter(({ name }) => name.includes(bench.scenario))) {
    const title = `**${scenario.name}** (${scenario.concurrency} at a time)`;
    console.log(`\n${title}`);
    const table = toTable(await measureScenario(scenario, targets, bench.rounds));
    console.log(table);
    parts.push(title, table);
  }
  if ('planning'.includes(bench.scenario)) {
    const planning = planningText(await measurePlanning());
    console.log(`\n${planning}`);
    parts.push(planning);
  }
  if ('transforms'.includes(bench.scenario)) {
    const stages = stagesText(await measureStages());
    console.log(`\n${stages}`);
    parts.push(stages);
  }
  return parts.join('\n\n');
}

function stagesText({ none, five, filter }: StageCost): string {
  const [base, stages, filtered] = [none, five - none, filter - none].map((micros) => micros.toFixed(2));
  return `**transforms**, an event of a stream inside the process: ${base} µs of CPU without any, ${stages} µs more with five stages, ${filtered} µs more with \`response-filter\``;
}

function planningText({ reading, explaining }: PlanningCost): string {
  const [whole, read] = [explaining, reading].map((micros) => micros.toFixed(1));
  return `**planning**, one of 300 models with ten candidates: ${whole} µs of CPU, of which ${read} µs are reading the request`;
}

function writeTable(report: string): void {
  const text = readFileSync(README, 'utf8');
  const before = text.slice(0, text.indexOf(BEGIN) + BEGIN.length);
  const after = text.slice(text.indexOf(END));
  writeFileSync(README, `${before}\n${report}\n${after}`);
  console.log('\nThe table was written to the README of the benchmark.');
}
