import { fetchListener } from '../tools/hosts.js';
import { describeHost } from './describe-host.js';

describeHost({
  name: 'gateway.fetch',
  parsers: [],
  mounts: ['/api/v1', '/', '/v1'],
  // A fetch function answers whatever it is given: there is nobody else in the process to ask.
  middleware: false,
  mount: (gateway) => fetchListener(gateway),
});
