import { GatewayError } from '../errors.js';
import type { WantedScopes } from './caller-directory.js';
import { getActivity } from './endpoints/activity.js';
import { chatCompletions } from './endpoints/chat-completions.js';
import { getCredits } from './endpoints/credits.js';
import { currentKey } from './endpoints/current-key.js';
import { explainRoute } from './endpoints/explain-route.js';
import { getGeneration } from './endpoints/generation.js';
import { getModel } from './endpoints/get-model.js';
import { changeKey, createKey, deleteKey, getKey, listKeys } from './endpoints/keys.js';
import { listEndpoints } from './endpoints/list-endpoints.js';
import { countModels, listModels } from './endpoints/list-models.js';
import { listProviders } from './endpoints/list-providers.js';
import { getUsage } from './endpoints/usage.js';
import type { Endpoint } from './exchange.js';

/** One line of the API. */
interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Segments; `:name` takes one, `*name` takes all that are left, at least one. */
  readonly path: string;
  /** Any one of these; none: any valid key. */
  readonly scope: WantedScopes;
  /** Open to callers without a key where the host publishes its models. */
  readonly publishable?: true;
  readonly endpoint: Endpoint;
}

/** The whole API. Authorisation looks at the matched line and never again at a path. */
const routes: readonly Route[] = [
  { method: 'POST', path: '/chat/completions', scope: 'chat', endpoint: chatCompletions },
  { method: 'POST', path: '/route/explain', scope: 'route:explain', endpoint: explainRoute },
  { method: 'GET', path: '/models', scope: 'models:read', publishable: true, endpoint: listModels },
  { method: 'GET', path: '/models/user', scope: 'models:read', publishable: true, endpoint: listModels },
  { method: 'GET', path: '/models/count', scope: 'models:read', publishable: true, endpoint: countModels },
  { method: 'GET', path: '/providers', scope: 'models:read', publishable: true, endpoint: listProviders },
  // Before the look-up of one model, whose path takes every segment that is left.
  {
    method: 'GET',
    path: '/models/:author/:slug/endpoints',
    scope: 'models:read',
    publishable: true,
    endpoint: listEndpoints,
  },
  { method: 'GET', path: '/models/:model/endpoints', scope: 'models:read', publishable: true, endpoint: listEndpoints },
  { method: 'GET', path: '/models/*model', scope: 'models:read', publishable: true, endpoint: getModel },
  { method: 'GET', path: '/model/*model', scope: 'models:read', publishable: true, endpoint: getModel },
  { method: 'GET', path: '/key', scope: [], endpoint: currentKey },
  { method: 'GET', path: '/auth/key', scope: [], endpoint: currentKey },
  ...['/keys', '/auth/keys'].flatMap((path): readonly Route[] => [
    { method: 'POST', path, scope: 'keys:write', endpoint: createKey },
    { method: 'GET', path, scope: 'keys:read', endpoint: listKeys },
    { method: 'GET', path: `${path}/:key_id`, scope: 'keys:read', endpoint: getKey },
    { method: 'PATCH', path: `${path}/:key_id`, scope: 'keys:write', endpoint: changeKey },
    { method: 'DELETE', path: `${path}/:key_id`, scope: 'keys:write', endpoint: deleteKey },
  ]),
  { method: 'GET', path: '/credits', scope: 'credits:read', endpoint: getCredits },
  { method: 'GET', path: '/usage', scope: ['usage:read', 'usage:own'], endpoint: getUsage },
  { method: 'GET', path: '/activity', scope: 'usage:read', endpoint: getActivity },
  { method: 'GET', path: '/generation', scope: ['usage:read', 'usage:own'], endpoint: getGeneration },
];

/** A route and the parameters of its path, percent-decoded. */
interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

const compiled = routes.map((route) => ({ route, pattern: route.path.slice(1).split('/') }));

/** Paths without parameters are matched once and for all. */
const literal: ReadonlyMap<string, readonly Match[]> = new Map(
  routes.filter(({ path }) => !/[:*]/.test(path)).map(({ path }) => [path, matchPath(path)]),
);

/** What a request asks for: a route, or nothing that the gateway has. */
type Found =
  | { readonly kind: 'route'; readonly match: Match }
  | { readonly kind: 'options'; readonly allow: string }
  | { readonly kind: 'unhandled'; readonly error: GatewayError };

/**
 * Finds the route of a request. HEAD is served by GET. A trailing slash is tolerated, nothing else is.
 *
 * @throws GatewayError `invalid_request` for broken percent-encoding.
 */
export function findRoute(method: string, path: string): Found {
  const matches = literal.get(path) ?? matchPath(path);
  if (matches.length === 0) return { kind: 'unhandled', error: new GatewayError('not_found', 'no such route') };
  const wanted = method === 'HEAD' ? 'GET' : method;
  const match = matches.find((one) => one.route.method === wanted);
  if (match !== undefined) return { kind: 'route', match };
  const allow = allowed(matches.map(({ route }) => route));
  if (method === 'OPTIONS') return { kind: 'options', allow };
  const message = `expected one of the methods ${allow}`;
  return { kind: 'unhandled', error: new GatewayError('method_not_allowed', message, { headers: { allow } }) };
}

/** Every route that has this path, whatever the method. */
function matchPath(path: string): readonly Match[] {
  const segments = decode(path);
  return compiled.flatMap(({ route, pattern }) => {
    const params = matchSegments(pattern, segments);
    return params === undefined ? [] : [{ route, params }];
  });
}

/** The `Allow` header of some routes. */
function allowed(found: readonly Route[]): string {
  const methods = new Set(found.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])));
  return [...methods, 'OPTIONS'].join(', ');
}

function decode(path: string): readonly string[] {
  const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  try {
    return trimmed.slice(1).split('/').map(decodeURIComponent);
  } catch {
    throw new GatewayError('invalid_request', 'the path has broken percent-encoding');
  }
}

function matchSegments(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = Object.create(null);
  for (const [position, expected] of pattern.entries()) {
    const segment = segments[position];
    if (segment === undefined || segment === '') return undefined;
    if (expected.startsWith('*')) {
      const rest = segments.slice(position);
      if (rest.includes('')) return undefined;
      params[expected.slice(1)] = rest.join('/');
      return params;
    }
    if (expected.startsWith(':')) params[expected.slice(1)] = segment;
    else if (segment !== expected) return undefined;
  }
  return segments.length === pattern.length ? params : undefined;
}
