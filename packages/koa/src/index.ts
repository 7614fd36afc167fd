export type { KoaOptions } from './to-koa.js';
export { toKoa } from './to-koa.js';
