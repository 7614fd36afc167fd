import { memoryStore } from '@gatehouse/core';
import { describeStore } from './describe-store.js';
import { settableClock } from './store-values.js';

describeStore('memory', async () => {
  const clock = settableClock();
  const store = memoryStore({ clock });
  return { store, clock, another: undefined, close: () => store.close() };
});
