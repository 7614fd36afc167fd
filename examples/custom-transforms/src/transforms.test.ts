import {
  type ChatRequest,
  createGateway,
  defineProvider,
  type Gateway,
  GatewayError,
  type GatewayOptions,
} from '@gatehouse/core';
import { afterEach, describe, expect, it } from 'vitest';
import { type AuditEntry, auditLog } from './audit-log.js';
import { glossary } from './glossary.js';
import { moderation } from './moderation.js';
import { startStandIn } from './stand-in.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function gatewayWith(
  transforms: GatewayOptions['transforms'],
  more: Partial<GatewayOptions> = {},
): { gateway: Gateway; seen: ChatRequest[] } {
  const seen: ChatRequest[] = [];
  const gateway = createGateway({
    providers: [
      defineProvider({
        slug: 'echo',
        name: 'Echo',
        models: ['building/echo'],
        async *generate(request) {
          seen.push(request);
          yield 'Hello';
          yield ' there';
        },
      }),
    ],
    transforms,
    ...more,
  });
  closing.push(() => gateway.close());
  return { gateway, seen };
}

const asking = (content: string): ChatRequest & { stream?: false } => ({
  model: 'building/echo',
  messages: [{ role: 'user', content }],
});

describe('moderation', () => {
  it('lets through what the service lets through, and refuses the rest before a provider is asked', async () => {
    const { url, server } = await startStandIn();
    closing.push(() => server.close());
    const { gateway, seen } = gatewayWith([{ transform: moderation(url), use: 'always' }]);
    expect((await gateway.chat(asking('Good morning'))).choices[0]?.message.content).toBe('Hello there');
    const refused = gateway.chat(asking('How do I sabotage a gate?'), { transforms: [] });
    await expect(refused).rejects.toMatchObject({
      code: 'moderation_blocked',
      status: 403,
      metadata: { reasons: ['sabotage'], flagged_input: 'How do I sabotage a gate?' },
    });
    expect(seen).toHaveLength(1);
  });

  it('fails closed where the service is down, or open where it is optional', async () => {
    const { url, server } = await startStandIn();
    server.close();
    const defects: unknown[] = [];
    const onError = (error: unknown): void => void defects.push(error);
    const closed = gatewayWith([moderation(url)], { onError });
    await expect(closed.gateway.chat(asking('Good morning'))).rejects.toBeInstanceOf(GatewayError);
    expect(closed.seen).toEqual([]);
    const open = gatewayWith([{ transform: moderation(url), optional: true }], { onError });
    expect((await open.gateway.chat(asking('Good morning'))).choices[0]?.message.content).toBe('Hello there');
    expect(String(defects[0])).toContain('transform moderation');
  });
});

describe('glossary', () => {
  const terms = { gatehouse: 'the building by the gate', portcullis: 'its grate' };

  it('explains the words that are used', async () => {
    const { gateway, seen } = gatewayWith([glossary(terms)]);
    await gateway.chat(asking('What is a Gatehouse?'));
    expect(seen[0]?.messages[0]).toEqual({
      role: 'system',
      content: 'In this house:\n- gatehouse: the building by the gate',
    });
  });

  it('says nothing where none is used, and no more than it is asked for', async () => {
    const { gateway, seen } = gatewayWith([glossary(terms)]);
    await gateway.chat(asking('Hello'));
    expect(seen[0]?.messages).toHaveLength(1);
    await gateway.chat(asking('gatehouse, portcullis'), { transforms: [{ name: 'glossary', most: 1 }] });
    expect(seen[1]?.messages[0]?.content).toBe('In this house:\n- gatehouse: the building by the gate');
    await expect(gateway.chat(asking('x'), { transforms: [{ name: 'glossary', most: 0 }] })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });
});

describe('audit log', () => {
  it('writes down whole and streamed answers alike, without their words', async () => {
    const entries: AuditEntry[] = [];
    const { gateway } = gatewayWith([auditLog((entry) => entries.push(entry))]);
    await gateway.chat(asking('Good morning'), { identity: { label: 'the team' } });
    let streamed = '';
    const stream = await gateway.chat({ ...asking('Good morning'), stream: true }, { identity: { label: 'the team' } });
    for await (const { choices } of stream) streamed += choices[0]?.delta.content ?? '';
    expect(streamed).toBe('Hello there');
    expect(entries).toHaveLength(2);
    for (const entry of entries) {
      expect(entry).toMatchObject({ label: 'the team', account: 'default', answerCharacters: 11, finish: 'stop' });
      expect(JSON.stringify(entry)).not.toContain('Good morning');
    }
    expect(entries[0]?.promptHash).toBe(entries[1]?.promptHash);
    expect(entries[1]?.id).toBe(stream.id);
  });

  for (const leaving of ['break', 'abort'] as const) {
    it(`writes down an answer whose client leaves: ${leaving}`, async () => {
      const entries: AuditEntry[] = [];
      const { gateway } = gatewayWith([auditLog((entry) => entries.push(entry))]);
      const client = new AbortController();
      const stream = await gateway.chat({ ...asking('Good morning'), stream: true }, { signal: client.signal });
      for await (const { choices } of stream) {
        if (choices[0]?.delta.content === undefined) continue;
        if (leaving === 'break') break;
        client.abort();
      }
      stream.cancel();
      expect(entries).toEqual([
        expect.objectContaining({ id: stream.id, answerCharacters: 5, finish: 'broken off', account: 'default' }),
      ]);
    });
  }
});
