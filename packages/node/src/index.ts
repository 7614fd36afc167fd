export { answersEarly, linger } from './linger.js';
export type { Located, NodeRequest } from './to-http-request.js';
export { toHttpRequest } from './to-http-request.js';
export type { NodeHandler, NodeHandlerOptions } from './to-node-handler.js';
export { toNodeHandler } from './to-node-handler.js';
export { toNodeServer } from './to-node-server.js';
