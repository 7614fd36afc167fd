import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFree, type Price, parseMarkup, parsePrice } from '../catalog/price.js';
import type { PriceDeclaration } from '../catalog/types.js';
import type { UsageReport } from '../providers/types.js';
import { formatUsd, nanoToUsd, parseUsd } from '../usd.js';
import { costOf } from './cost.js';

/** A price in USD per million tokens, as providers' price pages give it. */
function perMillion(prices: Readonly<Record<string, number | string>>): PriceDeclaration {
  const rates = Object.entries(prices).map(([name, price]) => [name, formatUsd(parseUsd(String(price)) / 1_000_000n)]);
  return { prompt: '0', completion: '0', ...Object.fromEntries(rates) };
}

const noon = Date.parse('2026-07-01T12:00:00Z');
const nano = (usage: UsageReport, price: PriceDeclaration, atMs = noon): bigint =>
  costOf(usage, parsePrice(price), { atMs }).total;

// Published prices, USD per million tokens, and bills worked out by hand: each line shows its sum in millionths.
const gpt4oMini = perMillion({ prompt: 0.15, completion: 0.6, input_cache_read: 0.075 });
const gpt41 = perMillion({ prompt: 2, completion: 8, input_cache_read: 0.5 });
const gpt5 = perMillion({ prompt: 1.25, completion: 10, input_cache_read: 0.125 });
const gptAudio = perMillion({ prompt: 2.5, completion: 10, audio: 32, audio_output: 64 });
const sonnet = {
  ...perMillion({
    prompt: 3,
    completion: 15,
    input_cache_read: 0.3,
    input_cache_write: 3.75,
    input_cache_write_1h: 6,
  }),
  overrides: [
    {
      above_prompt_tokens: 200_000,
      prompt: '0.000006',
      completion: '0.0000225',
      input_cache_read: '0.0000006',
      input_cache_write: '0.0000075',
      input_cache_write_1h: '0.000012',
    },
  ],
};
const haiku = perMillion({ prompt: 0.8, completion: 4, input_cache_read: 0.08, input_cache_write: 1 });
const geminiPro = {
  ...perMillion({ prompt: 1.25, completion: 10, input_cache_read: 0.125 }),
  overrides: [
    { above_prompt_tokens: 200_000, prompt: '0.0000025', completion: '0.000015', input_cache_read: '0.00000025' },
  ],
};
const geminiFlash = perMillion({ prompt: 0.3, completion: 2.5, audio: 1, input_cache_read: 0.03 });
const geminiImage = perMillion({ prompt: 0.3, completion: 2.5, image_output: 30 });
const grok = perMillion({ prompt: 0.3, completion: 0.5, input_cache_read: 0.075 });
const sonarPro = { ...perMillion({ prompt: 3, completion: 15 }), request: '0.006', web_search: '0.005' };
const deepseek = {
  ...perMillion({ prompt: 0.135, completion: 0.55, input_cache_read: 0.035 }),
  overrides: [{ utc: '00:30-16:30', prompt: '0.00000027', completion: '0.0000011', input_cache_read: '0.00000007' }],
};
const free = perMillion({});

