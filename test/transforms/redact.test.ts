import { type ChatMessage, type ChatRequest, type RedactOptions, redact } from '@gatehouse/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completionOf, contextOf, deltasOf, piece, through, wholeOf } from '../tools/transform-hooks.js';

async function sent(messages: readonly ChatMessage[], options?: RedactOptions, more: Partial<ChatRequest> = {}) {
  const transform = redact(options);
  const context = contextOf(transform);
  const request: ChatRequest = { model: 'acme/model', messages, ...more };
  const made = await transform.request?.(request, context);
  if (made === undefined) throw new Error('the transform has no hook for requests');
  const stage = transform.stage?.(context);
  if (stage === undefined) throw new Error('the transform has no stage');
  return { transform, context, request, made, stage };
}

const MAIL = 'jane@example.com';

describe('redact', () => {
  it('sends placeholders in every text of a conversation, the same one for the same value', async () => {
    const { made, request, context } = await sent([
      { role: 'system', content: `The admin is ${MAIL}.` },
      { role: 'user', content: [{ type: 'text', text: `I am ${MAIL}, call +49 171 2345678` }] },
      {
        role: 'assistant',
        content: 'Looking.',
        reasoning: `They are ${MAIL}`,
        reasoning_details: [{ type: 'reasoning.text', index: 0, text: `They are ${MAIL}`, signature: 's' }],
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'find', arguments: `{"mail":"${MAIL}"}` } }],
      },
      { role: 'tool', tool_call_id: 'c', content: 'found bob@example.com' },
    ]);
    expect(made.messages).toEqual([
      { role: 'system', content: 'The admin is [[EMAIL_1]].' },
      { role: 'user', content: [{ type: 'text', text: 'I am [[EMAIL_1]], call [[PHONE_1]]' }] },
      {
        role: 'assistant',
        content: 'Looking.',
        reasoning: 'They are [[EMAIL_1]]',
        reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'They are [[EMAIL_1]]', signature: 's' }],
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'find', arguments: '{"mail":"[[EMAIL_1]]"}' } }],
      },
      { role: 'tool', tool_call_id: 'c', content: 'found [[EMAIL_2]]' },
    ]);
    expect(JSON.stringify(request)).toContain(MAIL);
    expect(context.noted).toEqual([{ values: 3 }]);
  });

  it('restores values in a stream, also in pieces and in arguments', async () => {
    const key = '-----BEGIN PRIVATE KEY-----\nabc"\n-----END PRIVATE KEY-----'.replace('"', '');
    const { stage, made } = await sent([{ role: 'user', content: `${MAIL} ${key}` }]);
    expect(made.messages[0]?.content).toBe('[[EMAIL_1]] [[SECRET_1]]');
    const chunks = through(stage, [
      piece({ role: 'assistant', content: '' }),
      piece({ content: 'Dear [' }),
      piece({ content: '[EMAIL' }),
      piece({ content: '_1]' }),
      piece({ content: '], see [[EMAIL_2]] [[x' }),
      piece({
        tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{"k":"[[SEC' } }],
      }),
      piece({ tool_calls: [{ index: 0, function: { arguments: 'RET_1]]"}' } }] }),
      piece({}, 'tool_calls'),
    ]);
    expect(deltasOf(chunks).slice(0, 4)).toEqual([
      { role: 'assistant', content: '' },
      { content: 'Dear ' },
      { content: `${MAIL}, see [[EMAIL_2]] [[x` },
      { tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{"k":"' } }] },
    ]);
    const [call] = wholeOf(chunks).choices[0]?.message.tool_calls ?? [];
    expect(JSON.parse(call?.function.arguments ?? '')).toEqual({ k: key });
  });

  it('restores values in a whole answer', async () => {
    const { transform, context } = await sent([{ role: 'user', content: MAIL }]);
    const [choice] = wholeOf([piece({ content: 'Dear [[EMAIL_1]]' }), piece({}, 'stop')]).choices;
    const made = await transform.completion?.(completionOf(choice === undefined ? [] : [choice]), context);
    expect(made?.choices[0]?.message.content).toBe(`Dear ${MAIL}`);
  });

  it('sends placeholders in the answer that is predicted', async () => {
    const messages: readonly ChatMessage[] = [{ role: 'user', content: `Say Mr for Mrs: Mrs Doe, ${MAIL}` }];
    const predicted = [
      [`Mr Doe, ${MAIL}, bob@x.io`, 'Mr Doe, [[EMAIL_1]], [[EMAIL_2]]'],
      [[{ type: 'text', text: `Mr Doe, ${MAIL}` }], [{ type: 'text', text: 'Mr Doe, [[EMAIL_1]]' }]],
      [
        [MAIL, { type: 'other' }, 1],
        ['[[EMAIL_1]]', { type: 'other' }, 1],
      ],
      [undefined, undefined],
    ];
    for (const [content, expected] of predicted) {
      const { made } = await sent(messages, {}, { prediction: { type: 'content', content } });
      expect(made.prediction).toEqual({ type: 'content', content: expected });
    }
    const { made } = await sent(
      [{ role: 'user', content: 'x' }],
      {},
      { prediction: { type: 'content', content: MAIL } },
    );
    expect(made.prediction).toEqual({ type: 'content', content: '[[EMAIL_1]]' });
    expect((await sent(messages)).made).not.toHaveProperty('prediction');
  });

  it('takes placeholders that the prediction does not have', async () => {
    const prediction = { type: 'content', content: `[[EMAIL_1]] ${MAIL}` };
    const { made } = await sent([{ role: 'user', content: MAIL }], {}, { prediction });
    expect(made.prediction).toEqual({ type: 'content', content: '[[EMAIL_1]] [[X0_EMAIL_1]]' });
  });

  it('takes placeholders that no text of the conversation has', async () => {
    const { made } = await sent([{ role: 'user', content: `[[EMAIL_1]] is not ${MAIL}, [[X0_ neither` }]);
    expect(made.messages[0]?.content).toBe('[[EMAIL_1]] is not [[X1_EMAIL_1]], [[X0_ neither');
  });

  it('leaves a request without values alone, and its answer', async () => {
    const { made, request, stage } = await sent([{ role: 'user', content: 'hello' }]);
    expect(made).toBe(request);
    const chunk = piece({ content: '[[EMAIL_1]]' });
    expect(stage.chunk(chunk)).toEqual([chunk]);
  });

  it('looks only for what it is to look for', async () => {
    const { made } = await sent([{ role: 'user', content: `${MAIL} 4111 1111 1111 1111` }], { detectors: ['card'] });
    expect(made.messages[0]?.content).toBe(`${MAIL} [[CARD_1]]`);
    expect(() => redact({ detectors: [] })).toThrow(TypeError);
  });

  it('restores exactly: an echo of any prompt, cut anywhere, is the prompt', async () => {
    const words = [
      MAIL,
      'bob@x.io',
      '+49 171 2345678',
      '4111 1111 1111 1111',
      'sk-abcdefghij0123456789',
      'DE89 3704 0044 0532 0130 00',
      '[',
      ']',
      '[[',
      ']]',
      '[[EMAIL_1]]',
      'EMAIL_',
      '1',
      ' ',
      'a',
      '"',
      '\\',
      '\n',
      '😀',
    ];
    const text = fc.array(fc.constantFrom(...words), { maxLength: 20 }).map((all) => all.join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(500), { maxLength: 10 }), async (prompt, places) => {
        const { made, stage } = await sent([{ role: 'user', content: prompt }]);
        const content = made.messages[0]?.content;
        const echo = typeof content === 'string' ? content : '';
        const at = [...new Set(places.map((place) => (echo.length === 0 ? 0 : place % echo.length)))].toSorted(
          (a, b) => a - b,
        );
        const pieces = [0, ...at].map((from, index) => echo.slice(from, at[index] ?? echo.length));
        const chunks = through(stage, [...pieces.map((content) => piece({ content })), piece({}, 'stop')]);
        expect(wholeOf(chunks).choices[0]?.message.content).toBe(prompt);
      }),
      { numRuns: 500 },
    );
  });

  it('sends and restores what strings of arguments say, and leaves JSON that is JSON', async () => {
    const key = 'x\nsk-abcdefghijklmnopqrstuvwxyz0123';
    const called = (args: string): ChatMessage => ({
      role: 'assistant',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: args } }],
    });
    const words = [
      key,
      'Hi,\nbob@example.com',
      '\nDE89 3704 0044 0532 0130 00',
      '"',
      '\\',
      '[[',
      'EMAIL_1]]',
      '😀',
      'é',
    ];
    const text = fc.array(fc.constantFrom(...words), { maxLength: 6 }).map((all) => all.join(';'));
    const value = fc.array(fc.oneof(text, fc.record({ text, lat: fc.constant(0.12345678) })), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(value, fc.boolean(), fc.nat(500), async (given, isEscaped, place) => {
        const json = JSON.stringify({ given });
        const args = isEscaped ? json.replaceAll('@', '\\u0040').replaceAll('[[EM', '[\\u005bEM') : json;
        const { made, stage } = await sent([called(args)]);
        const [message] = made.messages;
        const echo = message?.role === 'assistant' ? (message.tool_calls?.[0]?.function.arguments ?? '') : '';
        expect(JSON.stringify(JSON.parse(echo))).not.toMatch(/bob@|sk-a|DE89/);
        const at = place % echo.length;
        const chunks = through(stage, [
          piece({ tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '' } }] }),
          piece({ tool_calls: [{ index: 0, function: { arguments: echo.slice(0, at) } }] }),
          piece({ tool_calls: [{ index: 0, function: { arguments: echo.slice(at) } }] }),
          piece({}, 'tool_calls'),
        ]);
        const [call] = wholeOf(chunks).choices[0]?.message.tool_calls ?? [];
        expect(JSON.parse(call?.function.arguments ?? '')).toEqual({ given });
      }),
      { numRuns: 300 },
    );
  });
});
