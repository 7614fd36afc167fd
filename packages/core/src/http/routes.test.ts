import { describe, expect, it } from 'vitest';
import { findRoute } from './routes.js';

function found(method: string, path: string): unknown {
  const result = findRoute(method, path);
  if (result.kind === 'route') return [result.match.route.path, { ...result.match.params }];
  return result.kind === 'options' ? result.allow : result.error.code;
}

describe('findRoute', () => {
  it.each([
    ['POST', '/chat/completions', ['/chat/completions', {}]],
    ['POST', '/chat/completions/', ['/chat/completions', {}]],
    ['GET', '/models', ['/models', {}]],
    ['HEAD', '/models', ['/models', {}]],
    ['GET', '/models/user', ['/models/user', {}]],
    ['GET', '/models/count', ['/models/count', {}]],
    ['GET', '/models/openai/gpt-4o', ['/models/*model', { model: 'openai/gpt-4o' }]],
    ['GET', '/models/openai%2Fgpt-4o', ['/models/*model', { model: 'openai/gpt-4o' }]],
    ['GET', '/model/ollama/llama3%3A8b', ['/model/*model', { model: 'ollama/llama3:8b' }]],
    ['OPTIONS', '/models', 'GET, HEAD, OPTIONS'],
    ['OPTIONS', '/chat/completions', 'POST, OPTIONS'],
    ['GET', '/chat/completions', 'method_not_allowed'],
    ['PUT', '/models/x', 'method_not_allowed'],
  ])('%s %s', (method, path, expected) => {
    expect(found(method, path)).toEqual(expected);
  });

  it.each([
    '/',
    '',
    '//',
    '/Models',
    '/models//',
    '//models',
    '/models//x',
    '/./models',
    '/../models',
    '/%2e%2e/models',
    '/chat',
    '/chat%2Fcompletions',
    '/chat/completions/x',
    '/__proto__',
    '/constructor',
  ])('has no route %s', (path) => {
    expect(found('GET', path)).toBe('not_found');
  });

  it('refuses broken percent-encoding', () => {
    expect(() => findRoute('GET', '/models/%')).toThrow(/percent-encoding/);
  });

  it('reads a path of 64 KiB at once', () => {
    expect(found('GET', `/${'a/'.repeat(32_768)}`)).toBe('not_found');
  });
});
