import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpResponse } from '@gatehouse/core';
import { answersEarly, linger } from './linger.js';

/** A response behind `compression()`, which holds bytes back until it is told to flush. */
type FlushableResponse = ServerResponse & { flush?: () => void };

/** Writes the gateway's answer. Resolves when it is written, or when nobody is left to read it; never rejects. */
export async function writeResponse(
  request: IncomingMessage,
  response: ServerResponse,
  answer: HttpResponse,
): Promise<void> {
  if (response.headersSent || response.destroyed) {
    await abandon(answer);
    return;
  }
  if (typeof answer.body === 'string') {
    writeWhole(request, response, answer, answer.body);
    return;
  }
  response.writeHead(answer.status, answer.headers);
  if (request.method === 'HEAD') {
    response.end();
    await abandon(answer);
    return;
  }
  try {
    await pump(answer.body, response);
  } catch {
    response.destroy();
  }
}

function writeWhole(request: IncomingMessage, response: ServerResponse, answer: HttpResponse, body: string): void {
  const headers =
    answer.status === 204 ? answer.headers : { ...answer.headers, 'content-length': Buffer.byteLength(body) };
  response.writeHead(answer.status, headers);
  if (request.method === 'HEAD' || answer.status === 204) {
    response.end();
  } else if (answersEarly(request, answer)) {
    response.write(body);
    void linger(request).then(() => response.end());
  } else {
    response.end(body);
  }
}

/** One piece at a time: the next one is asked for when the socket has taken the last. */
async function pump(body: AsyncIterable<string>, response: FlushableResponse): Promise<void> {
  const pieces = body[Symbol.asyncIterator]();
  let gone = response.destroyed;
  let wake: (() => void) | undefined;
  const onDrain = (): void => wake?.();
  const onClose = (): void => {
    gone = true;
    wake?.();
    void pieces.return?.();
  };
  response.on('drain', onDrain);
  response.on('close', onClose);
  try {
    for (let step = await pieces.next(); step.done !== true && !gone; step = await pieces.next()) {
      const taken = response.write(step.value);
      response.flush?.();
      if (!taken && !gone) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
    }
    if (gone) await pieces.return?.();
    else response.end();
  } finally {
    response.off('drain', onDrain);
    response.off('close', onClose);
  }
}

/** An answer that cannot be written still has to let go of its upstream. */
async function abandon(answer: HttpResponse): Promise<void> {
  if (typeof answer.body !== 'string') await answer.body[Symbol.asyncIterator]().return?.();
}
