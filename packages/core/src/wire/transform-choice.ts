import { z } from 'zod';
import { GatewayError } from '../errors.js';
import { optional, plainObject } from './schema-parts.js';
import { fieldError, toValidationError } from './validation-error.js';

/** A transform that a request names, with the options that it gives. */
export interface NamedTransform {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Where in the body: `['transforms', 0]`. */
  readonly path: readonly (string | number)[];
}

/** What a request says about transforms. */
export interface TransformChoice {
  readonly named: readonly NamedTransform[];
  /** `transforms: []`: those that run by default do not. */
  readonly withoutDefaults: boolean;
  /** Named by plugins with `enabled: false`. */
  readonly off: readonly string[];
}

/** A request that says nothing about them. */
const NO_CHOICE: TransformChoice = { named: [], withoutDefaults: false, off: [] };

const MOST = 8;
const transformName = z.string().min(1).max(64);

/** The field `transforms`: names, or objects with `name` (or `id`) and options. */
export const transformsSchema: z.ZodType<readonly (string | Readonly<Record<string, unknown>>)[]> = z
  .array(z.union([transformName, plainObject], 'expected a name, or an object with one'))
  .max(MOST);

/** The field `plugins`; what is in an entry beside `id` is for the plugin to check. */
export const pluginsSchema: z.ZodType<readonly Plugin[]> = z.array(
  z.looseObject({ id: z.string().max(64), enabled: optional(z.boolean()) }),
);

interface Plugin {
  readonly id: string;
  readonly enabled?: boolean | undefined;
  readonly [field: string]: unknown;
}

/** Plugins that are transforms under another name. */
const AS_TRANSFORMS: ReadonlyMap<string, string> = new Map([
  ['context-compression', 'middle-out'],
  ['response-healing', 'response-healing'],
]);
/** Read elsewhere. */
const AUTO_ROUTER = 'auto-router';
/** Known to clients, and not there yet. */
const UNBUILT: ReadonlySet<string> = new Set([
  'web',
  'web-fetch',
  'file-parser',
  'moderation',
  'pareto-router',
  'fusion',
]);

const compression = z.strictObject({
  id: z.string(),
  enabled: optional(z.boolean()),
  engine: optional(z.literal('middle-out')),
});
const healing = z.strictObject({ id: z.string(), enabled: optional(z.boolean()) });

/**
 * What the fields `transforms` and `plugins` come to.
 *
 * @throws GatewayError `invalid_request` for an unknown plugin or one with fields that it does not have,
 *   `unsupported_feature` for one that is not there yet.
 */
export function toTransformChoice(
  transforms: readonly (string | Readonly<Record<string, unknown>>)[] | undefined,
  plugins: readonly Plugin[] | undefined,
): TransformChoice {
  if (transforms === undefined && plugins === undefined) return NO_CHOICE;
  const named = (transforms ?? []).map(toNamed);
  const off: string[] = [];
  for (const [index, plugin] of (plugins ?? []).entries()) {
    const name = AS_TRANSFORMS.get(plugin.id);
    if (name === undefined) {
      refuseUnknown(plugin, index);
      continue;
    }
    const result = (plugin.id === 'response-healing' ? healing : compression).safeParse(plugin);
    if (!result.success) throw toValidationError(result.error, ['plugins', index]);
    if (plugin.enabled === false) off.push(name);
    else named.push({ name, options: {}, path: ['plugins', index] });
  }
  return { named, withoutDefaults: transforms?.length === 0, off };
}

function toNamed(entry: string | Readonly<Record<string, unknown>>, index: number): NamedTransform {
  const path = ['transforms', index];
  if (typeof entry === 'string') return { name: entry, options: {}, path };
  const { name, id, ...options } = entry;
  const result = transformName.safeParse(name ?? id);
  if (!result.success) throw toValidationError(result.error, [...path, 'name']);
  if (name !== undefined && id !== undefined)
    throw fieldError(`transforms.${index}`, 'expected `name` or `id`, not both');
  return { name: result.data, options, path };
}

function refuseUnknown({ id, enabled }: Plugin, index: number): void {
  if (id === AUTO_ROUTER) return;
  if (!UNBUILT.has(id)) throw fieldError(`plugins.${index}.id`, 'expected the id of a plugin');
  if (enabled === false) return;
  throw new GatewayError('unsupported_feature', `plugins.${index}: not supported yet`, {
    metadata: { feature: 'plugins' },
  });
}
