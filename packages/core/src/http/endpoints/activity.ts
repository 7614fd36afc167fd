import { toUsageList } from '../../accounting/usage-list.js';
import { GatewayError } from '../../errors.js';
import type { UsageQuery } from '../../stores/types.js';
import { windowsOf } from '../../stores/windows.js';
import { fieldError } from '../../wire/validation-error.js';
import type { Exchange } from '../exchange.js';
import { wordParam } from '../query.js';
import { json } from '../render.js';
import type { HttpResponse } from '../types.js';
import { dayParam } from './usage-query.js';

const DAY_MS = 86_400_000;
const DAYS = 30;
/** Lines of thirty days, of more models and endpoints than anybody has. */
const MOST_ROWS = 1_000_000;

/** GET /activity: the last thirty completed days, newest first. */
export async function getActivity({ request, services, caller }: Exchange): Promise<HttpResponse> {
  const params = new URLSearchParams(request.query);
  const byWorkspace = wordParam(params, 'group_by', ['workspace']) !== undefined;
  const { account } = caller;
  checkWorkspace(params.get('workspace_id'), account);
  const key = params.get('api_key_hash') ?? '';
  const user = params.get('user_id') ?? '';
  const query: UsageQuery = {
    account,
    ...daysOf(params, services.clock.now()),
    granularity: 'day',
    groupBy: ['model', 'provider', 'endpoint'],
    keys: key === '' ? undefined : [key.toLowerCase()],
    users: user === '' ? undefined : [user],
    limit: MOST_ROWS,
    offset: 0,
  };
  const { data } = toUsageList(query, await services.usage(query));
  const items = data.map((item) => ({
    date: item.date,
    model: item.model,
    model_permaslug: item.model_permaslug,
    endpoint_id: item.endpoint_id,
    provider_name: item.provider_name,
    usage: item.usage,
    byok_usage_inference: 0,
    requests: item.requests,
    prompt_tokens: item.prompt_tokens,
    completion_tokens: item.completion_tokens,
    reasoning_tokens: item.reasoning_tokens,
    ...(byWorkspace && { workspace_id: account }),
  }));
  return json(200, { data: items.sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0)) });
}

function daysOf(params: URLSearchParams, now: number): Pick<UsageQuery, 'start' | 'end'> {
  const end = windowsOf(now).day;
  const start = end - DAYS * DAY_MS;
  const day = dayParam(params, 'date');
  if (day === undefined) return { start, end };
  if (day < start || day >= end) throw fieldError('date', `expected one of the last ${DAYS} completed days`);
  return { start: day, end: day + DAY_MS };
}

function checkWorkspace(given: string | null, account: string): void {
  if (given === null || given === '' || given === account) return;
  throw new GatewayError('not_found', 'there is no such workspace');
}
