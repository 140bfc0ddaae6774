/** Appends to a state for as long as it lives, and prints each entry's seq once it was acknowledged. */
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openLocalState } from '../../src/state/local/store.ts';
import { planOf } from '../rig/plans.ts';
import { actor, at } from '../rig/state.ts';

const [folder = ''] = process.argv.slice(2);
const store = await openLocalState(folder, { create: true, randomUUID });
const { unfinished } = await store.read();
const run = unfinished?.run ?? (await store.begin(planOf(), actor, at(1)));
writeSync(1, 'ready\n');
for (let count = 0; count < 100_000; count += 1) {
  const { seq } = await store.append(run, {
    at: at(count),
    step: undefined,
    mark: 'note',
    detail: { padding: 'x'.repeat(200), count },
  });
  writeSync(1, `${seq}\n`);
}
