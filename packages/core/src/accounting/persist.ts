import type { Clock } from '../clock.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Does something to a store that may fail, again and again with growing pauses, until it has worked or its time is over.
 *
 * @param until Milliseconds since the epoch.
 * @throws whatever it failed with last.
 */
export async function persist(work: () => Promise<void>, clock: Clock, until: number): Promise<void> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (clock.now() + pause >= until) throw error;
    }
    await new Promise<void>((done) => {
      clock.after(pause, done);
    });
  }
}
