/**
 * The path below a mount: `locate('/api/v1/models?x=1', '/api/v1')` is `{ path: '/models', query: 'x=1' }`; undefined
 * where the URL is not below the prefix. Percent-encoding is left alone. Prefixes match whole segments.
 */
export function locate(url: string, prefix: string): { readonly path: string; readonly query: string } | undefined {
  const mark = url.indexOf('?');
  const full = mark === -1 ? url : url.slice(0, mark);
  const query = mark === -1 ? '' : url.slice(mark + 1);
  const mount = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  if (!full.startsWith(mount)) return undefined;
  const path = full.slice(mount.length);
  if (path === '') return { path: '/', query };
  return path.startsWith('/') ? { path, query } : undefined;
}
