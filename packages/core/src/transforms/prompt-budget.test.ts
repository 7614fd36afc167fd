import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import type { ChatMessage, ChatRequest } from '../wire/chat.js';
import { estimateTokens, mostTokens, textTokens } from './estimate-tokens.js';
import { PromptBudget } from './prompt-budget.js';
import type { FitTarget } from './types.js';

const PROSE =
  'The gateway lives inside your own server, and every request passes it on its way to a model. It holds money before it asks, and settles what came of it. ';
const CODE =
  'export function cut(room: number): string[] {\n  return units.filter((unit) => unit.tokens <= room); // "kept"\n}\n';
const FIGURES = '2026-11-27 03:14:27 GET /v1/models 200 18.42ms 10.0.31.7 1234567; ';
const OTHERS = 'Öffnungszeiten täglich von acht bis zwölf; сегодня хорошая погода; 今天天气很好，我们去公园。 ';

function target(contextLength: number, mostMessages?: number): FitTarget {
  return { model: 'acme/model', contextLength, mostMessages };
}

/** What an exact tokenizer makes of a conversation, with what chat formats put around each message. */
function exactly(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, message) => {
    const text = typeof message.content === 'string' ? message.content : '';
    const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
    const called = calls.map((call) => call.function.name + call.function.arguments).join(' ');
    return sum + 4 + countTokens(text) + countTokens(called);
  }, 0);
}

const text = fc
  .tuple(fc.constantFrom(PROSE, CODE, FIGURES, OTHERS), fc.integer({ min: 1, max: 12 }))
  .map(([what, times]) => what.repeat(times));

/** A turn: what the user says, perhaps tools, and the answer. */
const turn = fc
  .tuple(text, text, fc.integer({ min: 0, max: 3 }), text)
  .map(([asked, answered, calls, found]): ChatMessage[] => {
    const ids = Array.from({ length: calls }, (_, index) => `call_${index}`);
    return [
      { role: 'user', content: asked },
      ...(calls === 0
        ? []
        : [
            {
              role: 'assistant' as const,
              tool_calls: ids.map((id) => ({
                id,
                type: 'function' as const,
                function: { name: 'find', arguments: '{"a":1}' },
              })),
            },
            ...ids.map((id) => ({ role: 'tool' as const, tool_call_id: id, content: found })),
          ]),
      { role: 'assistant', content: answered },
    ];
  });

const conversation = fc
  .tuple(fc.boolean(), fc.array(turn, { minLength: 1, maxLength: 40 }), text)
  .map(([hasSystem, turns, last]): readonly ChatMessage[] => [
    ...(hasSystem ? [{ role: 'system' as const, content: PROSE }] : []),
    ...turns.flat(),
    { role: 'user', content: last },
  ]);

/** Every result stands behind the call that it answers, and every call has its results. */
function expectPairs(messages: readonly ChatMessage[]): void {
  let open: string[] = [];
  for (const message of messages) {
    if (message.role === 'tool') {
      expect(open).toContain(message.tool_call_id);
      open = open.filter((id) => id !== message.tool_call_id);
    } else {
      expect(open).toEqual([]);
      open = message.role === 'assistant' ? (message.tool_calls ?? []).map(({ id }) => id) : [];
    }
  }
  expect(open).toEqual([]);
}

/** Places where a user or the model speaks a second time in a row. */
function inARow(messages: readonly ChatMessage[]): readonly number[] {
  return messages.flatMap(({ role }, place) =>
    (role === 'user' || role === 'assistant') && role === messages[place - 1]?.role ? [place] : [],
  );
}

/** Calls with their results, one after the other. */
function agentSteps(count: number): readonly ChatMessage[] {
  return Array.from({ length: count }, (_, index): readonly ChatMessage[] => [
    {
      role: 'assistant',
      tool_calls: [{ id: `step_${index}`, type: 'function', function: { name: 'find', arguments: '{"a":1}' } }],
    },
    { role: 'tool', tool_call_id: `step_${index}`, content: FIGURES },
  ]).flat();
}

