import type { Endpoint, Model } from '../../catalog/model.js';
import { toModelEntry, toPricing } from '../../catalog/model-entry.js';
import type { ModelEndpoint } from '../../wire/models.js';
import type { EndpointFigures, Exchange } from '../exchange.js';
import { json } from '../render.js';
import type { HttpResponse } from '../types.js';
import { findModel } from './find-model.js';

/** Health in the wire's words: 0 well, -1 degraded, -5 down. */
const STATUS: Readonly<Record<EndpointFigures['state'], 0 | -1 | -5>> = {
  closed: 0,
  probe: -1,
  cooling: -1,
  open: -5,
  barred: -5,
};

/** GET /models/{author}/{slug}/endpoints */
export function listEndpoints(exchange: Exchange): HttpResponse {
  const model = findModel(exchange);
  const { id, name, created, description, architecture } = toModelEntry(model);
  const endpoints = model.endpoints.map((endpoint) =>
    toModelEndpoint(model, endpoint, exchange.services.figures(endpoint)),
  );
  return json(200, { data: { id, name, created, description, architecture, endpoints } });
}

function toModelEndpoint(model: Model, endpoint: Endpoint, figures: EndpointFigures): ModelEndpoint {
  const { provider, price } = endpoint;
  const { parameters } = endpoint;
  const choice = parameters.includes('tool_choice');
  return {
    name: `${provider.name} | ${model.id}`,
    model_id: model.id,
    model_name: model.facts.name ?? model.id,
    provider_name: provider.name,
    tag: provider.slug,
    context_length: endpoint.contextLength ?? 0,
    max_completion_tokens: endpoint.maxCompletionTokens ?? null,
    max_prompt_tokens: null,
    quantization: endpoint.quantization ?? null,
    supported_parameters: parameters,
    supports_implicit_caching: price?.rates.input_cache_read !== undefined,
    supports_tool_choice: { auto: choice, none: choice, required: choice, function: choice },
    pricing: toPricing(price),
    // Nobody can be sent to an endpoint whose price nobody knows.
    status: price === undefined ? -5 : STATUS[figures.state],
    uptime_last_5m: figures.uptime5m ?? null,
    uptime_last_30m: figures.uptime30m ?? null,
    uptime_last_1d: null,
    latency_last_30m: figures.latency ?? null,
    throughput_last_30m: figures.throughput ?? null,
  };
}
