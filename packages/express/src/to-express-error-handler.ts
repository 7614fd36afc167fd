import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, type Gateway, GatewayError } from '@gatehouse/core';
import { toNodeHandler } from '@gatehouse/node';

/** What body-parser calls its errors (`err.type`), in the gateway's words. */
const codes: ReadonlyMap<unknown, { readonly code: ErrorCode; readonly message: string }> = new Map([
  ['entity.parse.failed', { code: 'invalid_request' as const, message: 'expected a valid JSON body' }],
  ['entity.verify.failed', { code: 'invalid_request' as const, message: 'the body was not accepted' }],
  ['entity.too.large', { code: 'payload_too_large' as const, message: 'the body is over the limit of the host' }],
  ['encoding.unsupported', { code: 'unsupported_media_type' as const, message: 'Content-Encoding: not supported' }],
  ['charset.unsupported', { code: 'unsupported_media_type' as const, message: 'charset: expected utf-8' }],
  ['request.size.invalid', { code: 'invalid_request' as const, message: 'Content-Length does not fit the body' }],
]);

/**
 * Answers errors of Express's body parsers in the gateway's JSON, where a parser stands before the gateway. Mount it at
 * the same path; every other error is passed on.
 *
 * @example
 * app.use(express.json());
 * app.use('/api/v1', toExpress(gateway), toExpressErrorHandler(gateway));
 */
export function toExpressErrorHandler(
  gateway: Pick<Gateway, 'handle'>,
): (error: unknown, request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void {
  return (error, request, response, next) => {
    const known = typeof error === 'object' && error !== null && 'type' in error ? codes.get(error.type) : undefined;
    if (known === undefined || response.headersSent) {
      next(error);
      return;
    }
    const { code, message } = known;
    const body = { kind: 'stream' as const, chunks: failing(new GatewayError(code, message)) };
    // The request goes its ordinary way through the gateway, and there its body fails as the parser failed.
    toNodeHandler({ handle: (described) => gateway.handle({ ...described, body }) })(request, response, next);
  };
}

/** A body that cannot be read. */
function failing(error: GatewayError): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}