function textOf({ content }: ChatMessage): string {
  return typeof content === 'string' ? content : '';
}

function keptOf(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const first = messages.findIndex(({ role }) => role === 'user');
  const last = messages.findLastIndex(({ role }) => role === 'user');
  return messages.filter((message, place) => message.role === 'system' || place === first || place === last);
}

describe('the estimate', () => {
  for (const [what, given] of Object.entries({ PROSE, CODE, FIGURES, OTHERS })) {
    it(`is not below what an exact tokenizer says by more than 5 %: ${what}`, () => {
      const long = given.repeat(50);
      expect(textTokens(long)).toBeGreaterThanOrEqual(countTokens(long) * 0.95);
      expect(textTokens(long)).toBeLessThanOrEqual(countTokens(long) * 1.6);
    });
  }

  it('is never above the bound that spares most prompts from being looked at', () => {
    const any = fc.array(fc.tuple(fc.boolean(), fc.string({ unit: 'binary' })), { maxLength: 5 });
    fc.assert(
      fc.property(any, fc.string(), (said, name) => {
        const messages: ChatMessage[] = said.map(([isUser, content]) =>
          isUser
            ? { role: 'user', content: [{ type: 'text', text: content }] }
            : {
                role: 'assistant',
                content,
                reasoning: content,
                tool_calls: [{ id: 'c', type: 'function', function: { name, arguments: content } }],
              },
        );
        const request: ChatRequest = { messages, tools: [{ type: 'function', function: { name } }] };
        expect(estimateTokens(request)).toBeLessThanOrEqual(mostTokens(request));
      }),
    );
  });

  it('counts pictures, sound, films, files, calls and tools', () => {
    const base: ChatRequest = { messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] };
    const plain = estimateTokens(base);
    const parts = [
      { type: 'image_url', image_url: { url: 'https://x/y.png' } },
      { type: 'input_audio', input_audio: { data: 'A'.repeat(10_000), format: 'mp3' } },
      { type: 'video_url', video_url: { url: 'https://x/y.mp4' } },
      { type: 'file', file: { file_data: `data:application/pdf;base64,${'A'.repeat(10_000)}` } },
    ] as const;
    for (const part of parts) {
      expect(estimateTokens({ messages: [{ role: 'user', content: [part] }] })).toBeGreaterThan(plain + 10);
    }
    const tools = [{ type: 'function' as const, function: { name: 'find', description: PROSE } }];
    expect(estimateTokens({ ...base, tools })).toBeGreaterThan(plain + 20);
  });
});

