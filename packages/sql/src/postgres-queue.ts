/** Calls that one round trip carries at most, so that none waits for a batch that never ends. */
const CALLS_AT_ONCE = 64;
/** SQLSTATEs after which a transaction may be repeated as it is: a deadlock, or one that could not be serialised. */
const REPEATABLE = ['40P01', '40001'];
const TRIES = 3;

interface Waiting<Call> {
  readonly call: Call;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends calls in round trips: whatever has gathered while the last one was under way goes in the next. Each call has its
 * own answer; where a round trip fails, all its calls do, unless one call alone is at fault.
 */
export class PostgresQueue<Call> {
  readonly #send: (calls: readonly Call[]) => Promise<readonly unknown[]>;
  #waiting: Waiting<Call>[] = [];
  #running: Promise<void> | undefined;

  /** `send` makes one round trip, and answers each call in order. */
  constructor(send: (calls: readonly Call[]) => Promise<readonly unknown[]>) {
    this.#send = send;
  }

  add(call: Call): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ call, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // What else this turn of the event loop adds goes in the same round trip.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#settle(this.#waiting.splice(0, CALLS_AT_ONCE));
    // In the same step as the last look at what waits, or a call could be added to a run that is over.
    this.#running = undefined;
  }

  async #settle(batch: readonly Waiting<Call>[]): Promise<void> {
    try {
      const answers = await this.#attempt(batch.map(({ call }) => call));
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index]);
    } catch (error) {
      if (batch.length > 1 && isOfOneCall(error)) for (const one of batch) await this.#settle([one]);
      else for (const { reject } of batch) reject(error);
    }
  }

  async #attempt(calls: readonly Call[], tries = TRIES): Promise<readonly unknown[]> {
    try {
      return await this.#send(calls);
    } catch (error) {
      if (tries > 1 && REPEATABLE.includes(sqlState(error) ?? '')) return this.#attempt(calls, tries - 1);
      throw error;
    }
  }
}

/** Whether one call's values are at fault: SQLSTATE classes 22 (data) and 23 (constraints). */
function isOfOneCall(error: unknown): boolean {
  return /^2[23]/.test(sqlState(error) ?? '');
}

function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}
