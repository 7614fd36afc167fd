import type { IncomingMessage } from 'node:http';
import type { HttpResponse } from '@gatehouse/core';

const LINGER_MS = 2000;
const LINGER_BYTES = 64 * 1_048_576;

/** Whether an answer is sent while its request is still coming in: over the limit, or too slow. */
export function answersEarly(request: IncomingMessage, answer: HttpResponse): boolean {
  return answer.headers['connection'] === 'close' && !request.readableEnded;
}

/**
 * Throws away what a client still sends, for a while. Closing the connection at once would reset it, and the client
 * would lose the answer that is on its way.
 */
export function linger(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let discarded = 0;
    const finish = (): void => {
      clearTimeout(timer);
      request.off('data', onData);
      request.off('end', finish);
      request.off('close', finish);
      resolve();
    };
    const onData = (chunk: Uint8Array): void => {
      discarded += chunk.length;
      if (discarded > LINGER_BYTES) finish();
    };
    const timer = setTimeout(finish, LINGER_MS);
    timer.unref();
    request.on('data', onData);
    request.on('end', finish);
    request.on('close', finish);
    request.resume();
  });
}
