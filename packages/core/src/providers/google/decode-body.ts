import { Failure } from '../../failure.js';
import { accumulate } from '../../wire/accumulate.js';
import { isRecord, parseJson } from '../json.js';
import type { CallContext, DecodedAnswer } from '../types.js';
import { classifyError, errorOf } from './classify.js';
import { GeminiDecoder } from './decoder.js';

/** Reads a whole answer. @throws Failure for an error under status 200, a blocked prompt, or a body that is no answer. */
export function decodeBody(text: string, context: CallContext): DecodedAnswer {
  const body = parseJson(text);
  const error = errorOf(body);
  if (error !== undefined) throw classifyError(error);
  if (!isRecord(body)) throw new Failure('bad_response', 'the answer is not a JSON object');
  const decoder = new GeminiDecoder(context);
  const content = decoder.read(body);
  return { ...accumulate([...content, ...decoder.close()]), usage: decoder.usage() };
}
