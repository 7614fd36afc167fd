import { describe, expect, it } from 'vitest';
import { GatewayError } from '../errors.js';
import type { ChatChunk, FinishReason, Usage } from '../wire/chat.js';
import { StageChain } from './stage-chain.js';
import { type AnswerStream, StagedStream } from './staged-stream.js';
import type { ChunkStage } from './types.js';

function chunk(content: string | undefined, finish: FinishReason | null = null, usage?: Usage): ChatChunk {
  const choice = { index: 0, delta: content === undefined ? {} : { content }, finish_reason: finish };
  return {
    id: 'gen-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'acme/model',
    provider: 'Acme',
    choices: [{ ...choice, native_finish_reason: null, logprobs: null }],
    ...(usage !== undefined && { usage }),
  };
}

const usage: Usage = {
  prompt_tokens: 1,
  completion_tokens: 1,
  total_tokens: 2,
  prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0 },
  cost: 0.5,
  is_byok: false,
  cost_details: {
    upstream_inference_cost: 0,
    upstream_inference_prompt_cost: 0,
    upstream_inference_completions_cost: 0,
  },
};

interface Chained {
  readonly chain: StageChain;
  readonly changed: Set<string>;
  readonly skipped: GatewayError[];
}

function chainOf(stages: Readonly<Record<string, ChunkStage>>, optional = false): Chained {
  const changed = new Set<string>();
  const skipped: GatewayError[] = [];
  const chain = new StageChain(
    Object.entries(stages).map(([name, stage]) => ({
      name,
      stage,
      optional,
      changed: () => changed.add(name),
      skipped: (error) => skipped.push(error),
    })),
  );
  return { chain, changed, skipped };
}

const contents = (chunks: readonly ChatChunk[]): readonly unknown[] =>
  chunks.map(({ choices }) => choices[0]?.delta.content ?? choices[0]?.finish_reason);

const passing: ChunkStage = { chunk: (one) => [one] };
const upper: ChunkStage = {
  chunk: (one) => [{ ...one, choices: one.choices.map((choice) => ({ ...choice, delta: upperCase(choice.delta) })) }],
};

function upperCase<T extends { readonly content?: string | null }>(delta: T): T {
  return typeof delta.content === 'string' ? { ...delta, content: delta.content.toUpperCase() } : delta;
}

/** Holds every text until the end. */
function holding(): ChunkStage {
  const held: ChatChunk[] = [];
  return {
    chunk(one) {
      if (one.choices[0]?.finish_reason !== null) return [one];
      held.push(one);
      return [];
    },
    end: () => held,
  };
}

const NONSENSE: readonly unknown[] = [
  undefined,
  null,
  'text',
  7,
  [undefined],
  [{}],
  [{ choices: [] }],
  [{ choices: [{}] }],
  Promise.resolve([]),
  [{ choices: [{ index: 0, delta: { content: 7 }, finish_reason: null }] }],
  [{ choices: [{ index: 0, delta: {}, finish_reason: 'done' }] }],
];

