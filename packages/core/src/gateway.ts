import type { CreditAdministration } from './accounting/credits.js';
import { toUsageList } from './accounting/usage-list.js';
import { type Accounts, createAccounts, KEY_PREFIX } from './accounts.js';
import { RunningCalls } from './call-scope.js';
import { Catalog } from './catalog/catalog.js';
import { toModelEntry } from './catalog/model-entry.js';
import { beginChat, type ChatParts, explainChat } from './chat.js';
import type { ChatStream } from './chat-stream.js';
import { type Clock, systemClock } from './clock.js';
import { type ChatOptions, chat, noHeaders, withTransforms } from './direct-chat.js';
import { Discovery } from './discovery.js';
import { GatewayError } from './errors.js';
import { defaultLimits, defaultTimeouts, type GatewayOptions } from './gateway-options.js';
import { plainAttribution } from './http/attribution.js';
import { toCaller } from './http/caller.js';
import { CallerDirectory } from './http/caller-directory.js';
import { parseUsageQuery } from './http/endpoints/usage-query.js';
import type { Services } from './http/exchange.js';
import { createFetch } from './http/fetch.js';
import { createHandler } from './http/handler.js';
import type { HttpHandler } from './http/types.js';
import { type KeyAdministration, keyAdministration } from './key-administration.js';
import type { Provider, Transport } from './providers/types.js';
import { type Random, randomText, systemRandom } from './random.js';
import { Affinity } from './routing/affinity.js';
import { Drains } from './routing/drains.js';
import { Health, type UnitHealth } from './routing/health.js';
import { RetryBudget } from './routing/retry-budget.js';
import { tell } from './tell.js';
import { TransformRegistry } from './transforms/registry.js';
import type { UsageList } from './wire/account.js';
import type { ChatCompletion, ChatRequest } from './wire/chat.js';
import type { ModelEntry } from './wire/models.js';
import { parseChat } from './wire/parse-chat.js';
import type { Explanation } from './wire/routing-metadata.js';

/** A running gateway. */
export interface Gateway {
  /** For hosts: answers one request, never rejects. Adapters call it. */
  readonly handle: HttpHandler;
  /** Web requests: fetch-style hosts, tests, `new OpenAI({ fetch: gateway.fetch })`. */
  readonly fetch: (input: Request | string | URL, init?: RequestInit) => Promise<Response>;
  /** The same without HTTP, with the host's own rights. @throws GatewayError */
  chat(request: ChatRequest & { readonly stream: true }, options?: ChatOptions): Promise<ChatStream>;
  chat(request: ChatRequest & { readonly stream?: false | undefined }, options?: ChatOptions): Promise<ChatCompletion>;
  chat(request: ChatRequest, options?: ChatOptions): Promise<ChatCompletion | ChatStream>;
  /**
   * Takes no new requests (they get 503) and waits for those under way; what is left after `timeoutMs` (default 30 000)
   * ends with an error.
   */
  drain(options?: { readonly timeoutMs?: number }): Promise<void>;
  /**
   * Resolves when the store has been opened and every provider that lists its own models has been asked once, or failed to
   * answer. Requests need not wait for it.
   */
  readonly ready: Promise<void>;
  /** The models that are served now, as `GET /models` lists them. */
  models(): readonly ModelEntry[];
  /** What would become of a request: every candidate, in the order of trying, and why others are left out. Nobody is asked. */
  explain(request: ChatRequest, options?: Pick<ChatOptions, 'identity' | 'transforms'>): Explanation;
  /** Keys: what the endpoints do, with the host's own rights. */
  readonly keys: KeyAdministration;
  /** Credits of accounts. */
  readonly credits: CreditAdministration;
  /** What `GET /usage` answers, of an account (default `default`); `query` has its parameters. @throws GatewayError */
  usage(query?: Readonly<Record<string, string>>, account?: string): Promise<UsageList>;
  /** Every endpoint that was asked so far, with each of its credentials. */
  health(): readonly (UnitHealth & { readonly unit: string; readonly running: number })[];
  /** Ends every call and closes every connection. */
  close(): Promise<void>;
}

const DRAIN_MS = 30_000;
const MIN_SECRET_BYTES = 32;
const FAILURES_PER_MINUTE = 600;
/** The claim of a call outlives its longest time by this, milliseconds. */
const REPLAY_GRACE_MS = 60_000;
const MAX_MALFORMED_EVENTS = 3;

