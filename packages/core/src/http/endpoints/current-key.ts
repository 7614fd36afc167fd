import { limitFields, toKeyObject, usageFields } from '../../accounting/key-object.js';
import type { KeyObject } from '../../wire/account.js';
import type { Caller } from '../caller.js';
import type { Exchange } from '../exchange.js';
import { json } from '../render.js';
import type { HttpResponse } from '../types.js';

/** GET /key */
export async function currentKey({ services, caller }: Exchange): Promise<HttpResponse> {
  const { spender, rates, scopes } = caller;
  const found = await services.spending(spender === undefined ? [] : [spender]);
  const spending = spender === undefined ? undefined : found.get(spender);
  const now = services.clock.now();
  const known = caller.record === undefined ? toKeyLike(caller) : toKeyObject(caller.record, spending, now);
  const manages = scopes.has('keys:write');
  const { requestsPerMinute = -1, tokensPerMinute = -1 } = rates;
  return json(200, {
    data: {
      ...known,
      ...limitFields({ limit: caller.limit?.amount, limitReset: caller.limit?.reset }, spending, now),
      ...usageFields(spending),
      is_free_tier: false,
      is_management_key: manages,
      is_provisioning_key: manages,
      organization_id: null,
      allowed_data_regions: ['global'],
      free_model_daily_requests: { limit: -1, used: 0, remaining: -1 },
      rate_limit: {
        requests: requestsPerMinute,
        interval: '1m',
        note: 'Use requests_per_minute and tokens_per_minute; -1 stands for no limit.',
        requests_per_minute: requestsPerMinute,
        tokens_per_minute: tokensPerMinute,
      },
    },
  });
}

/** A caller of the host, or a key of its configuration, with what can be said of it. */
function toKeyLike({
  keyHash,
  label,
  scopes,
  models,
  tags,
  transforms,
  account,
}: Caller): Partial<Record<keyof KeyObject, unknown>> {
  return {
    hash: keyHash ?? null,
    id: keyHash ?? null,
    name: label,
    label,
    disabled: false,
    scopes: [...scopes],
    include_byok_in_limit: false,
    models: models[0] ?? null,
    tags,
    transforms,
    metadata: {},
    created_at: null,
    updated_at: null,
    last_used_at: null,
    expires_at: null,
    created_by: null,
    creator_user_id: null,
    external_user: null,
    workspace_id: account,
  };
}
