import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

/** A whole response. */
export interface WholeResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json(): unknown;
}

/** What to send. */
export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Sends the body a byte at a time. */
  readonly dribble?: boolean;
}

/** A response of which the test has the socket in hand. */
export interface OpenResponse {
  readonly response: IncomingMessage;
  /** Hangs up without a word. */
  hangUp(): void;
}

/** Asks and waits for everything; a connection of its own for every request. */
export async function ask(url: string, sent: Sent = {}): Promise<WholeResponse> {
  const { response } = await open(url, sent);
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  const text = Buffer.concat(pieces).toString('utf8');
  return { status: response.statusCode ?? 0, headers: response.headers, text, json: () => JSON.parse(text) as unknown };
}

/** Asks and waits for the head of the response; nothing of its body is read. */
export function open(url: string, sent: Sent = {}): Promise<OpenResponse> {
  return new Promise((resolve, reject) => {
    const { hangUp } = start(url, sent, (response) => resolve({ response, hangUp }), reject);
  });
}

/** Asks without waiting for anything. */
export function start(
  url: string,
  sent: Sent = {},
  onResponse: (response: IncomingMessage) => void = () => undefined,
  onError: (error: Error) => void = () => undefined,
): { hangUp(): void } {
  const { method = sent.body === undefined ? 'GET' : 'POST', headers, body = '', dribble = false } = sent;
  const length = method === 'GET' || method === 'HEAD' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const request = httpRequest(url, { method, headers: { ...length, ...headers }, agent: false });
  request.on('response', (response) => {
    response.on('error', () => undefined);
    onResponse(response);
  });
  request.on('error', onError);
  if (dribble) void dribbleBody(request, Buffer.from(body));
  else request.end(body);
  return { hangUp: () => request.destroy() };
}

async function dribbleBody(request: ReturnType<typeof httpRequest>, body: Buffer): Promise<void> {
  request.setNoDelay(true);
  for (const byte of body) {
    request.write(Uint8Array.of(byte));
    await new Promise(setImmediate);
  }
  request.end();
}
