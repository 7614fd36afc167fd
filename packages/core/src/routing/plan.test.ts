import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cancellation } from '../cancellation.js';
import type { Endpoint } from '../catalog/model.js';
import { parsePrice } from '../catalog/price.js';
import type { Clock } from '../clock.js';
import { Failure } from '../failure.js';
import type { Provider, ProviderCodec } from '../providers/types.js';
import { formatUsd } from '../usd.js';
import type { ChatRequest, ProviderPreferences } from '../wire/chat.js';
import type { CircuitState } from './circuit.js';
import { explainPlan } from './explain.js';
import { excludes } from './filters.js';
import { Health } from './health.js';
import { plan, refusal } from './plan.js';
import { RetryBudget } from './retry-budget.js';
import type { Attempt, Call, Candidate, PlanInput, WantedModel, World } from './types.js';
import { walk } from './walk.js';

const codec = {} as ProviderCodec;
const providerNamed = (slug: string, more: Partial<Provider> = {}): Provider => ({
  slug,
  name: slug.toUpperCase(),
  codec,
  connect: () => {
    throw new Error('nobody is called');
  },
  ...more,
});

interface Facts {
  readonly price?: number | undefined;
  readonly context?: number | undefined;
  readonly output?: number | undefined;
  readonly quantization?: string | undefined;
  readonly collects?: boolean | undefined;
  readonly zeroRetention?: boolean | undefined;
  readonly tools?: boolean | undefined;
}

/** USD per million tokens, in and out alike. */
function endpointOf(provider: Provider, model: string, facts: Facts = {}): Endpoint {
  const { price, collects, zeroRetention } = facts;
  const rate = price === undefined ? undefined : formatUsd(BigInt(Math.round(price * 1e6)));
  return {
    model,
    upstreamModel: model,
    provider,
    price: rate === undefined ? undefined : parsePrice({ prompt: rate, completion: rate }),
    contextLength: facts.context,
    maxCompletionTokens: facts.output,
    quantization: facts.quantization,
    parameters: ['temperature', 'max_tokens', ...(facts.tools === false ? [] : ['tools'])],
    dataPolicy: { ...(collects !== undefined && { collects }), ...(zeroRetention !== undefined && { zeroRetention }) },
    key: `${provider.slug} ${model}`,
  };
}

const modelOf = (id: string, endpoints: readonly Endpoint[], quality?: number): WantedModel => ({
  model: { id, facts: { quality }, endpoints },
});

interface Health1 {
  readonly state?: CircuitState;
  readonly lastFailureAt?: number;
  readonly latency?: number | undefined;
  readonly throughput?: number | undefined;
}

function worldOf(health: Readonly<Record<string, Health1>>, random: () => number = () => 0): World {
  return {
    health: (unit) => ({ state: health[unit]?.state ?? 'closed', lastFailureAt: health[unit]?.lastFailureAt ?? 0 }),
    latency: (unit) => health[unit]?.latency,
    throughput: (unit) => health[unit]?.throughput,
    random,
  };
}

function inputOf(
  models: readonly WantedModel[],
  more: Partial<PlanInput> & { provider?: ProviderPreferences } = {},
): PlanInput {
  const { provider, ...rest } = more;
  const request: ChatRequest = { messages: [{ role: 'user', content: 'hello' }], ...(provider && { provider }) };
  return { request, models, promptTokens: 100, atMs: 0, host: {}, world: worldOf({}), affinity: undefined, ...rest };
}

const slugs = (attempts: readonly Attempt[]): readonly string[] =>
  attempts.map(({ endpoint }) => endpoint.provider.slug);
const [a, b, c] = ['a', 'b', 'c'].map((slug) => providerNamed(slug)) as [Provider, Provider, Provider];