describe('T-U11 T-U12 T-U13 costOf, against bills worked out by hand', () => {
  it.each<[string, UsageReport, PriceDeclaration, bigint]>([
    // 16 x 0.1 + 300 x 0.4 = 121.6
    ['small', { prompt: 16, completion: 300 }, perMillion({ prompt: 0.1, completion: 0.4 }), 121_600n],
    // 1000 x 0.15 + 500 x 0.6 = 450
    ['plain', { prompt: 1000, completion: 500 }, gpt4oMini, 450_000n],
    // 1 x 0.15 = 0.15
    ['one token', { prompt: 1, completion: 0 }, gpt4oMini, 150n],
    ['nothing', { prompt: 0, completion: 0 }, gpt4oMini, 0n],
    // (2006 - 1920) x 0.15 + 1920 x 0.075 + 300 x 0.6 = 12.9 + 144 + 180
    ['cached', { prompt: 2006, cachedRead: 1920, completion: 300 }, gpt4oMini, 336_900n],
    // 1920 x 0.075
    ['all cached', { prompt: 1920, cachedRead: 1920, completion: 0 }, gpt4oMini, 144_000n],
    // 1 x 0.075 + 1 x 0.15
    ['one cached', { prompt: 2, cachedRead: 1, completion: 0 }, gpt4oMini, 225n],
    // 8000 x 2 + 1000 x 8
    ['larger', { prompt: 8000, completion: 1000 }, gpt41, 24_000_000n],
    // 500000 x 2 + 500000 x 0.5 + 32768 x 8
    ['a million', { prompt: 1_000_000, cachedRead: 500_000, completion: 32_768 }, gpt41, 1_512_144_000n],
    // 75 x 1.25 + 1186 x 10
    ['reasoning inside', { prompt: 75, completion: 1186, reasoning: 1024 }, gpt5, 11_953_750n],
    // 100 x 1.25 + 64 x 10
    ['reasoning only', { prompt: 100, completion: 64, reasoning: 64 }, gpt5, 765_000n],
    // 872 x 1.25 + 128 x 0.125 + 40 x 10
    ['cached, reasoning', { prompt: 1000, cachedRead: 128, completion: 40, reasoning: 20 }, gpt5, 1_506_000n],
    // 10 x 2.5 + 90 x 32 + 20 x 10 + 80 x 64
    ['audio', { prompt: 100, audioIn: 90, completion: 100, audioOut: 80 }, gptAudio, 8_225_000n],
    // 200 x 32 + 10 x 10
    ['audio in only', { prompt: 200, audioIn: 200, completion: 10 }, gptAudio, 6_500_000n],
    // 5 x 2.5 + 50 x 64
    ['audio out only', { prompt: 5, completion: 50, audioOut: 50 }, gptAudio, 3_212_500n],
    // 10 x 3 + 1000 x 0.3 + 60 x 3.75 + 40 x 6 + 5 x 15
    [
      'both cache writes',
      { prompt: 1110, cachedRead: 1000, cacheWrite5m: 60, cacheWrite1h: 40, completion: 5 },
      sonnet,
      870_000n,
    ],
    // 21 x 3 + 188086 x 3.75 + 393 x 15
    ['a large write', { prompt: 188_107, cacheWrite5m: 188_086, completion: 393 }, sonnet, 711_280_500n],
    // 21 x 3 + 188086 x 0.3 + 393 x 15
    ['and its read', { prompt: 188_107, cachedRead: 188_086, completion: 393 }, sonnet, 62_383_800n],
    // 1000 x 6 + 1 x 3
    ['one hour', { prompt: 1001, cacheWrite1h: 1000, completion: 0 }, sonnet, 6_003_000n],
    // 200000 x 3 + 100 x 15: at the bound is not above it
    ['at the bound', { prompt: 200_000, completion: 100 }, sonnet, 601_500_000n],
    // 200001 x 6 + 100 x 22.5
    ['above the bound', { prompt: 200_001, completion: 100 }, sonnet, 1_202_256_000n],
    // 1 x 6 + 150000 x 0.6 + 50000 x 7.5 + 1000 x 12 + 10 x 22.5
    [
      'above, all kinds',
      { prompt: 201_001, cachedRead: 150_000, cacheWrite5m: 50_000, cacheWrite1h: 1000, completion: 10 },
      sonnet,
      477_231_000n,
    ],
    // 100 x 0.8 + 100 x 1 (no price for an hour: that for five minutes) + 10 x 4
    ['an hour without a price', { prompt: 200, cacheWrite1h: 100, completion: 10 }, haiku, 220_000n],
    // 1 x 0.08
    ['a cached token', { prompt: 1, cachedRead: 1, completion: 0 }, haiku, 80n],
    // 4096 x 4
    ['output only', { prompt: 0, completion: 4096 }, haiku, 16_384_000n],
    // 29 x 2 + 60 x 12
    ['thoughts', { prompt: 29, completion: 60, reasoning: 45 }, perMillion({ prompt: 2, completion: 12 }), 778_000n],
    // 1000 x 1.25 + 65536 x 10
    ['a full answer', { prompt: 1000, completion: 65_536 }, geminiPro, 656_610_000n],
    // 300000 x 2.5 + 1000 x 15
    ['a long prompt', { prompt: 300_000, completion: 1000 }, geminiPro, 765_000_000n],
    // 50000 x 2.5 + 250000 x 0.25 + 10 x 15
    ['long and cached', { prompt: 300_000, cachedRead: 250_000, completion: 10 }, geminiPro, 187_650_000n],
    // 10 x 0.3 + 1500 x 1 + 100 x 2.5
    ['sound', { prompt: 1510, audioIn: 1500, completion: 100 }, geminiFlash, 1_753_000n],
    // 258 x 0.3 (images at the price of text) + 7 x 0.3 + 50 x 2.5
    ['a picture in', { prompt: 265, imageIn: 258, completion: 50 }, geminiFlash, 204_500n],
    // 10 x 0.3 + 10 x 2.5 + 1290 x 30
    ['a picture out', { prompt: 10, completion: 1300, imageOut: 1290 }, geminiImage, 38_728_000n],
    // 10 x 0.3 + 2 x 0.075 + 229 x 0.5
    ['xAI', { prompt: 12, cachedRead: 2, completion: 229, reasoning: 228 }, grok, 117_650n],
    // 0.0375 + 0.009375 = 0.046875, rounded up once
    [
      'one rounding',
      { prompt: 2, cachedRead: 1, completion: 0 },
      perMillion({ prompt: 0.0375, completion: 0, input_cache_read: 0.009375 }),
      47n,
    ],
    // 14 x 3 + 100 x 15 + 6000
    ['a fee', { prompt: 14, completion: 100 }, sonarPro, 7_542_000n],
    // 3 x 5000 + 6000 + 14 x 3
    ['searches', { prompt: 14, completion: 0, webSearches: 3 }, sonarPro, 21_042_000n],
    // 6 x 1 + 4 x 2
    [
      'a price for reasoning',
      { prompt: 0, completion: 10, reasoning: 4 },
      perMillion({ completion: 1, internal_reasoning: 2 }),
      14_000n,
    ],
    // 10 x 1: zero is no price of its own
    [
      'no price for reasoning',
      { prompt: 0, completion: 10, reasoning: 4 },
      perMillion({ completion: 1, internal_reasoning: 0 }),
      10_000n,
    ],
    // 100 x 0.27 + 50 x 1.1: noon is inside the window
    ['by day', { prompt: 100, completion: 50 }, deepseek, 82_000n],
    // 90 x 0.27 + 10 x 0.07
    ['by day, cached', { prompt: 100, cachedRead: 10, completion: 0 }, deepseek, 25_000n],
    ['free', { prompt: 1_000_000, completion: 100_000, reasoning: 5 }, free, 0n],
    // 100 M x 15
    ['the largest', { prompt: 0, completion: 100_000_000 }, perMillion({ completion: 15 }), 1_500_000_000_000n],
  ])('%s', (_, usage, price, expected) => {
    const cost = costOf(usage, parsePrice(price), { atMs: noon });
    expect(cost.total).toBe(expected);
    expect(cost.prompt + cost.completion).toBe(cost.upstream);
  });

  it('charges images by number where they have a price', () => {
    const price = parsePrice({ ...gpt4oMini, image: '0.001' });
    // 2 x 1000 + 10 x 0.15
    expect(costOf({ prompt: 10, completion: 0 }, price, { atMs: noon, inputImages: 2 }).total).toBe(2_001_500n);
  });

  it.each([
    ['00:29', 41_000n],
    ['00:30', 82_000n],
    ['16:29', 82_000n],
    ['16:30', 41_000n],
  ])('charges by the hour at which the request was sent: %s', (time, expected) => {
    // 100 x 0.135 + 50 x 0.55 by night
    expect(nano({ prompt: 100, completion: 50 }, deepseek, Date.parse(`2026-07-01T${time}:00Z`))).toBe(expected);
  });

  it('knows windows that run over midnight', () => {
    const price = { ...free, overrides: [{ utc: '22:00-02:00', prompt: '0.000001' }] };
    const at = (time: string): bigint =>
      nano({ prompt: 1, completion: 0 }, price, Date.parse(`2026-07-01T${time}:00Z`));
    expect([at('21:59'), at('22:00'), at('01:59'), at('02:00')]).toEqual([0n, 1000n, 1000n, 0n]);
  });

  it('T-U12 T-U15 multiplies the sum by the markup before it rounds, and shows what the provider charges', () => {
    const price = parsePrice(gpt4oMini, parseMarkup('2.5'));
    // 450 x 1.025
    expect(costOf({ prompt: 1000, completion: 500 }, price, { atMs: noon })).toEqual({
      total: 461_250n,
      upstream: 450_000n,
      prompt: 150_000n,
      completion: 300_000n,
    });
    // 0.15 x 1.025 = 0.15375
    expect(costOf({ prompt: 1, completion: 0 }, price, { atMs: noon }).total).toBe(154n);
  });

  it('shows USD with nine decimals at most', () => {
    expect(nanoToUsd(121_600n)).toBe(0.0001216);
    expect(nanoToUsd(1n)).toBe(1e-9);
  });
});

