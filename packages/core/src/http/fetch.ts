import { locate } from './locate.js';
import type { HttpBody, HttpHandler, HttpRequest, HttpResponse } from './types.js';

/** Where a request may say that the API begins. */
const MOUNTS = ['/api/v1', '/v1', ''];

/**
 * Serves Web requests: for fetch-style hosts, for tests, and for `new OpenAI({ fetch: gateway.fetch })`. The API is
 * found under `/api/v1`, under `/v1` and at the root of whatever origin the request names.
 */
export function createFetch(
  handle: HttpHandler,
): (input: Request | string | URL, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    const request = input instanceof Request && init === undefined ? input : new Request(input, init);
    const aborter = new AbortController();
    const abort = (): void => aborter.abort();
    request.signal.addEventListener('abort', abort, { once: true });
    if (request.signal.aborted) abort();
    const unlink = (): void => request.signal.removeEventListener('abort', abort);
    const response = await handle(toHttpRequest(request, aborter));
    return toResponse(request, response, aborter, unlink);
  };
}

function toHttpRequest(request: Request, aborter: AbortController): HttpRequest {
  const url = new URL(request.url);
  const found = MOUNTS.map((mount) => locate(url.pathname, mount)).find((located) => located !== undefined);
  return {
    method: request.method,
    path: found?.path ?? url.pathname,
    query: url.search.slice(1),
    headers: Object.fromEntries(request.headers),
    body: bodyOf(request),
    signal: aborter.signal,
    disconnect: () => aborter.abort(),
  };
}

function bodyOf(request: Request): HttpBody {
  if (request.bodyUsed) return { kind: 'parsed', value: undefined };
  return { kind: 'stream', chunks: request.body ?? empty() };
}

async function* empty(): AsyncGenerator<Uint8Array> {}

function toResponse(request: Request, response: HttpResponse, aborter: AbortController, unlink: () => void): Response {
  const init = { status: response.status, headers: response.headers };
  const { body } = response;
  if (typeof body === 'string') {
    unlink();
    const bodyless = request.method === 'HEAD' || response.status === 204;
    return new Response(bodyless ? null : body, init);
  }
  return new Response(toReadable(body, aborter, unlink), init);
}

function toReadable(body: AsyncIterable<string>, aborter: AbortController, unlink: () => void): ReadableStream {
  const iterator = body[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream(
    {
      start(controller) {
        aborter.signal.addEventListener('abort', () => {
          unlink();
          void iterator.return?.();
          controller.error(new DOMException('the request was aborted', 'AbortError'));
        });
      },
      async pull(controller) {
        const step = await iterator.next();
        if (aborter.signal.aborted) return;
        if (step.done !== true) {
          controller.enqueue(encoder.encode(step.value));
          return;
        }
        unlink();
        controller.close();
      },
      async cancel() {
        unlink();
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
