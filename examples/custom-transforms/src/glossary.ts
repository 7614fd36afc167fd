import { type ChatMessage, defineTransform, type Transform } from '@gatehouse/core';
import { z } from 'zod';

const options = z.strictObject({ most: z.int().min(1).max(50).default(10) });

/** What a request may say: `{ "name": "glossary", "most": 3 }`. */
export type GlossaryOptions = z.output<typeof options>;

/** Tells the model what the words of the house mean, those that the conversation uses. */
export function glossary(terms: Readonly<Record<string, string>>): Transform<GlossaryOptions> {
  return defineTransform({
    name: 'glossary',
    options,
    request(request, { options: { most }, note }) {
      const said = request.messages.map(wordsOf).join(' ').toLowerCase();
      const used = Object.entries(terms).filter(([term]) => said.includes(term.toLowerCase()));
      if (used.length === 0) return request;
      const shown = used.slice(0, most);
      note({ terms: shown.map(([term]) => term) });
      const content = ['In this house:', ...shown.map(([term, meaning]) => `- ${term}: ${meaning}`)].join('\n');
      return { ...request, messages: [{ role: 'system', content }, ...request.messages] };
    },
  });
}

function wordsOf({ content = '' }: ChatMessage): string {
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'text' ? part.text : '')).join(' ');
}