/**
 * Makes a gateway. The only place where its parts are wired together; two gateways in one process share nothing.
 *
 * @example
 * const gateway = createGateway({ providers: [openai({ apiKey })], auth: { keys: [clientKey] } });
 * app.use('/api/v1', toExpress(gateway));
 * @throws TypeError for options that cannot work.
 */
export function createGateway(options: GatewayOptions): Gateway {
  checkOptions(options);
  const clock = options.clock ?? systemClock;
  const running = new RunningCalls();
  let draining = false;
  const random = options.random ?? systemRandom();
  const { totalMs } = { ...defaultTimeouts, ...options.timeouts };
  const registry = toRegistry(options);
  const mayEnforce = (transform: string): boolean => registry.mayEnforce(transform);
  const accounts = createAccounts({ options, clock, random, totalMs, mayEnforce });
  const parts = toParts({ options, clock, random, running, accounts, registry });
  const services = toServices(options, parts, accounts, () => draining);
  const discovery = new Discovery({ clock, catalog: parts.catalog, transports: parts.runner.transports });
  const handle = createHandler(services);
  const endAll = (): void => {
    running.cancel(new GatewayError('service_unavailable', 'the gateway is shutting down'));
    parts.runner.drains.stopAll();
  };
  const drain = async ({ timeoutMs = DRAIN_MS }: { readonly timeoutMs?: number } = {}): Promise<void> => {
    draining = true;
    const cancel = clock.after(timeoutMs, endAll);
    await running.idle();
    cancel();
    await accounts.settledSoon();
  };
  return {
    handle,
    fetch: createFetch(handle),
    chat: ((request: ChatRequest, chatOptions?: ChatOptions) =>
      chat(services, request, chatOptions)) as Gateway['chat'],
    ready: Promise.all([discovery.ready, accounts.opened]).then(() => undefined),
    models: () => parts.catalog.list().map(toModelEntry),
    explain(request, { identity = {}, transforms } = {}) {
      const caller = toCaller(identity);
      const parsed = parseChat(withTransforms(request, transforms));
      const attribution = plainAttribution(parsed.request.metadata, caller);
      return explainChat(parts, parsed, caller, {
        requestId: services.newRequestId(),
        attribution,
        headers: noHeaders,
      });
    },
    keys: keyAdministration(accounts.keys),
    credits: accounts.credits,
    async usage(query = {}, account = 'default') {
      const wanted = { ...parseUsageQuery(new URLSearchParams({ ...query }), clock.now()), account };
      return toUsageList(wanted, await accounts.usage(wanted));
    },
    health: () => parts.runner.health.list(),
    drain,
    async close() {
      draining = true;
      discovery.stop();
      endAll();
      await Promise.all([...parts.runner.transports.values()].map((transport) => transport.close()));
      await accounts.close();
    },
  };
}

function checkOptions(options: GatewayOptions): void {
  const slugs = options.providers.map((provider) => provider.slug);
  const repeated = slugs.find((slug, position) => slugs.indexOf(slug) !== position);
  if (repeated !== undefined) throw new TypeError(`providers: ${repeated} stands there twice`);
  const { userHashSecret } = options;
  if (userHashSecret !== undefined && Buffer.byteLength(userHashSecret) < MIN_SECRET_BYTES) {
    throw new TypeError(`userHashSecret: expected at least ${MIN_SECRET_BYTES} bytes`);
  }
}

interface Wiring {
  readonly options: GatewayOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly running: RunningCalls;
  readonly accounts: Accounts;
  readonly registry: TransformRegistry;
}

