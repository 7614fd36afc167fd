import type { Model } from '../../catalog/model.js';
import { GatewayError, toGatewayError } from '../../errors.js';
import type { Exchange } from '../exchange.js';

/** Suffixes that say how to route, not which model is meant. */
const ROUTING_VARIANTS = /(?::(?:nitro|floor|exacto|online|thinking))+$/;

/** The model that a path names. In a look-up an unknown model is a missing thing, not a bad request. */
export function findModel({ services, caller, params }: Exchange): Model {
  const { author, slug } = params;
  const name = (params['model'] ?? `${author}/${slug}`).replace(ROUTING_VARIANTS, '');
  let model: Model;
  try {
    model = services.catalog.resolve(name);
  } catch (thrown) {
    const error = toGatewayError(thrown);
    throw error.code === 'model_ambiguous' ? error : notFound(name);
  }
  if (!caller.mayUse(model.id)) throw notFound(name);
  return model;
}

function notFound(name: string): GatewayError {
  return new GatewayError('not_found', `no model ${name.slice(0, 100)}`);
}
