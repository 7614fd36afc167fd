import { type ChatChunk, type Delta, type ResponseFilterOptions, responseFilter } from '@gatehouse/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contextOf, deltasOf, piece, through, wholeOf } from '../tools/transform-hooks.js';

function streamed(options: ResponseFilterOptions, chunks: readonly ChatChunk[]): readonly ChatChunk[] {
  const filter = responseFilter(options);
  const stage = filter.stage?.(contextOf(filter));
  if (stage === undefined) throw new Error('the filter has no stage');
  return through(stage, chunks);
}

/** What the filter makes of the same answer as a whole. */
async function whole(
  options: ResponseFilterOptions,
  chunks: readonly ChatChunk[],
): Promise<ReturnType<typeof wholeOf>> {
  const filter = responseFilter(options);
  const made = await filter.completion?.(wholeOf(chunks), contextOf(filter));
  if (made === undefined) throw new Error('the filter has no hook for whole answers');
  return made;
}

const start = piece({ role: 'assistant', content: '' });
const stop = piece({}, 'stop');

describe('chunks in, chunks out', () => {
  const table: readonly (readonly [
    what: string,
    options: ResponseFilterOptions,
    deltas: readonly Delta[],
    shown: readonly unknown[],
  ])[] = [
    [
      'nothing found: every chunk as it was, but for a tail that could be something',
      { rules: [{ literal: 'secret' }] },
      [{ content: 'Hello' }, { content: ' there' }, { content: ', yes' }, { content: '.' }],
      [{ content: 'Hello' }, { content: ' there' }, { content: ', ye' }, { content: 's.' }],
    ],
    [
      'a literal over three chunks',
      { rules: [{ literal: 'secret', action: 'replace', replacement: '***' }] },
      [{ content: 'a se' }, { content: 'cr' }, { content: 'et b' }],
      [{ content: 'a ' }, { content: '*** b' }],
    ],
    [
      'an address at the very end',
      { rules: [{ detector: 'email' }] },
      [{ content: 'to jane@' }, { content: 'example.com' }],
      [{ content: 'to ' }, { content: '[REDACTED]' }],
    ],
    [
      'reasoning and its details, each on its own, held back before content',
      { rules: [{ literal: 'key' }] },
      [
        { reasoning: 'the ke', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'the ke' }] },
        { reasoning: 'y is', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'y is' }] },
        { reasoning_details: [{ type: 'reasoning.text', index: 0, text: '', signature: 'signed' }] },
        { content: 'ok' },
      ],
      [
        { reasoning: 'the ', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'the ' }] },
        {
          reasoning: '[REDACTED] is',
          reasoning_details: [{ type: 'reasoning.text', index: 0, text: '[REDACTED] is' }],
        },
        { content: 'o' },
        { content: 'k' },
      ],
    ],
    [
      'arguments of two calls, each of which is over with its last bracket',
      { rules: [{ literal: 'x"y', action: 'replace', replacement: '"' }, { pattern: '\\d{4}' }] },
      [
        { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '{"a":"x\\' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '"y","n":1234}' } }] },
        {
          tool_calls: [{ index: 1, id: 'call_2', type: 'function', function: { name: 'g', arguments: '{"n":12345}' } }],
        },
      ],
      [
        { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '{"a":"' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '\\"","n":"[REDACTED]"}' } }] },
        {
          tool_calls: [
            { index: 1, id: 'call_2', type: 'function', function: { name: 'g', arguments: '{"n":"[REDACTED]5"}' } },
          ],
        },
      ],
    ],
    [
      'what strings of arguments say, however they are written',
      { rules: [{ detector: 'email', action: 'replace', replacement: '"\n"' }, { detector: 'secret' }] },
      [
        { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '{"b":"Hi,\\nbob\\u00' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '40example.com","lat":0.12345678,' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '"k":"x\\' } }] },
        { tool_calls: [{ index: 0, function: { arguments: 'nsk-abcdefghijklmnopqrstuvwxyz0123"}' } }] },
      ],
      [
        { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '{"b":"Hi,\\n' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '\\"\\n\\"","lat":0.12345678,' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '"k":"' } }] },
        { tool_calls: [{ index: 0, function: { arguments: 'x\\n[REDACTED]"}' } }] },
      ],
    ],
    [
      'held reasoning before content, and held content before the call',
      { rules: [{ detector: 'email' }] },
      [
        { reasoning: 'I should answer' },
        { content: 'Let me check' },
        { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '{"a":1}' } }] },
      ],
      [
        { reasoning: 'I should ' },
        { reasoning: 'answer' },
        { content: 'Let me ' },
        { content: 'check' },
        { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '{"a":1}' } }] },
      ],
    ],
    [
      'held text in its order also where one delta has texts of several places',
      { rules: [{ detector: 'email' }] },
      [
        { reasoning: 'I should', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'I should' }] },
        {
          reasoning: ' go',
          content: 'To bob@x',
          tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
      ],
      [
        { reasoning: 'I ', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'I ' }] },
        { reasoning: 'should ' },
        { reasoning: 'go', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'should' }] },
        { content: 'To ' },
        { content: 'bob@x' },
        { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }] },
      ],
    ],
    [
      'one rule after the other: the second sees what the first left',
      {
        rules: [
          { literal: 'a', action: 'replace', replacement: 'b' },
          { literal: 'bb', action: 'replace', replacement: 'c' },
        ],
      },
      [{ content: 'ab' }, { content: 'x' }],
      [{ content: 'c' }, { content: 'x' }],
    ],
  ];
  for (const [what, options, deltas, shown] of table) {
    it(what, async () => {
      const chunks = [start, ...deltas.map((delta) => piece(delta)), stop];
      const made = streamed(options, chunks);
      expect(deltasOf(made)).toEqual([{ role: 'assistant', content: '' }, ...shown, { finish: 'stop' }]);
      expect(wholeOf(made).choices).toEqual((await whole(options, chunks)).choices);
    });
  }

  it('starts texts afresh that resume, and goes on in the JSON of calls that are written side by side', () => {
    const call = (index: number, args: string, id?: string): ChatChunk =>
      piece({
        tool_calls: [
          {
            index,
            ...(id !== undefined && { id, type: 'function' }),
            function: { ...(id !== undefined && { name: 'f' }), arguments: args },
          },
        ],
      });
    const made = streamed({ rules: [{ detector: 'email' }] }, [
      piece({ reasoning: 'one' }),
      piece({ content: 'two' }),
      piece({ reasoning: 'three' }),
      piece({ content: 'four' }),
      call(0, '{"a":"five\\u00', 'call_1'),
      call(1, '{"b":"six', 'call_2'),
      call(0, '40x, bob@'),
      call(1, '@x.io"}'),
      call(0, 'x.io"}'),
      piece({ content: 'seven' }),
      call(2, '{}', 'call_3'),
      stop,
    ]);
    expect(deltasOf(made).map((delta) => JSON.stringify(delta).replaceAll(/"(?:id|type|name)":"\w+",/g, ''))).toEqual(
      [
        { reasoning: 'one' },
        // Content is not over where reasoning resumes, which has a place before it.
        { reasoning: 'three' },
        { content: 'twofour' },
        { tool_calls: [{ index: 0, function: { arguments: '{"a":"' } }] },
        { tool_calls: [{ index: 0, function: { arguments: 'five' } }] },
        { tool_calls: [{ index: 1, function: { arguments: '{"b":"' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '\\u0040x, ' } }] },
        { tool_calls: [{ index: 1, function: { arguments: '[REDACTED]"}' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '[REDACTED]"}' } }] },
        { content: 'seven' },
        { tool_calls: [{ index: 2, function: { arguments: '{}' } }] },
        { finish: 'stop' },
      ].map((delta) => JSON.stringify(delta)),
    );
  });

  it('refuses: what came before stays, nothing comes after, and the finish reason says why', async () => {
    const options: ResponseFilterOptions = { rules: [{ pattern: 'bad\\w*', action: 'refuse' }] };
    const chunks = [
      start,
      piece({ reasoning: 'fine' }),
      piece({ content: 'all good, ba' }),
      piece({ content: 'dly so' }),
      piece({ content: ' more' }),
      piece({ tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] }),
      stop,
    ];
    const made = streamed(options, chunks);
    expect(deltasOf(made)).toEqual([
      { role: 'assistant', content: '' },
      { reasoning: 'fine' },
      { content: 'all good, ' },
      { finish: 'content_filter' },
    ]);
    expect(made.at(-1)?.choices[0]?.native_finish_reason).toBe('end');
    const [choice] = (await whole(options, chunks)).choices;
    expect(choice).toMatchObject({
      finish_reason: 'content_filter',
      message: { content: 'all good, ', reasoning: 'fine' },
    });
    expect(choice?.message).not.toHaveProperty('tool_calls');
  });

  it('keeps the signature of reasoning that it leaves alone, and drops that of another text', async () => {
    const chunks = [
      start,
      piece({ reasoning_details: [{ type: 'reasoning.text', index: 0, format: 'anthropic-claude-v1', text: 'a ke' }] }),
      piece({ reasoning_details: [{ type: 'reasoning.text', index: 0, text: '', signature: 'first' }] }),
      piece({
        reasoning_details: [{ type: 'reasoning.text', index: 1, format: 'anthropic-claude-v1', text: 'a key' }],
      }),
      piece({ reasoning_details: [{ type: 'reasoning.text', index: 1, text: '', signature: 'second' }] }),
      stop,
    ];
    const options: ResponseFilterOptions = { rules: [{ literal: 'key' }] };
    const shown = [
      { type: 'reasoning.text', format: 'anthropic-claude-v1', text: 'a ke', signature: 'first' },
      { type: 'reasoning.text', format: 'anthropic-claude-v1', text: 'a [REDACTED]' },
    ];
    const details = wholeOf(streamed(options, chunks)).choices[0]?.message.reasoning_details;
    expect(details).toEqual(shown.map((detail, index) => ({ ...detail, index })));
    expect((await whole(options, chunks)).choices[0]?.message.reasoning_details).toEqual(details);
  });

  it('keeps choices apart', () => {
    const made = streamed({ rules: [{ literal: 'ab' }] }, [
      piece({ role: 'assistant', content: 'a' }, null, 0),
      piece({ role: 'assistant', content: 'b' }, null, 1),
      piece({ content: 'b' }, null, 0),
      piece({}, 'stop', 1),
      piece({}, 'stop', 0),
    ]);
    expect(wholeOf(made).choices.map(({ message }) => message.content)).toEqual(['[REDACTED]', 'b']);
  });

  it('gives what it held where the answer breaks off', () => {
    const made = streamed({ rules: [{ literal: 'secret' }] }, [start, piece({ content: 'a sec' })]);
    expect(deltasOf(made)).toEqual([{ role: 'assistant', content: '' }, { content: 'a ' }, { content: 'sec' }]);
  });

  it('drops the probabilities of tokens that it held or changed', () => {
    const spoken = { content: [{ token: 'secret', logprob: -1 }] };
    const chunk = piece({ content: 'secret' });
    const made = streamed({ rules: [{ literal: 'secret' }] }, [
      { ...chunk, choices: chunk.choices.map((choice) => ({ ...choice, logprobs: spoken })) },
      stop,
    ]);
    expect(JSON.stringify(made)).not.toContain('"token"');
  });

  it('never splits a character', () => {
    const made = streamed({ rules: [{ literal: '😀😁' }] }, [
      piece({ content: '😀\ud83d' }),
      piece({ content: '\ude02!' }),
      stop,
    ]);
    expect(deltasOf(made)).toEqual([{ content: '😀😂!' }, { finish: 'stop' }]);
  });
});

