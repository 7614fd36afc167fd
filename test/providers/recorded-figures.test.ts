import type { AnswerMessage, ChatCompletion, UrlCitation, Usage } from '@gatehouse/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { subjects } from './families.js';
import { mergeChunks } from './merge.js';
import { recorded, recordedStreams, recordedWholes } from './recordings.js';
import { type Stage, stage } from './replay.js';

type Counts = readonly [prompt: number, cached: number, completion: number, reasoning: number];

interface Expected {
  readonly finish: string;
  readonly native: string;
  readonly counts: Counts;
  /** Worked out by hand: nano-USD. */
  readonly nano: number;
}

const of = (finish: string, native: string, counts: Counts, nano: number): Expected => ({
  finish,
  native,
  counts,
  nano,
});

/**
 * What the recorded answers come to. Prices are those of `families.ts`, USD per million tokens; a nano-USD is a
 * thousandth of a millionth, so a count times a price of one USD is a thousand of them.
 */
const STREAMS: Readonly<Record<string, Expected>> = {
  // 12 × 3 000 + 30 × 15 000
  'anthropic/text': of('stop', 'end_turn', [12, 0, 30, 0], 486_000),
  // 69 × 3 000 + 53 × 15 000
  'anthropic/clear-thinking.1': of('stop', 'end_turn', [69, 0, 53, 0], 1_002_000),
  // 849 × 3 000 + 47 × 15 000
  'anthropic/json-tool.1': of('tool_calls', 'tool_use', [849, 0, 47, 0], 3_252_000),
  // 18 × 3 000 + 5 × 15 000
  'anthropic/refusal': of('content_filter', 'refusal', [18, 0, 5, 0], 129_000),
  // 15 665 × 3 000 + 795 × 15 000
  'anthropic/web-search-tool.1': of('stop', 'end_turn', [15_665, 0, 795, 0], 58_920_000),
  // 9 × 2 000 + 208 × 12 000
  'google/text': of('stop', 'STOP', [9, 0, 208, 185], 2_514_000),
  // 9 × 2 000 + 285 × 12 000
  'google/reasoning': of('stop', 'STOP', [9, 0, 285, 256], 3_438_000),
  // 29 × 2 000 + 60 × 12 000
  'google/tool-call': of('tool_calls', 'STOP', [29, 0, 60, 45], 778_000),
  // 19 × 280 + 320 × 28 + 83 × 420
  'deepseek/tool-call': of('tool_calls', 'tool_calls', [339, 320, 83, 39], 49_140),
  // 45 × 590 + 662 × 790
  'groq/text': of('stop', 'stop', [45, 0, 662, 0], 549_530),
  // 210 × 590 + 15 × 790
  'groq/tool-call': of('tool_calls', 'tool_calls', [210, 0, 15, 0], 135_750),
  // 13 × 100 + 8 × 300
  'mistral/text': of('stop', 'stop', [13, 0, 8, 0], 3_700),
  // 124 × 100 + 22 × 300
  'mistral/tool-call': of('tool_calls', 'tool_calls', [124, 0, 22, 0], 19_000),
  // 16 × 100 + 300 × 400
  'openai/text': of('stop', 'stop', [16, 0, 300, 0], 121_600),
  // (11 + 434) × 1 000
  'perplexity/text': of('stop', 'stop', [11, 0, 434, 0], 445_000),
  // T-U16: the provider's own bill, cost_in_usd_ticks × 100 pico-USD: 1 466 250 and 1 330 500 ticks.
  'xai/text': of('stop', 'stop', [12, 11, 291, 290], 146_625),
  'xai/tool-call': of('tool_calls', 'tool_calls', [291, 290, 222, 196], 133_050),
};

