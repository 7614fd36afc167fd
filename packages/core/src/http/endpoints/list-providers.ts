import type { Exchange } from '../exchange.js';
import { json } from '../render.js';
import type { HttpResponse } from '../types.js';

/** GET /providers */
export function listProviders({ services }: Exchange): HttpResponse {
  const data = services.catalog.providers.map(({ name, slug }) => ({
    name,
    slug,
    privacy_policy_url: null,
    terms_of_service_url: null,
    status_page_url: null,
    headquarters: null,
    datacenters: null,
  }));
  return json(200, { data });
}
