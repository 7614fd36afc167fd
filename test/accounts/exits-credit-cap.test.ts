import type { RoutingMetadata } from '@gatehouse/core';
import { afterEach, describe, expect, it } from 'vitest';
import { gate } from '../tools/gate.js';
import { hold } from '../tools/upstream-steps.js';
import { answer, MARKUP, PRICE, scene, strike } from './exit-scene.js';
import { expectedOf, nano } from './oracle.js';
import { anthropicFormat, wireFormats } from './wire-formats.js';

afterEach(strike);

const all = wireFormats.map((format) => ({ name: format.name, format }));
/** Nano-USD. */
const CREDITS = 10_000_000n;
const token = nano({ prompt: 0, completion: 1 }, { price: PRICE }, MARKUP);

describe('R-M22 the length of an answer whose client set no bound', () => {
  it.each(all)(
    'is bounded to what a quarter of the money buys, and the provider is told ($name)',
    async ({ format }) => {
      const { house, first, body } = await scene(format, { means: { credits: Number(CREDITS) / 1e9 } });
      const waits = gate();
      first.plays((voice) => [hold(waits), answer(voice)]);
      const asked = house.whole(body);
      const exchange = await first.exchange(0);
      const most = Number(format.mostTokens(exchange.asked));
      expect(most).toBeGreaterThanOrEqual(256);
      expect(most).toBeLessThan(4096);
      const held = (await house.store.ledger.balance('default'))?.held ?? 0n;
      expect(held * 4n).toBeLessThanOrEqual(CREDITS);
      // Not a token less than it buys.
      expect((held + token) * 4n).toBeGreaterThan(CREDITS);
      waits.open();
      const response = await asked;
      const expected = expectedOf(first.log, { markup: MARKUP });
      await house.agrees(String(response.headers['x-generation-id']), expected, {
        adjustments: expect.arrayContaining([
          { param: 'max_tokens', action: 'clamped', detail: expect.stringContaining(`${most}`) },
        ]),
      });
    },
  );

  it.each(all)('is never bounded to less than 256 tokens ($name)', async ({ format }) => {
    const { house, first, body } = await scene(format, { means: { credits: 0.0006 } });
    first.plays(answer);
    const response = await house.whole(body, { 'x-openrouter-metadata': 'enabled' });
    expect([response.status, first.log.map(({ asked }) => format.mostTokens(asked))]).toEqual([200, [256]]);
    const { openrouter_metadata: told } = response.json() as { openrouter_metadata: RoutingMetadata };
    expect(told.pipeline).toEqual([{ type: 'plugin', name: 'credit-cap', data: { max_tokens: 256 } }]);
    await house.agrees(String(response.headers['x-generation-id']), expectedOf(first.log, { markup: MARKUP }));
  });

  it.each(all)('is refused where not even those are affordable ($name)', async ({ format }) => {
    const { house, first, body } = await scene(format, { means: { credits: 0.0003 } });
    const response = await house.whole(body);
    expect(response.status).toBe(402);
    const { metadata } = (response.json() as { error: { metadata: Record<string, number> } }).error;
    expect(metadata['requested_tokens']).toBe(4096);
    expect(metadata['affordable_tokens']).toBeGreaterThanOrEqual(0);
    expect(metadata['affordable_tokens']).toBeLessThan(256);
    expect(first.log).toEqual([]);
    expect(house.records).toEqual([]);
    expect(await house.store.ledger.balance('default')).toMatchObject({ charged: 0n, held: 0n, requests: 0 });
    expect(await house.store.ledger.audit()).toEqual([]);
  });

  it.each(all)('is left alone where the money is plenty ($name)', async ({ format }) => {
    const { house, first, body } = await scene(format);
    first.plays(answer);
    const response = await house.whole(body);
    const shown = await house.generation(String(response.headers['x-generation-id']));
    expect(shown['adjustments']).toEqual([]);
    const [most] = first.log.map(({ asked }) => format.mostTokens(asked));
    // Of the three, one has to be told a maximum always.
    expect(most).toBe(format === anthropicFormat ? 4096 : undefined);
  });

  it('is bounded by the limit of a key as well', async () => {
    const [format] = wireFormats;
    if (format === undefined) throw new Error('there is no format');
    const { house, first, body } = await scene(format, { means: { limit: Number(CREDITS) / 1e9 } });
    first.plays(answer);
    const response = await house.whole(body);
    const [most] = first.log.map(({ asked }) => Number(format.mostTokens(asked)));
    expect(most).toBeGreaterThan(256);
    expect(most).toBeLessThan(4096);
    await house.agrees(String(response.headers['x-generation-id']), expectedOf(first.log, { markup: MARKUP }));
  });
});

describe('R-M22 an explicit maximum', () => {
  it.each(all)('is never lowered: it is sent as it is ($name)', async ({ format }) => {
    const { house, first, body } = await scene(format, { means: { credits: Number(CREDITS) / 1e9 } });
    first.plays(answer);
    const response = await house.whole({ ...body, max_tokens: 4000 });
    expect([response.status, first.log.map(({ asked }) => format.mostTokens(asked))]).toEqual([200, [4000]]);
    await house.agrees(String(response.headers['x-generation-id']), expectedOf(first.log, { markup: MARKUP }));
  });

  it.each(all)('is refused where the money does not cover it ($name)', async ({ format }) => {
    const { house, first, body } = await scene(format, { means: { credits: 0.001 } });
    const response = await house.whole({ ...body, max_tokens: 4000 });
    expect(response.status).toBe(402);
    const { metadata } = (response.json() as { error: { metadata: Record<string, number> } }).error;
    expect(metadata['requested_tokens']).toBe(4000);
    expect(metadata['affordable_tokens']).toBeGreaterThan(256);
    const affordable = metadata['affordable_tokens'];
    expect(first.log).toEqual([]);
    first.plays(answer);
    const again = await house.whole({ ...body, max_tokens: affordable });
    expect(again.status).toBe(200);
    await house.agrees(String(again.headers['x-generation-id']), expectedOf(first.log, { markup: MARKUP }));
  });
});

describe('adjustments of a request', () => {
  it('what its provider does not take is told by its generation', async () => {
    const { house, first, body } = await scene(anthropicFormat);
    first.plays(answer);
    const response = await house.whole({ ...body, seed: 7 });
    await house.agrees(String(response.headers['x-generation-id']), expectedOf(first.log, { markup: MARKUP }), {
      adjustments: [{ param: 'seed', action: 'dropped', detail: expect.any(String) }],
    });
  });
});
