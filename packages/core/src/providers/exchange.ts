import type { Dispatcher } from 'undici';
import { Failure } from '../failure.js';
import type { UpstreamHeaders } from './types.js';

/** The status and headers of a response whose body is still coming. */
export interface ResponseHead {
  readonly status: number;
  /** Lower-case names, as undici hands them over. */
  readonly headers: UpstreamHeaders;
}

/** Bytes that may wait here while nobody reads; beyond this the socket is paused. */
const HIGH_WATER_MARK = 65_536;

interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * One HTTP exchange as undici's dispatch handler: the body is pulled with `read`, and the socket is paused while nobody
 * does. Written on `dispatch` because a `Readable` in between costs more than everything else that happens to a token.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly head: Promise<ResponseHead>;
  #headWaiter: Waiter<ResponseHead> | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #pieces: Buffer[] = [];
  #waiting = 0;
  #reader: Waiter<readonly Buffer[] | undefined> | undefined;
  #paused = false;
  #ended = false;
  #failure: unknown;
  #failed = false;

  constructor() {
    this.head = new Promise((resolve, reject) => {
      this.#headWaiter = { resolve, reject };
    });
  }

  /** What has arrived since the last read, at least one piece; undefined at the end. Rejects where the body was cut. */
  read(): Promise<readonly Buffer[] | undefined> {
    if (this.#pieces.length > 0) return Promise.resolve(this.#take());
    if (this.#failed) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  /** Ends the exchange now, whatever it is doing; pending reads reject with `reason`. Harmless after the end. */
  abort(reason: Error): void {
    if (this.#ended || this.#failed) return;
    this.#fail(reason);
    this.#controller?.abort(reason);
  }

  /** Whether everything has been received, or nothing more can be. */
  get settled(): boolean {
    return this.#ended || this.#failed;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failed) controller.abort(this.#failure instanceof Error ? this.#failure : new Error('aborted'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: UpstreamHeaders): void {
    if (status < 200) return;
    this.#headWaiter?.resolve({ status, headers });
    this.#headWaiter = undefined;
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#pieces.push(piece);
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.resolve(this.#take());
      return;
    }
    this.#waiting += piece.length;
    if (this.#waiting >= HIGH_WATER_MARK && !this.#paused) {
      this.#paused = true;
      controller.pause();
    }
  }

  onResponseEnd(): void {
    this.#ended = true;
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.resolve(undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error instanceof Failure ? error : toFailure(error));
  }

  #take(): readonly Buffer[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#waiting = 0;
    if (this.#paused) {
      this.#paused = false;
      this.#controller?.resume();
    }
    return pieces;
  }

  #fail(reason: unknown): void {
    if (this.#ended || this.#failed) return;
    this.#failed = true;
    this.#failure = reason;
    this.#pieces = [];
    this.#headWaiter?.reject(reason);
    this.#headWaiter = undefined;
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.reject(reason);
  }
}

/** Codes of connections that never came about, against those that broke. */
const CONNECT_TIMEOUT = 'UND_ERR_CONNECT_TIMEOUT';

function toFailure(error: Error): Failure {
  const code: unknown = 'code' in error ? error.code : undefined;
  if (code === CONNECT_TIMEOUT) return new Failure('network', 'the connection was not made in time', { cause: error });
  return new Failure('network', 'the connection to the upstream failed', { cause: error });
}
