import { type ChatMessage, defineTransform, GatewayError, type Transform } from '@gatehouse/core';
import { z } from 'zod';

const verdict = z.object({ flagged: z.boolean(), categories: z.array(z.string()).default([]) });
const SHOWN = 100;

/**
 * Asks a service in the building whether a prompt may leave it. Whoever is refused is told why, before anything is held or
 * sent. The service has two seconds; whether a service that is down stops everybody is decided where the transform is used
 * (`optional`).
 */
export function moderation(url: string): Transform {
  return defineTransform<unknown>({
    name: 'moderation',
    timeoutMs: 2000,
    async request(request, { signal, account }) {
      const input = textOf(request.messages.findLast(({ role }) => role === 'user'));
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ input, account }),
        signal,
      });
      if (!response.ok) throw new Error(`the moderation service answered ${response.status}`);
      const { flagged, categories } = verdict.parse(await response.json());
      if (!flagged) return request;
      throw new GatewayError('moderation_blocked', 'This prompt is against the rules of the house.', {
        metadata: { reasons: categories, flagged_input: input.slice(0, SHOWN) },
      });
    },
  });
}

function textOf(message: ChatMessage | undefined): string {
  const content = message?.content ?? '';
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
}