describe('the order of candidates', () => {
  const three = modelOf('m', [
    endpointOf(a, 'm', { price: 1 }),
    endpointOf(b, 'm', { price: 2 }),
    endpointOf(c, 'm', { price: 3 }),
  ]);

  it('draws the first by inverse square price, the rest by price; those that fail come last', () => {
    const failing = { 'b m': { state: 'open' as const } };
    let firstIsA = 0;
    const draws = 20_000;
    for (let draw = 0; draw < draws; draw += 1) {
      const order = slugs(plan(inputOf([three], { world: worldOf(failing, () => (draw + 0.5) / draws) })).attempts);
      expect(order.at(-1)).toBe('b');
      if (order[0] === 'a') firstIsA += 1;
    }
    // 1/1² against 1/3²: nine of ten.
    expect(firstIsA / draws).toBeCloseTo(0.9, 3);
  });

  it('keeps within statistical bounds with real draws', () => {
    let state = 12_345;
    const random = (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state / 2 ** 32;
    };
    const counts = { a: 0, b: 0, c: 0 };
    const draws = 30_000;
    for (let draw = 0; draw < draws; draw += 1) {
      const [first] = slugs(plan(inputOf([three], { world: worldOf({}, random) })).attempts);
      counts[first as keyof typeof counts] += 1;
    }
    const whole = 1 + 1 / 4 + 1 / 9;
    for (const [slug, share] of [
      ['a', 1],
      ['b', 1 / 4],
      ['c', 1 / 9],
    ] as const) {
      const expected = (draws * share) / whole;
      // Four standard deviations.
      expect(Math.abs(counts[slug] - expected)).toBeLessThan(4 * Math.sqrt(expected));
    }
  });

  it('asks free ones first, each as likely as any', () => {
    const mixed = modelOf('m', [
      endpointOf(a, 'm', { price: 1 }),
      endpointOf(b, 'm', { price: 0 }),
      endpointOf(c, 'm', { price: 0 }),
    ]);
    const at = (random: number): readonly string[] =>
      slugs(plan(inputOf([mixed], { world: worldOf({}, () => random) })).attempts);
    expect(at(0.2)).toEqual(['b', 'c', 'a']);
    expect(at(0.7)).toEqual(['c', 'b', 'a']);
  });

  it.each<[string, ProviderPreferences, readonly string[]]>([
    ['order', { order: ['c', 'nobody'] }, ['c', 'a', 'b']],
    ['display names', { order: ['B'] }, ['b', 'a', 'c']],
    ['order alone', { order: ['c', 'b'], allow_fallbacks: false }, ['c', 'b']],
    ['no fallbacks', { sort: { by: 'price' }, allow_fallbacks: false }, ['a']],
    ['only', { only: ['B', 'c'] }, ['b', 'c']],
    ['ignore', { ignore: ['a'] }, ['b', 'c']],
    ['price', { sort: { by: 'price' } }, ['a', 'b', 'c']],
    ['throughput', { sort: { by: 'throughput' } }, ['c', 'a', 'b']],
    ['latency', { sort: { by: 'latency' } }, ['b', 'a', 'c']],
    ['what nobody measures', { sort: { by: 'exacto' } }, ['a', 'b', 'c']],
    ['a wished throughput', { sort: { by: 'price' }, preferred_min_throughput: { p50: 50 } }, ['b', 'c', 'a']],
    ['a wished latency, in seconds', { sort: { by: 'price' }, preferred_max_latency: { p90: 0.3 } }, ['b', 'c', 'a']],
    ['a maximum price', { sort: { by: 'price' }, max_price: { prompt: 2 } }, ['a', 'b']],
  ])('keeps %s', (_name, provider, expected) => {
    const health = { 'a m': { latency: 500, throughput: 20 }, 'b m': { latency: 200 }, 'c m': { throughput: 80 } };
    expect(slugs(plan(inputOf([three], { provider, world: worldOf(health) })).attempts)).toEqual(expected);
  });

  it('sorts by quality over all models, where there is no partition', () => {
    const models = [
      modelOf('x', [endpointOf(a, 'x', { price: 1 })], 0.2),
      modelOf('y', [endpointOf(b, 'y', { price: 5 })], 0.9),
      modelOf('z', [endpointOf(c, 'z', { price: 1 })]),
    ];
    const sort = { by: 'quality' as const, partition: 'none' as const };
    expect(slugs(plan(inputOf(models, { provider: { sort } })).attempts)).toEqual(['b', 'a', 'c']);
    expect(slugs(plan(inputOf(models, { provider: { sort: { by: 'quality' } } })).attempts)).toEqual(['a', 'b', 'c']);
  });

  it('asks whoever is not well last, of whichever model, the least recently failed first', () => {
    const models = [
      modelOf('x', [endpointOf(a, 'x', { price: 1 }), endpointOf(b, 'x', { price: 1 })]),
      modelOf('y', [endpointOf(c, 'y', { price: 9 })]),
    ];
    const health = {
      'a x': { state: 'open' as const, lastFailureAt: 9 },
      'b x': { state: 'open' as const, lastFailureAt: 5 },
    };
    expect(slugs(plan(inputOf(models, { world: worldOf(health) })).attempts)).toEqual(['c', 'b', 'a']);
    const limited = {
      'a x': { state: 'cooling' as const },
      'b x': { state: 'barred' as const },
      'c y': { state: 'open' as const },
    };
    expect(slugs(plan(inputOf(models, { world: worldOf(limited) })).attempts)).toEqual(['c', 'a', 'b']);
  });

  it('lets a probe have its rank only beside somebody who is well', () => {
    const probe = { 'a m': { state: 'probe' as const } };
    const sort = { by: 'price' as const };
    expect(slugs(plan(inputOf([three], { provider: { sort }, world: worldOf(probe) })).attempts)).toEqual([
      'a',
      'b',
      'c',
    ]);
    const down = { ...probe, 'b m': { state: 'cooling' as const }, 'c m': { state: 'open' as const } };
    expect(plan(inputOf([three], { provider: { sort }, world: worldOf(down) })).attempts).toHaveLength(3);
  });

  it('spends no only chance on a probe while somebody is well', () => {
    const world = worldOf({ 'a m': { state: 'probe' }, 'c other': { state: 'probe' } });
    const once = { sort: { by: 'price' as const }, allow_fallbacks: false };
    const other = modelOf('other', [endpointOf(c, 'other', { price: 1 })]);
    const of = (models: readonly WantedModel[], provider: ProviderPreferences): readonly string[] =>
      slugs(plan(inputOf(models, { provider, world })).attempts);
    expect(of([three], once)).toEqual(['b']);
    expect(of([three], { order: ['a', 'b'], allow_fallbacks: false })).toEqual(['a', 'b']);
    // Another model is another chance.
    expect(of([other, three], once)).toEqual(['c', 'b']);
    expect(of([other], once)).toEqual(['c']);
  });

  it('keeps a session where it was, unless that is not well or an order is given', () => {
    const sort = { by: 'price' as const };
    expect(slugs(plan(inputOf([three], { provider: { sort }, affinity: 'c m' })).attempts)).toEqual(['c', 'a', 'b']);
    expect(slugs(plan(inputOf([three], { provider: { order: ['a'] }, affinity: 'c m' })).attempts)[0]).toBe('a');
    const world = worldOf({ 'c m': { state: 'open' } });
    expect(slugs(plan(inputOf([three], { provider: { sort }, affinity: 'c m', world })).attempts)[0]).toBe('a');
  });

  it('tries every credential of a provider, and shares its weight among them', () => {
    const many = providerNamed('many', { credentials: 2 });
    const model = modelOf('m', [endpointOf(many, 'm', { price: 1 }), endpointOf(a, 'm', { price: 1 })]);
    const { attempts } = plan(inputOf([model]));
    expect(attempts.map(({ unit }) => unit).toSorted()).toEqual(['a m', 'many m', 'many m 1']);
    let own = 0;
    for (let draw = 0; draw < 1000; draw += 1) {
      const [first] = plan(inputOf([model], { world: worldOf({}, () => (draw + 0.5) / 1000) })).attempts;
      if (first?.endpoint.provider === a) own += 1;
    }
    expect(own).toBe(500);
  });

  it('serves a service level to those who ask for it', () => {
    const fast = providerNamed('a/priority', { tier: 'priority' });
    const slow = providerNamed('a/flex', { tier: 'flex' });
    const model = modelOf('m', [
      endpointOf(a, 'm', { price: 1 }),
      endpointOf(fast, 'm', { price: 2 }),
      endpointOf(slow, 'm', { price: 0.5 }),
    ]);
    const of = (more: Partial<ChatRequest>, wanted: Partial<WantedModel> = {}): readonly string[] => {
      const input = inputOf([{ ...model, ...wanted }]);
      return slugs(plan({ ...input, request: { ...input.request, ...more } }).attempts);
    };
    expect(of({})).toEqual(['a']);
    expect(of({ service_tier: 'priority' })).toEqual(['a/priority', 'a']);
    expect(of({ service_tier: 'flex' })).toEqual(['a/flex']);
    expect(of({}, { tier: 'priority', sort: 'throughput' })).toEqual(['a', 'a/priority']);
    expect(of({ provider: { order: ['a/priority'] } })).toEqual(['a/priority', 'a']);
    expect(of({ provider: { only: ['a'] } })).toEqual(['a']);
  });

  it.each(['priority', 'flex'] as const)('orders those without a service level as ever: %s', (tier) => {
    const fast = providerNamed('fast', { tier: 'priority' });
    const latency = { 'a m': { latency: 900 }, 'b m': { latency: 500 }, 'c m': { latency: 100 } };
    const of = (model: WantedModel, provider?: ProviderPreferences): readonly string[] => {
      const input = inputOf([model], { world: worldOf(latency, () => 0.99) });
      return slugs(
        plan({ ...input, request: { ...input.request, service_tier: tier, ...(provider && { provider }) } }).attempts,
      );
    };
    const drawn = slugs(plan(inputOf([three], { world: worldOf(latency, () => 0.99) })).attempts);
    expect(drawn).toEqual(['c', 'a', 'b']);
    expect(of(three)).toEqual(drawn);
    expect(of(three, { sort: { by: 'latency' } })).toEqual(['c', 'b', 'a']);
    expect(of({ ...three, sort: 'latency' })).toEqual(['c', 'b', 'a']);
    if (tier !== 'priority') return;
    const model = modelOf('m', [...three.model.endpoints, endpointOf(fast, 'm', { price: 9 })]);
    expect(of(model)).toEqual(['fast', 'c', 'a', 'b']);
    expect(of(model, { sort: { by: 'latency' } })).toEqual(['fast', 'c', 'b', 'a']);
  });

  it('prefers endpoints that can do what is asked, and keeps the model where none can', () => {
    const model = modelOf('m', [
      endpointOf(a, 'm', { price: 1, tools: false, output: 100 }),
      endpointOf(b, 'm', { price: 2, output: 10 }),
    ]);
    const of = (more: Partial<ChatRequest>): readonly string[] => {
      const input = inputOf([model]);
      return slugs(plan({ ...input, request: { ...input.request, ...more } }).attempts);
    };
    const tools = [{ type: 'function' as const, function: { name: 'f' } }];
    expect(of({ tools })).toEqual(['b']);
    expect(of({ max_tokens: 50 })).toEqual(['a']);
    expect(of({ max_tokens: 500 })).toHaveLength(2);
  });
});

