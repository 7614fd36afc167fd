import { parseChat } from '../../wire/parse-chat.js';
import { attributionOf } from '../attribution.js';
import { readJsonBody } from '../body.js';
import type { Exchange } from '../exchange.js';
import { plainHeaders } from '../headers.js';
import { json } from '../render.js';
import type { HttpResponse } from '../types.js';

/** POST /route/explain */
export async function explainRoute({ request, requestId, services, caller }: Exchange): Promise<HttpResponse> {
  const parsed = parseChat(await readJsonBody(request, services.bodyLimits, services.clock));
  const attribution = attributionOf(request, parsed.request.metadata, caller);
  const origin = { requestId, attribution, headers: () => plainHeaders(request) };
  return json(200, { data: services.explain(parsed, caller, origin) });
}
