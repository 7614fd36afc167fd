/**
 * JSON that Postgres takes as `jsonb`: it has no NUL in texts and no halves of surrogate pairs. Both are replaced, since
 * what a client wrote as its `user` must not keep a charge from being recorded.
 */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (!/\\u(?:0000|d[89a-f])/.test(json)) return json;
  return json.replace(/\\(?:u(?:0000|d[89a-f][0-9a-f]{2})|.)/g, (sequence) =>
    sequence.length > 2 ? '\\ufffd' : sequence,
  );
}
