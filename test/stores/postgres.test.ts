import { postgres } from '@gatehouse/sql/postgres';
import { describe } from 'vitest';
import { DATABASE_URL, hasPostgres, testSchema } from '../tools/postgres.js';
import { describeStore } from './describe-store.js';
import { settableClock } from './store-values.js';

describe.skipIf(!(await hasPostgres('the contract of the Postgres store')))('with a server', () => {
  describeStore('postgres', async () => {
    const schema = testSchema();
    const clock = settableClock();
    const open = () => postgres(DATABASE_URL, { schema: schema.name, clock, connections: 4 });
    const store = open();
    await store.open();
    return {
      store,
      clock,
      another: async () => open(),
      async close() {
        await store.close();
        await schema.drop();
      },
    };
  });
});