function toParts({ options, clock, random, running, accounts, registry }: Wiring): ChatParts {
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const limits = { ...defaultLimits, ...options.limits };
  const { connectMs } = timeouts;
  const { eventBytes, streamBytes, answerBytes } = limits;
  const transports = new Map<Provider, Transport>();
  const catalog = new Catalog(options.providers, options.catalog);
  const affinity = new Affinity(clock);
  for (const provider of options.providers) {
    transports.set(provider, provider.connect({ clock, connectMs, eventBytes, streamBytes }));
  }
  return {
    clock,
    random,
    catalog,
    running,
    affinity,
    billing: accounts.billing,
    routing: options.routing ?? {},
    bufferStreams: options.streamRecovery === 'buffer',
    mostRunning: limits.runningRequests,
    transforms: {
      registry,
      hookMs: timeouts.transformMs,
      report: (error, requestId) => report(options, error, requestId),
    },
    defaultModel: options.defaultModel,
    passthrough: options.passthrough ?? true,
    userHashSecret: options.userHashSecret,
    runner: {
      clock,
      timeouts,
      answerBytes,
      transports,
      random,
      health: new Health({ clock, random, onChange: (change) => tell(() => options.onHealthChange?.(change)) }),
      budget: new RetryBudget(clock),
      drains: new Drains(clock, limits.drains),
      fallbackOnModeration: options.routing?.fallbackOnModeration ?? false,
      endpointRequests: limits.endpointRequests,
      answered({ session }, { unit }) {
        if (session !== undefined) affinity.keep(session, unit);
      },
      upstreamDetail: options.errors?.upstreamDetail ?? 'full',
      malformedEvents: options.stream?.malformedEvents === 'error' ? 0 : MAX_MALFORMED_EVENTS,
      newToolCallId: () => `call_${randomText(random, 24)}`,
    },
  };
}

function toServices(
  options: GatewayOptions,
  parts: ChatParts,
  accounts: Accounts,
  isDraining: () => boolean,
): Services {
  const { clock, random, catalog } = parts;
  const limits = { ...defaultLimits, ...options.limits };
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  return {
    clock,
    catalog,
    directory: new CallerDirectory({
      configured: options.auth?.keys ?? [],
      publicModels: options.auth?.publicModels ?? false,
      directory: accounts.directory,
      prefix: options.auth?.keyPrefix ?? KEY_PREFIX,
      failuresPerMinute: options.auth?.failuresPerMinute ?? FAILURES_PER_MINUTE,
      clock,
    }),
    keys: accounts.keys,
    credits: accounts.credits,
    replays: accounts.replays,
    keepReplays: options.idempotency !== 'reject',
    replayLapseMs: timeouts.totalMs + REPLAY_GRACE_MS,
    usage: accounts.usage,
    spending: (spenders) => accounts.guard.run(accounts.store.ledger.spending(spenders)),
    generation: (id, account) => accounts.guard.run(accounts.store.generations.find(id, account)),
    async admit({ spender, subject, rates }) {
      if (rates.requestsPerMinute === undefined && rates.tokensPerMinute === undefined) return undefined;
      return accounts.limiter.admit({ subject, isAccount: spender === undefined, limits: rates });
    },
    bodyLimits: {
      bytes: limits.bodyBytes,
      depth: limits.bodyDepth,
      nodes: limits.bodyNodes,
      timeoutMs: timeouts.bodyMs,
    },
    streams: {
      usageChunk: options.stream?.usageChunk ?? 'merged',
      keepAliveMs: options.stream?.keepAliveMs ?? 10_000,
      keepAliveComment: options.stream?.keepAliveComment ?? 'OPENROUTER PROCESSING',
      clientStallMs: timeouts.clientStallMs,
      eventIds: options.sse?.eventIds ?? false,
    },
    errorCode: options.errors?.code ?? 'auto',
    newRequestId: () => `req_${randomText(random, 24)}`,
    newGenerationId: () => `gen-${Math.floor(clock.now() / 1000)}-${randomText(random, 20)}`,
    refuseWhileDraining() {
      if (!isDraining()) return;
      throw new GatewayError('service_unavailable', 'the gateway is shutting down', {
        headers: { connection: 'close' },
      });
    },
    beginChat: (parsed, caller, signal, origin) => beginChat(parts, parsed, caller, signal, origin),
    explain: (parsed, caller, origin) => explainChat(parts, parsed, caller, origin),
    figures: ({ key }) => ({ state: parts.runner.health.of(key).state, ...parts.runner.health.listed(key) }),
    report: (error, requestId) => report(options, error, requestId),
  };
}

/** @throws TypeError for transforms that cannot work, and for keys that enforce what nobody knows. */
function toRegistry({ transforms = [], auth }: GatewayOptions): TransformRegistry {
  const registry = new TransformRegistry(transforms);
  for (const key of auth?.keys ?? []) if (typeof key !== 'string') registry.check(key.transforms ?? []);
  return registry;
}

/** Defects must not vanish: clients see them masked, so the host has to see them plain. */
function report(options: GatewayOptions, error: GatewayError, requestId: string): void {
  const cause = error.cause ?? error;
  if (options.onError !== undefined) tell(() => options.onError?.(cause, { requestId }));
  else console.error(`gatehouse: request ${requestId} failed:`, cause);
}
