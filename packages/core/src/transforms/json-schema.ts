import { z } from 'zod';

/** Checks a value against a JSON Schema. */
export type SchemaCheck = (value: unknown) => boolean;

/** Schemas are taken apart up to so many parts: the time of a check grows with them. */
const MOST_PARTS = 5000;
const DIALECTS = ['$schema', '$id', 'id', '$defs', 'definitions', 'default'];

/**
 * The check that a client's JSON Schema says. References are resolved first, and those that lead back into themselves
 * accept anything, as do patterns: both could take for ever on the answer of a model that the same client instructs.
 *
 * @returns undefined for a schema that is too large, or says what cannot be checked.
 */
export function schemaCheck(schema: Readonly<Record<string, unknown>>): SchemaCheck | undefined {
  const budget = { parts: MOST_PARTS };
  try {
    const plain = resolved(schema, schema, [], budget);
    const check = z.fromJSONSchema(plain as Parameters<typeof z.fromJSONSchema>[0], { registry: z.registry() });
    return (value) => check.safeParse(value).success;
  } catch {
    // It names a rule that cannot be checked; the provider was given it all the same.
    return undefined;
  }
}

class TooLarge extends Error {}

function resolved(part: unknown, root: unknown, trail: readonly string[], budget: { parts: number }): unknown {
  budget.parts -= 1;
  if (budget.parts < 0) throw new TooLarge();
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) return part.map((one) => resolved(one, root, trail, budget));
  const { $ref: reference } = part as { readonly $ref?: unknown };
  if (typeof reference === 'string') {
    if (trail.includes(reference)) return {};
    return resolved(find(root, reference), root, [...trail, reference], budget);
  }
  const plain: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(part)) {
    if (name === 'pattern' || name === 'patternProperties' || DIALECTS.includes(name)) continue;
    // Names of properties are not words of the language.
    plain[name] = name === 'properties' ? properties(inner, root, trail, budget) : resolved(inner, root, trail, budget);
  }
  return plain;
}

function properties(given: unknown, root: unknown, trail: readonly string[], budget: { parts: number }): unknown {
  if (typeof given !== 'object' || given === null) return given;
  const plain: Record<string, unknown> = Object.create(null);
  for (const [name, inner] of Object.entries(given)) plain[name] = resolved(inner, root, trail, budget);
  return plain;
}

/** What a local reference leads to (RFC 6901). */
function find(root: unknown, reference: string): unknown {
  if (!reference.startsWith('#')) throw new Error('only local references can be followed');
  let found = root;
  for (const step of reference.split('/').slice(1)) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) throw new Error('a dead reference');
    found = (found as Readonly<Record<string, unknown>>)[name];
  }
  return found;
}
