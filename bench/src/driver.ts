import { Pool } from 'undici';
import { CLIENT_KEY, EVENTS, type Scenario } from './scenarios.js';

/** What a round of load looked like from the client's side. Times are milliseconds. */
export interface Load {
  readonly requestsPerSecond: number;
  readonly latencies: readonly number[];
  /** Until the first event with content; streams only. */
  readonly firstTokens: readonly number[];
}

/** Where the load goes. */
export interface Destination {
  readonly origin: string;
  readonly path: string;
  readonly model: string;
}

/** Sends a scenario's requests, so many at a time, and checks every answer. @throws Error on the first wrong one. */
export async function drive(destination: Destination, scenario: Scenario, requests: number): Promise<Load> {
  const pool = new Pool(destination.origin, { connections: scenario.concurrency, headersTimeout: 0, bodyTimeout: 0 });
  const latencies: number[] = [];
  const firstTokens: number[] = [];
  const body = scenario.body(destination.model);
  let left = requests;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const started = performance.now();
      const first = await once(pool, destination, body, scenario.events > 0);
      latencies.push(performance.now() - started);
      if (first !== undefined) firstTokens.push(first - started);
    }
  };
  const started = performance.now();
  try {
    await Promise.all(Array.from({ length: scenario.concurrency }, worker));
  } finally {
    await pool.destroy();
  }
  return { requestsPerSecond: (requests * 1000) / (performance.now() - started), latencies, firstTokens };
}

/** One request; answers when its first content came. */
async function once(
  pool: Pool,
  { path }: Destination,
  request: string,
  streamed: boolean,
): Promise<number | undefined> {
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path,
    headers: { authorization: `Bearer ${CLIENT_KEY}`, 'content-type': 'application/json' },
    body: request,
  });
  if (statusCode !== 200) throw new Error(`expected status 200, got ${statusCode}: ${await body.text()}`);
  if (!streamed) {
    const text = await body.text();
    if (!text.includes('"content":"The answer of a small request')) throw new Error(`not the answer: ${text}`);
    return undefined;
  }
  let first: number | undefined;
  let text = '';
  body.setEncoding('utf8');
  for await (const piece of body) {
    text += String(piece);
    if (first === undefined && text.includes('word0')) first = performance.now();
  }
  if (!text.endsWith('data: [DONE]\n\n') || !text.includes(`word${EVENTS - 1}"`)) {
    throw new Error(`not a whole stream: …${text.slice(-200)}`);
  }
  return first;
}
