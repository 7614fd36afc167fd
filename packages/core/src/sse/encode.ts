import type { ChatChunk } from '../wire/chat.js';
import { chunkWriter } from './chunk-writer.js';

/** How chunks become text: server-sent events, or one JSON text a line. */
export interface FrameFormat {
  readonly contentType: string;
  frame(chunk: ChatChunk, number: number): string;
  /** What is sent so that nobody on the way thinks the connection dead. */
  readonly keepAlive: string;
  /** What is sent after the last chunk. */
  readonly end: string;
}

const BREAKS = /[\r\n\0]/;

/**
 * Server-sent events. With `eventIds` every event has an `id:` line, `<generation id>:<n>`.
 *
 * @throws TypeError for a comment that would break the framing.
 */
export function serverSentEvents(options: { readonly comment: string; readonly eventIds: boolean }): FrameFormat {
  if (BREAKS.test(options.comment)) throw new TypeError('keepAliveComment: expected a single line');
  const { eventIds } = options;
  const write = chunkWriter('data: ', '\n\n');
  return {
    contentType: 'text/event-stream; charset=utf-8',
    frame: (chunk, number) => (eventIds ? `id: ${chunk.id}:${number}\n${write(chunk)}` : write(chunk)),
    keepAlive: `: ${options.comment}\n\n`,
    end: 'data: [DONE]\n\n',
  };
}

/** Newline-delimited JSON: the same chunks without comments and without an end mark. A blank is valid before JSON. */
export function jsonLines(): FrameFormat {
  return {
    contentType: 'application/x-ndjson; charset=utf-8',
    frame: chunkWriter('', '\n'),
    keepAlive: ' ',
    end: '',
  };
}
