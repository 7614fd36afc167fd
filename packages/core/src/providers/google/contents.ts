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
import { type Media, mediaOf } from '../media.js';
import type { Renaming } from '../rename.js';
import type { Adjustment, Unsuitable } from '../types.js';
import type { GeminiProfile } from './models.js';

/** A part of a content. */
export type Part = Readonly<Record<string, unknown>>;

/** What one side says until it is the other's turn. */
export interface Content {
  readonly role: 'user' | 'model';
  readonly parts: readonly Part[];
}

/** What the contents of one call depend on. */
interface ContentContext {
  readonly profile: GeminiProfile;
  /** Names of functions, as this API takes them. */
  readonly names: Renaming;
  /** Grows by what could not go as it was. */
  readonly adjustments: Adjustment[];
}

/** The format of this provider's entries in `reasoning_details`. */
export const REASONING_FORMAT = 'google-gemini-v1';
/** Accepted in the place of a signature that nobody has; see the provider's public page on thought signatures. */
const NO_SIGNATURE = 'skip_thought_signature_validator';
/** Files that were uploaded to the provider itself. */
const OWN_FILES = /^https:\/\/generativelanguage\.googleapis\.com\/(?:[\w.]+\/)?files\//;
const TYPES =
  /^(?:image\/(?:png|jpeg|webp|heic|heif)|application\/pdf|text\/[\w.+-]+|application\/json|audio\/.+|video\/.+)$/;

/** The conversation as contents that alternate, without the system messages. */
export function toContents(messages: readonly ChatMessage[], context: ContentContext): readonly Content[] {
  const said = new Alternation<Content['role'], Part>();
  for (const step of stepsOf(messages)) {
    if (step.kind === 'results') {
      said.add('user', resultParts(step.results, step.calls, context));
    } else if (step.message.role === 'user') {
      said.add('user', userParts(step.message.content, step.message.name));
    } else if (step.message.role === 'assistant') {
      said.add('model', assistantParts(step.message, context));
    }
  }
  return said.turns;
}

/** Parts of a content; nothing for empty texts. */
export function contentParts(content: string | readonly ContentPart[]): readonly Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ text: content }];
  return content.flatMap((part): readonly Part[] => {
    if (part.type === 'text') return part.text === '' ? [] : [{ text: part.text }];
    const fileId = part.type === 'file' ? part.file.file_id : undefined;
    const media = mediaOf(part);
    if (media !== undefined) return [mediaPart(media)];
    return fileId === undefined ? [] : [{ fileData: { fileUri: fileId } }];
  });
}

/** What speaks against the media of a request; undefined where nothing does. */
export function checkMedia(messages: readonly ChatMessage[]): Unsuitable | undefined {
  for (const [index, message] of messages.entries()) {
    if (typeof message.content !== 'object' || message.content === undefined) continue;
    for (const [position, part] of message.content.entries()) {
      const media = mediaOf(part);
      if (media === undefined) continue;
      if (media.kind === 'remote' && !OWN_FILES.test(media.url)) {
        return {
          code: 'no_endpoints',
          message: 'The provider takes media by their content only, not by an address.',
          excludedBy: 'modality',
        };
      }
      if (media.kind === 'inline' && !TYPES.test(media.type)) {
        const path = `messages.${index}.content.${position}`;
        return { code: 'invalid_prompt', path, message: `expected a type that the provider takes, got ${media.type}` };
      }
    }
  }
  return undefined;
}

function mediaPart(media: Media): Part {
  if (media.kind === 'inline') return { inlineData: { mimeType: media.type, data: media.data } };
  return { fileData: { fileUri: media.url, ...(media.type !== undefined && { mimeType: media.type }) } };
}

function userParts(content: string | readonly ContentPart[], name: string | undefined): readonly Part[] {
  const parts = contentParts(content);
  if (name === undefined || parts.length === 0) return parts;
  return typeof content === 'string' ? [{ text: `${name}: ${content}` }] : [{ text: `${name}: ` }, ...parts];
}

