import type { ChatChunk } from '@gatehouse/core';

/** What a careful client makes of a stream: the message of its first choice, its reasons, and usage. */
export function mergeChunks(chunks: readonly ChatChunk[]): Readonly<Record<string, unknown>> {
  const message: Record<string, unknown> = { role: 'assistant', content: '', refusal: null };
  const calls: { id: string; type: 'function'; function: { name: string; arguments: string } }[] = [];
  const details: Record<string, unknown>[] = [];
  const lists: Record<string, unknown[]> = { annotations: [], images: [] };
  let finish: Readonly<Record<string, unknown>> = {};
  for (const { delta, finish_reason, native_finish_reason } of chunks.flatMap((chunk) => chunk.choices)) {
    if (typeof delta.content === 'string') message['content'] = String(message['content']) + delta.content;
    for (const name of ['reasoning', 'refusal'] as const) {
      if (delta[name] !== undefined) message[name] = `${(message[name] as string | undefined) ?? ''}${delta[name]}`;
    }
    for (const { index, id, function: called, extra_content } of delta.tool_calls ?? []) {
      const call = calls[index] ?? { id: '', type: 'function', function: { name: '', arguments: '' } };
      calls[index] = call;
      if (id !== undefined) call.id = id;
      call.function.name += called.name ?? '';
      call.function.arguments += called.arguments;
      if (extra_content !== undefined) Object.assign(call, { extra_content });
    }
    for (const detail of delta.reasoning_details ?? []) {
      const known = details[detail.index ?? -1] ?? {};
      details[detail.index ?? -1] = known;
      const text = `${(known['text'] as string | undefined) ?? ''}${detail.text ?? ''}`;
      Object.assign(known, detail, detail.text === undefined ? {} : { text });
    }
    for (const name of ['annotations', 'images'] as const) {
      for (const { index: _, ...entry } of (delta[name] ?? []) as { index: number }[]) lists[name]?.push(entry);
    }
    if (finish_reason !== null) finish = { finish_reason, native_finish_reason };
  }
  if (calls.length > 0) message['tool_calls'] = calls;
  if (calls.length > 0 && message['content'] === '') message['content'] = null;
  if (details.length > 0) message['reasoning_details'] = details;
  for (const [name, list] of Object.entries(lists)) if (list.length > 0) message[name] = list;
  return { message, ...finish, usage: chunks.at(-1)?.usage };
}

/** The same of a whole answer. */
export function mergeWhole(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const [choice] = body['choices'] as readonly Readonly<Record<string, unknown>>[];
  const { message, finish_reason, native_finish_reason } = choice ?? {};
  return { message, finish_reason, native_finish_reason, usage: body['usage'] };
}
