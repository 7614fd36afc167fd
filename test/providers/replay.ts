import { type Clock, createGateway, type Gateway, type GatewayOptions } from '@gatehouse/core';
import { eventStream } from '../tools/openai-answers.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { KEY, post, type ReadStream, readStream } from '../tools/stream-of.js';
import { end, head, type Script, write, writeAtOnce } from '../tools/upstream-steps.js';
import type { Subject } from './families.js';

/** A gateway before a scripted upstream, with ids that come out the same every time. */
export interface Stage {
  readonly upstream: ScriptedUpstream;
  /** A gateway of its own for every answer, so that ids repeat. */
  gateway(options?: Partial<GatewayOptions>): Gateway;
  stream(bytes: string | Uint8Array, options?: StreamOptions): Promise<ReadStream>;
  whole(body: unknown, request?: Readonly<Record<string, unknown>>): Promise<WholeAnswer>;
  close(): Promise<void>;
}

interface StreamOptions {
  /** The same bytes in pieces; by default everything at once. */
  readonly pieces?: readonly Buffer[];
  readonly request?: Readonly<Record<string, unknown>>;
  /** How the connection ends; by default as HTTP says. */
  readonly ending?: Script;
  readonly gateway?: Partial<GatewayOptions>;
}

interface WholeAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const NOW = 1_790_000_000_000;
const SHORT_MS = 1000;

/** Sets up a provider. */
export async function stage(subject: Subject): Promise<Stage> {
  const upstream = await startUpstream();
  const gateways: Gateway[] = [];
  const make = (options: Partial<GatewayOptions> = {}): Gateway => {
    const gateway = createGateway({
      providers: [subject.provider(upstream.baseUrl)],
      auth: { keys: [KEY] },
      catalog: { bundled: false },
      random: counting(),
      clock: stillClock,
      ...options,
    });
    gateways.push(gateway);
    return gateway;
  };
  const request = { model: subject.model };
  return {
    upstream,
    gateway: make,
    async stream(bytes, options = {}) {
      const pieces = options.pieces ?? [Buffer.from(bytes)];
      upstream.always(head(200, eventStream), writeAtOnce(pieces), ...(options.ending ?? [end()]));
      const response = await post(make(options.gateway), { ...request, ...options.request, stream: true });
      return readStream(response.status, await response.text());
    },
    async whole(body, asked = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      upstream.always(head(200, { 'content-type': 'application/json' }), write(text), end());
      const response = await post(make(), { ...request, ...asked });
      return { status: response.status, body: (await response.json()) as WholeAnswer['body'] };
    },
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.close()));
      await upstream.close();
    },
  };
}

/** Time stands still: no deadline ever comes, and short waits are over at once. */
const stillClock: Clock = {
  now: () => NOW,
  after(milliseconds, callback) {
    if (milliseconds < SHORT_MS) setImmediate(callback);
    return () => undefined;
  },
};

/** Bytes in pieces of a size. */
export function piecesOf(data: Buffer, size: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(data.length / size) }, (_, index) =>
    data.subarray(index * size, (index + 1) * size),
  );
}

/** Bytes that are the same in every gateway, and never twice in one. */
function counting(): (count: number) => Uint8Array {
  let drawn = 0;
  return (count) => Uint8Array.from({ length: count }, () => (drawn++ * 7) % 248);
}
