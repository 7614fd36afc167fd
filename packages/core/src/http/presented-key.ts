import { GatewayError } from '../errors.js';
import type { HttpRequest } from './types.js';

const BEARER = /^Bearer +([\x21-\x7e]{1,256}) *$/i;
/** Two headers as Web requests show them: joined. */
const JOINED = /^[A-Za-z]+ +[^\s,]+, [A-Za-z]+ +\S+$/;
const MAX_HEADER = 512;

/**
 * The key of a request; `Authorization` counts before `x-api-key`.
 *
 * @throws GatewayError `invalid_request` for two `Authorization` headers, `invalid_api_key` for what is no key.
 */
export function presentedKey(request: HttpRequest): string | undefined {
  const { authorization, 'x-api-key': apiKey } = request.headers;
  const several = Array.isArray(authorization) && authorization.length > 1;
  const given = Array.isArray(authorization) ? authorization[0] : authorization;
  const isShort = typeof given === 'string' && given.length <= MAX_HEADER;
  if (several || (isShort && JOINED.test(given))) {
    throw new GatewayError('invalid_request', 'Authorization: expected one header');
  }
  if (typeof given === 'string' && given !== '') {
    const match = isShort ? BEARER.exec(given) : null;
    if (match?.[1] === undefined) throw unauthorized('malformed', 'Authorization: expected `Bearer <key>`');
    return match[1];
  }
  if (apiKey === undefined || apiKey === '') return undefined;
  if (typeof apiKey !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(apiKey)) {
    throw unauthorized('malformed', 'x-api-key: expected one key');
  }
  return apiKey;
}

/** A key that opens nothing, and why. */
export function unauthorized(
  reason: 'missing' | 'malformed' | 'unknown' | 'disabled' | 'expired',
  message: string,
): GatewayError {
  return new GatewayError('invalid_api_key', message, {
    metadata: { reason },
    headers: { 'www-authenticate': 'Bearer' },
  });
}
