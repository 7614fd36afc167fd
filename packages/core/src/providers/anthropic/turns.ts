import type {
  AssistantMessage,
  ChatMessage,
  ContentPart,
  ReasoningDetail,
  ToolCall,
  ToolMessage,
} from '../../wire/chat.js';
import { mergeReasoningDetails } from '../../wire/reasoning-details.js';
import { Alternation, stepsOf } from '../conversation.js';
import { isRecord, parseJson } from '../json.js';
import { bytesOf, type InlineMedia, type Media, mediaOf, textOf } from '../media.js';
import type { Renaming } from '../rename.js';
import type { Adjustment, Unsuitable } from '../types.js';

/** A content block of the Messages API. */
export type Block = Readonly<Record<string, unknown>> & { readonly type: string };

/** What one side says until it is the other's turn. */
export interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: readonly Block[];
}

/** What the turns of one call depend on. */
interface TurnContext {
  /** Ids of tool calls and names of tools, as this API takes them. */
  readonly ids: Renaming;
  readonly names: Renaming;
  /** Whether system messages may stand between the others. */
  readonly inlineSystem: boolean;
  /** Grows by what could not go as it was. */
  readonly adjustments: Adjustment[];
}

/** The format of this provider's entries in `reasoning_details`. */
export const REASONING_FORMAT = 'anthropic-claude-v1';
const IMAGE_TYPES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const LARGEST_IMAGE = 5 * 1_048_576;

/** What is said, and what stands above it. */
interface Dialogue {
  readonly system: readonly Block[];
  readonly turns: readonly Turn[];
}

/** The conversation as turns that alternate. System messages stay among them where they may, but before the first. */
export function toTurns(messages: readonly ChatMessage[], context: TurnContext): Dialogue {
  const said = new Alternation<Turn['role'], Block>();
  const system: Block[] = [];
  for (const step of stepsOf(messages)) {
    if (step.kind === 'results') {
      said.add('user', resultBlocks(step.results, step.calls, context));
      continue;
    }
    const { message, last } = step;
    switch (message.role) {
      case 'system':
      case 'developer':
        if (context.inlineSystem && said.turns.length > 0) said.add('system', textBlocks(message.content));
        else system.push(...textBlocks(message.content));
        break;
      case 'user':
        said.add('user', userBlocks(message.content, message.name));
        break;
      case 'assistant':
        said.add('assistant', assistantBlocks(message, last, context));
        break;
      default:
        message satisfies never;
    }
  }
  const turns = said.turns.map(({ role, parts }): Turn => ({ role, content: parts }));
  if (turns[0]?.role !== 'assistant') return { system, turns };
  const opening: Turn = { role: 'user', content: [{ type: 'text', text: '(conversation resumes)' }] };
  return { system, turns: [opening, ...turns] };
}

