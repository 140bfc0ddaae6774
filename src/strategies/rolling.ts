/**
 * One slot, renewed in batches of hosts: zone after zone where hosts are labelled with them, with a pause between two
 * batches, and with room for hosts that fail and are left out.
 */
import type { HostCount, InstanceDeclared, SlotDeclared, Step } from '../model/index.ts';
import { renewInPlace } from './in-place.ts';
import { checkOf } from './instance-steps.ts';
import { type Situation, wantedRelease } from './situation.ts';
import { nothingToUndo, type Sequence, timeInWords } from './step.ts';
import { nothing, type Rollout } from './strategy.ts';
import {
  type Batching,
  batchesOf,
  instancesToRenew,
  paceOf,
  renewInTurns,
  serves,
  type Turn,
} from './turns.ts';

export function planRolling(situation: Situation): Rollout {
  const { strategy, slots } = situation.service;
  const [slot] = slots;
  if (slot === undefined || strategy.kind !== 'rolling') return nothing;
  // What serves nothing needs no batches.
  if (!serves(situation, slot)) return renewInPlace(situation, slot);
  const toRenew = instancesToRenew(situation, slot);
  const zones = [...Map.groupBy(toRenew, ({ host }) => situation.zoneOf(host) ?? '').values()];
  const batching: Batching = { most: batchSize(strategy.batch, slot), spare: strategy.maxFailures };
  const batches = batchesOf(situation, slot, zones, batching);
  if (!batches.ok) return { ...nothing, held: batches.diagnostics };
  const rollout = renewInTurns(situation, slot, turnsOf(situation, slot, batches.value));
  return strategy.maxFailures === 0
    ? rollout
    : { ...rollout, steps: rollout.steps.map((step) => tolerating(step, toRenew, strategy.maxFailures)) };
}

/** Rounded down, and at least one: 25% of 6 hosts is 1. */
export const batchSize = (batch: HostCount, slot: SlotDeclared): number =>
  'hosts' in batch ? batch.hosts : Math.max(1, Math.floor((slot.instances.length * batch.percent) / 100));

function turnsOf(
  situation: Situation,
  slot: SlotDeclared,
  batches: readonly (readonly InstanceDeclared[])[],
): readonly Turn[] {
  const zoneOf = (batch: readonly InstanceDeclared[]): string | undefined => {
    const zones = new Set(batch.map(({ host }) => situation.zoneOf(host)));
    return zones.size === 1 ? [...zones][0] : undefined;
  };
  const pace = paceOf(batches);
  return batches.map((instances, index): Turn => {
    const zone = zoneOf(instances);
    const isLast = index === batches.length - 1;
    return {
      instances,
      stage: index + 1,
      line: zone === undefined ? '' : `zone ${zone}`,
      pace,
      ...(isLast
        ? {}
        : { afterwards: (sequence, needs) => pauseAfter(sequence, slot, instances, index + 1, needs) }),
    };
  });
}

/** The checks of the batch that returned go on: what fails right after its return must not take the next batch with it. */
function pauseAfter(
  sequence: Sequence,
  slot: SlotDeclared,
  batch: readonly InstanceDeclared[],
  number: number,
  needs: readonly Step[],
): readonly Step[] {
  const { situation } = sequence;
  const { service } = situation;
  const durationMs = service.strategy.kind === 'rolling' ? service.strategy.pauseMs : 0;
  if (durationMs === 0 || situation.intent.kind === 'revert') return needs;
  return [
    sequence.add({
      id: `${service.name}/${slot.name}/pause-${number}`,
      needs,
      address: slot.address,
      verb: 'pause',
      title: `${timeInWords(durationMs)} after each batch, under its checks`,
      where: '',
      operation: {
        op: 'bake',
        service: service.address,
        durationMs,
        watch: batch.map((each) => checkOf(situation, slot, each, wantedRelease(service))),
      },
      inverse: nothingToUndo,
      gate: 'the checks keep passing',
      estimateSeconds: durationMs / 1000,
    }),
  ];
}

/** The steps of one host may fail, its prune too: who died before cannot do it. What is done once for all may not. */
function tolerating(step: Step, instances: readonly InstanceDeclared[], most: number): Step {
  const { operation } = step;
  if (operation.op !== 'release.prune' && step.address === step.service) return step;
  const host =
    'place' in operation ? operation.place?.host : 'member' in operation ? operation.member : undefined;
  return instances.some((each) => each.host === host) && host !== undefined
    ? { ...step, tolerance: { host, most } }
    : step;
}
