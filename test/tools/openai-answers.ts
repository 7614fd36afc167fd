import { end, type Headers, head, type Script, write } from './upstream-steps.js';

/** Headers of a stream of server-sent events. */
export const eventStream: Headers = {
  'content-type': 'text/event-stream; charset=utf-8',
};

/** What an upstream says it has counted. */
export interface AnswerUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** The usage of all answers made here, where a test gives no other. */
const defaultUsage: AnswerUsage = {
  prompt_tokens: 7,
  completion_tokens: 5,
  total_tokens: 12,
};

const common = {
  id: 'chatcmpl-upstream',
  created: 1_700_000_000,
  model: 'upstream-model',
};

/** Events as OpenAI sends them, one `data:` line each, with `[DONE]` at the end. */
export function sse(chunks: readonly unknown[]): string {
  return [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'].map(sseEvent).join('');
}

/** One event, its data as it is. */
export function sseEvent(data: string): string {
  return `data: ${data}\n\n`;
}

/** A chunk with one choice. */
export function chunk(delta: Readonly<Record<string, unknown>>, finishReason: string | null = null): object {
  const choice = {
    index: 0,
    delta,
    logprobs: null,
    finish_reason: finishReason,
  };
  return { ...common, object: 'chat.completion.chunk', choices: [choice] };
}

/** The chunks of a plain text answer: role, one for each text, finish, usage. */
export function textChunks(texts: readonly string[], usage: AnswerUsage = defaultUsage): readonly object[] {
  return [
    chunk({ role: 'assistant', content: '' }),
    ...texts.map((content) => chunk({ content })),
    chunk({}, 'stop'),
    { ...common, object: 'chat.completion.chunk', choices: [], usage },
  ];
}

/** A whole streamed answer; each text is a chunk and a network write of its own. */
export function textStream(...texts: readonly string[]): Script {
  const events = [...textChunks(texts).map((one) => JSON.stringify(one)), '[DONE]'].map(sseEvent);
  return [head(200, eventStream), write(...events), end()];
}

/** The JSON of a whole answer. */
function completionBody(text: string, usage: AnswerUsage = defaultUsage): object {
  const message = { role: 'assistant', content: text, refusal: null };
  const choice = { index: 0, message, logprobs: null, finish_reason: 'stop' };
  return { ...common, object: 'chat.completion', choices: [choice], usage };
}

/** A whole answer, not streamed. */
export function completion(text: string, usage: AnswerUsage = defaultUsage): Script {
  return jsonAnswer(200, completionBody(text, usage));
}

/** A refusal. Strings are sent as they are, everything else as JSON. */
export function failure(status: number, body: unknown, headers: Headers = {}): Script {
  return jsonAnswer(status, body, headers);
}

/** A JSON answer with `content-length`, so that the connection can be used again. */
export function jsonAnswer(status: number, body: unknown, headers: Headers = {}): Script {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const length = String(Buffer.byteLength(text));
  return [
    head(status, {
      'content-type': 'application/json',
      'content-length': length,
      ...headers,
    }),
    write(text),
    end(),
  ];
}
