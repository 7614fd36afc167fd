import type { Scope } from '../http/types.js';

/** What an inference key may do. */
export const INFERENCE: readonly Scope[] = ['chat', 'route:explain', 'models:read', 'usage:own'];

/** What a management key may do. */
export const MANAGEMENT: readonly Scope[] = [
  'models:read',
  'usage:read',
  'credits:read',
  'keys:read',
  'keys:write',
  'chat:grant',
];

/** Every scope. */
export const SCOPES: readonly Scope[] = [...INFERENCE, ...MANAGEMENT.filter((scope) => !INFERENCE.includes(scope))];
