import { z } from 'zod';
import { GatewayError } from '../errors.js';
import type { ChatMessage, ContentPart, TextPart } from './chat.js';
import { cacheControl, optional, plainObject } from './schema-parts.js';

const MAX_MEDIA_SCHEMES = /^(?:https?:|data:)/i;
const name = optional(z.string().max(64));
const url = z
  .string()
  .regex(MAX_MEDIA_SCHEMES, 'expected an https:, http: or data: URL')
  .refine(isReadable, 'expected base64 in the data URL');
const base64 = z.string().refine(isBase64, 'expected base64');

const textPart = z.object({ type: z.literal('text'), text: z.string(), cache_control: optional(cacheControl) });

const videoPart = z.object({
  type: z.literal('video_url'),
  video_url: z.object({ url }),
  cache_control: optional(cacheControl),
});

const contentPart = z.discriminatedUnion(
  'type',
  [
    textPart,
    z.object({
      type: z.literal('image_url'),
      image_url: z.object({ url, detail: optional(z.enum(['auto', 'low', 'high', 'original'])) }),
      cache_control: optional(cacheControl),
    }),
    z.object({
      type: z.literal('input_audio'),
      input_audio: z.object({ data: base64, format: z.string().max(32) }),
      cache_control: optional(cacheControl),
    }),
    videoPart,
    z
      .object({ type: z.literal('input_video'), video_url: z.object({ url }), cache_control: optional(cacheControl) })
      .transform((part) => ({ ...part, type: 'video_url' as const })),
    z.object({
      type: z.literal('file'),
      file: z
        .object({
          filename: optional(z.string().max(255)),
          file_data: optional(z.string().refine(isReadable, 'expected base64 in the data URL')),
          file_id: optional(z.string()),
        })
        .refine(
          (file) => file.file_data !== undefined || file.file_id !== undefined,
          'expected `file_data` or `file_id`',
        ),
      cache_control: optional(cacheControl),
    }),
  ],
  { error: 'expected a part with a type of text, image_url, input_audio, video_url or file' },
);

const text: z.ZodType<string | readonly TextPart[]> = z.union([z.string(), z.array(textPart)]);
const content: z.ZodType<string | readonly ContentPart[]> = z.union([z.string(), z.array(contentPart).min(1)]);

const toolCall = z.object({
  id: z.string().min(1).max(256),
  type: z.literal('function').default('function'),
  function: z.object({ name: z.string().min(1).max(256), arguments: z.string() }),
  extra_content: optional(plainObject),
});

const assistantMessage = z
  .object({
    role: z.literal('assistant'),
    content: optional(z.union([z.string(), z.array(contentPart)])),
    name,
    refusal: optional(z.string()),
    tool_calls: optional(z.array(toolCall).max(128)),
    reasoning: optional(z.string()),
    reasoning_content: optional(z.string()),
    reasoning_details: optional(z.array(z.looseObject({ type: z.string() }))),
    images: optional(z.array(z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) }))),
    audio: optional(plainObject),
    annotations: optional(z.array(plainObject)),
  })
  .transform(({ reasoning_content, tool_calls, ...message }) => ({
    ...message,
    reasoning: message.reasoning ?? reasoning_content,
    tool_calls: tool_calls?.length === 0 ? undefined : tool_calls,
  }));

const DATA_URL_HEAD = /^data:[^,]*,/i;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Whether a data URL can be decoded; other URLs are not looked at. */
function isReadable(text: string): boolean {
  const head = DATA_URL_HEAD.exec(text)?.[0];
  if (head === undefined) return !/^data:/i.test(text);
  const body = text.slice(head.length);
  return /;base64,$/i.test(head) ? isBase64(body) : isPercentEncoded(body);
}

function isBase64(text: string): boolean {
  if (!BASE64.test(text)) return false;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return (text.length - padding) % 4 !== 1;
}

function isPercentEncoded(text: string): boolean {
  return !/%(?![0-9a-f]{2})/i.test(text);
}

/** One message of a conversation, by its role. */
export const messageSchema: z.ZodType<ChatMessage> = z.discriminatedUnion(
  'role',
  [
    z.object({ role: z.enum(['system', 'developer']), content: text, name }),
    z.object({ role: z.literal('user'), content, name }),
    assistantMessage,
    z.object({
      role: z.literal('tool'),
      content: z.union([z.string(), z.array(contentPart)]),
      tool_call_id: z.string().min(1).max(256),
      name,
      is_error: optional(z.boolean()),
    }),
  ],
  { error: 'expected a message with a role of system, developer, user, assistant or tool' },
);

/**
 * Checks what one message alone cannot show: every tool result answers a call of an earlier assistant message.
 *
 * @throws GatewayError `invalid_prompt` naming the message.
 */
export function checkToolResults(messages: readonly ChatMessage[]): void {
  const calls = new Set<string>();
  for (const [index, message] of messages.entries()) {
    if (message.role === 'assistant') {
      for (const call of message.tool_calls ?? []) calls.add(call.id);
    } else if (message.role === 'tool' && !calls.has(message.tool_call_id)) {
      const path = `messages.${index}.tool_call_id`;
      const problem = 'expected the id of a tool call in an earlier assistant message';
      throw new GatewayError('invalid_prompt', `${path}: ${problem}`, {
        metadata: { issues: [{ path, message: problem }] },
      });
    }
  }
}
