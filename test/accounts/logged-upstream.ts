import { eventStream, jsonAnswer } from '../tools/openai-answers.js';
import { type RequestRecord, startUpstream } from '../tools/scripted-upstream.js';
import { cut, end, type Headers, head, type Script, type Step, write } from '../tools/upstream-steps.js';
import type { PicoPrice } from './oracle.js';
import type { Counts, Reason, WireFormat } from './wire-formats.js';

/** What an upstream did for one request: what it was asked, and what it has really sent by now. */
export interface Exchange {
  readonly format: WireFormat;
  readonly price: PicoPrice;
  readonly asked: Readonly<Record<string, unknown>>;
  readonly streamed: boolean;
  readonly socket: RequestRecord['socket'];
  /** Of the answer; undefined while there is none. */
  status: number | undefined;
  /** All text so far. */
  text: string;
  /** The last usage that was told. */
  reported: Counts | undefined;
  /** The answer was sent to its end, for this reason. */
  finish: Reason | undefined;
}

/** Plays an upstream's part in its own language, and notes what it says. */
export interface Voice {
  readonly exchange: Exchange;
  /** A refusal. */
  refuse(status: number, headers?: Headers): Script;
  /** The head of a stream, and what comes before content. */
  begin(usage?: Counts): Script;
  /** Pieces of text, each an event of its own. `counted`: the prompt and how many tokens there are by the first piece. */
  say(texts: readonly string[], counted?: { readonly prompt: number; readonly before: number }): Script;
  /** A piece of reasoning, in the words of the OpenAI family. */
  think(text: string): Script;
  /** A piece of a refusal, in the words of the OpenAI family. */
  decline(text: string): Script;
  /** A whole answer with reasoning and without usage, in the words of the OpenAI family. */
  wholeThought(thought: string, text: string): Script;
  /** The proper end of a stream. */
  finish(usage: Counts | undefined, reason?: Reason): Script;
  /** The end of the connection without the end of the stream. */
  truncate(): Script;
  /** An error: an event of a stream, or else a body under status 200. */
  fail(): Script;
  /** A whole answer, not streamed. */
  whole(text: string, usage: Counts | undefined, reason?: Reason): Script;
  /** The first half of a whole answer. */
  half(text: string): Script;
}

/** An upstream that speaks one of the wire formats and keeps a log of its own. */
export interface LoggedUpstream {
  readonly baseUrl: string;
  readonly log: readonly Exchange[];
  /** What every request gets; of several, the first gets the first, and what is left over the last. */
  plays(...parts: readonly ((voice: Voice) => Script)[]): void;
  /** The exchange of this index, as soon as it is there. */
  exchange(index: number): Promise<Exchange>;
  close(): Promise<void>;
}

/** Starts one. */
export async function startLogged(format: WireFormat, price: PicoPrice): Promise<LoggedUpstream> {
  const upstream = await startUpstream();
  const log: Exchange[] = [];
  let parts: readonly ((voice: Voice) => Script)[] = [];
  let arrivals: (() => void)[] = [];
  upstream.respond((request) => {
    // Lists of models are asked for in the background.
    if (request.method === 'GET') return jsonAnswer(200, { data: [] });
    const asked = request.json() as Exchange['asked'];
    const exchange: Exchange = {
      format,
      price,
      asked,
      streamed: asked['stream'] === true || request.path.includes('streamGenerateContent'),
      socket: request.socket,
      status: undefined,
      text: '',
      reported: undefined,
      finish: undefined,
    };
    const part = parts[Math.min(log.length, parts.length - 1)];
    log.push(exchange);
    for (const resolve of arrivals.splice(0)) resolve();
    return part === undefined ? [] : part(voiceOf(exchange));
  });
  return {
    baseUrl: upstream.baseUrl,
    log,
    plays(...given) {
      parts = given;
    },
    async exchange(index) {
      for (;;) {
        const found = log[index];
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => {
          arrivals = [...arrivals, resolve];
        });
      }
    },
    close: () => upstream.close(),
  };
}

function voiceOf(exchange: Exchange): Voice {
  const { format } = exchange;
  const frames = (events: readonly object[]): Step => write(...events.map((event) => format.frame(event)));
  const note = (heard: Partial<Pick<Exchange, 'status' | 'text' | 'reported' | 'finish'>>): Step => {
    return () => {
      Object.assign(exchange, heard);
    };
  };
  const piece = (delta: object, text: string): Script => [
    () => {
      exchange.text += text;
    },
    frames([{ choices: [{ index: 0, delta, finish_reason: null }] }]),
  ];
  const told = (usage: Counts | undefined): Script => (usage === undefined ? [] : [note({ reported: usage })]);
  const json = (status: number, body: object, headers: Headers = {}): Script => {
    const text = JSON.stringify(body);
    const length = String(Buffer.byteLength(text));
    return [
      note({ status }),
      head(status, { 'content-type': 'application/json', 'content-length': length, ...headers }),
      write(text),
      end(),
    ];
  };
  return {
    exchange,
    refuse: (status, headers) => json(status, { error: { message: 'busy' } }, headers),
    begin: (usage) => [
      note({ status: 200 }),
      head(200, eventStream),
      ...(format.startReports ? told(usage) : []),
      frames(format.start(usage)),
    ],
    say: (texts, counted) =>
      texts.flatMap((text, position) => {
        const usage =
          counted === undefined || !format.textReports
            ? undefined
            : { prompt: counted.prompt, completion: counted.before + position + 1 };
        const heard: Step = () => {
          exchange.text += text;
        };
        return [heard, ...told(usage), frames([format.text(text, usage)])];
      }),
    think: (text) => piece({ reasoning_content: text }, text),
    decline: (text) => piece({ refusal: text }, text),
    wholeThought(thought, text) {
      const message = { role: 'assistant', content: text, reasoning_content: thought };
      return [
        note({ text: thought + text, finish: 'stop' }),
        ...json(200, { choices: [{ index: 0, message, finish_reason: 'stop' }] }),
      ];
    },
    finish: (usage, reason = 'stop') => [
      ...told(usage),
      note({ finish: reason }),
      frames(format.finish(reason, usage)),
      ...(format.terminal === '' ? [] : [write(format.terminal)]),
      end(),
    ],
    truncate: () => [cut()],
    fail: () => (exchange.streamed ? [frames([format.error]), end()] : json(200, format.error)),
    whole: (text, usage, reason = 'stop') => [
      note({ text, finish: reason }),
      ...told(usage),
      ...json(200, format.whole(text, reason, usage)),
    ],
    half: (text) => {
      const body = Buffer.from(JSON.stringify(format.whole(text, 'stop', undefined)));
      return [
        note({ status: 200 }),
        head(200, { 'content-type': 'application/json', 'content-length': String(body.length) }),
        write(body.subarray(0, body.length / 2)),
      ];
    },
  };
}