describe('middle-out', () => {
  it('fits what it cuts, by the estimate and by an exact tokenizer within 5 %; keeps pairs and what is protected', () => {
    fc.assert(
      fc.property(
        conversation,
        fc.double({ min: 0.3, max: 0.9, noNaN: true }),
        fc.boolean(),
        (messages, share, asks) => {
          const request: ChatRequest = { messages, ...(asks && { max_tokens: 100 }) };
          const needed = estimateTokens(request) + (asks ? 100 : 0);
          const context = Math.floor(needed * share);
          const budget = new PromptBudget(request, 'always');
          fc.pre(budget.mayCut(context, true));
          const fit = budget.fit(target(context));
          const made = fit?.messages ?? [];
          const room = context - (asks ? 100 : 0);
          expect(estimateTokens({ messages: made })).toBeLessThanOrEqual(room);
          expect(exactly(made)).toBeLessThanOrEqual(room * 1.05);
          expectPairs(made);
          for (const kept of keptOf(messages)) expect(made).toContain(kept);
          expect(fit?.step.data).toMatchObject({ original_count: messages.length, compressed_count: made.length });
        },
      ),
      { numRuns: 150 },
    );
  });

  it('leaves turns alternating where they alternated', () => {
    const ending = fc.constantFrom<readonly ChatMessage[]>(
      [],
      [{ role: 'assistant', content: 'So it is' }],
      [...agentSteps(6), { role: 'assistant', content: 'So it is' }],
      agentSteps(3),
    );
    const greeting = fc.constantFrom<readonly ChatMessage[]>([], [{ role: 'assistant', content: PROSE }]);
    const most = fc.option(fc.integer({ min: 12, max: 60 }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.tuple(greeting, conversation, ending),
        fc.double({ min: 0.02, max: 0.95, noNaN: true }),
        most,
        ([first, said, last], share, mostMessages) => {
          const messages = [...first, ...said, ...last];
          const repeated = said[0]?.role === 'system' && first.length > 0;
          fc.pre(!repeated);
          expect(inARow(messages)).toEqual([]);
          const context = Math.floor(estimateTokens({ messages }) * share);
          const budget = new PromptBudget({ messages }, 'always');
          // With room for one word more than what has to be kept.
          fc.pre(budget.mayCut(context - 20, true));
          const made = budget.fit(target(context, mostMessages))?.messages ?? messages;
          expect(inARow(made)).toEqual([]);
          expect(estimateTokens({ messages: made })).toBeLessThanOrEqual(context);
          expectPairs(made);
          for (const kept of keptOf(messages)) expect(made).toContain(kept);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('says that there was an answer between two turns of the user, as far as there is room', () => {
    const messages: ChatMessage[] = [
      { role: 'user', content: 'first' },
      { role: 'assistant', content: PROSE.repeat(300) },
      { role: 'user', content: 'last' },
    ];
    const least = estimateTokens({ messages: keptOf(messages) });
    const made = (more: number): readonly string[] =>
      (new PromptBudget({ messages, max_tokens: 1 }, 'always').fit(target(least + 1 + more))?.messages ?? []).map(
        textOf,
      );
    expect(made(0)).toEqual(['first', 'last']);
    expect(made(20)).toEqual(['first', '[…]', 'last']);
    expect(made(500)[1]).toMatch(/^The gateway .*\n\[…\]\n.* came of it\. $/s);
  });

  it('takes no more than it has to of turns that did not alternate', () => {
    const messages: ChatMessage[] = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name, index) => ({
      role: index === 0 || index === 6 ? 'user' : 'assistant',
      content: `${name} ${PROSE.repeat(10)}`,
    }));
    const made = new PromptBudget({ messages }, 'always').fit(target(1_000_000, 6))?.messages ?? [];
    expect(made).toHaveLength(6);
  });

  it('fits 2,000 messages', () => {
    const messages: ChatMessage[] = Array.from({ length: 2000 }, (_, index) => ({
      role: index % 2 === 0 ? 'user' : 'assistant',
      content: [PROSE, CODE, FIGURES, OTHERS][index % 4]?.repeat(1 + (index % 5)) ?? '',
    }));
    const fit = new PromptBudget({ messages }, 'always').fit(target(32_000));
    expect(exactly(fit?.messages ?? [])).toBeLessThanOrEqual(32_000 * 1.05);
    expect(exactly(fit?.messages ?? [])).toBeGreaterThan(32_000 * 0.6);
    expect(fit?.messages[0]).toBe(messages[0]);
    expect(fit?.messages.at(-1)).toBe(messages.at(-1));
  });

  it('takes under 50 ms for 1 MB in 2,000 messages', () => {
    const messages: ChatMessage[] = Array.from({ length: 2000 }, (_, index) => ({
      role: index % 2 === 0 ? 'user' : 'assistant',
      content: PROSE.repeat(4).slice(0, 524),
    }));
    const times = Array.from({ length: 7 }, () => {
      const started = performance.now();
      const budget = new PromptBudget({ messages }, 'always');
      budget.fits(8192);
      budget.fit(target(100_000));
      return performance.now() - started;
    });
    // The best of them: what else the machine does is not its time.
    expect(Math.min(...times)).toBeLessThan(50);
  });

  it('takes messages from the middle and shortens the last of them', () => {
    const messages: ChatMessage[] = Array.from({ length: 9 }, (_, index) => ({
      role: index % 2 === 0 ? 'user' : 'assistant',
      content: `${index}: ${PROSE.repeat(20)}`,
    }));
    const each = estimateTokens({ messages: [messages[0] ?? { role: 'user', content: '' }] });
    const made =
      new PromptBudget({ messages, max_tokens: 1 }, 'always').fit(target(Math.floor(each * 6.5)))?.messages ?? [];
    expect(made.map((message) => textOf(message).slice(0, 2))).toEqual(['0:', '1:', '2:', '3:', '6:', '7:', '8:']);
    const short = made.filter((message) => textOf(message).includes('\n[…]\n'));
    expect(short).toHaveLength(1);
    expect(estimateTokens({ messages: made })).toBeGreaterThan(each * 6.3);
  });

  it('keeps half of the messages at either end where there are too many', () => {
    const messages: ChatMessage[] = Array.from({ length: 1500 }, (_, index) => ({
      role: index % 2 === 0 ? 'user' : 'assistant',
      content: String(index),
    }));
    const made = new PromptBudget({ messages }, 'always').fit(target(1_000_000, 1000))?.messages ?? [];
    expect(made).toHaveLength(1000);
    expect(made.slice(0, 500)).toEqual(messages.slice(0, 500));
    expect(made.slice(500)).toEqual(messages.slice(1000));
    expect(new PromptBudget({ messages }, 'small').fit(target(1_000_000, 1000))).toBeUndefined();
  });

  it('is on for small contexts alone unless it is asked for, and never for pictures', () => {
    const messages: ChatMessage[] = [
      { role: 'user', content: 'first' },
      { role: 'assistant', content: PROSE.repeat(300) },
      { role: 'user', content: 'last' },
    ];
    const small = new PromptBudget({ messages }, 'small');
    expect(small.fits(8192)).toBe(false);
    expect(small.mayCut(8192, false)).toBe(true);
    expect(small.mayCut(8193, false)).toBe(false);
    expect(new PromptBudget({ messages }, 'always').mayCut(8193, false)).toBe(true);
    expect(new PromptBudget({ messages }, 'never').mayCut(8192, true)).toBe(false);
    expect(new PromptBudget({ messages, modalities: ['image'] }, 'always').mayCut(8192, true)).toBe(false);
  });

  it('asks for half of what is needed, or else for the largest', () => {
    const messages: ChatMessage[] = [
      { role: 'user', content: 'first' },
      { role: 'assistant', content: PROSE.repeat(300) },
      { role: 'user', content: 'last' },
    ];
    const budget = new PromptBudget({ messages }, 'always');
    const needed = estimateTokens({ messages });
    expect(budget.mayCut(Math.ceil(needed / 2), false)).toBe(true);
    expect(budget.mayCut(Math.floor(needed / 2) - 1, false)).toBe(false);
    expect(budget.mayCut(Math.floor(needed / 2) - 1, true)).toBe(true);
    expect(budget.mayCut(estimateTokens({ messages: keptOf(messages) }), true)).toBe(true);
    expect(budget.mayCut(estimateTokens({ messages: keptOf(messages) }) - 1, true)).toBe(false);
  });

  it('says what does not fit', () => {
    const messages: ChatMessage[] = [{ role: 'user', content: PROSE.repeat(300) }];
    const tokens = estimateTokens({ messages });
    const budget = new PromptBudget({ messages, max_tokens: 50 }, 'always');
    expect(() => budget.fit(target(1000))).toThrow(
      `This endpoint's maximum context length is 1000 tokens. However, you requested about ${tokens + 50} tokens ` +
        `(${tokens} of text input, 0 of tool input, 50 in the output). Please reduce the length of either one, or use the ` +
        'context-compression plugin to compress your prompt automatically.',
    );
  });
});
