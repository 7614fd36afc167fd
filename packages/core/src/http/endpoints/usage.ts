import { toUsageList } from '../../accounting/usage-list.js';
import { GatewayError } from '../../errors.js';
import type { UsageQuery } from '../../stores/types.js';
import type { UsageList } from '../../wire/account.js';
import type { Caller } from '../caller.js';
import { csv } from '../csv.js';
import type { Exchange } from '../exchange.js';
import { header } from '../headers.js';
import { wordParam } from '../query.js';
import { json } from '../render.js';
import type { HttpResponse } from '../types.js';
import { type ParsedUsageQuery, parseUsageQuery } from './usage-query.js';

/** Columns of each group, in their order. */
const GROUP_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  model: ['model', 'model_permaslug'],
  provider: ['provider_name'],
  key: ['key', 'key_label'],
  user: ['user'],
  app: ['app'],
  tag: ['tag'],
};

/** GET /usage */
export async function getUsage({ request, services, caller }: Exchange): Promise<HttpResponse> {
  const params = new URLSearchParams(request.query);
  const wanted = wordParam(params, 'format', ['json', 'csv']);
  const query = ownQuery(parseUsageQuery(params, services.clock.now()), caller);
  const list = toUsageList(query, await services.usage(query));
  const accepted = header(request, 'accept')?.toLowerCase().includes('text/csv') === true ? 'csv' : 'json';
  return (wanted ?? accepted) === 'csv' ? csv(columnsOf(list), list.data, 'usage.csv') : json(200, list);
}

/** A caller that may see only what is its own sees only that, whatever it asks for. */
function ownQuery(query: ParsedUsageQuery, { account, scopes, spender }: Caller): UsageQuery {
  if (scopes.has('usage:read')) return { ...query, account };
  if (spender !== undefined) return { ...query, account, keys: [spender] };
  throw new GatewayError('permission_denied', 'only callers with a name or a key have usage of their own', {
    metadata: { required_scope: 'usage:read' },
  });
}

function columnsOf({ summary, meta }: UsageList): readonly string[] {
  const groups = Object.keys(GROUP_COLUMNS).filter((group) => meta.group_by.includes(group));
  return ['date', ...Object.keys(summary), ...groups.flatMap((group) => GROUP_COLUMNS[group] ?? [])];
}
