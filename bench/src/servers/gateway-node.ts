/** The gateway on node:http. */
import { toNodeHandler } from '@gatehouse/node';
import { benchGateway } from './bench-gateway.js';
import { serve } from './serve.js';

serve(toNodeHandler(await benchGateway()));