describe('options', () => {
  const wrong: readonly (readonly [options: unknown, path: RegExp])[] = [
    [{}, /rules/],
    [{ rules: [] }, /rules/],
    [{ rules: [{}] }, /one of/],
    [{ rules: [{ literal: 'a', pattern: 'b' }] }, /one of/],
    [{ rules: [{ literal: 'a', action: 'replace' }] }, /replacement/],
    [{ rules: [{ pattern: '(a)\\1' }] }, /back-references/],
    [{ rules: [{ pattern: '(?=a)' }] }, /lookarounds/],
    [{ rules: [{ pattern: 'a'.repeat(257) }] }, /pattern/],
    [{ rules: Array.from({ length: 4 }, () => ({ pattern: 'a{200}' })) }, /too large/],
    [{ rules: [{ detector: 'face' }] }, /detector/],
    [{ rules: Array.from({ length: 33 }, () => ({ literal: 'a' })) }, /rules/],
  ];
  for (const [options, path] of wrong) {
    it(`refuses ${JSON.stringify(options).slice(0, 60)}`, () => {
      expect(() => responseFilter(options as ResponseFilterOptions)).toThrow(TypeError);
      expect(() => responseFilter(options as ResponseFilterOptions)).toThrow(path);
    });
  }
});

describe('any text in any pieces', () => {
  const rules: ResponseFilterOptions['rules'] = [
    { detector: 'secret' },
    { detector: 'email', action: 'replace', replacement: '"mail"' },
    { detector: 'card' },
    { detector: 'iban' },
    { detector: 'phone' },
    { literal: 'hush', action: 'replace', replacement: '' },
    { pattern: 'ACME-\\d{2,6}' },
    { pattern: '\\bdoom\\b', action: 'refuse' },
  ];
  const words = [
    'a',
    ' ',
    '@',
    '.',
    'x@example.com',
    '4111 1111 1111 1111',
    'hush',
    'hu',
    'ACME-',
    '123',
    'doom',
    '"',
    '\\',
    '}',
    '{',
    'sk-abcdefghij0123456789',
    'DE89 3704 0044 0532 0130 00',
    '+49 171 2345678',
    '😀',
    '\n',
  ];
  const text = fc.array(fc.constantFrom(...words), { maxLength: 25 }).map((all) => all.join(''));
  const cuts = fc.array(fc.nat(1000), { maxLength: 12 });

  function pieces(all: string, places: readonly number[]): readonly string[] {
    const at = [...new Set(places.map((place) => (all.length === 0 ? 0 : place % all.length)))].toSorted(
      (a, b) => a - b,
    );
    return [0, ...at].map((from, index) => all.slice(from, at[index] ?? all.length));
  }

  it('the filtered stream equals the filtered whole, in every text of an answer', async () => {
    await fc.assert(
      fc.asyncProperty(
        text,
        text,
        text,
        cuts,
        fc.subarray([...rules], { minLength: 1 }),
        async (thought, said, called, places, chosen) => {
          const chunks = [
            start,
            ...pieces(thought, places).map((reasoning) =>
              piece({ reasoning, reasoning_details: [{ type: 'reasoning.text', index: 0, text: reasoning }] }),
            ),
            ...pieces(said, places).map((content) => piece({ content })),
            piece({
              tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }],
            }),
            ...pieces(called, places).map((args) =>
              piece({ tool_calls: [{ index: 0, function: { arguments: args } }] }),
            ),
            stop,
          ];
          const options = { rules: chosen };
          const [seen] = wholeOf(streamed(options, chunks)).choices;
          const [kept] = (await whole(options, chunks)).choices;
          expect(seen?.finish_reason).toBe(kept?.finish_reason);
          expect(seen?.message.content ?? '').toBe(kept?.message.content ?? '');
          expect(seen?.message.reasoning ?? '').toBe(kept?.message.reasoning ?? '');
          expect(seen?.message.reasoning_details?.[0]?.text ?? '').toBe(
            kept?.message.reasoning_details?.[0]?.text ?? '',
          );
          expect(seen?.message.tool_calls?.[0]?.function.arguments ?? '').toBe(
            kept?.message.tool_calls?.[0]?.function.arguments ?? '',
          );
        },
      ),
      { numRuns: 400 },
    );
  });

  it('nothing is lost and nothing is made up where no rule finds anything', () => {
    fc.assert(
      fc.property(text, cuts, (said, places) => {
        const made = streamed({ rules: [{ literal: 'never said' }, { pattern: 'never (a|b)+ said' }] }, [
          start,
          ...pieces(said, places).map((content) => piece({ content })),
        ]);
        expect(wholeOf(made).choices[0]?.message.content).toBe(said);
      }),
      { numRuns: 300 },
    );
  });
});
