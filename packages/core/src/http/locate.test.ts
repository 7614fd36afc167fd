import { describe, expect, it } from 'vitest';
import { locate } from './locate.js';

describe('locate', () => {
  it.each([
    ['/api/v1/models?x=1&y=2', '/api/v1', { path: '/models', query: 'x=1&y=2' }],
    ['/api/v1', '/api/v1', { path: '/', query: '' }],
    ['/api/v1?x', '/api/v1/', { path: '/', query: 'x' }],
    ['/models', '', { path: '/models', query: '' }],
    ['/models', '/', { path: '/models', query: '' }],
    ['/api/v1/a%2Fb', '/api/v1', { path: '/a%2Fb', query: '' }],
    ['/api/v10/models', '/api/v1', undefined],
    ['/other', '/api/v1', undefined],
  ])('%s below %j', (url, prefix, expected) => {
    expect(locate(url, prefix)).toEqual(expected);
  });
});
