/** Fills the file system that it is given, and tells what the state on it does then. */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Mark, StepId } from '../../src/model/index.ts';
import { type LocalState, openLocalState } from '../../src/state/local/store.ts';
import { planOf } from '../rig/plans.ts';
import { actor, at, refusal } from '../rig/state.ts';

const [folder = ''] = process.argv.slice(2);
const stateFolder = join(folder, 'state');
const ballast = join(folder, 'ballast');

function fill(): void {
  const handle = openSync(ballast, 'a');
  for (let size = 1 << 16; size >= 1; size >>= 1) {
    try {
      for (;;) writeSync(handle, Buffer.alloc(size, 1));
    } catch {
      // Full for writes of this size.
    }
  }
  closeSync(handle);
}

const open = (): Promise<LocalState> => openLocalState(stateFolder, { create: true, randomUUID });
const append = (state: LocalState, mark: Mark): Promise<unknown> =>
  state.append(1, { at: at(1), step: 's' as StepId, mark, detail: { padding: 'x'.repeat(3_000) } });
const told = async (attempt: () => Promise<unknown>): Promise<string> =>
  (await refusal(attempt)) ?? 'acknowledged';

const state = await open();
await state.begin(planOf(), actor, at(1));
fill();
// The write that meets the full disk still succeeds, from the space put aside; the next intention is refused.
let intended = await told(() => append(state, 'intended'));
for (let count = 0; count < 1_000 && intended === 'acknowledged'; count += 1) {
  intended = await told(() => append(state, 'intended'));
}
console.log(`intended: acknowledged, then ${intended}`);
console.log(`done: ${await told(() => append(state, 'done'))}`);
console.log(`intended: ${await told(() => append(state, 'intended'))}`);
console.log(`end: ${await told(() => state.end(1, 'stopped', at(2)))}`);
console.log(`whole: ${(await state.verify()) > 0 ? 'yes' : 'no'}`);
await state[Symbol.asyncDispose]();
fill();
console.log(`open: ${await told(open)}`);
rmSync(ballast);
const again = await open();
console.log(`after space was freed: ${await told(() => append(again, 'intended'))}`);
await again[Symbol.asyncDispose]();