describe('a chain of stages', () => {
  it('hands chunks on as they are where nobody changes them', () => {
    const { chain, changed } = chainOf({ passing, other: passing });
    const one = chunk('a');
    expect(chain.push([one]).chunks[0]).toBe(one);
    expect(changed.size).toBe(0);
  });

  it('goes through stages in order, and through the later ones with what earlier ones held', () => {
    const { chain, changed } = chainOf({ holding: holding(), upper });
    expect(chain.push([chunk('a')]).chunks).toEqual([]);
    expect(chain.push([chunk('b')]).chunks).toEqual([]);
    expect(contents(chain.push([chunk(undefined, 'stop', usage)]).chunks)).toEqual(['A', 'B', 'stop']);
    expect([...changed]).toEqual(['holding', 'upper']);
  });

  it('keeps usage from stages, and puts it on the last chunk', () => {
    const seen: ChatChunk[] = [];
    const spying: ChunkStage = {
      chunk(one) {
        seen.push(one);
        return [one];
      },
    };
    const { chain } = chainOf({ spying });
    const { chunks } = chain.push([chunk('a'), chunk(undefined, 'stop', usage)]);
    expect(chunks.at(-1)?.usage).toBe(usage);
    expect(chunks.filter((one) => one.usage !== undefined)).toHaveLength(1);
    expect(seen.some((one) => 'usage' in one)).toBe(false);
  });

  it('keeps finish reason and usage where a stage drops everything', () => {
    const { chain } = chainOf({ dropping: { chunk: () => [] } });
    const { chunks } = chain.push([chunk('a'), chunk(undefined, 'stop', usage)]);
    expect(chunks).toHaveLength(1);
    expect(chunks[0]).toMatchObject({ usage, choices: [{ delta: {}, finish_reason: 'stop' }] });
  });

  it('lets no stage change what names the answer, or what it was given', () => {
    const renaming: ChunkStage = { chunk: (one) => [{ ...one, id: 'other', model: 'other/model' }] };
    expect(chainOf({ renaming }).chain.push([chunk('a')]).chunks[0]).toMatchObject({
      id: 'gen-1',
      model: 'acme/model',
    });
    const mutating: ChunkStage = {
      chunk(one) {
        Object.assign(one.choices[0]?.delta ?? {}, { content: 'mine' });
        return [one];
      },
    };
    const { error } = chainOf({ mutating }).chain.push([chunk('a')]);
    expect(error?.code).toBe('internal_error');
  });

  for (const [index, nonsense] of NONSENSE.entries()) {
    it(`ends the stream for nonsense, number ${index}`, () => {
      const nonsensical: ChunkStage = { chunk: () => nonsense as readonly ChatChunk[] };
      const { chain } = chainOf({ passing, nonsensical, holding: holding() });
      const { chunks, error } = chain.push([chunk('a')]);
      expect(chunks).toEqual([]);
      expect(error?.code).toBe('internal_error');
      expect(String(error?.cause)).toContain('nonsensical');
      expect(chain.end().chunks).toEqual([]);
    });
  }

  it('lets go what later stages held when one fails, and nothing that has not gone through it', () => {
    const { chain } = chainOf({
      before: holding(),
      failing: {
        chunk: (one) => {
          if (one.choices[0]?.delta.content === 'b') throw new Error('no');
          return [one];
        },
      },
      after: holding(),
    });
    expect(chain.push([chunk('a')]).chunks).toEqual([]);
    const { chunks, error } = chain.push([chunk('b'), chunk(undefined, 'stop', usage)]);
    expect(error?.code).toBe('internal_error');
    // "a" is held by the first stage with "b" behind it: neither has passed the one that failed.
    expect(JSON.stringify(chunks)).not.toContain('"b"');
  });

  it('passes over an optional stage that fails, with what it held', () => {
    const own = holding();
    let calls = 0;
    const failing: ChunkStage = {
      chunk(one) {
        calls += 1;
        if (calls > 1) throw new Error('no');
        return own.chunk(one);
      },
      end: () => own.end?.() ?? [],
    };
    const { chain, skipped } = chainOf({ failing, upper }, true);
    expect(chain.push([chunk('a')]).chunks).toEqual([]);
    expect(contents(chain.push([chunk('b')]).chunks)).toEqual(['A', 'B']);
    expect(contents(chain.push([chunk('c')]).chunks)).toEqual(['C']);
    expect(skipped.map(({ code }) => code)).toEqual(['internal_error']);
  });

  it('takes a refusal for what it is, also from an optional stage', () => {
    const refusing: ChunkStage = {
      chunk() {
        throw new GatewayError('guardrail_blocked', 'no');
      },
    };
    const { chain, skipped } = chainOf({ refusing }, true);
    expect(chain.push([chunk('a')]).error?.code).toBe('guardrail_blocked');
    expect(skipped).toEqual([]);
  });
});

