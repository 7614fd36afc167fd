import { Failure } from '../failure.js';
import type { ServerSentEvent } from '../sse/types.js';
import { isRecord, type JsonRecord, parseJson } from './json.js';

/** Reads the JSON objects of a stream. Some broken ones are skipped; too many mean that this is no stream of ours. */
export class EventParser {
  #left: number;

  /** `malformed`: broken events that are skipped. */
  constructor(malformed: number) {
    this.#left = malformed;
  }

  /** The object of an event, or undefined for one that is skipped. @throws Failure `bad_response` */
  parse(event: ServerSentEvent): JsonRecord | undefined {
    const body = parseJson(event.data);
    if (isRecord(body)) return body;
    if (this.#left === 0) throw new Failure('bad_response', 'the upstream sends events that are not JSON objects');
    this.#left -= 1;
    return undefined;
  }
}
