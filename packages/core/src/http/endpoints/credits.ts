import type { Exchange } from '../exchange.js';
import { wordParam } from '../query.js';
import { json } from '../render.js';
import type { HttpResponse } from '../types.js';

/** GET /credits */
export async function getCredits({ request, services, caller }: Exchange): Promise<HttpResponse> {
  const format = wordParam(new URLSearchParams(request.query), 'format', ['json', 'number']);
  const credits = await services.credits.read(caller.account);
  return json(200, format === 'number' ? credits.balance : { data: credits, balance: credits.balance });
}
