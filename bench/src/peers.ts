import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Peer } from './arguments.js';
import type { Target } from './measure.js';
import { MODELS } from './scenarios.js';
import type { Measurement } from './servers/serve.js';

const PAGE_BYTES = 4096;

/** A peer as a target; its process is read from /proc where its pid is known. */
export function toTarget(peer: Peer): Target {
  const { name, url, pid } = peer;
  const destination = { origin: url.origin, path: url.pathname + url.search, model: MODELS.openai };
  return { name, destination, measure: pid === undefined ? undefined : () => Promise.resolve(readProcess(pid)) };
}

/** CPU time and resident memory of a process on Linux (proc(5): fields 14 and 15 of stat, field 2 of statm). */
function readProcess(pid: number): Measurement {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return { cpuMicros: (ticks * 1_000_000) / ticksPerSecond(), memoryBytes: pages * PAGE_BYTES, statements: 0 };
}

function ticksPerSecond(): number {
  return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
}
