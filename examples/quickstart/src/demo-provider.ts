import { setTimeout as delay } from 'node:timers/promises';
import { defineProvider, type FunctionRequest, type Provider } from '@gatehouse/core';

const PACE_MS = 30;

/** A provider inside this process, so that everything can be tried without an account. It is no model. */
export function demoProvider(): Provider {
  return defineProvider({
    slug: 'demo',
    name: 'Demo',
    models: [
      {
        id: 'demo/hello',
        name: 'Demonstration (no model)',
        description: 'Answers with a fixed text from inside the process. Set a provider key to talk to a real model.',
        contextLength: 8192,
        pricing: { prompt: '0', completion: '0' },
      },
    ],
    async *generate(request, { signal }) {
      for (const word of answerTo(request).split(/(?<= )/)) {
        yield word;
        await delay(PACE_MS, undefined, { signal });
      }
    },
  });
}

function answerTo(request: FunctionRequest): string {
  const last = request.messages.findLast((message) => message.role === 'user');
  const content = last?.content ?? '';
  const text =
    typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join(' ');
  const quoted = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return (
    `[demonstration, no model] You said: “${quoted}”. This answer was made inside the gateway's own process. ` +
    'Set OPENAI_API_KEY or another provider key and start again to talk to a real model.'
  );
}
