import { isRecord } from '../json.js';
import type { Adjustment } from '../types.js';

/** This API refuses more breakpoints than these. */
const MAX_BREAKPOINTS = 4;

/**
 * The body with its first four cache breakpoints, in the order in which a prompt is put together: tools, system,
 * messages, and the one for the request as a whole.
 */
export function limitBreakpoints(
  body: Readonly<Record<string, unknown>>,
  adjustments: Adjustment[],
): Readonly<Record<string, unknown>> {
  let seen = 0;
  const limited = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(limited);
    if (!isRecord(value)) return value;
    const { cache_control: mark, content, ...block } = value;
    const inner = content === undefined ? {} : { content: limited(content) };
    if (mark === undefined) return content === undefined ? value : { ...block, ...inner };
    seen += 1;
    return seen > MAX_BREAKPOINTS ? { ...block, ...inner } : { ...block, ...inner, cache_control: mark };
  };
  const { cache_control: whole, ...rest } = body;
  const copy: Record<string, unknown> = { ...rest };
  for (const name of ['tools', 'system', 'messages']) {
    if (copy[name] !== undefined) copy[name] = limited(copy[name]);
  }
  if (whole !== undefined) {
    seen += 1;
    if (seen <= MAX_BREAKPOINTS) copy['cache_control'] = whole;
  }
  if (seen > MAX_BREAKPOINTS) {
    const detail = `there may be ${MAX_BREAKPOINTS} breakpoints, the later ones are left out`;
    adjustments.push({ param: 'cache_control', action: 'dropped', detail });
  }
  return copy;
}
