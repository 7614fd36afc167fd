import type { Gateway, HttpResponse, MaybeIdentity } from '@gatehouse/core';
import { locate } from '@gatehouse/core';
import { answersEarly, linger, toHttpRequest } from '@gatehouse/node';
import type { Context, Middleware, Next } from 'koa';
import { toReadable } from './to-readable.js';

/** How a gateway is mounted in Koa. */
export interface KoaOptions {
  /** Where the API begins, as Koa sees the path: `/api/v1`; empty (default) behind koa-mount. */
  readonly prefix?: string | undefined;
  /** Requests that the gateway has no route for: `answer` (default) with its own JSON 404 or 405, or `next`. */
  readonly unhandled?: 'answer' | 'next' | undefined;
  /** Tells who is calling, where the host knows better than a bearer key; undefined leaves it to the key. */
  readonly identify?: ((context: Context) => MaybeIdentity | Promise<MaybeIdentity>) | undefined;
}

const OUTSIDE = { path: '/', query: '' };

/**
 * The gateway as Koa middleware, for Koa 2 and 3. It sets `ctx.status` and `ctx.body` (a stream for streamed answers),
 * so that middleware above still sees the response.
 *
 * @example
 * import Koa from 'koa';
 * import { toKoa } from '@gatehouse/koa';
 *
 * const app = new Koa();
 * app.use(toKoa(gateway, { prefix: '/api/v1' }));
 */
export function toKoa(gateway: Pick<Gateway, 'handle'>, options: KoaOptions = {}): Middleware {
  const { prefix = '', unhandled = 'answer', identify } = options;
  return async (context: Context, next: Next) => {
    const located = locate(context.url, prefix);
    if (located === undefined && unhandled === 'next') return next();
    const identity = identify && (() => identify(context));
    const described = toHttpRequest(
      context.req,
      context.res,
      { ...(located ?? OUTSIDE), identity, address: () => context.ip },
      'body' in context.request ? context.request.body : undefined,
    );
    const answer = await gateway.handle(described);
    if (answer.unhandled === true && unhandled === 'next') return next();
    respond(context, answer);
    return undefined;
  };
}

function respond(context: Context, answer: HttpResponse): void {
  const { status, headers, body } = answer;
  context.status = status;
  if (typeof body !== 'string') context.body = toReadable(body);
  else if (status === 204) context.body = null;
  else if (answersEarly(context.req, answer)) respondEarly(context, body);
  else context.body = body;
  // Koa derives headers from the body; the gateway's own win.
  context.set({ ...headers });
}

/** The whole answer at once, and its end when the client has stopped sending. */
function respondEarly(context: Context, body: string): void {
  async function* answerThenLinger(): AsyncGenerator<string> {
    yield body;
    await linger(context.req);
  }
  context.body = toReadable(answerThenLinger());
  context.length = Buffer.byteLength(body);
}