const WHOLES: Readonly<Record<string, Expected>> = {
  // 12 × 3 000 + 29 × 15 000
  'anthropic/text': of('stop', 'end_turn', [12, 0, 29, 0], 471_000),
  // 69 × 3 000 + 33 × 15 000
  'anthropic/clear-thinking.1': of('stop', 'end_turn', [69, 0, 33, 0], 702_000),
  // 1 151 × 3 000 + 87 × 15 000
  'anthropic/json-tool.1': of('tool_calls', 'tool_use', [1151, 0, 87, 0], 4_758_000),
  'anthropic/refusal': of('content_filter', 'refusal', [18, 0, 5, 0], 129_000),
  // 602 × 3 000 + 93 × 15 000
  'anthropic/tool-no-args': of('tool_calls', 'tool_use', [602, 0, 93, 0], 3_201_000),
  // 9 × 2 000 + (28 + 244) × 12 000
  'google/text': of('stop', 'STOP', [9, 0, 272, 244], 3_282_000),
  // 9 × 2 000 + (29 + 282) × 12 000
  'google/reasoning': of('stop', 'STOP', [9, 0, 311, 282], 3_750_000),
  // 29 × 2 000 + (15 + 893) × 12 000
  'google/tool-call': of('tool_calls', 'STOP', [29, 0, 908, 893], 10_954_000),
  // 27 118 × 3 000 + 600 × 15 000
  'anthropic/web-search-tool.1': of('stop', 'end_turn', [27_118, 0, 600, 0], 90_354_000),
  // 19 × 280 + 320 × 28 + 92 × 420
  'deepseek/tool-call': of('tool_calls', 'tool_calls', [339, 320, 92, 48], 52_920),
  // 45 × 590 + 607 × 790
  'groq/text': of('stop', 'stop', [45, 0, 607, 0], 506_080),
  // 218 × 590 + 15 × 790
  'groq/tool-call': of('tool_calls', 'tool_calls', [218, 0, 15, 0], 140_470),
  // 13 × 100 + 434 × 300
  'mistral/text': of('stop', 'stop', [13, 0, 434, 0], 131_500),
  // 124 × 100 + 22 × 300
  'mistral/tool-call': of('tool_calls', 'tool_calls', [124, 0, 22, 0], 19_000),
  // 16 × 100 + 363 × 400
  'openai/text': of('stop', 'stop', [16, 0, 363, 0], 146_800),
  // (11 + 392) × 1 000
  'perplexity/text': of('stop', 'stop', [11, 0, 392, 0], 403_000),
  // T-U16: 1 176 500 and 1 399 000 ticks.
  'xai/text': of('stop', 'stop', [12, 2, 229, 228], 117_650),
  'xai/tool-call': of('tool_calls', 'tool_calls', [291, 244, 215, 189], 139_900),
};

const countsOf = ({
  prompt_tokens,
  prompt_tokens_details,
  completion_tokens,
  completion_tokens_details,
}: Usage): Counts => [
  prompt_tokens,
  prompt_tokens_details.cached_tokens,
  completion_tokens,
  completion_tokens_details.reasoning_tokens,
];
const nanoOf = (usage: Usage): number => Math.round(usage.cost * 1e9);

