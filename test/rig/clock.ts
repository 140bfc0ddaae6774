/** Clocks for tests: the real one, where a test waits for real processes, and one that goes faster. */
import type { Clock } from '../../src/model/index.ts';
import { asInstant } from '../../src/model/index.ts';

export const realClock: Clock = {
  now: () => asInstant(Date.now()),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
};

/** So many times faster than the wall, on the same scale in every process. */
export const fastClock = (times: number): Clock => ({
  now: () => asInstant(Date.now() * times),
  sleep: (ms, signal) => realClock.sleep(ms / times, signal),
});
