import { createGateway, openaiCompatible } from '@gatehouse/core';

const MODELS = 300;
const PROVIDERS = 10;
const ROUNDS = 20_000;

/** What one plan costs, microseconds of CPU. */
export interface PlanningCost {
  /** Reading the request alone: what `explain` does before it plans. */
  readonly reading: number;
  /** Reading, planning and telling. */
  readonly explaining: number;
}

/** Plans a request for one of 300 models with ten candidates each, over and over. */
export async function measurePlanning(): Promise<PlanningCost> {
  const models = Array.from({ length: MODELS }, (_, index) => `acme/model-${index}`);
  const gateway = createGateway({
    providers: Array.from({ length: PROVIDERS }, (_, index) =>
      openaiCompatible({
        slug: `provider-${index}`,
        baseUrl: 'http://127.0.0.1:1/v1',
        models,
        pricing: { prompt: `0.00000${index + 1}`, completion: '0.000002' },
      }),
    ),
    catalog: { bundled: false },
  });
  const messages = [
    { role: 'user' as const, content: 'In one sentence: why do cathedral towns so often have a gatehouse?' },
  ];
  const explain = (round: number): unknown => gateway.explain({ model: models[round % MODELS], messages });
  const unknown = (round: number): unknown => {
    try {
      return gateway.explain({ model: `acme/unknown-${round % MODELS}`, messages });
    } catch (error) {
      return error;
    }
  };
  const cost = { reading: microseconds(unknown), explaining: microseconds(explain) };
  await gateway.close();
  return cost;
}

function microseconds(run: (round: number) => unknown): number {
  for (let round = 0; round < ROUNDS / 4; round += 1) run(round);
  const before = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round += 1) run(round);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / ROUNDS;
}
