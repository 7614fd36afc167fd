import { fieldError } from '../../wire/validation-error.js';
import { readJsonBody } from '../body.js';
import { authorityOf } from '../caller.js';
import type { Exchange } from '../exchange.js';
import { flagParam, wholeParam } from '../query.js';
import { json } from '../render.js';
import type { HttpResponse } from '../types.js';

const HASH = /^[0-9a-f]{64}$/i;
const PAGE = 100;

/** POST /auth/keys */
export async function createKey({ request, services, caller }: Exchange): Promise<HttpResponse> {
  const body = await readJsonBody(request, services.bodyLimits, services.clock);
  return json(201, await services.keys.create(authorityOf(caller), body));
}

/** GET /keys */
export async function listKeys({ request, services, caller }: Exchange): Promise<HttpResponse> {
  const params = new URLSearchParams(request.query);
  const found = await services.keys.list({
    account: caller.account,
    includeDisabled: flagParam(params, 'include_disabled') ?? false,
    tag: params.get('tag') ?? undefined,
    offset: wholeParam(params, 'offset', 0, Number.MAX_SAFE_INTEGER) ?? 0,
    limit: wholeParam(params, 'limit', 1, PAGE) ?? PAGE,
  });
  return json(200, found);
}

/** GET /keys/:key_id */
export async function getKey({ params, services, caller }: Exchange): Promise<HttpResponse> {
  return json(200, { data: await services.keys.read(caller.account, keyHash(params)) });
}

/** PATCH /keys/:key_id */
export async function changeKey({ request, params, services, caller }: Exchange): Promise<HttpResponse> {
  const hash = keyHash(params);
  const body = await readJsonBody(request, services.bodyLimits, services.clock);
  return json(200, { data: await services.keys.change(authorityOf(caller), hash, body) });
}

/** DELETE /keys/:key_id */
export async function deleteKey({ params, services, caller }: Exchange): Promise<HttpResponse> {
  await services.keys.revoke(authorityOf(caller), keyHash(params));
  return json(200, { deleted: true });
}

/** What stands in the place of an id may be the key itself: it is not echoed. */
function keyHash(params: Exchange['params']): string {
  const hash = params['key_id'] ?? '';
  if (!HASH.test(hash)) throw fieldError('key_id', 'expected the 64 hexadecimal digits that `hash` of a key shows');
  return hash.toLowerCase();
}
