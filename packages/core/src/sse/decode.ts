import { StringDecoder } from 'node:string_decoder';
import { createParser } from 'eventsource-parser';
import { Failure } from '../failure.js';
import type { ServerSentEvent } from './types.js';

/** Bounds of one streamed answer. */
export interface SseLimits {
  /** Characters of one event. */
  readonly eventBytes: number;
  /** Bytes of the whole stream. */
  readonly streamBytes: number;
}

/** Turns the bytes of one response into events, at whatever places the network cut them. */
export interface SseDecoder {
  /** The events that these bytes complete. @throws Failure `bad_response` beyond a bound. */
  push(bytes: Uint8Array): readonly ServerSentEvent[];
  /** At the end of the input: a last event that only lacks its blank line, if its data is whole. @throws Failure `truncated` */
  end(): readonly ServerSentEvent[];
}

/**
 * A decoder for one response: UTF-8 across pieces, LF, CRLF and CR, a leading byte order mark, comments and unknown
 * fields, as the WHATWG specification of server-sent events has it. One thing differs: an event that the end of the
 * stream cut off is still an event if its data is complete JSON or `[DONE]`, because some servers omit the last blank line.
 */
export function createSseDecoder(limits: SseLimits): SseDecoder {
  // Half the cost of a `TextDecoder` in its streaming mode; a byte order mark is left for us to drop.
  const utf8 = new StringDecoder('utf8');
  let begun = false;
  let events: ServerSentEvent[] = [];
  const tooLong = (): Failure =>
    new Failure('bad_response', `an event of the upstream is longer than ${limits.eventBytes} characters`);
  let total = 0;
  const parser = createParser({
    onEvent: (event) => {
      // One that came in a single piece was never buffered.
      if (event.data.length > limits.eventBytes) throw tooLong();
      events.push({ type: event.event, data: event.data });
    },
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') {
        throw tooLong();
      }
    },
    maxBufferSize: limits.eventBytes,
  });
  const take = (): readonly ServerSentEvent[] => {
    const taken = events;
    events = [];
    return taken;
  };
  return {
    push(bytes) {
      total += bytes.length;
      if (total > limits.streamBytes) {
        throw new Failure('bad_response', `the upstream's stream is longer than ${limits.streamBytes} bytes`);
      }
      const text = utf8.write(bytes);
      parser.feed(begun || !text.startsWith('\ufeff') ? text : text.slice(1));
      begun ||= text !== '';
      return take();
    },
    end() {
      parser.feed(`${utf8.end()}\n\n`);
      const rest = take();
      // Earlier ones may have waited for the byte after a CR; only the very last can be cut.
      const last = rest.at(-1);
      if (last === undefined || isWhole(last.data)) return rest;
      throw new Failure('truncated', 'the upstream ended its stream inside an event');
    },
  };
}

function isWhole(data: string): boolean {
  if (data.trim() === '[DONE]') return true;
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}
