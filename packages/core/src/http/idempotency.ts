import { hash } from 'node:crypto';
import { persist } from '../accounting/persist.js';
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import type { ReplayStore } from '../stores/types.js';
import { fieldError } from '../wire/validation-error.js';
import type { Caller } from './caller.js';
import { header } from './headers.js';
import type { HttpRequest } from './types.js';

/** A request that its client may send again without its being run twice. */
export interface IdempotentCall {
  /**
   * Claims the key for a generation. Resolves with the answer that an earlier call gave, or undefined where this is the
   * first one.
   *
   * @throws GatewayError `conflict` while it runs or where its answer is not kept, `unprocessable` for another body.
   */
  claim(generationId: string): Promise<string | undefined>;
  /** The call has given its answer; undefined: one that is not kept. Best effort, never rejects. */
  finish(answer: string | undefined): Promise<void>;
  /** The call has failed: it may be sent again. Best effort, never rejects. */
  release(): Promise<void>;
}

/** What idempotency takes from the gateway. */
export interface IdempotencyParts {
  readonly replays: ReplayStore;
  /** Whether answers are kept. */
  readonly keep: boolean;
  /** Milliseconds after which a claim lapses whose process died. */
  readonly lapseMs: number;
  readonly clock: Clock;
}

const KEY = /^[\x20-\x7e]{1,255}$/;
const KEEP_MS = 86_400_000;
const MOST_BYTES = 1_048_576;

/** The idempotency of a request; undefined where it carries no key. @throws GatewayError `invalid_request` for a bad one. */
export function idempotencyOf(
  request: HttpRequest,
  body: unknown,
  caller: Caller,
  parts: IdempotencyParts,
): IdempotentCall | undefined {
  const value = header(request, 'idempotency-key');
  if (value === undefined || value === '') return undefined;
  if (!KEY.test(value)) throw fieldError('Idempotency-Key', 'expected 1 to 255 printable ASCII characters');
  const { replays, keep, lapseMs, clock } = parts;
  const until = clock.now() + lapseMs;
  // One key's values are not another's, nor one account's.
  const { subject } = caller;
  return {
    async claim(generationId) {
      const fingerprint = hash('sha256', canonicalJson(body), 'hex');
      const verdict = await replays.claim({ subject, value, fingerprint, generationId, keepMs: KEEP_MS, lapseMs });
      if (verdict.kind === 'claimed') return undefined;
      if (verdict.kind === 'finished' && verdict.answer !== undefined && keep) return verdict.answer;
      const { generationId: known } = verdict;
      const about = { metadata: { generation_id: known }, headers: { 'x-generation-id': known } };
      if (verdict.kind === 'different') {
        throw new GatewayError('unprocessable', 'Idempotency-Key: it was used before with another body', about);
      }
      const what = verdict.kind === 'running' ? 'is still running' : 'has been answered, and the answer is not kept';
      throw new GatewayError('conflict', `Idempotency-Key: the request ${what}`, { ...about, retryable: false });
    },
    finish(answer) {
      const kept = keep && answer !== undefined && Buffer.byteLength(answer) <= MOST_BYTES ? answer : undefined;
      const finish = (): Promise<void> => replays.finish(subject, value, kept);
      // The client waits for the first try; where that fails, others follow until the claim lapses by itself.
      return finish().catch(() => void persist(finish, clock, until).catch(() => undefined));
    },
    // Once: a second try could give up the claim of a call that came after the first one, and let it run twice.
    release: () => replays.release(subject, value).catch(() => undefined),
  };
}

/** JSON whose keys are sorted, so that the same request has one text. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}
