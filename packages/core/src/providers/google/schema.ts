import { isRecord, type JsonRecord } from '../json.js';

const DROPPED: ReadonlySet<string> = new Set([
  '$schema',
  '$id',
  '$defs',
  'definitions',
  'additionalProperties',
  'patternProperties',
  'examples',
  'default',
]);

/**
 * A copy of a JSON Schema in the part of OpenAPI's that older models take: references are written out, a recursive one
 * becomes any object; `null` types become `nullable`. Undefined for an object without properties, which is refused.
 */
export function toOpenApiSchema(schema: JsonRecord): Readonly<Record<string, unknown>> | undefined {
  const converted = convert(schema, { root: schema, path: [] });
  const { type, properties } = converted;
  return type === 'object' && (!isRecord(properties) || Object.keys(properties).length === 0) ? undefined : converted;
}

interface Position {
  readonly root: JsonRecord;
  /** References that are being written out. */
  readonly path: readonly string[];
}

function convert(schema: JsonRecord, position: Position): Readonly<Record<string, unknown>> {
  const reference = schema['$ref'];
  if (typeof reference === 'string') return convertReference(schema, reference, position);
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(schema)) {
    if (DROPPED.has(name)) continue;
    Object.assign(copy, convertKeyword(name, value, position));
  }
  return isRecord(schema['properties']) && copy['type'] === undefined ? { type: 'object', ...copy } : copy;
}

function convertKeyword(name: string, value: unknown, position: Position): Readonly<Record<string, unknown>> {
  switch (name) {
    case 'type':
      return Array.isArray(value) ? convertTypes(value) : { type: value };
    case 'const':
      return convertEnum([value]);
    case 'enum':
      return Array.isArray(value) ? convertEnum(value) : {};
    case 'oneOf':
    case 'anyOf':
      return { anyOf: convertList(value, position) };
    case 'allOf':
      return Object.assign({}, ...convertList(value, position)) as Readonly<Record<string, unknown>>;
    case 'properties':
      return { properties: isRecord(value) ? convertMap(value, position) : value };
    case 'items':
      return { items: isRecord(value) ? convert(value, position) : value };
    default:
      return { [name]: value };
  }
}

/** Only names at the root are looked up; what leads in a circle becomes any object. */
function convertReference(
  schema: JsonRecord,
  reference: string,
  position: Position,
): Readonly<Record<string, unknown>> {
  const { description } = schema;
  const described = description === undefined ? {} : { description };
  const [, room = '', name = ''] = /^#\/(\$defs|definitions)\/(.+)$/.exec(reference) ?? [];
  const found = lookUp(position.root[room], decodeName(name));
  if (found === undefined || position.path.includes(reference)) {
    const known = found?.['description'];
    return { type: 'object', ...(known !== undefined && { description: known }), ...described };
  }
  return { ...convert(found, { ...position, path: [...position.path, reference] }), ...described };
}

function lookUp(room: unknown, name: string): JsonRecord | undefined {
  if (!isRecord(room) || !Object.hasOwn(room, name)) return undefined;
  const found = room[name];
  return isRecord(found) ? found : undefined;
}

/** A name inside a JSON pointer (RFC 6901). */
function decodeName(name: string): string {
  return name.replaceAll('~1', '/').replaceAll('~0', '~');
}

function convertTypes(types: readonly unknown[]): Readonly<Record<string, unknown>> {
  const others = types.filter((type) => type !== 'null');
  const nullable = others.length < types.length ? { nullable: true } : {};
  return others.length === 1
    ? { type: others[0], ...nullable }
    : { anyOf: others.map((type) => ({ type })), ...nullable };
}

/** This API knows enumerations of strings only. */
function convertEnum(values: readonly unknown[]): Readonly<Record<string, unknown>> {
  const written = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  return { type: 'string', format: 'enum', enum: written };
}

function convertList(value: unknown, position: Position): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord).map((schema) => convert(schema, position)) : [];
}

function convertMap(schemas: JsonRecord, position: Position): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, isRecord(schema) ? convert(schema, position) : schema]),
  );
}
