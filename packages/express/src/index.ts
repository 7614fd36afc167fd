export type { ExpressOptions } from './to-express.js';
export { toExpress } from './to-express.js';
export { toExpressErrorHandler } from './to-express-error-handler.js';
