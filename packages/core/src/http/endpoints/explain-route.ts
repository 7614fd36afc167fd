import { parseChat } from '../../wire/parse-chat.js';
import { readJsonBody } from '../body.js';
import type { Exchange } from '../exchange.js';
import { json } from '../render.js';
import type { HttpResponse } from '../types.js';

/** POST /route/explain */
export async function explainRoute({ request, services, caller }: Exchange): Promise<HttpResponse> {
  const parsed = parseChat(await readJsonBody(request, services.bodyLimits, services.clock));
  return json(200, { data: services.explain(parsed, caller) });
}
