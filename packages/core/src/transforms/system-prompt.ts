import { z } from 'zod';
import type { ChatMessage } from '../wire/chat.js';
import { optional } from '../wire/schema-parts.js';
import { checkedOptions } from './checked-options.js';
import { defineTransform } from './define-transform.js';
import type { Transform } from './types.js';

const MOST_BYTES = 16_384;

/** What `systemPrompt` takes, and a request's `{ "name": "system-prompt", … }` besides its name. */
export interface SystemPromptOptions {
  /** At most 16 KiB. */
  readonly text: string;
  /** Default `prepend`. */
  readonly position?: 'prepend' | 'append' | undefined;
}

const options: z.ZodType<SystemPromptOptions> = z.strictObject({
  text: z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= MOST_BYTES, 'expected at most 16 KiB'),
  position: optional(z.enum(['prepend', 'append'])),
});

/**
 * Adds a system message, before those of the request (`prepend`) or behind them, before the conversation (`append`).
 *
 * @example
 * createGateway({ providers, transforms: [{ transform: systemPrompt({ text: 'Answer in English.' }), use: 'always' }] });
 * @throws TypeError for no text or one of more than 16 KiB.
 */
export function systemPrompt(given?: SystemPromptOptions): Transform<SystemPromptOptions> {
  return defineTransform({
    name: 'system-prompt',
    options,
    defaults: given === undefined ? undefined : checkedOptions('systemPrompt', options, given),
    request(request, { options: { text, position } }) {
      const { messages } = request;
      const message: ChatMessage = { role: 'system', content: text };
      const place = position === 'append' ? leading(messages) : 0;
      return { ...request, messages: [...messages.slice(0, place), message, ...messages.slice(place)] };
    },
  });
}

/** How many system messages stand first. */
function leading(messages: readonly ChatMessage[]): number {
  const first = messages.findIndex(({ role }) => role !== 'system' && role !== 'developer');
  return first === -1 ? messages.length : first;
}
