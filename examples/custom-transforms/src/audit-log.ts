import { createHash } from 'node:crypto';
import { type ChatRequest, defineTransform, type Transform, type TransformContext } from '@gatehouse/core';

/** One line of the log: who asked what, without the words themselves. */
export interface AuditEntry {
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly account: string;
  readonly label: string;
  /** SHA-256 of the messages, hex: proves later what was asked, and tells nothing now. */
  readonly promptHash: string;
  readonly answerCharacters: number;
  readonly finish: string;
}

/** Writes down every answer, whole or streamed. It changes nothing, and what it sees it does not keep. */
export function auditLog(write: (entry: AuditEntry) => void): Transform {
  const prompts = new WeakMap<TransformContext, string>();
  const log = (context: TransformContext, answerCharacters: number, finish: string): void =>
    write({
      id: context.generationId,
      at: new Date(context.startedAt).toISOString(),
      account: context.account,
      label: context.label,
      promptHash: prompts.get(context) ?? '',
      answerCharacters,
      finish,
    });
  return defineTransform<unknown>({
    name: 'audit-log',
    request(request, context) {
      prompts.set(context, hashOf(request));
      return request;
    },
    completion(completion, context) {
      const [choice] = completion.choices;
      log(context, choice?.message.content?.length ?? 0, choice?.finish_reason ?? 'none');
      return completion;
    },
    stage(context) {
      let characters = 0;
      let finish = 'broken off';
      return {
        chunk(chunk) {
          for (const { delta, finish_reason: reason } of chunk.choices) {
            characters += delta.content?.length ?? 0;
            finish = reason ?? finish;
          }
          return [chunk];
        },
        end() {
          log(context, characters, finish);
          return [];
        },
      };
    },
  });
}

function hashOf({ messages }: ChatRequest): string {
  return createHash('sha256').update(JSON.stringify(messages)).digest('hex');
}
