/** Earlier majors of the hosts, installed beside the current ones; for these tests their types are the same. */
declare module 'express4' {
  export { default } from 'express';
}
declare module 'koa2' {
  export { default } from 'koa';
}
