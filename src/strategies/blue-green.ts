/** Two slots: the release goes to the one without traffic, is verified there, and then gets all traffic in one write. */
import type { Step } from '../model/index.ts';
import { renewInPlace } from './in-place.ts';
import { checkOf } from './instance-steps.ts';
import { activeSlot, type Situation, wantedRelease } from './situation.ts';
import { nothingToUndo, timeInWords } from './step.ts';
import { nothing, type Rollout } from './strategy.ts';
import { isOnlyToMend, type Shift, takeOver } from './take-over.ts';
import { switchTo } from './traffic-steps.ts';

export function planBlueGreen(situation: Situation): Rollout {
  const active = activeSlot(situation);
  const idle = situation.service.slots.find((slot) => slot !== active);
  if (active !== undefined && isOnlyToMend(situation, active)) return renewInPlace(situation, active);
  return idle === undefined ? nothing : takeOver(situation, idle, active, switchAndBake);
}

/** All requests at once. A revert has no time to watch them: its side has proved itself before. */
export function switchAndBake({ sequence, target, route, named, needs }: Shift): readonly Step[] {
  const { situation } = sequence;
  const { service, intent } = situation;
  const switched = named.move(switchTo(sequence, target, route, needs));
  const durationMs = service.strategy.kind === 'blue_green' ? service.strategy.bakeMs : 0;
  if (durationMs === 0 || intent.kind === 'revert') return switched;
  return [
    sequence.add({
      id: `${service.name}/${target.name}/bake`,
      needs: switched,
      address: target.address,
      verb: 'bake',
      title: `${timeInWords(durationMs)} under all traffic`,
      where: '',
      operation: {
        op: 'bake',
        service: service.address,
        durationMs,
        watch: target.instances.map((each) => checkOf(situation, target, each, wantedRelease(service))),
      },
      inverse: nothingToUndo,
      gate: 'the checks keep passing',
      estimateSeconds: durationMs / 1000,
    }),
  ];
}
