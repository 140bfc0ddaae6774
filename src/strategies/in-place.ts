/** One slot, upgraded where it stands: as many hosts at a time as the floor leaves room for, one where none is declared. */
import type { SlotDeclared } from '../model/index.ts';
import type { Situation } from './situation.ts';
import { nothing, type Rollout } from './strategy.ts';
import { batchesOf, instancesToRenew, paceOf, renewInTurns, serves } from './turns.ts';

export function planInPlace(situation: Situation): Rollout {
  const [slot] = situation.service.slots;
  return slot === undefined ? nothing : renewInPlace(situation, slot);
}

/** Also how strategies with two slots mend single instances of the slot that serves. */
export function renewInPlace(situation: Situation, slot: SlotDeclared): Rollout {
  const toRenew = instancesToRenew(situation, slot);
  const batches = serves(situation, slot)
    ? batchesOf(situation, slot, [toRenew], {
        most: situation.floorPercent === undefined ? 1 : undefined,
        spare: 0,
      })
    : { ok: true as const, value: [toRenew] };
  if (!batches.ok) return { ...nothing, held: batches.diagnostics };
  const pace = paceOf(batches.value);
  return renewInTurns(
    situation,
    slot,
    batches.value.map((instances) => ({ instances, line: '', pace })),
  );
}
