import { middleOut } from './middle-out.js';
import { redact } from './redact.js';
import { responseFilter } from './response-filter.js';
import { responseHealing } from './response-healing.js';
import { routingRules } from './routing-rules.js';
import { systemPrompt } from './system-prompt.js';
import type { Transform } from './types.js';

/** What every gateway knows by name, unless its host says otherwise. */
export function builtIns(): readonly Transform[] {
  return [middleOut(), redact(), routingRules(), systemPrompt(), responseFilter(), responseHealing()];
}
