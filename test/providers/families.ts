import {
  anthropic,
  deepseek,
  google,
  groq,
  type ModelDeclarationObject,
  mistral,
  openai,
  type PriceDeclaration,
  type Provider,
  perplexity,
  xai,
} from '@gatehouse/core';

type JsonObject = Record<string, unknown>;

/** How one wire format frames its streams, and what a test has to know of it. */
export interface Family {
  readonly name: string;
  /** The text of a stream of these JSON payloads. */
  frame(payloads: readonly string[]): string;
  /** The whole answer of the same content, put together without any code of the gateway. */
  wholeOf(payloads: readonly string[]): JsonObject;
  /** An event that says that the provider is overloaded. */
  readonly overloaded: string;
  /** An event of a kind that nobody knows. */
  readonly unknown: string;
}

/** A provider that is tried, with one model. */
export interface Subject {
  readonly family: Family;
  readonly model: string;
  provider(baseUrl: string): Provider;
}

const line = (data: string): string => `data: ${data}\n\n`;
const parse = (payload: string): JsonObject => JSON.parse(payload) as JsonObject;
const objects = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? (value as JsonObject[]) : []);
const object = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null ? (value as JsonObject) : {};

const openAiFamily: Family = {
  name: 'OpenAI family',
  frame: (payloads) => [...payloads, '[DONE]'].map(line).join(''),
  wholeOf(payloads) {
    const message: JsonObject = { role: 'assistant', content: null };
    const calls: { id?: unknown; type: string; function: { name: string; arguments: string } }[] = [];
    let finish: unknown = null;
    const top: JsonObject = {};
    for (const event of payloads.map(parse)) {
      const { choices, usage, ...rest } = event;
      Object.assign(top, rest, usage === null || usage === undefined ? {} : { usage });
      const choice = objects(choices)[0] ?? {};
      const delta = object(choice['delta']);
      for (const name of ['content', 'reasoning_content', 'reasoning', 'refusal']) {
        if (typeof delta[name] === 'string') message[name] = `${(message[name] as string | null) ?? ''}${delta[name]}`;
      }
      for (const fragment of objects(delta['tool_calls'])) {
        const index = typeof fragment['index'] === 'number' ? fragment['index'] : calls.length;
        const declared = object(fragment['function']);
        const call = calls[index] ?? { type: 'function', function: { name: '', arguments: '' } };
        calls[index] = call;
        if (fragment['id'] !== undefined) call.id = fragment['id'];
        call.function.name += (declared['name'] as string | undefined) ?? '';
        call.function.arguments += (declared['arguments'] as string | undefined) ?? '';
      }
      finish = choice['finish_reason'] ?? finish;
    }
    if (calls.length > 0) message['tool_calls'] = calls;
    return { ...top, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: finish }] };
  },
  overloaded: JSON.stringify({ error: { message: 'secret of the upstream', code: 503 } }),
  unknown: JSON.stringify({ object: 'telemetry', choices: [], novelty: { depth: 1 } }),
};

export const anthropicFamily: Family = {
  name: 'Anthropic',
  frame: (payloads) => payloads.map((payload) => `event: ${String(parse(payload)['type'])}\n${line(payload)}`).join(''),
  wholeOf(payloads) {
    let message: JsonObject = {};
    const blocks: JsonObject[] = [];
    const inputs = new Map<number, string>();
    for (const event of payloads.map(parse)) {
      const index = Number(event['index'] ?? 0);
      const delta = object(event['delta']);
      if (event['type'] === 'message_start') message = { ...object(event['message']) };
      if (event['type'] === 'content_block_start') blocks[index] = { ...object(event['content_block']) };
      if (event['type'] === 'content_block_delta') {
        const block = blocks[index] ?? {};
        if (delta['type'] === 'text_delta') block['text'] = `${String(block['text'])}${String(delta['text'])}`;
        if (delta['type'] === 'thinking_delta')
          block['thinking'] = `${String(block['thinking'])}${String(delta['thinking'])}`;
        if (delta['type'] === 'signature_delta') block['signature'] = delta['signature'];
        if (delta['type'] === 'citations_delta')
          block['citations'] = [...objects(block['citations']), delta['citation']];
        if (delta['type'] === 'input_json_delta') {
          inputs.set(index, `${inputs.get(index) ?? ''}${String(delta['partial_json'])}`);
        }
      }
      if (event['type'] === 'message_delta') {
        message = { ...message, ...delta, usage: { ...object(message['usage']), ...object(event['usage']) } };
      }
    }
    for (const [index, text] of inputs) if (text !== '') object(blocks[index])['input'] = JSON.parse(text);
    return { ...message, content: blocks };
  },
  overloaded: JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'secret of the upstream' } }),
  unknown: JSON.stringify({ type: 'novelty', index: 0, delta: { type: 'novelty_delta' } }),
};

