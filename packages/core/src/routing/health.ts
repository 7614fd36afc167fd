import type { Clock } from '../clock.js';
import type { Failure, FailureKind } from '../failure.js';
import { type Random, randomFraction } from '../random.js';
import type { Percentile } from '../wire/chat.js';
import { Circuit, type CircuitState, type Probe, type Success } from './circuit.js';
import { Figure, type Sample } from './performance.js';

/** A change of an endpoint's health. */
export interface HealthChange {
  /** Provider, upstream model and number of the credential. */
  readonly unit: string;
  readonly from: CircuitState;
  readonly to: CircuitState;
  /** What brought it about: the kind of a failure, or `success`. */
  readonly reason: string;
}

/** What planning sees of an endpoint with one credential. */
export interface UnitHealth {
  readonly state: CircuitState;
  /** Milliseconds since the epoch; 0 for never. */
  readonly lastFailureAt: number;
}

/** One request under way at one endpoint. Exactly one of its ends is told, once; a success may still become a failure. */
export interface Trial {
  /** It answered. Milliseconds to the first content. */
  success(latencyMs: number): void;
  /** Tokens a second, once all of the answer is there. */
  throughput(tokensPerSecond: number): void;
  /** It did not answer, or broke off after its first content. */
  failure(failure: Failure): void;
  /** Nothing was learned: the client left, or the gateway closed. */
  forget(): void;
  /** The request is over, whatever came of it. */
  end(): void;
}

/** Failures that say something about the endpoint. */
const ITS_FAULT: ReadonlySet<FailureKind> = new Set<FailureKind>([
  'network',
  'server_error',
  'overloaded',
  'timeout',
  'bad_response',
  'empty_response',
  'truncated',
]);
const REFUSED: ReadonlySet<FailureKind> = new Set<FailureKind>(['upstream_auth', 'upstream_payment']);
/** Figures that sort and prefer. */
const RECENT_MS = 300_000;
/** Figures that are listed. */
const LISTED_MS = 1_800_000;

interface Unit {
  readonly circuit: Circuit;
  readonly latency: Figure;
  readonly throughput: Figure;
  /** 100 for a success, 0 for a failure of its own. */
  readonly outcomes: Figure;
  running: number;
}

/** Where a success was counted. */
interface Counted {
  readonly inCircuit: Success;
  readonly inOutcomes: Sample;
}

/** How well every endpoint does, with each of its credentials. State of this process, on the injected clock. */
export class Health {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #onChange: ((change: HealthChange) => void) | undefined;
  readonly #units = new Map<string, Unit>();

  constructor(parts: {
    readonly clock: Clock;
    readonly random: Random;
    readonly onChange: ((change: HealthChange) => void) | undefined;
  }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#onChange = parts.onChange;
  }

