import type { GatewayOptions } from '@gatehouse/core';
import { expect } from 'vitest';
import { type CountingHouse, type Means, openHouse } from './counting-house.js';
import { type LoggedUpstream, startLogged, type Voice } from './logged-upstream.js';
import { declared, type PicoPrice } from './oracle.js';
import { customFormat, type WireFormat } from './wire-formats.js';

/** Prices that no product of small counts makes round. */
export const PRICE: PicoPrice = { prompt: 333_301n, completion: 1_234_567n };
export const OTHER_PRICE: PicoPrice = { prompt: 1_000_003n, completion: 2_000_003n };
/** Per cent. */
export const MARKUP = 7n;
export const TEXTS: readonly string[] = ['Grüße, ', 'one and ', 'all!'];
export const WHOLE: string = TEXTS.join('');
/** What upstreams say that they have counted by the end, and at the beginning. */
export const USAGE = { prompt: 21, completion: 13 };
export const begun = { prompt: USAGE.prompt, completion: 1 };
export const counted = { prompt: USAGE.prompt, before: 0 };

const MESSAGES = [
  { role: 'user', content: 'What does an exit cost?' },
  { role: 'assistant', content: 'It depends.' },
  { role: 'user', content: 'On what, für mich?' },
];
const MOST_TOKENS = 4096;

/** One request's world: a gateway with its books, and two upstreams with logs of their own. */
export interface Scene {
  readonly format: WireFormat;
  readonly house: CountingHouse;
  /** Of the format under test. */
  readonly first: LoggedUpstream;
  /** Of another provider, asked for another model, at another price. */
  readonly second: LoggedUpstream;
  readonly body: object;
}

const closers: (() => Promise<void>)[] = [];

/** Sets the scene. */
export async function scene(
  format: WireFormat,
  { means, ...options }: Partial<GatewayOptions> & { readonly means?: Means } = {},
): Promise<Scene> {
  const first = await startLogged(format, PRICE);
  const second = await startLogged(customFormat, OTHER_PRICE);
  const house = await openHouse(
    {
      providers: [
        format.provider({ baseUrl: first.baseUrl, pricing: declared(PRICE), maxCompletionTokens: MOST_TOKENS }),
        ...(format.model === customFormat.model
          ? []
          : [
              customFormat.provider({
                baseUrl: second.baseUrl,
                pricing: declared(OTHER_PRICE),
                maxCompletionTokens: MOST_TOKENS,
              }),
            ]),
      ],
      catalog: { markup: Number(MARKUP), bundled: false },
      ...options,
    },
    means,
  );
  closers.push(
    () => first.close(),
    () => second.close(),
    () => house.close(),
  );
  return { format, house, first, second, body: { model: format.model, messages: MESSAGES } };
}

/** Takes every scene down; to be called after each test. */
export async function strike(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** A whole answer, streamed or not. */
export function answer(voice: Voice): ReturnType<Voice['whole']> {
  if (!voice.exchange.streamed) return voice.whole(WHOLE, USAGE);
  return [voice.begin(begun), voice.say(TEXTS, counted), voice.finish(USAGE)];
}

/** Resolves once the gateway has begun to read an answer for nobody. */
export async function draining({ house }: Scene): Promise<void> {
  const isDraining = (): boolean => house.clock.due.includes(60_000);
  await expect.poll(isDraining, { interval: 2, timeout: 5000 }).toBe(true);
}
