import {
  type ChatChunk,
  type ChatCompletion,
  type ChatRequest,
  createGateway,
  defineProvider,
  type Gateway,
  type GatewayOptions,
  redact,
  responseFilter,
} from '@gatehouse/core';
import { afterEach, describe, expect, it } from 'vitest';
import { KEY, post, readStream } from '../tools/stream-of.js';

const MAIL = 'alice@example.com';
const CARD = '4111 1111 1111 1111';

const gateways: Gateway[] = [];
afterEach(() => Promise.all(gateways.splice(0).map((gateway) => gateway.close())));

/** A provider that says again what it is told last, in small pieces. */
function echo(options: Partial<GatewayOptions>): { readonly gateway: Gateway; readonly seen: ChatRequest[] } {
  const seen: ChatRequest[] = [];
  const gateway = createGateway({
    providers: [
      defineProvider({
        slug: 'echo',
        name: 'echo',
        models: ['acme/small'],
        async *generate(request) {
          seen.push(request);
          const said = request.messages.at(-1)?.content;
          for (const piece of (typeof said === 'string' ? said : '').match(/.{1,3}/gs) ?? []) yield piece;
        },
      }),
    ],
    auth: { keys: [KEY] },
    ...options,
  });
  gateways.push(gateway);
  return { gateway, seen };
}

/** The text of an answer, and the names of what changed it or its prompt. */
async function ask(
  gateway: Gateway,
  stream: boolean,
  body: Readonly<Record<string, unknown>>,
): Promise<{ readonly content: Answer['content']; readonly changed: readonly string[] }> {
  const response = await post(gateway, { ...body, stream }, { 'x-openrouter-metadata': 'enabled' });
  const text = await response.text();
  const { content, last } = stream ? readStreamed(response.status, text) : readWhole(text);
  return { content, changed: (last?.openrouter_metadata?.pipeline ?? []).map(({ name }) => name) };
}

interface Answer {
  readonly content: string | null | undefined;
  readonly last: ChatChunk | ChatCompletion | undefined;
}

function readStreamed(status: number, text: string): Answer {
  const { content, chunks } = readStream(status, text);
  return { content, last: chunks.at(-1) };
}

function readWhole(text: string): Answer {
  const last = JSON.parse(text) as ChatCompletion;
  return { content: last.choices[0]?.message.content, last };
}

const cards = { rules: [{ detector: 'card' as const }] };

/** Who enforces: the host for everybody, or a key for its own requests. */
const byWhom: Readonly<Record<string, (transform: 'redact' | 'response-filter') => Partial<GatewayOptions>>> = {
  'the host': (name) => ({
    transforms: [{ transform: name === 'redact' ? redact() : responseFilter(cards), use: 'always' }],
  }),
  'a key': (name) => ({
    transforms: [{ transform: responseFilter(cards), use: 'requested' }],
    auth: { keys: [{ key: KEY, transforms: [name] }] },
  }),
};

describe('what is enforced', () => {
  for (const [whom, options] of Object.entries(byWhom)) {
    for (const stream of [false, true]) {
      const how = `by ${whom}, ${stream ? 'streamed' : 'whole'}`;

      it(`redacts what a client adds to the prompt by a transform that it names: ${how}`, async () => {
        const { gateway, seen } = echo(options('redact'));
        const transforms = [{ name: 'system-prompt', text: `contact ${MAIL}` }];
        const { content, changed } = await ask(gateway, stream, {
          messages: [{ role: 'user', content: `I am ${MAIL}` }],
          transforms,
        });
        expect(seen).toHaveLength(1);
        expect(JSON.stringify(seen)).not.toContain(MAIL);
        expect(seen[0]?.messages[0]?.content).toBe('contact [[EMAIL_1]]');
        expect(content).toBe(`I am ${MAIL}`);
        expect(changed).toEqual(['system-prompt', 'redact']);
      });

      it(`filters what a transform that a client names puts into the answer: ${how}`, async () => {
        const { gateway } = echo(options('response-filter'));
        const { content, changed } = await ask(gateway, stream, {
          messages: [{ role: 'user', content: `My card is ${CARD}.` }],
          transforms: ['redact'],
        });
        expect(content).toBe('My card is [REDACTED].');
        expect(changed).toEqual(['redact', 'response-filter']);
      });
    }
  }
});
