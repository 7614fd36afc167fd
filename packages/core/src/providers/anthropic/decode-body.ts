import { Failure } from '../../failure.js';
import { accumulate } from '../../wire/accumulate.js';
import { isRecord, type JsonRecord, parseJson } from '../json.js';
import type { CallContext, DecodedAnswer } from '../types.js';
import { classifyError } from './classify.js';
import { AnthropicDecoder } from './decoder.js';

/** Reads a whole answer. @throws Failure for an error under status 200 or a body that is no answer. */
export function decodeBody(text: string, context: CallContext): DecodedAnswer {
  const body = parseJson(text);
  if (!isRecord(body)) throw new Failure('bad_response', 'the answer is not a JSON object');
  if (isRecord(body['error'])) throw classifyError(body['error']);
  if (!Array.isArray(body['content'])) throw new Failure('bad_response', 'the answer has no content');
  const decoder = new AnthropicDecoder(context);
  const content = eventsOf(body).flatMap((event) => decoder.read(event));
  return { ...accumulate([...content, ...decoder.end()]), usage: decoder.usage() };
}

/** The events by which the same answer would have been streamed. */
function eventsOf(message: JsonRecord): readonly JsonRecord[] {
  const { stop_reason, stop_details } = message;
  return [
    { type: 'message_start', message: { ...message, stop_reason: null } },
    { type: 'message_delta', delta: { stop_reason, stop_details } },
    { type: 'message_stop' },
  ];
}
