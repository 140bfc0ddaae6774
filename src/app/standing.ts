/** Reads from the record what stood in the slots when a deployment was done. */
import type { Deployment, StateStore } from '../model/index.ts';
import { type Standing, standingAfter } from '../planner/standing.ts';

/** A run knows of the services that it had to do with; of the others an earlier one does. So many are asked. */
const runsAsked = 25;

export async function standingAt({ number, declared }: Deployment, store: StateStore): Promise<Standing> {
  const runs = (await store.runs()).filter(({ run }) => run <= number).toReversed();
  const wanted = declared.services.flatMap(({ slots }) =>
    slots.flatMap(({ instances }) => instances.map(({ address }) => address)),
  );
  let standing: Standing = new Map();
  for (const { run } of runs.slice(0, runsAsked)) {
    const [plan, journal] = await Promise.all([store.planOf(run), store.journal(run)]);
    standing = new Map([...standingAfter(plan, journal), ...standing]);
    if (wanted.every((address) => standing.has(address))) break;
  }
  return standing;
}
