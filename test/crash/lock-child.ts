/** For each round that it is told: tries the lock at the same moment as the others, and says how that went. */
import { hostname } from 'node:os';
import { createInterface } from 'node:readline';
import type { Instant } from '../../src/model/index.ts';
import { acquireLock, type StateLock } from '../../src/state/local/lock.ts';
import { wallClock } from '../rig/state.ts';

const [folder = '', name = ''] = process.argv.slice(2);
let lock: StateLock | undefined;

for await (const line of createInterface({ input: process.stdin })) {
  const [word, when] = line.split(' ');
  if (word === 'try') {
    while (Date.now() < Number(when)) {
      // Busy on purpose: the racers are to start together, to the millisecond.
    }
    const holder = {
      id: name,
      who: name,
      pid: process.pid,
      command: 'race',
      machine: hostname(),
      since: Date.now() as Instant,
    };
    const outcome = await acquireLock(folder, holder, {
      timeoutMs: 0,
      clock: wallClock,
      environment: 'test',
    });
    lock = outcome.ok ? outcome.value : undefined;
    console.log(outcome.ok ? 'won' : `lost ${outcome.diagnostics[0]?.detail}`);
  } else {
    await lock?.[Symbol.asyncDispose]();
    lock = undefined;
    console.log('released');
  }
}
