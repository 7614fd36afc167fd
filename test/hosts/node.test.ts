import type { RequestListener } from 'node:http';
import { toNodeHandler } from '@gatehouse/node';
import { describeHost } from './describe-host.js';

describeHost({
  name: 'node:http',
  parsers: [],
  middleware: true,
  mounts: ['/api/v1', '/', '/v1'],
  mount(gateway, { at, unhandled, identify }): RequestListener {
    const handler = toNodeHandler(gateway, {
      prefix: at === '/' ? '' : at,
      unhandled,
      identify:
        identify &&
        ((request) => {
          const user = request.headers['x-host-user'];
          return identify(typeof user === 'string' ? user : undefined);
        }),
    });
    return (request, response) =>
      handler(request, response, () => {
        response.writeHead(299);
        response.end('the host itself');
      });
  },
});
