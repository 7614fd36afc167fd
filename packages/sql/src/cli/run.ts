import { parseArgs } from 'node:util';
import { createGateway, type Gateway, GatewayError, type KeyObject, type NewKey, type Store } from '@gatehouse/core';
import { isPostgres, storeAt } from '../store-at.js';
import { USAGE } from './usage-text.js';

/** Where a command reads and writes. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  out(line: string): void;
  error(line: string): void;
}

/** A mistake in how a command was called. */
class UsageError extends Error {}

const OPTIONS = {
  db: { type: 'string' },
  account: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  name: { type: 'string' },
  scopes: { type: 'string' },
  limit: { type: 'string' },
  'limit-reset': { type: 'string' },
  models: { type: 'string' },
  expires: { type: 'string' },
  'requests-per-minute': { type: 'string' },
  'tokens-per-minute': { type: 'string' },
  tags: { type: 'string' },
  all: { type: 'boolean' },
  amount: { type: 'string' },
  id: { type: 'string' },
  note: { type: 'string' },
  start: { type: 'string' },
  end: { type: 'string' },
  granularity: { type: 'string' },
  'group-by': { type: 'string' },
  json: { type: 'boolean' },
  to: { type: 'string' },
} as const;

type Values = ReturnType<typeof parse>['values'];

/** One command under way. */
interface Command extends Called {
  readonly gateway: Gateway;
  readonly account: string;
}

/** How a command was called. */
interface Called {
  readonly place: string;
  readonly values: Values;
  readonly rest: readonly string[];
  readonly terminal: Terminal;
}

const COMMANDS: Readonly<Record<string, (command: Command) => Promise<void>>> = {
  'keys create': createKey,
  'keys list': listKeys,
  'keys revoke': revokeKey,
  'credits grant': grantCredits,
  'credits show': showCredits,
  usage: showUsage,
  audit,
};

/** Runs a command line. Resolves with the exit code: 0, 1 where it failed, 2 where it was called wrongly. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    if (values.help === true || positionals.length === 0) {
      terminal.out(USAGE);
      return values.help === true ? 0 : 2;
    }
    const words = positionals[0] === 'keys' || positionals[0] === 'credits' ? 2 : 1;
    const name = positionals.slice(0, words).join(' ');
    const place = values.db ?? terminal.environment['GATEHOUSE_DB'] ?? 'gatehouse.db';
    const called = { place, values, rest: positionals.slice(words), terminal };
    if (name === 'move') {
      await moveStore(called);
      return 0;
    }
    const command = COMMANDS[name];
    if (command === undefined) throw new UsageError(`there is no command ${JSON.stringify(name)}`);
    await onGateway(await storeAt(place), (gateway) =>
      command({ ...called, gateway, account: values.account ?? 'default' }),
    );
    return 0;
  } catch (error) {
    const isUsage = error instanceof UsageError;
    terminal.error(`gatehouse: ${messageOf(error)}`);
    if (isUsage) terminal.error('Try: gatehouse --help');
    return isUsage ? 2 : 1;
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

/** What the functions of a gateway do needs no provider. */
async function onGateway(store: Store, work: (gateway: Gateway) => Promise<void>): Promise<void> {
  const gateway = createGateway({ providers: [], store, lease: false, onStoreChange: () => undefined });
  try {
    await work(gateway);
  } finally {
    await gateway.close();
  }
}

async function createKey({ gateway, account, values, terminal }: Command): Promise<void> {
  const { data, key } = await gateway.keys.create(newKey(values), account);
  terminal.out(key);
  terminal.error(`${data.name}: ${data.scopes.join(', ')}. The key above is shown once. Its id is ${data.hash}.`);
}

function newKey(values: Values): NewKey {
  const requests = number(values, 'requests-per-minute');
  const tokens = number(values, 'tokens-per-minute');
  const limit = number(values, 'limit');
  return {
    name: required(values, 'name'),
    ...(values.scopes !== undefined && { scopes: list(values.scopes) as NonNullable<NewKey['scopes']> }),
    ...(limit !== undefined && { limit }),
    ...(values['limit-reset'] !== undefined && { limit_reset: values['limit-reset'] as NewKey['limit_reset'] }),
    ...(values.models !== undefined && { models: list(values.models) }),
    ...(values.expires !== undefined && { expires_at: values.expires }),
    ...(values.tags !== undefined && { tags: list(values.tags) }),
    ...((requests !== undefined || tokens !== undefined) && {
      rate_limit: { requests_per_minute: requests ?? null, tokens_per_minute: tokens ?? null },
    }),
  };
}

