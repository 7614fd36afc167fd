/** A process that shares a store with others: it opens it, waits for the word, and reserves and settles what it is told. */
import { postgres } from '@gatehouse/sql/postgres';
import { sqlite } from '@gatehouse/sql/sqlite';
import { reserveMany, settleAll } from './contention.js';

const [kind = '', place = '', schema = ''] = process.argv.slice(2);
const store = kind === 'sqlite' ? sqlite(place) : postgres(place, { schema });

/** What the parent asks for: to reserve, or to settle what was reserved last. */
export type Order =
  | {
      readonly kind: 'reserve';
      readonly account: string;
      readonly prefix: string;
      readonly count: number;
      readonly atOnce: number;
    }
  | { readonly kind: 'settle'; readonly account: string };

let held: readonly string[] = [];

process.on('message', (order: Order) => {
  void obey(order).then(
    (count) => process.send?.(count),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => void store.close());
await store.open();
process.send?.(0);

/** Answers how many it held, or settled. */
async function obey(order: Order): Promise<number> {
  if (order.kind === 'settle') return settleAll(store, order.account, held);
  held = await reserveMany(store, order.account, order);
  return held.length;
}
