import type { ReplayStore } from '@gatehouse/core';
import { maybeTextOf, numberOf, textOf } from './columns.js';
import type { SqlRunner } from './runner.js';

/** Uses of idempotency keys. A claim is one guarded insert, so that of two callers one wins. */
export function sqlReplays(runner: SqlRunner): ReplayStore {
  const { at } = runner.dialect;
  const replays = runner.dialect.table('replays');
  const claimText =
    `insert into ${replays} as mine (subject, value, fingerprint, generation_id, keep_ms, expires_at) ` +
    `values (?, ?, ?, ?, ?, ${at} + ?) on conflict (subject, value) do update set fingerprint = excluded.fingerprint, ` +
    'generation_id = excluded.generation_id, keep_ms = excluded.keep_ms, expires_at = excluded.expires_at, ' +
    `finished = 0, answer = null where mine.expires_at <= ${at} returning subject`;
  const findText = `select fingerprint, generation_id, finished, answer from ${replays} where subject = ? and value = ?`;
  const claim: ReplayStore['claim'] = async (wanted) => {
    const { subject, value, fingerprint, generationId, keepMs, lapseMs } = wanted;
    const now = runner.now();
    const values = [subject, value, fingerprint, generationId, keepMs, now, lapseMs, now];
    if ((await runner.write(claimText, values)).length === 1) return { kind: 'claimed' };
    const [found] = await runner.read(findText, [subject, value]);
    // Given up in between: nobody has it now.
    if (found === undefined) return claim(wanted);
    const holder = textOf(found, 'generation_id');
    if (textOf(found, 'fingerprint') !== fingerprint) return { kind: 'different', generationId: holder };
    if (numberOf(found, 'finished') === 0) return { kind: 'running', generationId: holder };
    return { kind: 'finished', generationId: holder, answer: maybeTextOf(found, 'answer') };
  };
  return {
    claim,
    async finish(subject, value, answer) {
      const text = `update ${replays} set finished = 1, answer = ?, expires_at = ${at} + keep_ms where subject = ? and value = ?`;
      await runner.write(text, [answer ?? null, runner.now(), subject, value]);
    },
    async release(subject, value) {
      await runner.write(`delete from ${replays} where subject = ? and value = ?`, [subject, value]);
    },
  };
}
