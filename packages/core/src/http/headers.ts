import type { HttpRequest } from './types.js';

/** A request header that may be given once; a repeated one reads as its first value. */
export function header(request: HttpRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' || value === undefined ? value : value[0];
}

/** Headers by which somebody proves who they are. */
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'x-api-key']);

/** All headers as text, without credentials. */
export function plainHeaders({ headers }: Pick<HttpRequest, 'headers'>): Readonly<Record<string, string>> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || CREDENTIALS.has(name)) continue;
    plain[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return plain;
}
