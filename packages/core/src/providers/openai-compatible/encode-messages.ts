import { createHash } from 'node:crypto';
import type { AssistantMessage, ChatMessage, ContentPart, ToolMessage } from '../../wire/chat.js';
import { callsOf } from '../conversation.js';
import { mediaOf, textOf } from '../media.js';
import { type Renaming, rename } from '../rename.js';
import type { Adjustment } from '../types.js';
import type { Vendor } from './vendors.js';

/** What the messages of one call depend on besides the vendor. */
interface MessageContext {
  /** The model takes instructions as `developer`. */
  readonly developer: boolean;
  /** The name that tells the model's family. */
  readonly family: string;
  /** Grows by what could not go as it was. */
  readonly adjustments: Adjustment[];
}

interface Conversation {
  readonly ids: Renaming;
  /** Tool names by the id of their call. */
  readonly toolNames: ReadonlyMap<string, string>;
  readonly lastUser: number;
  readonly last: number;
}

const NINE = /^[A-Za-z0-9]{9}$/;

/** Messages as the vendor takes them. */
export function encodeMessages(
  vendor: Vendor,
  messages: readonly ChatMessage[],
  context: MessageContext,
): readonly unknown[] {
  const calls = callsOf(messages);
  const conversation: Conversation = {
    ids: rename(
      calls.map(({ id }) => id),
      (id) => vendor.toolCallIds === 'free' || NINE.test(id),
      nineAlphanumerics,
    ),
    toolNames: new Map(calls.map((call) => [call.id, call.function.name])),
    lastUser: messages.findLastIndex(({ role }) => role === 'user'),
    last: messages.length - 1,
  };
  return messages.map((message, position) => encodeMessage(vendor, message, position, { ...context, conversation }));
}

/** An id of nine characters that follows from the given one. */
function nineAlphanumerics(id: string, attempt: number): string {
  const digest = createHash('sha256').update(`${attempt}:${id}`).digest('base64');
  return digest.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 9);
}

function encodeMessage(
  vendor: Vendor,
  message: ChatMessage,
  position: number,
  context: MessageContext & { readonly conversation: Conversation },
): unknown {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: instructionsRole(vendor, message.role, context.developer), ...shared(vendor, message) };
    case 'user':
      return { role: 'user', ...shared(vendor, message) };
    case 'assistant':
      return encodeAssistant(vendor, message, position, context);
    case 'tool':
      return encodeToolResult(vendor, message, context.conversation);
    default:
      return message satisfies never;
  }
}

function instructionsRole(vendor: Vendor, role: 'system' | 'developer', developer: boolean): string {
  if (vendor.instructions === 'as-given') return role;
  return vendor.instructions === 'developer-by-model' && developer ? 'developer' : 'system';
}

/** Content and name, the name as a prefix of the text where the vendor has no field for it. */
function shared(
  vendor: Vendor,
  message: { readonly content: string | readonly ContentPart[]; readonly name?: string | undefined },
): Record<string, unknown> {
  const content = encodeContent(vendor, message.content);
  if (message.name === undefined) return { content };
  if (vendor.names) return { content, name: message.name };
  if (content.length === 0) return { content };
  if (typeof content === 'string') return { content: `${message.name}: ${content}` };
  return { content: [{ type: 'text', text: `${message.name}: ` }, ...content] };
}

function encodeAssistant(
  vendor: Vendor,
  message: AssistantMessage,
  position: number,
  { conversation, family }: MessageContext & { readonly conversation: Conversation },
): unknown {
  const encoded: Record<string, unknown> = {
    role: 'assistant',
    ...shared(vendor, { ...message, content: message.content ?? '' }),
  };
  if (message.tool_calls !== undefined) {
    if (encoded['content'] === '') encoded['content'] = null;
    encoded['tool_calls'] = message.tool_calls.map((call) =>
      vendor.history === 'as-given'
        ? call
        : { id: conversation.ids.of(call.id), type: call.type, function: call.function },
    );
  } else if (vendor.prefix && position === conversation.last) {
    encoded['prefix'] = true;
  }
  if (message.refusal !== undefined) encoded['refusal'] = message.refusal;
  if (vendor.history === 'as-given') {
    if (message.reasoning !== undefined) encoded['reasoning'] = message.reasoning;
    if (message.reasoning_details !== undefined) encoded['reasoning_details'] = message.reasoning_details;
  } else if (vendor.history === 'deepseek') {
    const reasoning = deepseekReasoning(message, family, position > conversation.lastUser);
    if (reasoning !== undefined) encoded['reasoning_content'] = reasoning;
  }
  return encoded;
}

/**
 * DeepSeek's models refuse a history without exactly the reasoning that they want: from the fourth generation on every
 * turn has some, R1 wants only that of the turn under way, the others none.
 */
function deepseekReasoning(message: AssistantMessage, family: string, underWay: boolean): string | undefined {
  const text = message.reasoning ?? message.reasoning_details?.map((detail) => detail.text ?? '').join('');
  if (/v[4-9]/i.test(family)) return text ?? '';
  return /reasoner|r1/i.test(family) && underWay ? text : undefined;
}

function encodeToolResult(vendor: Vendor, message: ToolMessage, { ids, toolNames }: Conversation): unknown {
  const name = toolNames.get(message.tool_call_id);
  return {
    role: 'tool',
    tool_call_id: ids.of(message.tool_call_id),
    ...(vendor.toolNames && name !== undefined && { name }),
    content: encodeContent(vendor, message.content),
  };
}

function encodeContent(vendor: Vendor, content: string | readonly ContentPart[]): string | readonly unknown[] {
  if (typeof content === 'string') return content;
  const parts = content.map((part) => encodePart(vendor, part));
  if (vendor.plainUserText && content.every((part) => part.type === 'text')) {
    return content.map((part) => part.text).join('');
  }
  return parts;
}

function encodePart(vendor: Vendor, part: ContentPart): unknown {
  const { cache_control: mark, ...rest } = part;
  const kept = vendor.cacheControl ? part : rest;
  if (part.type === 'image_url' && vendor.plainImageUrls) return { type: 'image_url', image_url: part.image_url.url };
  if (part.type !== 'file' || vendor.history === 'as-given') return kept;
  const media = mediaOf(part);
  return media?.kind === 'inline' && media.type === 'text/plain' ? { type: 'text', text: textOf(media) } : kept;
}
