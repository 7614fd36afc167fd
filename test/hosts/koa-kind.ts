import type { RequestListener } from 'node:http';
import { toKoa } from '@gatehouse/koa';
import { bodyParser as currentBodyParser } from '@koa/bodyparser';
import Router from '@koa/router';
import type Koa from 'koa';
import olderBodyParser from 'koa-bodyparser';
import koaMount from 'koa-mount';
import type { HostKind } from './host-kind.js';

/** Koa of some major. */
export function koaKind(name: string, framework: typeof Koa): HostKind {
  const parsers: Record<string, () => Koa.Middleware> = {
    'koa-bodyparser': () => olderBodyParser({ jsonLimit: '250kb' }),
    '@koa/bodyparser': () => currentBodyParser({ jsonLimit: '250kb' }),
  };
  return {
    name,
    parsers: Object.keys(parsers),
    middleware: true,
    mounts: ['/api/v1', '/', '/v1', '/mounted/v1', '/router/v1'],
    mount(gateway, { at, parser, unhandled, identify }): RequestListener {
      const app = new framework();
      // Errors of parsers are the host's; they are expected here and not worth a stack on the screen.
      app.silent = true;
      const parse = parser === undefined ? undefined : parsers[parser];
      if (parse !== undefined) app.use(parse());
      const options = {
        unhandled,
        identify: identify && ((context: Koa.Context) => identify(context.get('x-host-user') || undefined)),
      };
      if (at.startsWith('/mounted')) {
        app.use(koaMount(at, toKoa(gateway, options)));
      } else if (at.startsWith('/router')) {
        const router = new Router();
        router.all(`${at}/{*path}`, toKoa(gateway, { ...options, prefix: at }));
        app.use(router.routes());
      } else {
        app.use(toKoa(gateway, { ...options, prefix: at === '/' ? '' : at }));
      }
      app.use((context) => {
        context.status = 299;
        context.body = 'the host itself';
      });
      return app.callback();
    },
  };
}
