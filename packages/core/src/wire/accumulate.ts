import type {
  AnswerMessage,
  ChatChunk,
  Choice,
  ChunkChoice,
  Delta,
  ReasoningDetail,
  ToolCall,
  ToolCallDelta,
} from './chat.js';
import { mergeReasoningDetails } from './reasoning-details.js';

/** The answer that a stream of chunks amounts to. */
export interface Accumulated {
  readonly choices: readonly Choice[];
  readonly systemFingerprint: string | null;
  readonly serviceTier: string | undefined;
}

interface OpenChoice {
  content: string;
  reasoning: string;
  refusal: string | null;
  calls: ToolCall[];
  details: ReasoningDetail[];
  annotations: unknown[];
  images: NonNullable<AnswerMessage['images']>[number][];
  audio: unknown;
  logprobs: unknown;
  finish: Pick<Choice, 'finish_reason' | 'native_finish_reason'>;
}

/** Puts a finished stream together, as a client would. Pure. */
export function accumulate(chunks: readonly ChatChunk[]): Accumulated {
  const open = new Map<number, OpenChoice>();
  for (const chunk of chunks) {
    for (const choice of chunk.choices) add(choiceAt(open, choice.index), choice);
  }
  return {
    choices: [...open].sort(([a], [b]) => a - b).map(([index, choice]) => close(index, choice)),
    systemFingerprint: chunks.findLast((chunk) => chunk.system_fingerprint !== undefined)?.system_fingerprint ?? null,
    serviceTier: chunks.findLast((chunk) => chunk.service_tier !== undefined)?.service_tier,
  };
}

function choiceAt(open: Map<number, OpenChoice>, index: number): OpenChoice {
  const known = open.get(index);
  if (known !== undefined) return known;
  const choice: OpenChoice = {
    content: '',
    reasoning: '',
    refusal: null,
    calls: [],
    details: [],
    annotations: [],
    images: [],
    audio: undefined,
    logprobs: null,
    finish: { finish_reason: 'stop', native_finish_reason: null },
  };
  open.set(index, choice);
  return choice;
}

function add(choice: OpenChoice, step: ChunkChoice): void {
  const { delta } = step;
  choice.content += delta.content ?? '';
  choice.reasoning += delta.reasoning ?? '';
  if (delta.refusal !== undefined) choice.refusal = (choice.refusal ?? '') + delta.refusal;
  for (const fragment of delta.tool_calls ?? []) addCall(choice.calls, fragment);
  if (delta.reasoning_details !== undefined) choice.details.push(...delta.reasoning_details);
  if (delta.annotations !== undefined) choice.annotations.push(...delta.annotations.map(withoutIndex));
  if (delta.images !== undefined) choice.images.push(...(delta.images.map(withoutIndex) as typeof choice.images));
  choice.audio = mergeAudio(choice.audio, delta);
  choice.logprobs = mergeLogprobs(choice.logprobs, step.logprobs);
  if (step.finish_reason !== null) {
    choice.finish = { finish_reason: step.finish_reason, native_finish_reason: step.native_finish_reason };
  }
}

function addCall(calls: ToolCall[], fragment: ToolCallDelta): void {
  const known = calls[fragment.index];
  const { name = '', arguments: text } = fragment.function;
  const extra = fragment.extra_content ?? known?.extra_content;
  calls[fragment.index] = {
    id: known?.id ?? fragment.id ?? '',
    type: 'function',
    function: { name: (known?.function.name ?? '') + name, arguments: (known?.function.arguments ?? '') + text },
    ...(extra !== undefined && { extra_content: extra }),
  };
}

/** Entries of lists are numbered in a stream only. */
function withoutIndex(entry: unknown): unknown {
  if (typeof entry !== 'object' || entry === null || !('index' in entry)) return entry;
  const { index: _, ...rest } = entry;
  return rest;
}

/** Audio comes as base64 pieces of `data` and `transcript` under one id. */
function mergeAudio(known: unknown, delta: Delta): unknown {
  if (delta.audio === undefined) return known;
  if (typeof known !== 'object' || known === null || typeof delta.audio !== 'object' || delta.audio === null) {
    return delta.audio;
  }
  const merged: Record<string, unknown> = { ...known };
  for (const [name, value] of Object.entries(delta.audio)) {
    const before = merged[name];
    const concatenates = (name === 'data' || name === 'transcript') && typeof before === 'string';
    merged[name] = concatenates ? `${before}${String(value)}` : value;
  }
  return merged;
}

function mergeLogprobs(known: unknown, more: unknown): unknown {
  if (!hasContent(known)) return more ?? known;
  return hasContent(more) ? { ...known, content: [...known.content, ...more.content] } : known;
}

function hasContent(value: unknown): value is { readonly content: readonly unknown[] } {
  return typeof value === 'object' && value !== null && 'content' in value && Array.isArray(value.content);
}

function close(index: number, choice: OpenChoice): Choice {
  const details = mergeReasoningDetails(choice.details);
  return {
    index,
    message: {
      role: 'assistant',
      content: choice.content === '' && choice.calls.length > 0 ? null : choice.content,
      refusal: choice.refusal,
      ...(choice.calls.length > 0 && { tool_calls: choice.calls }),
      ...(choice.reasoning !== '' && { reasoning: choice.reasoning }),
      ...(details.length > 0 && { reasoning_details: details }),
      ...(choice.annotations.length > 0 && { annotations: choice.annotations }),
      ...(choice.images.length > 0 && { images: choice.images }),
      ...(choice.audio !== undefined && { audio: choice.audio }),
    },
    ...choice.finish,
    logprobs: choice.logprobs,
  };
}
