import type { Model } from '../../catalog/model.js';
import { toModelEntry } from '../../catalog/model-entry.js';
import type { Exchange } from '../exchange.js';
import { json } from '../render.js';
import type { HttpResponse } from '../types.js';
import { type ModelQuery, parseModelQuery } from './model-query.js';
import { selectModels } from './select-models.js';

/** GET /models */
export function listModels(exchange: Exchange): HttpResponse {
  const { services, request } = exchange;
  const query = parseModelQuery(request.query);
  const found = selectModels(usableModels(exchange), query, services.clock.now());
  const { offset, limit = found.length } = query;
  const data = found.slice(offset, offset + limit).map(toModelEntry);
  if (query.format === 'array') return json(200, data);
  return json(200, {
    object: 'list',
    data,
    total_count: found.length,
    links: { next: nextPage(request.query, query, found.length) },
    meta: { catalogue_date: services.catalog.date ?? null },
  });
}

/** GET /models/count */
export function countModels(exchange: Exchange): HttpResponse {
  const query = parseModelQuery(exchange.request.query);
  const found = selectModels(usableModels(exchange), query, exchange.services.clock.now());
  return json(200, { data: { count: found.length } });
}

/** The models that the caller may use. */
function usableModels({ services, caller }: Exchange): readonly Model[] {
  return services.catalog.list().filter((model) => caller.mayUse(model.id));
}

/** The query of the next page, or null on the last one. */
function nextPage(given: string, { offset, limit }: ModelQuery, total: number): string | null {
  if (limit === undefined || offset + limit >= total) return null;
  const params = new URLSearchParams(given);
  params.set('offset', String(offset + limit));
  params.set('limit', String(limit));
  return `?${params.toString()}`;
}