async function listKeys({ gateway, account, values, terminal }: Command): Promise<void> {
  const includeDisabled = values.all === true;
  let offset = 0;
  for (;;) {
    const { data, total_count: total } = await gateway.keys.list({ account, includeDisabled, offset });
    for (const key of data) terminal.out(lineOf(key));
    offset += data.length;
    if (data.length === 0 || offset >= total) break;
  }
}

function lineOf({ hash, label, name, scopes, usage, limit, limit_reset: reset, disabled }: KeyObject): string {
  const bound = limit === null ? 'no limit' : `limit ${limit} USD${reset === null ? '' : ` ${reset}`}`;
  return [hash, label, name, scopes.join(','), `used ${usage} USD`, bound, ...(disabled ? ['disabled'] : [])].join(
    '\t',
  );
}

async function revokeKey({ gateway, account, rest, terminal }: Command): Promise<void> {
  const [hash] = rest;
  if (hash === undefined || !/^[0-9a-f]{64}$/i.test(hash)) {
    throw new UsageError('keys revoke: expected the 64 hexadecimal digits that `keys list` shows first');
  }
  await gateway.keys.revoke(hash.toLowerCase(), account);
  terminal.out(`revoked ${hash.toLowerCase()}`);
}

async function grantCredits({ gateway, account, values, terminal }: Command): Promise<void> {
  const amount = number(values, 'amount');
  if (amount === undefined) throw new UsageError('credits grant: expected --amount in USD');
  const { granted } = await gateway.credits.grant({
    account,
    amount,
    externalId: required(values, 'id'),
    ...(values.note !== undefined && { note: values.note }),
  });
  const { balance } = await gateway.credits.read(account);
  terminal.out(`${granted ? `granted ${amount} USD` : 'granted before, nothing changed'}; balance ${balance} USD`);
}

async function showCredits({ gateway, account, terminal }: Command): Promise<void> {
  const credits = await gateway.credits.read(account);
  terminal.out(JSON.stringify(credits, undefined, 2));
}

async function showUsage({ gateway, account, values, terminal }: Command): Promise<void> {
  const query: Record<string, string> = {};
  for (const name of ['start', 'end', 'granularity'] as const) {
    const value = values[name];
    if (value !== undefined) query[name] = value;
  }
  const groups = values['group-by'];
  if (groups !== undefined) query['group_by'] = groups;
  const report = await gateway.usage(query, account);
  if (values.json === true) {
    terminal.out(JSON.stringify(report, undefined, 2));
    return;
  }
  for (const row of report.data) {
    const { date, usage, requests, total_tokens: tokens } = row;
    const group = [row.model, row.provider_name, row.key_label, row.user, row.app, row.tag].filter(
      (part) => part !== undefined,
    );
    terminal.out(
      [date, ...group.map((part) => part ?? '-'), `${usage} USD`, `${requests} requests`, `${tokens} tokens`].join(
        '\t',
      ),
    );
  }
  const { usage, requests, total_tokens: tokens } = report.summary;
  terminal.out(['total', `${usage} USD`, `${requests} requests`, `${tokens} tokens`].join('\t'));
}

async function audit({ gateway, terminal }: Command): Promise<void> {
  await checkSums(gateway, terminal);
}

async function checkSums(gateway: Gateway, terminal: Terminal): Promise<void> {
  const found = await gateway.credits.audit();
  for (const line of found) terminal.error(line);
  if (found.length > 0) throw new Error(`${found.length} sums differ from their rows`);
  terminal.out('every sum equals its rows');
}

async function moveStore({ place, values, terminal }: Called): Promise<void> {
  const { to } = values;
  if (to === undefined || !isPostgres(to)) throw new UsageError('move: expected --to with a postgres:// URL');
  if (isPostgres(place)) throw new UsageError('move: expected --db with the file of a SQLite database');
  const { moveToPostgres } = await import('../move-to-postgres.js');
  for (const [table, rows] of Object.entries(await moveToPostgres({ from: place, to }))) {
    terminal.out(`${table}\t${rows} rows`);
  }
  await onGateway(await storeAt(to), (gateway) => checkSums(gateway, terminal));
}

function required(values: Values, name: 'name' | 'id'): string {
  const value = values[name];
  if (value === undefined || value === '') throw new UsageError(`expected --${name}`);
  return value;
}

function number(
  values: Values,
  name: 'limit' | 'amount' | 'requests-per-minute' | 'tokens-per-minute',
): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw new UsageError(`--${name}: expected a number`);
  return value;
}

function list(text: string): readonly string[] {
  return text.split(',').map((part) => part.trim());
}

/** A store that cannot be reached says why; the gateway itself only says that it cannot. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return error instanceof GatewayError && cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}
