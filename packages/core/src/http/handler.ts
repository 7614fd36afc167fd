import { toGatewayError } from '../errors.js';
import { codeFormFor } from '../wire/problem.js';
import type { Exchange, Services } from './exchange.js';
import { header } from './headers.js';
import { problem } from './render.js';
import { findRoute } from './routes.js';
import type { HttpHandler, HttpRequest, HttpResponse } from './types.js';

const CLIENT_REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** Headers of every answer; a stream has its own `cache-control`. */
const ALWAYS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** The gateway's HTTP surface: match, authenticate, answer, render. Total: it never rejects. */
export function createHandler(services: Services): HttpHandler {
  return async (request) => {
    const requestId = requestIdOf(request, services);
    const headers: Record<string, string> = { 'x-request-id': requestId };
    let response: HttpResponse;
    try {
      response = await answer(request, requestId, headers, services);
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (error.code === 'internal_error') services.report(error, requestId);
      response = problem(error, codeFormOf(request, services));
    }
    return { ...response, headers: { ...ALWAYS, ...headers, ...response.headers } };
  };
}

async function answer(
  request: HttpRequest,
  requestId: string,
  headers: Record<string, string>,
  services: Services,
): Promise<HttpResponse> {
  const found = findRoute(request.method, request.path);
  if (found.kind === 'options') return { status: 204, headers: { allow: found.allow }, body: '', unhandled: true };
  if (found.kind === 'unhandled') return { ...problem(found.error, codeFormOf(request, services)), unhandled: true };
  const { route, params } = found.match;
  services.refuseWhileDraining();
  const caller = await services.directory.authenticate(request, route.scope, route.publishable === true);
  const allowance = await services.admit(caller);
  const exchange: Exchange = {
    request,
    requestId,
    caller,
    allowance,
    params,
    codeForm: codeFormOf(request, services),
    services,
    headers,
  };
  if (allowance === undefined) return route.endpoint(exchange);
  try {
    return await route.endpoint(exchange);
  } finally {
    Object.assign(headers, allowance.headers());
  }
}

function requestIdOf(request: HttpRequest, services: Services): string {
  const given = header(request, 'x-request-id');
  return given !== undefined && CLIENT_REQUEST_ID.test(given) ? given : services.newRequestId();
}

function codeFormOf(request: HttpRequest, services: Services): ReturnType<typeof codeFormFor> {
  return codeFormFor(services.errorCode, header(request, 'x-error-code'), header(request, 'user-agent'));
}
