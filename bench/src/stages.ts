import { createGateway, defineProvider, type GatewayOptions, responseFilter, type Transform } from '@gatehouse/core';

const EVENTS = 4000;
const STREAMS = 6;
const ROUNDS = 7;
const MODEL = 'bench/model';

/** What an event of a stream costs with transforms on its way, microseconds of CPU. */
export interface StageCost {
  readonly none: number;
  /** Five stages that look at every chunk and change none. */
  readonly five: number;
  /** `response-filter` with three detectors, a literal and a pattern. */
  readonly filter: number;
}

const looking = (name: string): Transform => ({
  name,
  stage: () => ({ chunk: (chunk) => [chunk] }),
});

const configurations: Readonly<Record<keyof StageCost, GatewayOptions['transforms']>> = {
  none: [],
  five: ['one', 'two', 'three', 'four', 'five'].map(looking),
  filter: [
    responseFilter({
      rules: [
        { detector: 'secret' },
        { detector: 'email' },
        { detector: 'iban' },
        { literal: 'cathedral close' },
        { pattern: 'ACME-\\d{6}' },
      ],
    }),
  ],
};

/** Streams answers inside of this process, so that nothing but the gateway is measured; the best of several rounds counts. */
export async function measureStages(): Promise<StageCost> {
  const costs: Record<keyof StageCost, number> = { none: Infinity, five: Infinity, filter: Infinity };
  for (let round = 0; round < ROUNDS; round += 1) {
    // In turn, so that a busy moment of the machine meets all of them.
    for (const name of ['none', 'five', 'filter'] as const) {
      costs[name] = Math.min(costs[name], await microseconds(configurations[name]));
    }
  }
  return costs;
}

async function microseconds(transforms: GatewayOptions['transforms']): Promise<number> {
  const words = ['The', ' gate', 'house', ' of', ' the', ' close', ', built', ' in', ' 1360', '.'];
  const gateway = createGateway({
    providers: [
      defineProvider({
        slug: 'bench',
        name: 'Bench',
        models: [MODEL],
        async *generate() {
          for (let index = 0; index < EVENTS; index += 1) yield words[index % words.length] ?? '';
        },
      }),
    ],
    transforms,
  });
  const before = process.cpuUsage();
  for (let index = 0; index < STREAMS; index += 1) {
    const messages = [{ role: 'user' as const, content: 'Hello!' }];
    const stream = await gateway.chat({ model: MODEL, stream: true, messages });
    for await (const chunk of stream) if (chunk.error !== undefined) throw new Error(chunk.error.message);
  }
  const { user, system } = process.cpuUsage(before);
  await gateway.close();
  return (user + system) / (EVENTS * STREAMS);
}