describe('what nobody can serve', () => {
  const full = { price: 1, context: 1000, quantization: 'fp8', collects: true };
  const model = modelOf('m', [endpointOf(a, 'm', full)]);
  it.each<[string, Partial<PlanInput> & { provider?: ProviderPreferences }, string, string | undefined]>([
    ['a price that nobody knows', { models: [modelOf('m', [endpointOf(a, 'm')])] }, 'no_endpoints', undefined],
    ['only', { provider: { only: ['b'] } }, 'no_endpoints', 'allowed_providers'],
    ["the host's only", { host: { only: ['b'] } }, 'no_endpoints', 'allowed_providers'],
    ['ignore', { provider: { ignore: ['a'] } }, 'no_endpoints', 'allowed_providers'],
    ['data collection', { provider: { data_collection: 'deny' } }, 'no_endpoints', 'data_policy:training'],
    [
      "the host's data collection",
      { host: { dataCollection: 'deny' }, provider: { data_collection: 'allow' } },
      'no_endpoints',
      'data_policy:training',
    ],
    ['zero retention', { provider: { zdr: true } }, 'no_endpoints', 'data_policy:zdr'],
    ['distillation', { provider: { enforce_distillable_text: true } }, 'no_endpoints', 'data_policy:distillable'],
    ['quantization', { provider: { quantizations: ['bf16', 'unknown'] } }, 'no_endpoints', 'quantization'],
    ['a price that is too high', { provider: { max_price: { completion: 0.9 } } }, 'no_endpoints', 'max_price'],
    ['a prompt that is too long', { promptTokens: 1001 }, 'context_length_exceeded', 'context_length'],
  ])('%s is named', (_name, more, code, by) => {
    const input = inputOf([model], more);
    const planned = plan(input);
    expect(planned.attempts).toEqual([]);
    const error = refusal(planned, input.models);
    expect(error.code).toBe(code);
    expect(error.metadata['availability']).toMatchObject({ requested_models: ['m'] });
    expect((error.metadata['availability'] as { excluded_by?: string }).excluded_by).toBe(by);
  });

  it('names the filter that removed the last candidate', () => {
    const two = modelOf('m', [endpointOf(a, 'm', { price: 9 }), endpointOf(b, 'm', { price: 1, context: 50 })]);
    const input = inputOf([two], { provider: { max_price: { prompt: 2 } } });
    expect(refusal(plan(input), input.models).code).toBe('context_length_exceeded');
  });
});

