import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Failure } from '../failure.js';
import { createSseDecoder } from './decode.js';
import type { ServerSentEvent } from './types.js';

const roomy = { eventBytes: 1_000_000, streamBytes: 10_000_000 };

/** Everything that a stream amounts to, its bytes cut at the places given. */
function decode(bytes: Uint8Array, cuts: readonly number[] = []): readonly ServerSentEvent[] {
  const decoder = createSseDecoder(roomy);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const events = places.slice(1).flatMap((end, index) => decoder.push(bytes.subarray(places[index], end)));
  return [...events, ...decoder.end()];
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const jsonText = fc.json({ noUnicodeString: false });
const lineBreak = fc.constantFrom('\n', '\r\n', '\r');

describe('createSseDecoder', () => {
  it('T-S01 gives the same events however the bytes are cut, whatever the line breaks', () => {
    fc.assert(
      fc.property(fc.array(jsonText), lineBreak, fc.array(fc.nat()), (texts, br, cuts) => {
        const stream = utf8(texts.map((text) => `: note${br}event: message${br}data: ${text}${br}${br}`).join(''));
        expect(decode(stream, cuts).map(({ data }) => data)).toEqual(texts);
      }),
      { seed: 20260701, numRuns: 500 },
    );
  });

  it('T-S01 joins several data lines, and keeps the type of an event', () => {
    expect(decode(utf8('event: ping\ndata: {\ndata: }\n\n'))).toEqual([{ type: 'ping', data: '{\n}' }]);
  });

  it('T-S01 skips a byte order mark', () => {
    expect(decode(utf8('\ufeffdata: 1\n\n'))).toEqual([{ type: undefined, data: '1' }]);
  });

  it.each(['data: {"a":1}', 'data: {"a":1}\n', 'data: [DONE]'])(
    'takes a whole last event without its blank line: %j',
    (text) => {
      expect(decode(utf8(text))).toHaveLength(1);
    },
  );

  it('T-S01 T-S04 refuses a last event that is not whole', () => {
    expect(() => decode(utf8('data: 1\n\ndata: {"a":'))).toThrow(expect.objectContaining({ kind: 'truncated' }));
  });

  it.each([
    ['an event', { ...roomy, eventBytes: 100 }],
    ['a stream', { ...roomy, streamBytes: 100 }],
  ])('refuses %s beyond its bound', (_, limits) => {
    const decoder = createSseDecoder(limits);
    const endless = (): void => {
      for (let piece = 0; piece < 100; piece += 1) decoder.push(utf8(piece === 0 ? 'data: ' : 'xxxxxxxxxx'));
    };
    expect(endless).toThrow(Failure);
  });
});
