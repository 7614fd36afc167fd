import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server on this machine that answers as llama.cpp would, without a model, so that the example runs anywhere. */
export async function startStandIn(): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (piece: string) => {
      body += piece;
    });
    request.on('end', () => {
      const { prompt, stream } = JSON.parse(body) as { readonly prompt: string; readonly stream: boolean };
      const words = `[no model] The prompt had ${prompt.length} characters.`.split(/(?<= )/);
      const last = {
        stop: true,
        stop_type: 'eos',
        tokens_evaluated: prompt.length >> 2,
        tokens_predicted: words.length,
      };
      if (!stream) {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ content: words.join(''), ...last }));
        return;
      }
      response.setHeader('content-type', 'text/event-stream');
      for (const content of words) response.write(`data: ${JSON.stringify({ content, stop: false })}\n\n`);
      response.end(`data: ${JSON.stringify({ content: '', ...last })}\n\n`);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