  of(key: string): UnitHealth {
    const unit = this.#units.get(key);
    if (unit === undefined) return UNKNOWN;
    return { state: unit.circuit.state(this.#clock.now()), lastFailureAt: unit.circuit.lastFailureAt };
  }

  /** Requests under way. */
  running(key: string): number {
    return this.#units.get(key)?.running ?? 0;
  }

  /** Milliseconds to the first content, over five minutes. */
  latency(key: string, percentile: Percentile): number | undefined {
    return this.#units.get(key)?.latency.percentile(percentile, this.#clock.now(), RECENT_MS);
  }

  /** Tokens a second, over five minutes. */
  throughput(key: string, percentile: Percentile): number | undefined {
    return this.#units.get(key)?.throughput.percentile(percentile, this.#clock.now(), RECENT_MS);
  }

  /** The figures of the last half hour; shares of successes in per cent. */
  listed(key: string): {
    readonly latency: Readonly<Record<Percentile, number>> | undefined;
    readonly throughput: Readonly<Record<Percentile, number>> | undefined;
    readonly uptime5m: number | undefined;
    readonly uptime30m: number | undefined;
  } {
    const unit = this.#units.get(key);
    const now = this.#clock.now();
    return {
      latency: unit && all(unit.latency, now),
      throughput: unit && all(unit.throughput, now),
      uptime5m: unit?.outcomes.mean(now, RECENT_MS),
      uptime30m: unit?.outcomes.mean(now, LISTED_MS),
    };
  }

  /** Every endpoint that was asked so far. */
  list(): readonly (UnitHealth & { readonly unit: string; readonly running: number })[] {
    return [...this.#units].map(([unit, { running }]) => ({ unit, running, ...this.of(unit) }));
  }

  /** A request goes to an endpoint. */
  begin(key: string): Trial {
    const unit = this.#unit(key);
    const { circuit } = unit;
    const probe = circuit.begin(this.#clock.now());
    let open = true;
    let running = true;
    let success: Counted | undefined;
    unit.running += 1;
    const change = (reason: string, apply: (now: number) => void): void => {
      const now = this.#clock.now();
      const from = circuit.state(now);
      apply(now);
      this.#tell(key, from, circuit.state(now), reason);
    };
    const once: typeof change = (reason, apply) => {
      if (open) change(reason, apply);
      open = false;
    };
    return {
      success: (latencyMs) =>
        once('success', (now) => {
          success = { inCircuit: circuit.success(now, probe), inOutcomes: unit.outcomes.add(now, 100) };
          unit.latency.add(now, latencyMs);
        }),
      throughput: (tokensPerSecond) => unit.throughput.add(this.#clock.now(), tokensPerSecond),
      failure: (failure) => {
        const counted = success;
        success = undefined;
        if (counted === undefined) once(failure.kind, (now) => this.#record(unit, failure, { now, probe }));
        else if (ITS_FAULT.has(failure.kind)) change(failure.kind, (now) => this.#takeBack(unit, counted, now));
      },
      forget: () => once('forgotten', () => circuit.forget(probe)),
      end: () => {
        if (running) unit.running -= 1;
        running = false;
      },
    };
  }

  #record(
    { circuit, outcomes }: Unit,
    failure: Failure,
    { now, probe }: { readonly now: number; readonly probe: Probe | undefined },
  ): void {
    if (failure.kind === 'rate_limited') circuit.rateLimited(now, probe, failure.retryAfterMs);
    else if (REFUSED.has(failure.kind)) circuit.refused(now, probe);
    else if (ITS_FAULT.has(failure.kind)) {
      circuit.failure(now, probe, randomFraction(this.#random));
      outcomes.add(now, 0);
    } else circuit.forget(probe);
  }

  /** A success has become a failure. */
  #takeBack({ circuit }: Unit, { inCircuit, inOutcomes }: Counted, now: number): void {
    circuit.lateFailure(now, inCircuit, randomFraction(this.#random));
    inOutcomes.value = 0;
  }

  #tell(unit: string, from: CircuitState, to: CircuitState, reason: string): void {
    if (from !== to) this.#onChange?.({ unit, from, to, reason });
  }

  #unit(key: string): Unit {
    const known = this.#units.get(key);
    if (known !== undefined) return known;
    const unit = {
      circuit: new Circuit(),
      latency: new Figure('low'),
      throughput: new Figure('high'),
      outcomes: new Figure('high'),
      running: 0,
    };
    this.#units.set(key, unit);
    return unit;
  }
}

const UNKNOWN: UnitHealth = { state: 'closed', lastFailureAt: 0 };

function all(figure: Figure, now: number): Readonly<Record<Percentile, number>> | undefined {
  const of = (name: Percentile): number | undefined => figure.percentile(name, now, LISTED_MS);
  const [p50, p75, p90, p99] = [of('p50'), of('p75'), of('p90'), of('p99')];
  if (p50 === undefined || p75 === undefined || p90 === undefined || p99 === undefined) return undefined;
  return { p50, p75, p90, p99 };
}
