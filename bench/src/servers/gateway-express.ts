/** The gateway mounted in Express. */
import { toExpress } from '@gatehouse/express';
import express from 'express';
import { benchGateway } from './bench-gateway.js';
import { serve } from './serve.js';

const app = express();
app.use(toExpress(await benchGateway()));
serve(app);
