/**
 * Runs seeds with one fault planted in the sources: `node planted.ts FAULT`. Says `found at seed N: why`, or `not found`.
 * The fault is put in when the module is loaded, so what runs is the real planner and the real engine but for it.
 */
import { registerHooks } from 'node:module';
import { faults } from './planted-faults.ts';

const fault = faults[Number(process.argv[2])];
if (fault === undefined) throw new Error('no such fault');
let isPlanted = false;
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.endsWith(fault.file)) return loaded;
    const source = String(loaded.source);
    if (source.split(fault.find).length !== 2) throw new Error(`${fault.file} has not once: ${fault.find}`);
    isPlanted = true;
    return { ...loaded, source: source.replace(fault.find, () => fault.replace) };
  },
});

const mostSeeds = { plans: 4_000, engine: 1_000, rollouts: 700 } as const;

async function problemsOf(seed: number): Promise<readonly string[]> {
  try {
    if (fault?.seeds === 'engine') return await (await import('./engine-seeds.ts')).simulate(seed);
    if (fault?.seeds === 'rollouts') return await (await import('./engine-seeds.ts')).simulateRollout(seed);
    return (await import('./plan-seeds.ts')).walkPlan(seed).problems;
  } catch (cause) {
    return [String(cause)];
  }
}

async function search(most: number, first = 1): Promise<string> {
  for (let turn = 0; turn <= most; turn += 1) {
    const seed = turn === 0 ? first : turn;
    const [problem] = await problemsOf(seed);
    if (!isPlanted) return 'not planted';
    if (problem !== undefined) return `found at seed ${seed}: ${problem}`;
  }
  return 'not found';
}

process.stdout.write(`${await search(mostSeeds[fault.seeds], fault.seed)}\n`);
