import { type Destination, drive } from './driver.js';
import type { Scenario } from './scenarios.js';
import type { Measurement } from './servers/serve.js';
import { median, percentile } from './statistics.js';

/** Something that is measured. */
export interface Target {
  readonly name: string;
  readonly destination: Destination;
  /** Undefined where its process cannot be looked into. */
  readonly measure: (() => Promise<Measurement>) | undefined;
}

/** The figures of one target in one scenario; medians over rounds. Times are milliseconds. */
export interface Figures {
  readonly target: string;
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly firstToken: number;
  readonly addedFirstToken: number;
  readonly cpuMicros: number;
  /** CPU of a request, for each event of its answer; NaN for whole answers. */
  readonly eventMicros: number;
  readonly memoryBytes: number;
  /** Statements that a request sends to a database; 0 where there is none. */
  readonly statements: number;
  /** CPU of a request against the floor's in the same round. */
  readonly ratio: number;
  readonly ratioRange: readonly [number, number];
}

interface Round {
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly firstToken: number;
  readonly cpuMicros: number;
  readonly memoryBytes: number;
  readonly statements: number;
}

/**
 * Measures a scenario at every target. Targets take turns within each round, so that whatever else the machine does hits
 * all of them; ratios are taken within a round.
 */
export async function measureScenario(
  scenario: Scenario,
  targets: readonly Target[],
  rounds: number,
): Promise<readonly Figures[]> {
  for (const target of targets) await drive(target.destination, scenario, Math.ceil(scenario.requests / 2));
  const results = targets.map((): Round[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [position, target] of targets.entries()) results[position]?.push(await measureRound(scenario, target));
  }
  const floor = results[0] ?? [];
  return targets.map((target, position) =>
    summarise(target.name, results[position] ?? [], { floor, events: scenario.events }),
  );
}

async function measureRound(scenario: Scenario, target: Target): Promise<Round> {
  const before = await target.measure?.();
  const load = await drive(target.destination, scenario, scenario.requests);
  const after = await target.measure?.();
  const cpu = before === undefined || after === undefined ? Number.NaN : after.cpuMicros - before.cpuMicros;
  return {
    requestsPerSecond: load.requestsPerSecond,
    p50: percentile(load.latencies, 0.5),
    p99: percentile(load.latencies, 0.99),
    firstToken: percentile(load.firstTokens, 0.5),
    cpuMicros: cpu / scenario.requests,
    memoryBytes: after?.memoryBytes ?? Number.NaN,
    statements: ((after?.statements ?? 0) - (before?.statements ?? 0)) / scenario.requests,
  };
}

function summarise(
  target: string,
  rounds: readonly Round[],
  { floor, events }: { readonly floor: readonly Round[]; readonly events: number },
): Figures {
  const middle = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const ratios = rounds.map((round, position) => round.cpuMicros / (floor[position]?.cpuMicros ?? Number.NaN));
  const added = rounds.map((round, position) => round.firstToken - (floor[position]?.firstToken ?? Number.NaN));
  return {
    target,
    requestsPerSecond: middle((round) => round.requestsPerSecond),
    p50: middle((round) => round.p50),
    p99: middle((round) => round.p99),
    firstToken: middle((round) => round.firstToken),
    addedFirstToken: median(added),
    cpuMicros: middle((round) => round.cpuMicros),
    eventMicros: events === 0 ? Number.NaN : middle((round) => round.cpuMicros) / events,
    memoryBytes: middle((round) => round.memoryBytes),
    statements: middle((round) => round.statements),
    ratio: median(ratios),
    ratioRange: [Math.min(...ratios), Math.max(...ratios)],
  };
}
