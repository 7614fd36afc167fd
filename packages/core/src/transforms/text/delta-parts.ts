import type { Delta, ReasoningDetail, ToolCallDelta } from '../../wire/chat.js';

/** Texts in the order in which an answer has them: a refusal ends its own kind and leaves nothing of the later ones. */
export const REASONING = 0;
export const CONTENT = 1;
export const FIRST_CALL = 2;

/** The texts of a delta, in their order, where they stand at several places; usually the delta is the only part. */
export function partsOf(delta: Delta): readonly Delta[] {
  const { content, refusal, reasoning, reasoning_details: details = [], tool_calls: calls = [] } = delta;
  const isThought = hasText(reasoning) || details.length > 0;
  const isSaid = hasText(content) || hasText(refusal);
  if (Number(isThought) + Number(isSaid) + calls.length <= 1) return [delta];
  const { content: _, refusal: __, reasoning: ___, reasoning_details: ____, tool_calls: _____, ...rest } = delta;
  const parts: Delta[] = calls.map((call) => ({ tool_calls: [call] }));
  if (isSaid) {
    parts.unshift({ ...(content !== undefined && { content }), ...(refusal !== undefined && { refusal }) });
  }
  if (isThought) {
    parts.unshift({
      ...(reasoning !== undefined && { reasoning }),
      ...(details.length > 0 && { reasoning_details: details }),
    });
  }
  const [first, ...others] = parts;
  const isBegun = !isSaid && content !== undefined;
  return [{ ...rest, ...(isBegun && { content }), ...first }, ...others];
}

/** Where the text of a part stands. */
export function placeOf({ content, refusal, tool_calls: calls }: Delta): number {
  const call = calls?.[0];
  if (call !== undefined && (call.id !== undefined || call.function.arguments !== '')) return FIRST_CALL + call.index;
  return hasText(content) || hasText(refusal) ? CONTENT : REASONING;
}

/** Whether there is text at all. */
export function hasText(text: string | null | undefined): text is string {
  return typeof text === 'string' && text !== '';
}

/** A delta with a text more, where its name says. */
export function withText(delta: Delta, name: string, text: string): Delta {
  const [kind, place = ''] = name.split(' ');
  switch (kind) {
    case 'detail': {
      const [index = '', type = '', field = ''] = place.split(':');
      const detail: ReasoningDetail = { type, ...(index !== 'undefined' && { index: Number(index) }), [field]: text };
      return { ...delta, reasoning_details: [...(delta.reasoning_details ?? []), detail] };
    }
    case 'call': {
      const call: ToolCallDelta = { index: Number(place), function: { arguments: text } };
      return { ...delta, tool_calls: [...(delta.tool_calls ?? []), call] };
    }
    case 'content':
      return { ...delta, content: text };
    case 'reasoning':
      return { ...delta, reasoning: text };
    default:
      return { ...delta, refusal: text };
  }
}

/** The field of a detail that holds readable text. */
export function textField(detail: ReasoningDetail): 'text' | 'summary' | undefined {
  if (typeof detail.text === 'string') return 'text';
  return typeof detail.summary === 'string' ? 'summary' : undefined;
}

/** Whether a delta says nothing. */
export function isEmpty(delta: Delta): boolean {
  for (const name in delta) if (name !== '') return false;
  return true;
}
