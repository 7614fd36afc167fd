import { connect } from 'node:net';
import { createGateway, type Gateway, openaiCompatible } from '@gatehouse/core';
import { toNodeHandler } from '@gatehouse/node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listen, type RunningHost } from '../tools/hosts.js';
import { ask, type WholeResponse } from '../tools/http-client.js';
import { completion, eventStream, failure, jsonAnswer, sse, textChunks } from '../tools/openai-answers.js';
import { type ScriptedUpstream, startUpstream } from '../tools/scripted-upstream.js';
import { KEY } from '../tools/stream-of.js';
import { end, head, write } from '../tools/upstream-steps.js';

const PROVIDER_KEY = 'provider-key-that-nobody-may-see';
const REDIRECTING = [
  'api_base',
  'base_url',
  'baseURL',
  'endpoint',
  'host',
  'url',
  'custom_host',
  'api_key',
  'headers',
  'extra_headers',
];

let upstream: ScriptedUpstream;
let elsewhere: ScriptedUpstream;
let gateway: Gateway;
let host: RunningHost;
beforeAll(async () => {
  upstream = await startUpstream();
  elsewhere = await startUpstream();
  gateway = createGateway({
    providers: [
      openaiCompatible({
        slug: 'acme',
        baseUrl: upstream.baseUrl,
        apiKey: PROVIDER_KEY,
        models: ['acme/small'],
        pricing: 'free',
      }),
    ],
    auth: { keys: [KEY] },
  });
  host = await listen(toNodeHandler(gateway, { prefix: '/api/v1' }));
});
afterAll(async () => {
  await host.close();
  await gateway.close();
  await upstream.close();
  await elsewhere.close();
});
beforeEach(() => {
  upstream.always(completion('Hello'));
  elsewhere.always(completion('from elsewhere'));
});

