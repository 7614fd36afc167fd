/** The floor: a proxy that adds the provider's key and looks at nothing. Bytes are piped both ways with backpressure. */
import type { IncomingMessage } from 'node:http';
import { Pool } from 'undici';
import { serve, setting } from './serve.js';

const pool = new Pool(setting('BENCH_UPSTREAM'), { headersTimeout: 0, bodyTimeout: 0 });

serve((request, response) => {
  pool
    .stream(
      {
        method: 'POST',
        path: '/v1/chat/completions',
        headers: outboundHeaders(request),
        body: request,
        opaque: response,
      },
      ({ statusCode, headers }) => {
        response.writeHead(statusCode, headers);
        return response;
      },
    )
    .catch(() => response.destroy());
});

function outboundHeaders(request: IncomingMessage): Record<string, string> {
  const { 'content-type': type = 'application/json', 'content-length': length } = request.headers;
  const headers: Record<string, string> = { 'content-type': type, authorization: 'Bearer upstream-key' };
  if (length !== undefined) headers['content-length'] = length;
  return headers;
}
