import type { Scope, ScopeName } from '../http/types.js';

/** What an inference key may do. */
export const INFERENCE: readonly Scope[] = ['chat', 'route:explain', 'models:read', 'usage:own'];

/** What a management key may do. */
const MANAGEMENT: readonly Scope[] = [
  'models:read',
  'usage:read',
  'credits:read',
  'keys:read',
  'keys:write',
  'chat:grant',
];

/** Every scope. */
export const SCOPES: readonly Scope[] = [...INFERENCE, ...MANAGEMENT.filter((scope) => !INFERENCE.includes(scope))];

/** Scopes with the presets among them spelt out, each once. */
export function expandScopes(names: readonly ScopeName[]): readonly Scope[] {
  return [...new Set(names.flatMap(expanded))];
}

function expanded(name: ScopeName): readonly Scope[] {
  if (name === 'inference') return INFERENCE;
  return name === 'management' ? MANAGEMENT : [name];
}