/** A world of providers, models, wishes and troubles. */
const worlds = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
  models: fc.array(
    fc.array(
      fc.record({
        provider: fc.integer({ min: 0, max: 4 }),
        price: fc.option(fc.constantFrom(0, 0.1, 0.5, 1, 3), { nil: undefined }),
        context: fc.option(fc.constantFrom(50, 150, 1000), { nil: undefined }),
        quantization: fc.option(fc.constantFrom('fp8', 'bf16'), { nil: undefined }),
        collects: fc.option(fc.boolean(), { nil: undefined }),
        zeroRetention: fc.option(fc.boolean(), { nil: undefined }),
        state: fc.constantFrom<CircuitState>('closed', 'closed', 'open', 'probe', 'cooling', 'barred'),
        lastFailureAt: fc.nat(100),
        latency: fc.option(fc.nat(2000), { nil: undefined }),
        throughput: fc.option(fc.nat(200), { nil: undefined }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    { minLength: 1, maxLength: 4 },
  ),
  provider: fc.record(
    {
      order: fc.array(fc.constantFrom('p0', 'p1', 'P2', 'nobody'), { maxLength: 3 }),
      only: fc.array(fc.constantFrom('p0', 'p1', 'p2', 'p3'), { maxLength: 4 }),
      ignore: fc.array(fc.constantFrom('p0', 'P1'), { maxLength: 2 }),
      allow_fallbacks: fc.boolean(),
      data_collection: fc.constantFrom<'allow' | 'deny'>('allow', 'deny'),
      zdr: fc.boolean(),
      quantizations: fc.array(fc.constantFrom('fp8', 'unknown'), { minLength: 1, maxLength: 2 }),
      sort: fc.record({
        by: fc.constantFrom<'price' | 'latency' | 'throughput' | 'quality'>(
          'price',
          'latency',
          'throughput',
          'quality',
        ),
        partition: fc.constantFrom<'model' | 'none'>('model', 'none'),
      }),
      max_price: fc.record({ prompt: fc.constantFrom(0, 0.4, 1) }),
      preferred_min_throughput: fc.record({ p50: fc.constantFrom(10, 100) }),
    },
    { requiredKeys: [] },
  ),
});

function build({ models, provider, seed }: typeof worlds extends fc.Arbitrary<infer T> ? T : never): {
  readonly input: PlanInput;
  readonly candidates: readonly Candidate[];
} {
  const providers = [0, 1, 2, 3, 4].map((index) => providerNamed(`p${index}`));
  const health: Record<string, Health1> = {};
  const wanted = models.map((endpoints, index) => {
    const id = `m${index}`;
    const distinct = endpoints.filter(
      (one, at) => endpoints.findIndex((other) => other.provider === one.provider) === at,
    );
    return modelOf(
      id,
      distinct.map((facts) => {
        health[`p${facts.provider} ${id}`] = facts;
        return endpointOf(providers[facts.provider] ?? a, id, facts);
      }),
      index / 4,
    );
  });
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  const input = inputOf(wanted, { provider, world: worldOf(health, random) });
  const candidates = wanted.flatMap((one) =>
    one.model.endpoints.map((endpoint) => ({ wanted: one, endpoint, credential: 0, unit: endpoint.key })),
  );
  return { input, candidates };
}

describe('any plan', () => {
  it('keeps every wish, leaves nobody out without a reason, and is never empty while somebody may serve', () => {
    fc.assert(
      fc.property(worlds, (described) => {
        const { input, candidates } = build(described);
        const { attempts, excluded } = plan(input);
        const { provider = {} } = input.request;
        const permitted = candidates.filter((candidate) => excludes(candidate, input) === undefined);
        expect(attempts.length > 0).toBe(permitted.length > 0);
        if (attempts.length === 0) expect(refusal({ attempts, excluded }, input.models).message).not.toBe('');
        if (provider.allow_fallbacks !== false) expect(attempts.length + excluded.length).toBe(candidates.length);
        const named = (names: readonly string[], { endpoint }: Candidate): boolean =>
          names.some((name) => name.toLowerCase() === endpoint.provider.slug);
        for (const attempt of attempts) {
          const { endpoint } = attempt;
          expect(endpoint.price).toBeDefined();
          if (provider.only !== undefined) expect(named(provider.only, attempt)).toBe(true);
          if (provider.ignore !== undefined) expect(named(provider.ignore, attempt)).toBe(false);
          if (provider.data_collection === 'deny') expect(endpoint.dataPolicy.collects).toBe(false);
          if (provider.zdr === true) expect(endpoint.dataPolicy.zeroRetention).toBe(true);
          if (provider.quantizations !== undefined)
            expect(provider.quantizations).toContain(endpoint.quantization ?? 'unknown');
          if (provider.max_price !== undefined) {
            const usd = Number(endpoint.price?.rates.prompt ?? 0n) / 1e6;
            expect(usd).toBeLessThanOrEqual(provider.max_price.prompt ?? 0);
          }
          expect(endpoint.contextLength ?? 100).toBeGreaterThanOrEqual(100);
          if (provider.order !== undefined && provider.allow_fallbacks === false)
            expect(named(provider.order, attempt)).toBe(true);
        }
        // Whoever is well comes before whoever is not.
        const firstIll = attempts.findIndex(
          ({ state }) => state === 'open' || state === 'cooling' || state === 'barred',
        );
        const lastWell = attempts.findLastIndex(({ state }) => state === 'closed');
        if (firstIll >= 0 && lastWell >= 0 && provider.allow_fallbacks !== false)
          expect(lastWell).toBeLessThan(firstIll);
        if (
          provider.order === undefined &&
          provider.sort?.by === 'price' &&
          provider.preferred_min_throughput === undefined
        ) {
          for (const model of provider.sort.partition === 'none'
            ? [undefined]
            : input.models.map((one) => one.model.id)) {
            const prices = attempts
              .filter(({ state, endpoint }) => state === 'closed' && (model === undefined || endpoint.model === model))
              .map(({ price }) => price);
            expect(prices).toEqual([...prices].sort((x, y) => x - y));
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is what is explained and what is done, over 10 000 runs', async () => {
    const clock: Clock = { now: () => 0, after: () => () => undefined };
    const random = (count: number): Uint8Array => new Uint8Array(count);
    const samples = fc.sample(worlds, { numRuns: 10_000, seed: 7 });
    for (const described of samples) {
      const explained = explainPlan(plan(build(described).input), build(described).input.world);
      const { attempts } = plan(build(described).input);
      const done: string[] = [];
      const payment = { assertLive: () => undefined, dispatch: async () => undefined };
      const facts = { scope: new Cancellation(), records: [], deadline: 1e9, session: undefined, payment };
      const call = facts as unknown as Call;
      const health = new Health({ clock, random, onChange: undefined });
      const walker = {
        clock,
        random,
        health,
        budget: new RetryBudget(clock),
        upstreamDetail: 'full' as const,
        transports: new Map(),
        fallbackOnModeration: false,
        endpointRequests: 256,
        answered: () => undefined,
      };
      // A timeout is never repeated at the same endpoint.
      await walk(call, attempts, walker, async (_call, { endpoint }) => {
        done.push(`${endpoint.provider.slug} ${endpoint.model}`);
        throw new Failure('timeout', 'too late');
      }).catch(() => undefined);
      const expected = explained
        .filter(({ position }) => position !== null)
        .map(({ endpoint, model }) => `${endpoint} ${model}`);
      if (JSON.stringify(done) !== JSON.stringify(expected.slice(0, 8))) expect(done).toEqual(expected.slice(0, 8));
      expect(
        explained.filter(({ position }) => position === null).every(({ excluded_by: by, reason }) => by && reason),
      ).toBe(true);
    }
  });
});