const question = { model: 'acme/small', messages: [{ role: 'user', content: 'hello' }] };
const chat = (body: unknown, headers: Record<string, string> = {}): Promise<WholeResponse> =>
  ask(`${host.origin}/api/v1/chat/completions`, {
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const lastRequest = (): ScriptedUpstream['requests'][number] => {
  const request = upstream.requests.at(-1);
  if (request === undefined) throw new Error('the upstream was not asked');
  return request;
};

describe('nothing that a client sends leads elsewhere', () => {
  it('base URLs at any depth neither move the request nor cross the gateway', async () => {
    const target = elsewhere.baseUrl;
    for (const name of REDIRECTING) {
      const smuggled = { [name]: target };
      const places: readonly object[] = [
        { ...question, ...smuggled },
        { ...question, extra_body: { deep: [{ deeper: { kept: 1, ...smuggled } }] } },
        { ...question, messages: [{ role: 'user', content: 'hello', ...smuggled }] },
        { ...question, messages: [{ role: 'user', content: [{ type: 'text', text: 'hello', ...smuggled }] }] },
        { ...question, metadata: { [name]: target } },
        { ...question, stream_options: { include_usage: true, ...smuggled } },
        { ...question, tools: [{ type: 'function', function: { name: 'f', ...smuggled }, ...smuggled }] },
      ];
      for (const body of places) {
        const answer = await chat(body);
        expect([name, answer.status]).toEqual([name, 200]);
        expect(lastRequest().body.toString()).not.toContain(target);
      }
    }
    expect(elsewhere.sockets).toHaveLength(0);
  });

  it('unknown fields go upstream, without the names that redirect', async () => {
    await chat({ ...question, guided_json: { type: 'object', url: 'x' }, top_k_extra: 3, host: 'x' });
    expect(lastRequest().json()).toEqual({
      model: 'small',
      messages: [{ role: 'user', content: 'hello' }],
      guided_json: { type: 'object' },
      top_k_extra: 3,
    });
  });

  it('redirects are not followed, and the credential is not sent on', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      upstream.always(head(status, { location: `${elsewhere.baseUrl}/chat/completions` }), end());
      const answer = await chat(question);
      expect([status, answer.status]).toEqual([status, 502]);
    }
    expect(elsewhere.sockets).toHaveLength(0);
  });

  it('the Host header and forwarding headers change nothing', async () => {
    await chat(question, { host: 'evil.test', 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https' });
    expect(lastRequest().headers['host']).toBe(`127.0.0.1:${upstream.port}`);
  });
});

describe('headers', () => {
  it('of the client do not cross, whatever they are called', async () => {
    const secrets = Object.fromEntries(
      [
        'cookie',
        'x-api-key',
        'x-goog-api-key',
        'api-key',
        'proxy-authorization',
        'x-amz-security-token',
        'x-csrf-token',
      ]
        .concat(['openai-organization', 'openai-project', 'anthropic-beta', 'http-referer', 'x-title', 'te'])
        .concat(Array.from({ length: 30 }, (_, number) => `x-secret-${number}`))
        .map((name) => [name, `secret-of-${name}`]),
    );
    await chat(question, secrets);
    const { headers, rawHeaders } = lastRequest();
    expect(rawHeaders.join('\n')).not.toContain('secret-of-');
    expect(Object.keys(headers).toSorted()).toEqual([
      'accept',
      'accept-encoding',
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
    ]);
    expect(headers['authorization']).toBe(`Bearer ${PROVIDER_KEY}`);
    expect(headers['accept-encoding']).toBe('identity');
  });

  it('of the upstream do not cross', async () => {
    const theirs = {
      'set-cookie': ['a=1', 'b=2'],
      'x-internal': 'rack 7',
      server: 'acme',
      'content-encoding': 'identity',
    };
    upstream.next(
      head(200, { 'content-type': 'application/json', ...theirs }),
      write(JSON.stringify({ choices: [{ message: { content: 'x' } }] })),
      end(),
    );
    upstream.next(head(200, { ...eventStream, ...theirs }), write(sse(textChunks(['x']))), end());
    for (const stream of [false, true]) {
      const { status, headers } = await chat({ ...question, stream });
      expect(status).toBe(200);
      for (const name of ['set-cookie', 'x-internal', 'server', 'content-encoding'])
        expect(headers[name]).toBeUndefined();
    }
  });

  it('two Authorization headers are refused', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(host.origin).port), '127.0.0.1');
      let text = '';
      socket.on('data', (piece) => {
        text += piece.toString();
      });
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
      const second = 'Authorization: Bearer sk-or-v1-another-key-altogether';
      socket.write(
        `GET /api/v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\n${second}\r\nConnection: close\r\n\r\n`,
      );
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('errors', () => {
  it('of the upstream show no credential, though it echoes them, and no text of a failure of its own', async () => {
    upstream.always(failure(400, { error: { message: `bad key ${PROVIDER_KEY}`, code: PROVIDER_KEY.slice(0, 20) } }));
    const refused = await chat(question);
    expect(refused.status).toBe(400);
    expect(refused.text).not.toContain(PROVIDER_KEY);
    for (const status of [401, 402, 403]) {
      upstream.always(failure(status, { error: { message: 'secret account' } }));
      const answer = await chat(question);
      expect([status, answer.status, answer.headers['x-should-retry']]).toEqual([status, 502, 'false']);
      expect(answer.text).not.toContain('secret account');
    }
    upstream.always(failure(500, 'Error: secret\n    at /srv/secret.js:1:1'));
    expect((await chat(question)).text).not.toContain('secret');
  });

  it('never echo a key', async () => {
    for (const authorization of [
      'Bearer sk-or-v1-not-a-known-key',
      'Basic c2VjcmV0',
      'Bearer',
      `Bearer ${'x'.repeat(2000)}`,
    ]) {
      const answer = await ask(`${host.origin}/api/v1/models`, { headers: { authorization } });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      for (const word of authorization.split(' ').filter((one) => one.length > 6))
        expect(answer.text).not.toContain(word);
    }
    expect((await ask(`${host.origin}/api/v1/models?key=${KEY}&api_key=${KEY}`)).status).toBe(401);
  });
});

describe('bodies', () => {
  it('of five million brackets are refused at once, and the process lives', async () => {
    const began = performance.now();
    const answer = await chat(`{"model":"acme/small","messages":${'['.repeat(5_000_000)}`);
    expect(answer.status).toBe(400);
    expect(performance.now() - began).toBeLessThan(2000);
    expect((await chat(question)).status).toBe(200);
  });

  it('that reach for prototypes are refused; in JSON Schemas those are plain names', async () => {
    for (const body of [
      '{"__proto__":{"x":1}}',
      '{"model":"acme/small","messages":[{"role":"user","content":"x","__proto__":{}}]}',
      '{"model":"acme/small","messages":[{"role":"user","content":"x"}],"constructor":{}}',
      '{"model":"acme/small","messages":[{"role":"user","content":"x"}],"metadata":{"prototype":"x"}}',
      '{"model":"acme/small","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"__proto__":{}}}}]}',
    ]) {
      expect([body, (await chat(body)).status]).toEqual([body, 400]);
    }
    const parameters = {
      type: 'object',
      properties: { constructor: { type: 'string' }, prototype: { type: 'string' } },
    };
    const answer = await chat({ ...question, tools: [{ type: 'function', function: { name: 'f', parameters } }] });
    expect(answer.status).toBe(200);
    expect(lastRequest().json()).toMatchObject({ tools: [{ function: { parameters } }] });
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it('with hostile numbers, encodings and shapes are refused and never reach the upstream', async () => {
    const before = upstream.requests.length;
    const bodies = [
      '{"model":"acme/small","messages":[{"role":"user","content":"x"}],"temperature":1e999}',
      '{"model":"acme/small","messages":[{"role":"user","content":"x"}],"max_tokens":-1}',
      '{"model":"acme/small","messages":[{"role":"user","content":"x"}],"max_tokens":1.5}',
      '{"model":"acme/small","messages":[{"role":"user","content":"x"}],"n":"2"}',
      '{"model":"acme/small","messages":[]}',
      '{"model":"acme/small"}',
      '{"model":"acme/small","messages":{"0":"x"}}',
      '[]',
      'null',
      '"text"',
      '',
      '\u0000',
    ];
    for (const body of bodies) {
      const answer = await chat(body);
      expect([body, answer.status, answer.headers['content-type']]).toEqual([
        body,
        400,
        'application/json; charset=utf-8',
      ]);
    }
    const invalidUtf8 = await ask(`${host.origin}/api/v1/chat/completions`, {
      headers: { authorization: `Bearer ${KEY}` },
      body: Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    });
    expect(invalidUtf8.status).toBe(400);
    expect(upstream.requests).toHaveLength(before);
  });

  it('that are compressed are 415', async () => {
    expect((await chat(question, { 'content-encoding': 'gzip' })).status).toBe(415);
  });
});

describe('answers', () => {
  it('with any text in them keep their framing', async () => {
    const text = 'line\r\nbreak \u2028 \u0000 data: [DONE]\n\ndata: {"x":1}';
    upstream.always(head(200, eventStream), write(sse(textChunks([text]))), end());
    const answer = await chat({ ...question, stream: true });
    expect(answer.text.split('\n\n').filter((event) => event !== '')).toHaveLength(4);
    expect(answer.text).toContain(JSON.stringify(text));
    upstream.always(jsonAnswer(200, { choices: [{ message: { content: text } }] }));
    expect((await chat(question)).json()).toMatchObject({ choices: [{ message: { content: text } }] });
  });
});