/** Text as blocks: nothing for a text without anything to read, which this API refuses. */
export function textBlocks(content: string | readonly ContentPart[]): readonly Block[] {
  const parts: readonly ContentPart[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  return parts.flatMap((part) => (part.type === 'text' ? textBlock(part.text, part.cache_control) : []));
}

/** What speaks against the media of a request; undefined where nothing does. */
export function checkMedia(messages: readonly ChatMessage[]): Unsuitable | undefined {
  for (const [index, message] of messages.entries()) {
    if (typeof message.content !== 'object' || message.content === undefined) continue;
    for (const [position, part] of message.content.entries()) {
      const path = `messages.${index}.content.${position}`;
      const media = mediaOf(part);
      const problem = media === undefined ? fileWithoutBytes(part) : checkOne(part, media, path);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function fileWithoutBytes(part: ContentPart): Unsuitable | undefined {
  return part.type === 'file' ? modality('takes files by their content only') : undefined;
}

function checkOne(part: ContentPart, media: Media, path: string): Unsuitable | undefined {
  if (part.type === 'input_audio' || part.type === 'video_url') return modality('takes neither audio nor video');
  if (media.kind === 'remote') return undefined;
  if (part.type === 'image_url' && !IMAGE_TYPES.has(media.type)) {
    return { code: 'invalid_prompt', path, message: `expected an image of PNG, JPEG, GIF or WebP, got ${media.type}` };
  }
  if (IMAGE_TYPES.has(media.type) && bytesOf(media) > LARGEST_IMAGE) {
    return { code: 'invalid_prompt', path, message: `expected an image of at most ${LARGEST_IMAGE} bytes` };
  }
  const known = IMAGE_TYPES.has(media.type) || media.type === 'application/pdf' || media.type.startsWith('text/');
  return known ? undefined : modality(`does not take files of ${media.type}`);
}

function modality(what: string): Unsuitable {
  return { code: 'no_endpoints', message: `The provider ${what}.`, excludedBy: 'modality' };
}

function textBlock(text: string, mark: unknown): readonly Block[] {
  if (text.trim() === '') return [];
  return [{ type: 'text', text, ...(mark !== undefined && { cache_control: mark }) }];
}

function userBlocks(content: string | readonly ContentPart[], name: string | undefined): readonly Block[] {
  const prefix = name === undefined ? '' : `${name}: `;
  if (typeof content === 'string') return content === '' ? [] : textBlock(prefix + content, undefined);
  const blocks = content.flatMap(partBlocks);
  return prefix === '' || blocks.length === 0 ? blocks : [{ type: 'text', text: prefix }, ...blocks];
}

function partBlocks(part: ContentPart): readonly Block[] {
  if (part.type === 'text') return textBlock(part.text, part.cache_control);
  const media = mediaOf(part);
  const block = media && mediaBlock(part, media);
  if (block === undefined) return [];
  return [part.cache_control === undefined ? block : { ...block, cache_control: part.cache_control }];
}

function mediaBlock(part: ContentPart, media: Media): Block | undefined {
  const title = part.type === 'file' && part.file.filename !== undefined ? { title: part.file.filename } : {};
  if (media.kind === 'remote') {
    const source = { type: 'url', url: media.url };
    return part.type === 'image_url' || media.type?.startsWith('image/')
      ? { type: 'image', source }
      : { type: 'document', source, ...title };
  }
  if (IMAGE_TYPES.has(media.type)) return { type: 'image', source: inlineSource(media) };
  if (media.type === 'application/pdf') return { type: 'document', source: inlineSource(media), ...title };
  if (!media.type.startsWith('text/')) return undefined;
  return { type: 'document', source: { type: 'text', media_type: 'text/plain', data: textOf(media) }, ...title };
}

function inlineSource({ type, data }: InlineMedia): object {
  return { type: 'base64', media_type: type, data };
}

/** Thinking first, as it was given; then text; then calls. */
function assistantBlocks(message: AssistantMessage, isLast: boolean, context: TurnContext): readonly Block[] {
  const calls = message.tool_calls ?? [];
  const prefill = isLast && calls.length === 0;
  const content = message.content ?? message.refusal ?? '';
  const text = textBlocks(content === '' ? (message.refusal ?? '') : content);
  return [
    ...(prefill ? trimmed(text) : [...thinkingBlocks(message.reasoning_details ?? []), ...text]),
    ...calls.map((call) => ({
      type: 'tool_use',
      id: context.ids.of(call.id),
      name: context.names.of(call.function.name),
      input: inputOf(call.function.arguments, context.adjustments),
    })),
  ];
}

/** This API refuses a prefill that ends in blanks. */
function trimmed(blocks: readonly Block[]): readonly Block[] {
  return blocks.map((block, position) =>
    position === blocks.length - 1 ? { ...block, text: String(block['text']).trimEnd() } : block,
  );
}

/** Only entries of this provider, and only signed ones: others would be refused. */
function thinkingBlocks(details: readonly ReasoningDetail[]): readonly Block[] {
  return mergeReasoningDetails(details.filter(({ format }) => format === undefined || format === REASONING_FORMAT))
    .filter(({ format }) => format === REASONING_FORMAT)
    .flatMap(({ type, text = '', signature, data }): readonly Block[] => {
      if (type === 'reasoning.encrypted' && data !== undefined) return [{ type: 'redacted_thinking', data }];
      if (type === 'reasoning.text' && signature) return [{ type: 'thinking', thinking: text, signature }];
      return [];
    });
}

function inputOf(written: string, adjustments: Adjustment[]): unknown {
  if (written.trim() === '') return {};
  const value = parseJson(written);
  if (isRecord(value)) return value;
  const detail = 'arguments of an earlier call that are not a JSON object went as text';
  adjustments.push({ param: 'messages.tool_calls', action: 'rewritten', detail });
  return { raw_arguments: written };
}

/** Results in the order of their calls; what answers no call of the turn before is told as text. */
function resultBlocks(
  results: readonly ToolMessage[],
  calls: readonly ToolCall[],
  context: TurnContext,
): readonly Block[] {
  const answered = calls.flatMap(({ id }) => {
    const result = results.findLast((one) => one.tool_call_id === id);
    return result === undefined ? [] : [resultBlock(result, context)];
  });
  const late = results.filter((result) => !calls.some(({ id }) => id === result.tool_call_id));
  return [...answered, ...late.flatMap(lateBlocks)];
}

function resultBlock({ tool_call_id: id, content, is_error: failed }: ToolMessage, context: TurnContext): Block {
  const blocks = typeof content === 'string' ? content : content.flatMap(partBlocks);
  return {
    type: 'tool_result',
    tool_use_id: context.ids.of(id),
    ...(blocks.length > 0 && { content: blocks }),
    ...(failed === true && { is_error: true }),
  };
}

function lateBlocks({ tool_call_id: id, content }: ToolMessage): readonly Block[] {
  const label = `[tool result ${id}]`;
  if (typeof content === 'string') return [{ type: 'text', text: `${label}\n${content}`.trimEnd() }];
  return [{ type: 'text', text: label }, ...content.flatMap(partBlocks)];
}
