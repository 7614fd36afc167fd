/** The key that the benchmark's clients send. */
export const CLIENT_KEY = `sk-or-v1-${'0123456789abcdef'.repeat(4)}`;
/** The model of each format that an upstream may speak. */
export const MODELS = { openai: 'bench/model', anthropic: 'bench/claude', google: 'bench/gemini' } as const;
/** Words of a prompt that ask the upstream for its content in one large event. */
export const LARGE_EVENT = 'Everything in one event, please.';
/** Content events of a stream. */
export const EVENTS = 200;

const LARGE_PROMPT_BYTES = 200_000;

/** One kind of load. */
export interface Scenario {
  readonly name: string;
  /** The body of a request. */
  body(model: string): string;
  /** Content events of an answer; 0 for whole answers. */
  readonly events: number;
  /** Requests under way at a time. */
  readonly concurrency: number;
  /** Requests of one round at one target. */
  readonly requests: number;
}

/** The loads, at full size or at a size for a quick look. */
export function scenarios(quick: boolean): readonly Scenario[] {
  const scale = quick ? 4 : 1;
  const small = 'In one sentence: why do cathedral towns so often have a gatehouse?';
  return [
    { name: 'small JSON', body: bodyOf(small, false), events: 0, concurrency: 32, requests: 6000 / scale },
    {
      name: '200 kB prompt',
      body: bodyOf('All work and no play. '.repeat(LARGE_PROMPT_BYTES / 22), false),
      events: 0,
      concurrency: 16,
      requests: 1200 / scale,
    },
    { name: `${EVENTS} events`, body: bodyOf(small, true), events: EVENTS, concurrency: 32, requests: 320 / scale },
    { name: 'first token, alone', body: bodyOf(small, true), events: EVENTS, concurrency: 1, requests: 24 / scale },
    { name: '4 MB event', body: bodyOf(LARGE_EVENT, true), events: 1, concurrency: 1, requests: 24 / scale },
  ];
}

function bodyOf(content: string, stream: boolean): Scenario['body'] {
  const messages = [
    { role: 'system', content: 'You answer in one sentence.' },
    { role: 'user', content },
  ];
  return (model) => JSON.stringify({ stream, model, temperature: 0.2, messages });
}
