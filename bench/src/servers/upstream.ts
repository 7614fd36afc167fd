/** A provider as small as it can be: whole answers at once, streams one event a write. */
import type { ServerResponse } from 'node:http';
import { LARGE_EVENT } from '../scenarios.js';
import { serve, setting } from './serve.js';
import { asksForStream, formatOf } from './upstream-formats.js';

const PACE_MS = Number(setting('BENCH_PACE_MS'));
/** Bytes of a piece of a large event. */
const PIECE = 1024;

interface RunningStream {
  readonly response: ServerResponse;
  readonly frames: readonly string[];
  next: number;
}

/** All streams share one timer: every tick gives each its next event, as tokens of a provider arrive one by one. */
const running = new Set<RunningStream>();

function tick(): void {
  for (const stream of running) {
    stream.response.write(stream.frames[stream.next]);
    stream.next += 1;
    if (stream.next < stream.frames.length) continue;
    running.delete(stream);
    stream.response.end();
  }
}

if (PACE_MS > 0) setInterval(tick, PACE_MS);

function writeInPieces(response: ServerResponse, frames: readonly string[]): void {
  const bytes = Buffer.from(frames.join(''));
  for (let start = 0; start < bytes.length; start += PIECE) response.write(bytes.subarray(start, start + PIECE));
  response.end();
}

serve((request, response) => {
  const path = request.url ?? '';
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (piece: string) => {
    // The prompt does not matter, only whether a stream is wanted; that stands at the end or the start of a body.
    body = body.length < 200_000 ? body + piece : body;
  });
  request.on('end', () => {
    const { whole, words, large } = formatOf(path);
    if (!asksForStream(path, body)) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(whole) });
      response.end(whole);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (body.includes(LARGE_EVENT)) {
      writeInPieces(response, large);
      return;
    }
    const stream = { response, frames: words, next: 1 };
    response.on('close', () => running.delete(stream));
    response.write(words[0]);
    if (PACE_MS > 0) {
      running.add(stream);
    } else {
      for (const text of words.slice(1)) response.write(text);
      response.end();
    }
  });
});
