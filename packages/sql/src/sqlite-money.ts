import type { AccountRow, GenerationRecord, HoldRow, LedgerRow, RateRow, SpenderRow } from '@gatehouse/core';
import { bigintOf, maybeTextOf, numberOf, textOf } from './columns.js';
import { GENERATION_COLUMNS, generationValues, packDraft } from './generation-row.js';
import { readAccount, readHold, readSpender } from './money-rows.js';
import type { SqlRow, SqlValue } from './runner.js';
import type { SqliteStatements } from './sqlite-statements.js';

const COLUMNS = GENERATION_COLUMNS.join(', ');
const HOLES = GENERATION_COLUMNS.map(() => '?').join(', ');
const TEXT = {
  account: 'select * from accounts where id = ?',
  putAccount:
    'insert into accounts (granted, charged, held, limited, requests, prompt_tokens, completion_tokens, id) ' +
    'values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set granted = excluded.granted, ' +
    'charged = excluded.charged, held = excluded.held, limited = excluded.limited, requests = excluded.requests, ' +
    'prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens',
  spender: 'select * from spenders where id = ?',
  putSpender: 'insert or replace into spenders values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  hold: 'select * from holds where id = ?',
  settledHold: "select account, spender, day, amount, at from ledger where hold = ? and kind = 'charge'",
  addHold:
    'insert into holds (id, account, spender, day, week, month, amount, attempt, endpoint, price, input_floor, ' +
    'dispatched_at, owner, created_at, expires_at, draft) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  changeHold:
    'update holds set state = ?, swept = ?, charged = ?, checkpoint = ?, attempt = ?, endpoint = ?, price = ?, ' +
    'input_floor = ?, dispatched_at = ?, draft = case when ? then draft end where id = ?',
  dropHold: 'delete from holds where id = ?',
  grant: 'select * from ledger where external_id = ?',
  appendCharge:
    'insert into ledger (kind, account, spender, day, amount, cost, hold, at) values (?, ?, ?, ?, ?, ?, ?, ?)',
  appendGrant:
    'insert into ledger (kind, account, day, amount, cost, external_id, note, at) values (?, ?, ?, ?, ?, ?, ?, ?)',
  addGeneration: `insert into generations (n, ${COLUMNS}) values (?, ${HOLES})`,
  replaceGeneration:
    `insert or replace into generations (n, ${COLUMNS}) select n, ${HOLES} ` +
    "from ledger where hold = ? and kind = 'charge'",
  rate: 'select * from rates where id = ?',
  putRate: 'insert or replace into rates values (?, ?, ?, ?)',
  lease: 'select lease_until from instances where id = ?',
} as const;

/** The rows of the ledger and of rates in SQLite. Every call is a statement, inside whatever transaction is under way. */
export class SqliteMoney {
  readonly #statements: SqliteStatements;

  constructor(statements: SqliteStatements) {
    this.#statements = statements;
  }

  account(id: string): AccountRow | undefined {
    const row = this.#get('account', id);
    return row === undefined ? undefined : readAccount(row);
  }

  putAccount(row: AccountRow): void {
    const { id, granted, charged, held, limited, requests, promptTokens, completionTokens } = row;
    this.#run('putAccount', granted, charged, held, limited ? 1 : 0, requests, promptTokens, completionTokens, id);
  }

  spender(key: string): SpenderRow | undefined {
    const row = this.#get('spender', key);
    return row === undefined ? undefined : readSpender(row);
  }

  putSpender(row: SpenderRow): void {
    const { key, day, week, month, totalPosted, dayPosted, weekPosted, monthPosted } = row;
    const { totalHeld, dayHeld, weekHeld, monthHeld } = row;
    const posted = [totalPosted, dayPosted, weekPosted, monthPosted] as const;
    this.#run('putSpender', key, day, week, month, ...posted, totalHeld, dayHeld, weekHeld, monthHeld);
  }

  /** A hold that is live, or was voided or swept. */
  hold(id: string): HoldRow | undefined {
    const row = this.#get('hold', id);
    return row === undefined ? undefined : readHold(row);
  }

