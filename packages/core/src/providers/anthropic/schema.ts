import { isRecord, type JsonRecord } from '../json.js';

/** Keywords that this API does not enforce; they are told in the description instead. */
const TOLD: ReadonlySet<string> = new Set([
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
]);
const FORMATS: ReadonlySet<unknown> = new Set([
  'date-time',
  'time',
  'date',
  'duration',
  'email',
  'hostname',
  'uri',
  'ipv4',
  'ipv6',
  'uuid',
]);
/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const NESTED: ReadonlySet<string> = new Set(['items', 'not', 'if', 'then', 'else', 'contains']);
const NESTED_LISTS: ReadonlySet<string> = new Set(['anyOf', 'allOf', 'prefixItems']);
const NESTED_MAPS: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions', 'patternProperties']);

/**
 * A copy of a JSON Schema that structured output takes: objects are closed, `oneOf` is `anyOf`, and what is not enforced
 * moves into the description. Source: the provider's public page on structured outputs.
 */
export function sanitiseSchema(schema: JsonRecord): Readonly<Record<string, unknown>> {
  const copy: Record<string, unknown> = {};
  const told: string[] = [];
  for (const [name, value] of Object.entries(schema)) {
    if (TOLD.has(name) || (name === 'format' && !FORMATS.has(value))) {
      told.push(`${name}: ${JSON.stringify(value)}`);
    } else if (name === 'oneOf') {
      copy['anyOf'] = sanitiseList(value);
    } else if (NESTED_LISTS.has(name)) {
      copy[name] = sanitiseList(value);
    } else if (NESTED_MAPS.has(name)) {
      copy[name] = isRecord(value) ? sanitiseMap(value) : value;
    } else {
      copy[name] = NESTED.has(name) ? sanitiseAny(value) : value;
    }
  }
  if (told.length > 0) {
    const before = typeof schema['description'] === 'string' ? `${schema['description']}\n` : '';
    copy['description'] = before + told.join(', ');
  }
  if (isObjectSchema(schema)) copy['additionalProperties'] = false;
  return copy;
}

function isObjectSchema({ type, properties }: JsonRecord): boolean {
  return (
    type === 'object' ||
    (Array.isArray(type) && type.includes('object')) ||
    (type === undefined && isRecord(properties))
  );
}

function sanitiseAny(value: unknown): unknown {
  return isRecord(value) ? sanitiseSchema(value) : value;
}

function sanitiseList(value: unknown): unknown {
  return Array.isArray(value) ? value.map(sanitiseAny) : value;
}

function sanitiseMap(schemas: JsonRecord): unknown {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, sanitiseAny(schema)]));
}
