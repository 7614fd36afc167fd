import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** The key that clients use, and where it came from. */
export interface ClientKey {
  readonly key: string;
  readonly origin: string;
}

/** `GATEHOUSE_KEY`, or a key that is made once and kept in a file that only its owner can read. */
export function clientKey(environment: Readonly<Record<string, string | undefined>>, file: string): ClientKey {
  const given = environment['GATEHOUSE_KEY']?.trim();
  if (given !== undefined && given !== '') return { key: given, origin: 'from GATEHOUSE_KEY' };
  return { key: keptKey(file), origin: `kept in ${file}` };
}

function keptKey(file: string): string {
  try {
    const kept = readFileSync(file, 'utf8').trim();
    if (kept !== '') return kept;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const key = `sk-or-v1-${randomBytes(32).toString('hex')}`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${key}\n`, { mode: 0o600 });
  return key;
}
