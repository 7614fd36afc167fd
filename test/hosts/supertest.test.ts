import { createGateway, defineProvider } from '@gatehouse/core';
import { toExpress, toExpressErrorHandler } from '@gatehouse/express';
import express from 'express';
import supertest from 'supertest';
import { afterAll, describe, expect, it } from 'vitest';

/** The way in which most Express hosts test themselves: no port of their own, one request at a time. */
describe('a host under supertest', () => {
  const key = 'sk-or-v1-of-a-host-under-supertest';
  const gateway = createGateway({
    providers: [
      defineProvider({
        slug: 'house',
        name: 'House',
        models: ['house/echo'],
        async *generate(request) {
          yield `${request.messages.length} message`;
        },
      }),
    ],
    auth: { keys: [key] },
  });
  const app = express().use(express.json()).use('/api/v1', toExpress(gateway), toExpressErrorHandler(gateway));
  const chat = (body: object | string) =>
    supertest(app).post('/api/v1/chat/completions').set('authorization', `Bearer ${key}`).type('json').send(body);
  const request = { model: 'house/echo', messages: [{ role: 'user', content: 'hello' }] };
  afterAll(() => gateway.close());

  it('answers', async () => {
    const { body } = await chat(request)
      .expect(200)
      .expect('content-type', /^application\/json/);
    expect(body).toMatchObject({ choices: [{ message: { content: '1 message' }, finish_reason: 'stop' }] });
  });

  it('streams', async () => {
    const { text } = await chat({ ...request, stream: true })
      .expect(200)
      .expect('content-type', /^text\/event-stream/);
    expect(text).toMatch(/"content":"1 message".*data: \[DONE\]\n\n$/s);
  });

  it('says what is wrong', async () => {
    const malformed = await chat('{"model":').expect(400);
    expect(malformed.body).toMatchObject({ error: { code: 'invalid_request' } });
    const unknown = await supertest(app).get('/api/v1/models').set('authorization', 'Bearer wrong').expect(401);
    expect(unknown.body).toMatchObject({ error: { code: 'invalid_api_key' } });
  });
});
