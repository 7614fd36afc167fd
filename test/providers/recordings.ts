import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../structure/source-files.js';

const FOLDER = join(ROOT, '..', 'shared', 'recordings');

/** Whether recorded answers of real providers lie beside the project; tests that need them say that they skip. */
export const recorded: boolean = existsSync(FOLDER);

if (!recorded) console.warn('recordings of providers are absent: their tests are skipped');

/** The streams of a provider: names, and the JSON payload of each event. */
export function recordedStreams(provider: string): readonly { readonly name: string; readonly payloads: string[] }[] {
  return filesOf(provider, '.chunks.txt').map((file) => ({
    name: file.replace('.chunks.txt', ''),
    payloads: read(provider, file)
      .split('\n')
      .filter((text) => text.trim() !== '' && text.trim() !== '[DONE]'),
  }));
}

/** The whole answers of a provider. */
export function recordedWholes(provider: string): readonly { readonly name: string; readonly text: string }[] {
  return filesOf(provider, '.json').map((file) => ({ name: file.replace('.json', ''), text: read(provider, file) }));
}

function filesOf(provider: string, ending: string): readonly string[] {
  if (!existsSync(join(FOLDER, provider))) return [];
  return readdirSync(join(FOLDER, provider))
    .filter((file) => file.endsWith(ending))
    .sort();
}

function read(provider: string, file: string): string {
  return readFileSync(join(FOLDER, provider, file), 'utf8');
}
