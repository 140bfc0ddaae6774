/** Clocks for tests: the real one, where a test waits for real processes. */
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