/** Thoughts, then text, then calls, each with the signature that belongs to it. */
function assistantParts(message: AssistantMessage, context: ContentContext): readonly Part[] {
  const own = ownDetails(message.reasoning_details ?? []);
  const thoughts = own.filter(({ type }) => type === 'reasoning.text');
  const signatures = own.filter(({ type, data }) => type === 'reasoning.encrypted' && data !== undefined);
  const content = message.content ?? '';
  const text = contentParts(content === '' ? (message.refusal ?? '') : content);
  return [
    ...thoughts.map(({ text: thought = '', signature }) => signed({ text: thought, thought: true }, signature)),
    ...signedText(text, signatures.find(({ id }) => id === undefined)?.data),
    ...callParts(message, signatures, context),
  ];
}

/** Entries of this provider only: other providers' would mean nothing here. */
function ownDetails(details: readonly ReasoningDetail[]): readonly ReasoningDetail[] {
  return mergeReasoningDetails(
    details.filter(({ format }) => format === undefined || format === REASONING_FORMAT),
  ).filter(({ format }) => format === REASONING_FORMAT);
}

function signed(part: Part, signature: string | undefined): Part {
  return signature === undefined ? part : { ...part, thoughtSignature: signature };
}

/** The signature of a text returns on its last part. */
function signedText(parts: readonly Part[], signature: string | undefined): readonly Part[] {
  if (signature === undefined) return parts;
  const last = parts.at(-1) ?? { text: '' };
  return [...parts.slice(0, -1), signed(last, signature)];
}

function callParts(
  message: AssistantMessage,
  signatures: readonly ReasoningDetail[],
  { names, profile, adjustments }: ContentContext,
): readonly Part[] {
  const calls = message.tool_calls ?? [];
  const known = calls.map(
    (call) => signatureOf(call.extra_content) ?? signatures.find(({ id }) => id === call.id)?.data,
  );
  const unsigned = profile.third && known.every((signature) => signature === undefined);
  return calls.map((call, position) => {
    const args = argumentsOf(call.function.arguments, adjustments);
    const part = { functionCall: { id: call.id, name: names.of(call.function.name), args } };
    return signed(part, known[position] ?? (unsigned && position === 0 ? NO_SIGNATURE : undefined));
  });
}

function signatureOf(extra: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const google = extra?.['google'];
  const signature = isRecord(google) ? google['thought_signature'] : undefined;
  return typeof signature === 'string' && signature !== '' ? signature : undefined;
}

function argumentsOf(written: string, adjustments: Adjustment[]): unknown {
  if (written.trim() === '') return {};
  const value = parseJson(written);
  if (isRecord(value)) return value;
  const detail = 'arguments of an earlier call that are not a JSON object went as text';
  adjustments.push({ param: 'messages.tool_calls', action: 'rewritten', detail });
  return { raw_arguments: written };
}

/** Results in the order of their calls; what answers no call of the turn before is told as text. */
function resultParts(
  results: readonly ToolMessage[],
  calls: readonly ToolCall[],
  { profile, names }: ContentContext,
): readonly Part[] {
  const answered = calls.flatMap(({ id, function: called }) => {
    const result = results.findLast((one) => one.tool_call_id === id);
    return result === undefined ? [] : [{ result, name: names.of(called.name), parts: mediaParts(result) }];
  });
  const late = results.filter((result) => !calls.some(({ id }) => id === result.tool_call_id));
  const inside = profile.third;
  return [
    ...answered.map(({ result, name, parts }) => resultPart(result, name, inside ? parts : [])),
    ...(inside ? [] : answered.flatMap(({ parts }) => parts)),
    ...late.flatMap(lateParts),
  ];
}

function resultPart(result: ToolMessage, name: string, media: readonly Part[]): Part {
  const { tool_call_id: id, is_error: failed } = result;
  const text = textOf(result);
  const value = parseJson(text);
  const response = failed === true ? { error: text } : isRecord(value) ? value : { result: text };
  return {
    functionResponse: { id, name, response, ...(media.length > 0 && { parts: media }) },
  };
}

function textOf({ content }: ToolMessage): string {
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

function mediaParts({ content }: ToolMessage): readonly Part[] {
  return typeof content === 'string' ? [] : contentParts(content.filter(({ type }) => type !== 'text'));
}

function lateParts(result: ToolMessage): readonly Part[] {
  return [{ text: `[tool result ${result.tool_call_id}]\n${textOf(result)}`.trimEnd() }, ...mediaParts(result)];
}
