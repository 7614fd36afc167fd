/** A JSON object whose fields nobody has checked yet. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** Whether a JSON value is an object (and not an array or null). */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a JSON text, or undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
