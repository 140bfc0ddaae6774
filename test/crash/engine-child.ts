/** Runs or resumes a scenario in a folder and dies where DEPLOYCTL_FAIL says. Prints each acknowledged entry's seq. */
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { failpointFrom, signalSelf } from '../../src/engine/failpoint.ts';
import { overStore } from '../../src/engine/over-store.ts';
import { resume, run } from '../../src/engine/run.ts';
import { openLocalState } from '../../src/state/local/store.ts';
import { type Scenario, scenarioOptions, scenarioPlan, stateFolder } from './scenario.ts';

const [folder = '', scenario = 'switching'] = process.argv.slice(2);
const store = await openLocalState(stateFolder(folder), { create: true, randomUUID });
const telling = overStore(store, {
  append: async (number, entry) => {
    const written = await store.append(number, entry);
    writeSync(1, `${written.seq}\n`);
    return written;
  },
});
const options = scenarioOptions(
  folder,
  scenario as Scenario,
  telling,
  failpointFrom(process.env, signalSelf),
);
const { unfinished } = await store.read();
const result = await (unfinished === undefined ? run(scenarioPlan(), options) : resume(options));
await store[Symbol.asyncDispose]();
process.exitCode = result.exitCode;
