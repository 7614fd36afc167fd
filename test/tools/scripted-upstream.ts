import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Script, Step, UpstreamExchange } from './upstream-steps.js';

/** One connection that the upstream has seen. Times are `performance.now()`. */
interface SocketRecord {
  readonly openedAt: number;
  /** When the connection was closed, by whomever; undefined while it is open. */
  readonly closedAt: number | undefined;
  /** Resolves when the connection is closed. */
  readonly closed: Promise<void>;
}

/** One request exactly as it came in. */
export interface RequestRecord {
  readonly method: string;
  /** With query, untouched. */
  readonly path: string;
  /** Names and values in turn, spelled and ordered as on the wire. */
  readonly rawHeaders: readonly string[];
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
  /** The body parsed. @throws SyntaxError if it is not JSON. */
  json(): unknown;
  readonly socket: SocketRecord;
  /** Bytes of the answer's body handed to the socket so far; see `offer`. */
  readonly written: number;
  /** Resolves when every step of its script has run, or the connection is closed. */
  readonly finished: Promise<void>;
}

/** Chooses the script of a request. */
type Responder = (request: RequestRecord, index: number) => Script;

/** An upstream on a real socket that does what a test tells it to, and remembers everything it was sent. */
export interface ScriptedUpstream {
  readonly port: number;
  /** `http://127.0.0.1:<port>/v1` */
  readonly baseUrl: string;
  /** In the order of arrival; a request stands here once its body is complete. */
  readonly requests: readonly RequestRecord[];
  readonly sockets: readonly SocketRecord[];
  /** Connections that are open now. */
  readonly openSockets: number;
  /** What every request gets that `next` has nothing for. A new call replaces the last one. */
  always(...script: Script): void;
  /** What the next request without a script of its own gets; calls queue up. */
  next(...script: Script): void;
  /** As `always`, decided for each request. */
  respond(responder: Responder): void;
  /** The request of this index (from 0), as soon as it is there. */
  request(index: number): Promise<RequestRecord>;
  /** Resolves once no connection is open. */
  idle(): Promise<void>;
  /** Closes every connection and stops listening. */
  close(): Promise<void>;
}

/**
 * Starts an upstream. Scripts are lists of steps (`upstream-steps.ts`); answers in OpenAI's format come from
 * `openai-answers.ts`.
 *
 * @example
 * const upstream = await startUpstream();
 * upstream.always(textStream('Hello', ' there'));                // every request
 * upstream.next(failure(503, { error: { message: 'busy' } }));   // but the first one fails
 * upstream.next(head(200, eventStream), write(sse([...])), cut());
 * // … createGateway({ providers: [openaiCompatible({ slug: 'acme', baseUrl: upstream.baseUrl, models: ['acme/small'], pricing: 'free' })] })
 * const { headers, body } = await upstream.request(0);
 * await upstream.close();
 */
export async function startUpstream(): Promise<ScriptedUpstream> {
  const upstream = new Upstream();
  await upstream.listen();
  return upstream;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

class Upstream implements ScriptedUpstream {
  readonly requests: RequestRecord[] = [];
  readonly sockets: SocketRecord[] = [];
  readonly #server: Server;
  readonly #records = new Map<Socket, SocketRecord>();
  readonly #queue: Script[] = [];
  #responder: Responder = () => [];
  #arrivals: (() => void)[] = [];
  #idlers: (() => void)[] = [];

  constructor() {
    // Nothing here may close a connection but a script or the other side: the tests measure who does.
    const patient = {
      requestTimeout: 0,
      headersTimeout: 0,
      keepAliveTimeout: 0,
    };
    this.#server = createServer(patient, (request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket) => this.#register(socket));
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  get openSockets(): number {
    return this.#records.size;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => resolve());
    });
  }

  always(...script: Script): void {
    this.#responder = () => script;
  }

  next(...script: Script): void {
    this.#queue.push(script);
  }

  respond(responder: Responder): void {
    this.#responder = responder;
  }

  async request(index: number): Promise<RequestRecord> {
    for (;;) {
      const found = this.requests[index];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#arrivals.push(resolve);
      });
    }
  }

  idle(): Promise<void> {
    if (this.#records.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idlers.push(resolve);
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const socket of this.#records.keys()) socket.destroy();
    await closed;
  }

  #register(socket: Socket): void {
    let resolveClosed = (): void => undefined;
    const closed = new Promise<void>((resolve) => {
      resolveClosed = resolve;
    });
    const record: Mutable<SocketRecord> = {
      openedAt: performance.now(),
      closedAt: undefined,
      closed,
    };
    this.sockets.push(record);
    this.#records.set(socket, record);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      record.closedAt = performance.now();
      this.#records.delete(socket);
      resolveClosed();
      if (this.#records.size > 0) return;
      for (const resolve of this.#idlers.splice(0)) resolve();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const socketRecord = this.#records.get(socket);
    const body = await readAll(request);
    if (socketRecord === undefined || body === undefined) return;
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const record: Mutable<RequestRecord> = {
      method: request.method ?? '',
      path: request.url ?? '',
      rawHeaders: request.rawHeaders,
      headers: request.headers,
      body,
      json: () => JSON.parse(body.toString('utf8')) as unknown,
      socket: socketRecord,
      written: 0,
      finished,
    };
    const index = this.requests.push(record) - 1;
    for (const resolve of this.#arrivals.splice(0)) resolve();
    const count = (bytes: number): void => {
      record.written += bytes;
    };
    const script = this.#queue.shift() ?? this.#responder(record, index);
    await run(script, { response, socket, closed: socketRecord.closed, count });
    finish();
  }
}

async function run(script: Script, exchange: UpstreamExchange): Promise<void> {
  for (const step of flatten(script)) {
    if (exchange.socket.destroyed) return;
    await step(exchange);
  }
}

function flatten(script: Script): readonly Step[] {
  return script.flatMap((part) => (typeof part === 'function' ? [part] : flatten(part)));
}

/** The whole body; undefined where the client left before it was complete. */
async function readAll(request: IncomingMessage): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of request) pieces.push(piece as Buffer);
  } catch {
    return undefined;
  }
  return Buffer.concat(pieces);
}