  /** What is left of a hold that was settled: enough to say that it was. */
  settledHold(id: string): HoldRow | undefined {
    const row = this.#get('settledHold', id);
    if (row === undefined) return undefined;
    const day = numberOf(row, 'day');
    const charged = bigintOf(row, 'amount');
    const at = numberOf(row, 'at');
    return {
      id,
      account: textOf(row, 'account'),
      key: maybeTextOf(row, 'spender'),
      ...{ day, week: day, month: day },
      ...{ amount: charged, state: 'settled', swept: false, charged, checkpoint: 0n },
      ...{ dispatch: undefined, dispatchedAt: undefined, owner: '', createdAt: at, expiresAt: at, draft: undefined },
    };
  }

  addHold(row: HoldRow): void {
    const { id, account, key, day, week, month, amount, dispatch, dispatchedAt, owner, createdAt, expiresAt } = row;
    this.#run(
      'addHold',
      id,
      account,
      key ?? null,
      day,
      week,
      month,
      amount,
      dispatch?.attempt ?? null,
      dispatch?.endpoint ?? null,
      dispatch?.price ?? null,
      dispatch?.floor ?? null,
      dispatchedAt ?? null,
      owner,
      createdAt,
      expiresAt,
      row.draft === undefined ? null : packDraft(row.draft),
    );
    // A hold that came and went on in one transaction.
    if (row.state !== 'held' || row.checkpoint !== 0n) this.changeHold(row);
  }

  changeHold(row: HoldRow): void {
    const { id, state, swept, charged, checkpoint, dispatch, dispatchedAt, draft } = row;
    this.#run(
      'changeHold',
      state,
      swept ? 1 : 0,
      charged,
      checkpoint,
      dispatch?.attempt ?? null,
      dispatch?.endpoint ?? null,
      dispatch?.price ?? null,
      dispatch?.floor ?? null,
      dispatchedAt ?? null,
      draft === undefined ? 0 : 1,
      id,
    );
  }

  dropHold(id: string): void {
    this.#run('dropHold', id);
  }

  grant(externalId: string): LedgerRow | undefined {
    const row = this.#get('grant', externalId);
    if (row === undefined) return undefined;
    return {
      kind: 'grant',
      account: textOf(row, 'account'),
      key: undefined,
      day: numberOf(row, 'day'),
      amount: bigintOf(row, 'amount'),
      cost: 0n,
      hold: undefined,
      externalId,
      note: maybeTextOf(row, 'note'),
      at: numberOf(row, 'at'),
    };
  }

  /** Writes an entry and gives its number. */
  append(row: LedgerRow): number {
    const { kind, account, key, day, amount, cost, hold, externalId, note, at } = row;
    return kind === 'grant'
      ? this.#insert('appendGrant', kind, account, day, amount, cost, externalId ?? null, note ?? null, at)
      : this.#insert('appendCharge', kind, account, key ?? null, day, amount, cost, hold ?? null, at);
  }

  /** Writes the generation of a charge, under the charge's number. */
  addGeneration(number: number, record: GenerationRecord): void {
    this.#run('addGeneration', number, ...generationValues(record));
  }

  replaceGeneration(record: GenerationRecord): void {
    this.#run('replaceGeneration', ...generationValues(record), record.id);
  }

  rate(id: string): (RateRow & { readonly id: string }) | undefined {
    const row = this.#get('rate', id);
    if (row === undefined) return undefined;
    return { id, requests: numberOf(row, 'requests'), tokens: numberOf(row, 'tokens'), at: numberOf(row, 'at') };
  }

  putRate({ id, requests, tokens, at }: RateRow & { readonly id: string }): void {
    this.#run('putRate', id, requests, tokens, at);
  }

  leaseOf(owner: string): number | undefined {
    const row = this.#get('lease', owner);
    return row === undefined ? undefined : numberOf(row, 'lease_until');
  }

  #get(name: keyof typeof TEXT, ...values: SqlValue[]): SqlRow | undefined {
    return this.#statements.first(TEXT[name], values);
  }

  #insert(name: keyof typeof TEXT, ...values: SqlValue[]): number {
    return this.#statements.insert(TEXT[name], values);
  }

  #run(name: keyof typeof TEXT, ...values: SqlValue[]): void {
    this.#statements.run(TEXT[name], values);
  }
}
