import { toGenerationObject } from '../../accounting/generation-object.js';
import { GatewayError } from '../../errors.js';
import { fieldError } from '../../wire/validation-error.js';
import type { Exchange } from '../exchange.js';
import { json } from '../render.js';
import type { HttpResponse } from '../types.js';

const LONGEST_ID = 128;
/** A record that is not there yet may be there by then. */
const SOON_MS = 1000;
/** As long as a hold may live, the record of a request may still come. */
const PENDING_SECONDS = 900;
const MADE_HERE = /^gen-(\d{1,12})-/;

/** GET /generation */
export async function getGeneration({ request, services, caller }: Exchange): Promise<HttpResponse> {
  const id = new URLSearchParams(request.query).get('id') ?? '';
  if (id === '' || id.length > LONGEST_ID)
    throw fieldError('id', `expected the id of a generation, 1 to ${LONGEST_ID} characters`);
  const record = await services.generation(id, caller.account);
  const isOwn = record !== undefined && record.key === caller.spender;
  if (record !== undefined && (isOwn || caller.scopes.has('usage:read'))) {
    return json(200, { data: toGenerationObject(record) });
  }
  const madeAt = Number(MADE_HERE.exec(id)?.[1] ?? 0);
  const isPending = services.clock.now() / 1000 - madeAt < PENDING_SECONDS;
  throw new GatewayError('not_found', 'there is no such generation', {
    retryAfterMs: record === undefined && isPending ? SOON_MS : undefined,
  });
}
