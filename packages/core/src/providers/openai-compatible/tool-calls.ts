import { Failure } from '../../failure.js';
import type { ToolCallDelta } from '../../wire/chat.js';
import { isRecord, type JsonRecord } from '../json.js';

const MAX_CALLS = 128;

interface OpenCall {
  /** Position on the wire, from 0. */
  readonly index: number;
  readonly key: unknown;
  readonly upstreamId: string | undefined;
  named: boolean;
  /** Whether any of its arguments have come. */
  written: boolean;
}

/**
 * Puts the fragments of tool calls together the way clients expect them: a running index from 0, id and name once.
 * Servers leave out the index (Mistral), the id, or reuse an index for a second call; a fragment belongs to the call
 * with its index, else with its id, else to the last one.
 */
export class ToolCallAssembler {
  readonly #calls: OpenCall[] = [];
  readonly #newId: () => string;

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  get any(): boolean {
    return this.#calls.length > 0;
  }

  /** @throws Failure `bad_response` for more calls than anybody makes. */
  push(fragments: readonly JsonRecord[]): readonly ToolCallDelta[] {
    return fragments.map((fragment) => this.#one(fragment));
  }

  /** Calls without arguments get an empty object: clients parse what they are given. */
  end(): readonly ToolCallDelta[] {
    return this.#calls
      .filter((call) => !call.written)
      .map((call) => ({ index: call.index, function: { arguments: '{}' } }));
  }

  #one(fragment: JsonRecord): ToolCallDelta {
    const declared = isRecord(fragment['function']) ? fragment['function'] : {};
    const id = typeof fragment['id'] === 'string' && fragment['id'] !== '' ? fragment['id'] : undefined;
    const written = declared['arguments'];
    const text = typeof written === 'string' ? written : isRecord(written) ? JSON.stringify(written) : '';
    const name = typeof declared['name'] === 'string' ? declared['name'] : '';
    const known = this.#find(fragment['index'], id);
    if (known === undefined) return this.#open(fragment['index'], id, name, text);
    if (text !== '') known.written = true;
    if (known.named || name === '') return { index: known.index, function: { arguments: text } };
    known.named = true;
    return { index: known.index, function: { name, arguments: text } };
  }

  #find(key: unknown, id: string | undefined): OpenCall | undefined {
    const last = this.#calls.at(-1);
    if (Number.isInteger(key)) {
      const call = this.#calls.findLast((open) => open.key === key);
      return id === undefined || call?.upstreamId === undefined || call.upstreamId === id ? call : undefined;
    }
    return id === undefined ? last : this.#calls.findLast((open) => open.upstreamId === id);
  }

  #open(key: unknown, id: string | undefined, name: string, text: string): ToolCallDelta {
    if (this.#calls.length >= MAX_CALLS) throw new Failure('bad_response', 'the upstream made too many tool calls');
    const call: OpenCall = { index: this.#calls.length, key, upstreamId: id, named: name !== '', written: text !== '' };
    this.#calls.push(call);
    return {
      index: call.index,
      id: id ?? this.#newId(),
      type: 'function',
      function: { name, arguments: text },
    };
  }
}
