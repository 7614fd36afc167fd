import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Gate } from './gate.js';

/** What a step works on: one request that waits for its answer. */
export interface UpstreamExchange {
  readonly response: ServerResponse;
  readonly socket: Socket;
  /** Resolves when the connection is closed, by whomever. Steps that wait, wait for this too. */
  readonly closed: Promise<void>;
  /** Adds to what the record of the request says about bytes of the answer's body. */
  count(bytes: number): void;
}

/**
 * One thing that an upstream does. A script is a list of steps; after the last one the connection stays as it is, so a
 * script without `end`, `cut` or `reset` leaves its client waiting. Steps after the client has left are not run.
 */
export type Step = (exchange: UpstreamExchange) => void | Promise<void>;

/** A step, or several made by one helper. */
export type Script = readonly (Step | Script)[];

/** Headers as `ServerResponse.writeHead` takes them. Without `content-length` the body is chunked. */
export type Headers = Readonly<Record<string, string | readonly string[]>>;

/** Sends status and headers at once, before any of the body. */
export function head(status = 200, headers: Headers = {}): Step {
  return ({ response }) => {
    const copied = Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : [...value],
    ]);
    response.writeHead(status, Object.fromEntries(copied));
    response.flushHeaders();
  };
}

/**
 * Writes pieces of the body, each in a network write of its own and a turn of the event loop apart, so that a client
 * reads them one by one.
 */
export function write(...pieces: readonly (string | Uint8Array)[]): Step {
  return async ({ response, socket, closed, count }) => {
    for (const piece of pieces) {
      if (socket.destroyed) return;
      count(Buffer.byteLength(piece));
      if (!response.write(piece)) await Promise.race([once(response, 'drain'), closed]);
      await nextTurn();
      await nextTurn();
    }
  };
}

/** Writes pieces of the body at once; each is a chunk of its own, so that a client still reads them one by one. */
export function writeAtOnce(pieces: readonly Uint8Array[]): Step {
  return async ({ response, socket, closed, count }) => {
    for (const piece of pieces) {
      if (socket.destroyed) return;
      count(piece.length);
      if (!response.write(piece)) await Promise.race([once(response, 'drain'), closed]);
    }
  };
}

/** Writes bytes past HTTP: garbage instead of a status line, or broken chunk framing after `head`. */
export function raw(bytes: string | Uint8Array): Step {
  return ({ socket }) => {
    socket.write(bytes);
  };
}

/** Waits until the test opens the gate, or the client leaves. */
export function hold(gate: Gate): Step {
  return ({ closed }) => Promise.race([gate.arrive(), closed]);
}

/** Ends the answer as HTTP says. */
export function end(): Step {
  return ({ response }) => {
    response.end();
  };
}

/** Closes the connection in good order on TCP, in the middle of an answer: FIN without an end. */
export function cut(): Step {
  return async ({ socket }) => {
    await nextTurn();
    socket.end();
  };
}

/** Resets the connection: RST. What was written before may be lost with it, as in life. */
export function reset(): Step {
  return async ({ socket }) => {
    await nextTurn();
    socket.resetAndDestroy();
  };
}

/** Never says anything more. The same as a script that stops here; the name tells why. */
export function silence(): Step {
  return ({ closed }) => closed;
}

/**
 * Offers the same frame again and again until `bytes` are written, and waits whenever the client does not take them. The
 * request's record tells how many bytes went out.
 */
export function offer(frame: string | Uint8Array, bytes: number): Step {
  return async ({ response, socket, closed, count }) => {
    const piece = Buffer.from(frame);
    for (let written = 0; written < bytes && !socket.destroyed; written += piece.length) {
      count(piece.length);
      if (!response.write(piece)) await Promise.race([once(response, 'drain'), closed]);
    }
  };
}

/** Cuts bytes into pieces: of `size` bytes each, or at the given positions. */
export function split(data: string | Uint8Array, at: number | readonly number[]): readonly Uint8Array[] {
  const bytes = Buffer.from(data);
  const positions = typeof at === 'number' ? multiples(at, bytes.length) : at;
  const bounds = [0, ...positions, bytes.length];
  return bounds.slice(1).flatMap((until, index) => {
    const piece = bytes.subarray(bounds[index], until);
    return piece.length > 0 ? [piece] : [];
  });
}

function multiples(size: number, length: number): readonly number[] {
  return Array.from({ length: Math.ceil(length / size) }, (_, index) => index * size);
}

/** Resolves at the event; leaves no listener behind once it has come. */
function once(response: ServerResponse, event: 'drain'): Promise<void> {
  return new Promise((resolve) => {
    response.once(event, () => resolve());
  });
}
