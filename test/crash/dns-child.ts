/** Runs the plan of a name in a folder, and dies where DEPLOYCTL_FAIL says. */
import { randomUUID } from 'node:crypto';
import { failpointFrom, signalSelf } from '../../src/engine/failpoint.ts';
import { run } from '../../src/engine/run.ts';
import { openLocalState } from '../../src/state/local/store.ts';
import { nameOptions, namePlan, stateFolder } from './dns-scenario.ts';

const [folder = '', port = ''] = process.argv.slice(2);
const store = await openLocalState(stateFolder(folder), { create: true, randomUUID });
const plan = namePlan({ host: '127.0.0.1', port: Number(port) });
const result = await run(plan, nameOptions(plan, store, failpointFrom(process.env, signalSelf)));
await store[Symbol.asyncDispose]();
process.exitCode = result.exitCode;
