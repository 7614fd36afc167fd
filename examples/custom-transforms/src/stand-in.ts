import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A moderation service on this machine that flags one word, so that the example runs anywhere. */
export async function startStandIn(): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (piece: string) => {
      body += piece;
    });
    request.on('end', () => {
      const { input } = JSON.parse(body) as { readonly input: string };
      const flagged = /\bsabotage\b/i.test(input);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ flagged, categories: flagged ? ['sabotage'] : [] }));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/moderate`, server };
}
