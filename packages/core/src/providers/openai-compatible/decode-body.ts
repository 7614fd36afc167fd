import { Failure } from '../../failure.js';
import { accumulate } from '../../wire/accumulate.js';
import { isRecord, type JsonRecord, parseJson } from '../json.js';
import type { CallContext, DecodedAnswer } from '../types.js';
import { OpenAiDecoder } from './decoder.js';
import { readRecords } from './read-message.js';
import type { Vendor } from './vendors.js';

/** Reads a whole answer. @throws Failure for an error under status 200, a body that is no answer, or an empty one. */
export function decodeBody(vendor: Vendor, text: string, context: CallContext): DecodedAnswer {
  const body = parseJson(text);
  if (!isRecord(body)) throw new Failure('bad_response', 'the answer is not a JSON object');
  const decoder = new OpenAiDecoder(vendor, context);
  const content = decoder.read({ ...body, choices: readRecords(body, 'choices').map(numbered) });
  return { ...accumulate([...content, ...decoder.close()]), usage: decoder.usage() };
}

/** Some servers number neither choices nor calls; in a whole answer their position tells. */
function numbered(choice: JsonRecord, position: number): JsonRecord {
  const message = isRecord(choice['message']) ? choice['message'] : {};
  const calls = readRecords(message, 'tool_calls');
  return {
    ...choice,
    index: Number.isInteger(choice['index']) ? choice['index'] : position,
    message:
      calls.length === 0 ? message : { ...message, tool_calls: calls.map((call, index) => ({ index, ...call })) },
  };
}
