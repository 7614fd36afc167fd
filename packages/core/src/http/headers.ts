import type { HttpRequest } from './types.js';

/** A request header that may be given once; a repeated one reads as its first value. */
export function header(request: HttpRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' || value === undefined ? value : value[0];
}