describe('costOf, for any usage and price', () => {
  const count = fc.nat(100_000);
  const usages = fc.record({
    plain: count,
    cachedRead: count,
    write: count,
    spoken: count,
    reasoning: count,
    audio: count,
  });
  const rate = fc.bigInt({ min: 0n, max: 100_000_000n }).map(formatUsd);
  const prices = fc.record({
    prompt: rate,
    completion: rate,
    input_cache_read: rate,
    input_cache_write: rate,
    audio: rate,
  });
  const reportOf = (parts: {
    plain: number;
    cachedRead: number;
    write: number;
    spoken: number;
    reasoning: number;
    audio: number;
  }): UsageReport => ({
    prompt: parts.plain + parts.cachedRead + parts.write + parts.audio,
    cachedRead: parts.cachedRead,
    cacheWrite5m: parts.write,
    audioIn: parts.audio,
    completion: parts.spoken + parts.reasoning,
    reasoning: parts.reasoning,
  });
  const total = (usage: UsageReport, price: Price): bigint => costOf(usage, price, { atMs: noon }).total;

  it('is never negative, never rounds down, and grows with every count', () => {
    fc.assert(
      fc.property(
        usages,
        prices,
        fc.constantFrom('plain', 'cachedRead', 'write', 'spoken', 'reasoning', 'audio'),
        (parts, declared, grown) => {
          const price = parsePrice(declared);
          const { rates } = price;
          const cost = total(reportOf(parts), price);
          const exactPico =
            BigInt(parts.plain) * rates.prompt +
            BigInt(parts.cachedRead) * (rates.input_cache_read ?? 0n) +
            BigInt(parts.write) * (rates.input_cache_write ?? 0n) +
            BigInt(parts.audio) * (rates.audio ?? 0n) +
            BigInt(parts.spoken + parts.reasoning) * rates.completion;
          expect(cost).toBeGreaterThanOrEqual(0n);
          expect(cost * 1000n).toBeGreaterThanOrEqual(exactPico);
          expect(cost * 1000n - exactPico).toBeLessThan(1000n);
          expect(total(reportOf({ ...parts, [grown]: parts[grown] + 1 }), price)).toBeGreaterThanOrEqual(cost);
        },
      ),
      { seed: 20260701, numRuns: 1000 },
    );
  });

  it('never loses to counts that overlap', () => {
    const price = parsePrice(perMillion({ prompt: 1, completion: 1, audio: 5, audio_output: 5 }));
    expect(total({ prompt: 10, cachedRead: 8, audioIn: 9, completion: 4, reasoning: 3, audioOut: 4 }, price)).toBe(
      26_000n,
    );
  });
});

