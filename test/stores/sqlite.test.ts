import { join } from 'node:path';
import { sqlite } from '@gatehouse/sql/sqlite';
import { temporaryFolder } from '../tools/temporary-folder.js';
import { describeStore } from './describe-store.js';
import { settableClock } from './store-values.js';

describeStore('sqlite', async () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'store.db');
  const clock = settableClock();
  const store = sqlite(file, { clock });
  await store.open();
  return {
    store,
    clock,
    another: async () => sqlite(file, { clock }),
    async close() {
      await store.close();
      folder.remove();
    },
  };
});