export const geminiFamily: Family = {
  name: 'Gemini',
  frame: (payloads) => payloads.map(line).join(''),
  wholeOf(payloads) {
    const parts: unknown[] = [];
    const top: JsonObject = {};
    const candidate: JsonObject = {};
    for (const event of payloads.map(parse)) {
      const { candidates, ...rest } = event;
      Object.assign(top, rest);
      const { content, ...others } = objects(candidates)[0] ?? {};
      Object.assign(candidate, others);
      parts.push(...objects(object(content)['parts']));
    }
    return { ...top, candidates: [{ ...candidate, content: { role: 'model', parts } }] };
  },
  overloaded: JSON.stringify({ error: { code: 503, status: 'UNAVAILABLE', message: 'secret of the upstream' } }),
  unknown: JSON.stringify({ novelty: { depth: 1 }, modelVersion: 'x' }),
};

const apiKey = 'upstream-key-of-the-tests';

/** Prices in USD per million tokens, as the providers publish them for the recorded models. */
function priced(id: string, prices: Readonly<Record<string, number>>): ModelDeclarationObject {
  const rates = Object.fromEntries(
    Object.entries(prices).map(([name, price]) => [name, (price / 1e6).toFixed(12).replace(/0+$/, '')]),
  );
  return { id, maxCompletionTokens: 8192, pricing: rates as unknown as PriceDeclaration };
}

const claude = (id: string, prompt: number, completion: number): ModelDeclarationObject =>
  priced(id, { prompt, completion, input_cache_read: prompt / 10, input_cache_write: prompt * 1.25 });
const gemini = priced('google/gemini-3-pro-preview', { prompt: 2, completion: 12, input_cache_read: 0.2 });

function subject(
  family: Family,
  declaration: ModelDeclarationObject,
  make: (options: { apiKey: string; baseUrl: string; models: readonly ModelDeclarationObject[] }) => Provider,
): Subject {
  return {
    family,
    model: declaration.id,
    provider: (baseUrl) => make({ apiKey, baseUrl, models: [declaration] }),
  };
}

/** The recorded providers. */
export const subjects: Readonly<Record<string, Subject>> = {
  anthropic: subject(anthropicFamily, claude('anthropic/claude-sonnet-4.5', 3, 15), anthropic),
  google: subject(geminiFamily, gemini, google),
  openai: subject(openAiFamily, priced('openai/gpt-4.1-nano', { prompt: 0.1, completion: 0.4 }), openai),
  deepseek: subject(
    openAiFamily,
    priced('deepseek/deepseek-reasoner', { prompt: 0.28, completion: 0.42, input_cache_read: 0.028 }),
    deepseek,
  ),
  groq: subject(openAiFamily, priced('meta-llama/llama-3.3-70b-instruct', { prompt: 0.59, completion: 0.79 }), groq),
  mistral: subject(openAiFamily, priced('mistralai/mistral-small', { prompt: 0.1, completion: 0.3 }), mistral),
  perplexity: subject(openAiFamily, priced('perplexity/sonar', { prompt: 1, completion: 1 }), perplexity),
  xai: subject(
    openAiFamily,
    priced('x-ai/grok-3-mini', { prompt: 0.3, completion: 0.5, input_cache_read: 0.075 }),
    xai,
  ),
};