describe.skipIf(!recorded)('recorded answers (skipped where the recordings are absent)', () => {
  for (const [name, subject] of Object.entries(subjects)) {
    describe(name, () => {
      let on: Stage;
      beforeAll(async () => {
        on = await stage(subject);
      });
      afterAll(() => on.close());

      for (const { name: sample, payloads } of recordedStreams(name)) {
        const expected = STREAMS[`${name}/${sample}`];
        it.runIf(expected !== undefined)(`T-U04–T-U09 T-U12 ${sample}, streamed: reasons, usage and cost`, async () => {
          const { chunks } = await on.stream(subject.family.frame(payloads));
          const last = chunks.at(-1);
          const usage = last?.usage as Usage;
          expect({
            finish: last?.choices[0]?.finish_reason,
            native: last?.choices[0]?.native_finish_reason,
            counts: countsOf(usage),
            nano: nanoOf(usage),
          }).toEqual(expected);
          expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens);
        });
      }

      for (const { name: sample, text } of recordedWholes(name)) {
        const expected = WHOLES[`${name}/${sample}`];
        it.runIf(expected !== undefined)(`T-U04–T-U09 T-U12 ${sample}, whole: reasons, usage and cost`, async () => {
          const { body } = await on.whole(text);
          const { choices, usage } = body as unknown as ChatCompletion;
          expect({
            finish: choices[0]?.finish_reason,
            native: choices[0]?.native_finish_reason,
            counts: countsOf(usage),
            nano: nanoOf(usage),
          }).toEqual(expected);
        });
      }
    });
  }

  const streamed = async (name: string, sample: string): Promise<AnswerMessage> => {
    const subject = subjects[name];
    const payloads = recordedStreams(name).find((one) => one.name === sample)?.payloads;
    if (subject === undefined || payloads === undefined) throw new Error(`no recording ${name}/${sample}`);
    const on = await stage(subject);
    try {
      return mergeChunks((await on.stream(subject.family.frame(payloads))).chunks)['message'] as AnswerMessage;
    } finally {
      await on.close();
    }
  };

  it('T-A24 T-A33 texts, thoughts and signatures of Anthropic have their length', async () => {
    expect((await streamed('anthropic', 'text')).content).toHaveLength(108);
    const thinking = await streamed('anthropic', 'clear-thinking.1');
    expect(thinking.content).toHaveLength(13);
    expect(thinking.reasoning).toHaveLength(75);
    expect(thinking.reasoning_details).toHaveLength(1);
    expect(thinking.reasoning_details?.[0]).toMatchObject({
      type: 'reasoning.text',
      format: 'anthropic-claude-v1',
      text: thinking.reasoning,
      signature: expect.stringMatching(/^E/),
    });
  });

  it('T-A29 T-A30 the call of Anthropic has whole arguments', async () => {
    const { tool_calls: [call] = [] } = await streamed('anthropic', 'json-tool.1');
    expect(call?.function.arguments).toHaveLength(86);
    expect(JSON.parse(call?.function.arguments ?? '')).toHaveProperty('elements');
  });

  it('T-A26 a refusal is a complete answer without content', async () => {
    expect(await streamed('anthropic', 'refusal')).toMatchObject({
      content: '',
      refusal: expect.stringContaining('Usage Policy'),
    });
  });

  it("T-A27 a search of the provider's own is no call; its sources are annotations with their span", async () => {
    const message = await streamed('anthropic', 'web-search-tool.1');
    expect(message).not.toHaveProperty('tool_calls');
    expect(message.annotations).toHaveLength(14);
    for (const { url_citation: citation } of message.annotations as readonly UrlCitation[]) {
      expect(citation.title).toEqual(expect.any(String));
      expect(message.content?.slice(citation.start_index, citation.end_index)).not.toBe('');
    }
  });

  it('T-G50 T-G53 T-R07 signatures of Gemini stand where they belong', async () => {
    for (const sample of ['text', 'reasoning']) {
      const message = await streamed('google', sample);
      expect(message).not.toHaveProperty('reasoning');
      expect(message.reasoning_details).toMatchObject([{ type: 'reasoning.encrypted', format: 'google-gemini-v1' }]);
    }
    const { tool_calls: calls = [], reasoning_details: details = [] } = await streamed('google', 'tool-call');
    expect(calls).toHaveLength(1);
    expect(calls[0]?.function.arguments).toBe('{"location":"San Francisco"}');
    expect(details).toMatchObject([{ type: 'reasoning.encrypted', id: calls[0]?.id }]);
    expect(calls[0]?.extra_content).toEqual({ google: { thought_signature: details[0]?.data } });
  });

  it('T-O57 T-O58 T-O56 the OpenAI family says the same in its ways', async () => {
    expect((await streamed('deepseek', 'tool-call')).reasoning).toHaveLength(191);
    expect((await streamed('groq', 'tool-call')).tool_calls?.[0]?.function.arguments).toBe('{}');
    expect((await streamed('mistral', 'tool-call')).tool_calls).toEqual([
      { id: 'gSIMJiOkT', type: 'function', function: { name: 'weather', arguments: '{"location": "San Francisco"}' } },
    ]);
    expect((await streamed('perplexity', 'text')).annotations).toHaveLength(5);
  });

  it('T-G54 a quota tells when to come back', async () => {
    const subject = subjects['google'];
    const text = recordedWholes('google').find(({ name }) => name === '429-retry-info')?.text;
    if (subject === undefined || text === undefined) throw new Error('no recording google/429-retry-info');
    const failure = subject.provider('http://127.0.0.1:1').codec.classify({ status: 429, headers: {}, text });
    expect(failure).toMatchObject({ kind: 'rate_limited', retryAfterMs: 34_400, providerCode: 'RESOURCE_EXHAUSTED' });
  });
});
