import type { RequestListener } from 'node:http';
import { toExpress, toExpressErrorHandler } from '@gatehouse/express';
import type express from 'express';
import type { HostKind, MountOptions } from './host-kind.js';

/** Express of some major. */
export function expressKind(name: string, framework: typeof express): HostKind {
  const parsers: Record<string, () => ReturnType<typeof express.json>> = {
    'express.json': () => framework.json({ limit: '250kb' }),
    'express.raw': () => framework.raw({ type: 'application/json', limit: '1mb' }),
    'express.text': () => framework.text({ type: 'application/json', limit: '1mb' }),
    'express.urlencoded': () => framework.urlencoded({ extended: true }),
  };
  return {
    name,
    parsers: Object.keys(parsers),
    middleware: true,
    mounts: ['/api/v1', '/', '/v1', '/outer/inner/v1'],
    mount(gateway, options): RequestListener {
      const app = framework();
      const parser = options.parser === undefined ? undefined : parsers[options.parser];
      if (parser !== undefined) app.use(parser());
      const handlers = [toExpress(gateway, hostOptions(options))] as const;
      if (options.at.startsWith('/outer')) {
        const inner = framework.Router();
        inner.use('/inner/v1', ...handlers, toExpressErrorHandler(gateway));
        app.use('/outer', inner);
      }
      app.use(options.at, ...handlers, toExpressErrorHandler(gateway));
      app.use((_request, response) => {
        response.status(299).send('the host itself');
      });
      return app;
    },
  };
}

function hostOptions({ unhandled, identify }: MountOptions): Parameters<typeof toExpress>[1] {
  return {
    unhandled,
    identify: identify && ((request) => identify(request.get('x-host-user'))),
  };
}