describe('prices', () => {
  it.each([
    ['0.00000015', 150_000n],
    ['3', 3_000_000_000_000n],
    ['0', 0n],
    ['0.0000000000001', 1n],
    ['0.0000000000010000', 1n],
  ])('%s USD', (text, pico) => {
    expect(parseUsd(text)).toBe(pico);
  });

  it.each(['-1', '1e-6', '', 'free', '.5', 'NaN', '1,5'])('refuse %j', (text) => {
    expect(() => parsePrice({ prompt: text, completion: '0' })).toThrow(TypeError);
  });

  it.each(['0.00000015', '3', '0', '0.000000000001', '1234.5'])('are written as they were read: %s', (text) => {
    expect(formatUsd(parseUsd(text))).toBe(text);
  });

  it('are free where every rate is zero', () => {
    expect(isFree(parsePrice('free'))).toBe(true);
    expect(isFree(parsePrice({ prompt: '0', completion: '0', overrides: [{ utc: '00:00-01:00', prompt: '1' }] }))).toBe(
      false,
    );
  });

  it.each([-1, 'much', '1.23456'])('refuse a markup of %s', (markup) => {
    expect(() => parseMarkup(markup)).toThrow(TypeError);
  });

  it.each(['25:00-01:00', 'noon', '1-2'])('refuse a window of %s', (utc) => {
    expect(() => parsePrice({ prompt: '0', completion: '0', overrides: [{ utc }] })).toThrow(TypeError);
  });
});
