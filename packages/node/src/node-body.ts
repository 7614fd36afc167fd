import type { IncomingMessage } from 'node:http';

/**
 * The body of a request as chunks, pulled one at a time. Leaner than the stream's own iterator, which costs more than the
 * rest of reading a small body; like it, it stops the socket while nobody pulls.
 */
export class NodeBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #request: IncomingMessage;
  #listening = false;
  #chunks: Uint8Array[] = [];
  #ended = false;
  #error: Error | undefined;
  #waiter: { resolve(step: IteratorResult<Uint8Array, undefined>): void; reject(error: Error): void } | undefined;

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) return Promise.resolve({ done: false, value: chunk });
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      if (this.#listening) this.#request.resume();
      else this.#listen();
    });
  }

  /** Nothing more is wanted; what still comes stays in the socket. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#request.pause();
    this.#unlisten();
    this.#ended = true;
    return Promise.resolve({ done: true, value: undefined });
  }

  #listen(): void {
    this.#listening = true;
    this.#request.on('data', this.#onData);
    this.#request.on('end', this.#onEnd);
    this.#request.on('error', this.#onError);
    this.#request.on('close', this.#onClose);
  }

  #unlisten(): void {
    this.#request.off('data', this.#onData);
    this.#request.off('end', this.#onEnd);
    this.#request.off('error', this.#onError);
    this.#request.off('close', this.#onClose);
  }

  readonly #onData = (chunk: Uint8Array): void => {
    const waiter = this.#waiter;
    if (waiter === undefined) {
      this.#chunks.push(chunk);
      this.#request.pause();
      return;
    }
    this.#waiter = undefined;
    waiter.resolve({ done: false, value: chunk });
  };

  readonly #onEnd = (): void => {
    // The listeners go with the request: taking them off one by one is work for nothing.
    this.#ended = true;
    this.#waiter?.resolve({ done: true, value: undefined });
    this.#waiter = undefined;
  };

  readonly #onError = (error: Error): void => {
    this.#error = error;
    this.#unlisten();
    this.#waiter?.reject(error);
    this.#waiter = undefined;
  };

  readonly #onClose = (): void => {
    if (!this.#ended) this.#onError(new Error('the connection closed before the body was complete'));
  };
}