describe('a staged stream', () => {
  function sourceOf(batches: readonly (readonly ChatChunk[] | Error)[]): AnswerStream & { readonly broken: unknown[] } {
    const left = [...batches];
    const broken: unknown[] = [];
    return {
      model: 'acme/model',
      provider: 'Acme',
      get ended() {
        return left.length === 0;
      },
      read() {
        const next = left.shift();
        return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
      },
      cancel: () => undefined,
      breakOff(thrown) {
        broken.push(thrown);
        return Promise.resolve();
      },
      brokenUsage: () => usage,
      broken,
    };
  }

  it('reads on while everything is held back, and gives it where the answer breaks off', async () => {
    const failure = new Error('cut');
    const stream = new StagedStream(
      sourceOf([[chunk('a')], [chunk('b')], failure]),
      chainOf({ holding: holding() }).chain,
    );
    expect(contents((await stream.read()) ?? [])).toEqual(['a', 'b']);
    expect(stream.ended).toBe(false);
    await expect(stream.read()).rejects.toBe(failure);
    expect(await stream.read()).toBeUndefined();
  });

  it('breaks its source off when a stage fails, after what was there', async () => {
    const failing: ChunkStage = {
      chunk(one) {
        if (one.choices[0]?.delta.content === 'b') throw new Error('no');
        return [one];
      },
    };
    const source = sourceOf([[chunk('a'), chunk('b')], [chunk('c')]]);
    const stream = new StagedStream(source, chainOf({ failing }).chain);
    expect(contents((await stream.read()) ?? [])).toEqual(['a']);
    expect(source.broken).toHaveLength(1);
    await expect(stream.read()).rejects.toMatchObject({ code: 'internal_error' });
  });

  it('ends as its source ends', async () => {
    const stream = new StagedStream(
      sourceOf([[chunk('a')], [chunk(undefined, 'stop', usage)]]),
      chainOf({ passing }).chain,
    );
    expect(contents((await stream.read()) ?? [])).toEqual(['a']);
    expect(stream.ended).toBe(false);
    expect((await stream.read())?.at(-1)?.usage).toBe(usage);
    expect(stream.ended).toBe(true);
  });

  describe('tells its stages the end once', () => {
    interface Told {
      readonly ends: string[];
      stage(name: string, thrown?: Error): ChunkStage;
    }
    const telling = (): Told => {
      const ends: string[] = [];
      return {
        ends,
        stage: (name, thrown) => ({
          chunk: (one) => [one],
          end() {
            ends.push(name);
            if (thrown !== undefined) throw thrown;
            return [];
          },
        }),
      };
    };

    it('when it is cancelled, and shows nothing of what they held', async () => {
      const { ends, stage } = telling();
      const source = sourceOf([[chunk('a')], [chunk('b')], [chunk('c')]]);
      const stream = new StagedStream(source, chainOf({ first: stage('first'), second: stage('second') }).chain);
      expect(contents((await stream.read()) ?? [])).toEqual(['a']);
      const reading = stream.read();
      stream.cancel();
      stream.cancel();
      expect(await reading).toBeUndefined();
      expect(await stream.read()).toBeUndefined();
      expect(ends).toEqual(['first', 'second']);
    });

    it('when it is cancelled before anything came', () => {
      const { ends, stage } = telling();
      new StagedStream(sourceOf([[chunk('a')]]), chainOf({ only: stage('only') }).chain).cancel();
      expect(ends).toEqual(['only']);
    });

    it('when its source has nothing more', async () => {
      const { ends, stage } = telling();
      const stream = new StagedStream(sourceOf([[chunk('a')]]), chainOf({ only: stage('only') }).chain);
      await stream.read();
      expect(ends).toEqual([]);
      expect(await stream.read()).toBeUndefined();
      stream.cancel();
      expect(ends).toEqual(['only']);
    });

    it('when it ends as it should and is cancelled after it', async () => {
      const { ends, stage } = telling();
      const source = sourceOf([[chunk('a')], [chunk(undefined, 'stop', usage)]]);
      const stream = new StagedStream(source, chainOf({ only: stage('only') }).chain);
      while ((await stream.read()) !== undefined);
      stream.cancel();
      expect(ends).toEqual(['only']);
    });

    it('when one of them fails, those in front of it and behind it', async () => {
      const { ends, stage } = telling();
      const failing: ChunkStage = {
        chunk() {
          throw new GatewayError('guardrail_blocked', 'no');
        },
      };
      const { chain } = chainOf({ front: stage('front'), failing, behind: stage('behind') });
      const stream = new StagedStream(sourceOf([[chunk('a')], [chunk('b')]]), chain);
      await expect(stream.read()).rejects.toMatchObject({ code: 'guardrail_blocked' });
      stream.cancel();
      expect(ends.toSorted()).toEqual(['behind', 'front']);
    });

    for (const optional of [false, true]) {
      it(`and tells the host what they throw then: ${optional ? 'optional' : 'not optional'}`, async () => {
        const { ends, stage } = telling();
        const refusal = new GatewayError('guardrail_blocked', 'no');
        const { chain, skipped } = chainOf(
          { defect: stage('defect', new Error('oh')), refusal: stage('refusal', refusal), last: stage('last') },
          optional,
        );
        const stream = new StagedStream(sourceOf([[chunk('a')], [chunk('b')]]), chain);
        await stream.read();
        expect(() => stream.cancel()).not.toThrow();
        expect(ends).toEqual(['defect', 'refusal', 'last']);
        expect(skipped.map(({ code }) => code)).toEqual(['internal_error', 'guardrail_blocked']);
      });
    }
  });
});
