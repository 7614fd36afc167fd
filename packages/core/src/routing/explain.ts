import type { ExplainedCandidate, RoutingMetadata } from '../wire/routing-metadata.js';
import type { Plan } from './plan.js';
import type { Attempt, AttemptRecord, World } from './types.js';

const REASONS: Readonly<Record<Attempt['state'], string>> = {
  closed: 'nothing speaks against it',
  probe: 'it failed before; this request would find out whether it is well again',
  open: 'it failed too often lately, and is asked after those that are well',
  cooling: 'it limits the rate of requests, and is asked after those that are well',
  barred: 'it refused the credential, and is asked last',
};

/** Every candidate of a plan: those that are tried, in order, then the others with what excludes them. */
export function explainPlan({ attempts, excluded }: Plan, world: World): readonly ExplainedCandidate[] {
  return [
    ...attempts.map(
      ({ endpoint, state, price }, index): ExplainedCandidate => ({
        position: index + 1,
        model: endpoint.model,
        provider: endpoint.provider.name,
        endpoint: endpoint.provider.slug,
        price,
        tier: endpoint.provider.tier ?? null,
        health: state,
        reason: REASONS[state],
      }),
    ),
    ...excluded.map(
      ({ candidate: { endpoint, unit }, by, reason }): ExplainedCandidate => ({
        position: null,
        model: endpoint.model,
        provider: endpoint.provider.name,
        endpoint: endpoint.provider.slug,
        price: null,
        tier: endpoint.provider.tier ?? null,
        health: world.health(unit).state,
        excluded_by: by,
        reason,
      }),
    ),
  ];
}

/** What became of a call, for clients that ask. */
export function toRoutingMetadata(facts: {
  readonly requested: string;
  readonly strategy: RoutingMetadata['strategy'];
  readonly plan: Plan;
  readonly records: readonly AttemptRecord[];
  readonly generationMs: number;
  readonly pipeline?: RoutingMetadata['pipeline'];
}): RoutingMetadata {
  const { requested, strategy, plan, records, generationMs, pipeline = [] } = facts;
  const tried = records.flatMap(({ attempt, status }) => (status === undefined ? [] : [{ attempt, status }]));
  const position = tried.findIndex(({ status }) => status === 200);
  const winner = tried[position]?.attempt.endpoint;
  const available = plan.attempts.map(({ endpoint: { provider, model } }) => ({
    provider: provider.name,
    model,
    selected: provider.name === winner?.provider.name && model === winner.model,
  }));
  const fellBack = strategy === 'direct' && position > 0;
  return {
    requested,
    strategy: fellBack ? 'fallback' : strategy,
    region: null,
    summary: `available=${available.length}${winner === undefined ? '' : `, selected=${winner.provider.name}`}`,
    attempt: position + 1,
    is_byok: false,
    endpoints: { total: plan.attempts.length + plan.excluded.length, available },
    attempts: tried.map(({ attempt: { endpoint }, status }) => ({
      provider: endpoint.provider.name,
      model: endpoint.model,
      status,
    })),
    ...(pipeline.length > 0 && { pipeline }),
    generation_time: Math.round(generationMs),
  };
}
