import { Cancellation } from './cancellation.js';
import type { Catalog } from './catalog/catalog.js';
import type { CancelTimer, Clock } from './clock.js';
import { Failure } from './failure.js';
import type { ModelDiscovery, Provider, Transport } from './providers/types.js';

const HOUR_MS = 3_600_000;
const TIMEOUT_MS = 10_000;
/** After a list that could not be had. */
const RETRY_MS = 60_000;
/** Bytes of a list. */
const MAX_LIST = 64 * 1_048_576;

/** What discovery takes from the gateway. */
export interface DiscoveryParts {
  readonly clock: Clock;
  readonly catalog: Catalog;
  readonly transports: ReadonlyMap<Provider, Transport>;
}

/**
 * Asks providers in the background which models they serve, again and again. A list that cannot be had changes nothing:
 * the last good one holds, and no request ever waits for one.
 */
export class Discovery {
  readonly #parts: DiscoveryParts;
  readonly #timers = new Map<Provider, CancelTimer>();
  readonly #stop = new Cancellation();
  /** Resolves when every provider has been asked once, whatever came of it. */
  readonly ready: Promise<void>;

  constructor(parts: DiscoveryParts) {
    this.#parts = parts;
    const asked = parts.catalog.providers.map((provider) =>
      provider.discovery === undefined ? Promise.resolve() : this.#refresh(provider, provider.discovery),
    );
    this.ready = Promise.all(asked).then(() => undefined);
  }

  stop(): void {
    this.#stop.cancel(new Failure('network', 'the gateway is closing'));
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  async #refresh(provider: Provider, discovery: ModelDiscovery): Promise<void> {
    const { clock, catalog, transports } = this.#parts;
    const { everyMs = HOUR_MS, timeoutMs = TIMEOUT_MS } = discovery;
    const transport = transports.get(provider);
    if (transport === undefined || this.#stop.reason !== undefined) return;
    let next = RETRY_MS;
    try {
      const text = await ask(transport, discovery.path, timeoutMs, clock, this.#stop);
      catalog.discover(provider, discovery.read(text));
      next = everyMs;
    } catch {
      // The last good list holds; whoever misses a model sees it missing from the list of models.
    }
    if (this.#stop.reason !== undefined) return;
    this.#timers.set(
      provider,
      clock.after(next, () => void this.#refresh(provider, discovery)),
    );
  }
}

/** @throws Failure for anything but a list in time. */
async function ask(
  transport: Transport,
  path: string,
  timeoutMs: number,
  clock: Clock,
  stop: Cancellation,
): Promise<string> {
  const cancellation = new Cancellation();
  const cancel = (reason: Error): void => cancellation.cancel(reason);
  stop.follow(cancel);
  const cancelTimer = clock.after(timeoutMs, () => cancel(new Failure('timeout', 'no list of models in time')));
  try {
    const request = { method: 'GET', path, headers: {}, body: {}, adjustments: [] } as const;
    const answer = await transport.send(request, { cancellation, stream: false });
    if (answer.status === 200) return await answer.text(MAX_LIST);
    answer.discard();
    throw new Failure('bad_response', `the list of models came with status ${answer.status}`);
  } finally {
    cancelTimer();
    stop.unfollow(cancel);
  }
}
