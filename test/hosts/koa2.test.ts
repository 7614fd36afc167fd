import Koa2 from 'koa2';
import { describeHost } from './describe-host.js';
import { koaKind } from './koa-kind.js';

describeHost(koaKind('Koa 2', Koa2));
