/**
 * A new release gets a growing part of the requests; at each step the checks and the analysis decide whether it goes on.
 * With two slots the share is the balancer's, to the percent; with one slot it is that of the hosts that are renewed.
 */
import {
  type AudienceRule,
  type CanaryStepDeclared,
  canonicalAudience,
  describeAudienceRule,
  type InstanceDeclared,
  type Judged,
  type Operation,
  type SlotDeclared,
  type Step,
  sameValue,
} from '../model/index.ts';
import { switchAndBake } from './blue-green.ts';
import { renewInPlace } from './in-place.ts';
import { checkOf } from './instance-steps.ts';
import { activeSlot, poolOf, type Situation, stateOf, wantedRelease } from './situation.ts';
import { nothingToUndo, type Sequence, timeInWords } from './step.ts';
import { nothing, type Rollout } from './strategy.ts';
import { isOnlyToMend, type Shift, takeOver } from './take-over.ts';
import { switchTo } from './traffic-steps.ts';
import { batchesOf, instancesToRenew, renewInTurns, serves, type Turn } from './turns.ts';

export function planCanary(situation: Situation): Rollout {
  const [first, second] = situation.service.slots;
  if (first === undefined) return nothing;
  return second === undefined ? renewInSteps(situation, first) : shiftInSteps(situation);
}

const stepsOf = ({ service: { strategy } }: Situation): readonly CanaryStepDeclared[] =>
  strategy.kind === 'canary' ? strategy.steps : [];

// ── two slots ──────────────────────────────────────────────────────────────────────────────────────

function shiftInSteps(situation: Situation): Rollout {
  const active = activeSlot(situation);
  const idle = situation.service.slots.find((slot) => slot !== active);
  if (active !== undefined && isOnlyToMend(situation, active)) return renewInPlace(situation, active);
  if (idle === undefined) return nothing;
  // Nobody can be kept from a first release, and who goes back must be there at once.
  const hasSteps = active !== undefined && situation.intent.kind !== 'revert';
  return takeOver(situation, idle, active, hasSteps ? (shift) => climb(shift, active) : switchAndBake);
}

/** From share to share, each under its gate, to the whole. */
function climb(
  { sequence, target, route, named: name, needs }: Shift,
  active: SlotDeclared,
): readonly Step[] {
  const { situation } = sequence;
  const { balancer } = situation;
  const stable = poolOf(situation, active);
  const canary = poolOf(situation, target);
  if (balancer === undefined || stable === undefined || canary === undefined) return needs;
  // An earlier run may have left the canary with a share: those that have it are not sent back first.
  const hasBasisPoints = route.value?.canary === canary ? route.value.canaryBasisPoints : 0;
  let last = needs;
  // Whoever was named stays: nobody goes back before all do.
  const rules: AudienceRule[] = [];
  for (const [index, step] of stepsOf(situation).entries()) {
    rules.push(...step.audience);
    const canaryBasisPoints = step.share * 100;
    if (step.share === 100 || canaryBasisPoints < hasBasisPoints) continue;
    sequence.beginStage(index + 1);
    const audience = canonicalAudience(rules);
    const to = { stable, canary, canaryBasisPoints, ...(audience === undefined ? {} : { audience }) };
    if (!sameValue(to, route.value)) {
      last = route.move({
        id: `${target.name}/share-${index + 1}`,
        verb: 'share',
        title: `${balancer.name}: ${step.share}%${named(audience)} to ${canary}`,
        to,
        gate: `of fresh requests ${step.share}% are answered by ${canary}`,
        needs: last,
        target,
      });
    }
    last = gates(
      { sequence, target, step, number: index + 1, sides: bothSides(stable, active, canary, target) },
      last,
    );
  }
  const steps = stepsOf(situation);
  const whole = steps.findIndex(({ share }) => share === 100);
  const step = steps[whole];
  sequence.beginStage(whole === -1 ? steps.length + 1 : whole + 1);
  last = name.move(switchTo(sequence, target, route, last));
  if (step !== undefined) {
    const sides = bothSides(stable, active, canary, target);
    last = gates({ sequence, target, step, number: whole + 1, sides }, last);
  }
  sequence.beginStage(undefined);
  return last;
}

const named = (audience: readonly AudienceRule[] | undefined): string =>
  audience === undefined ? '' : `, and ${audience.map(describeAudienceRule).join(', ')},`;

const bothSides = (stable: string, active: SlotDeclared, canary: string, target: SlotDeclared): Sides => ({
  stable: { pool: stable, members: active.instances.map(({ host }) => host) },
  canary: { pool: canary, members: target.instances.map(({ host }) => host) },
});

// ── one slot ───────────────────────────────────────────────────────────────────────────────────────

function renewInSteps(situation: Situation, slot: SlotDeclared): Rollout {
  const toRenew = instancesToRenew(situation, slot);
  const isFirst =
    !serves(situation, slot) ||
    slot.instances.every((each) => stateOf(situation.instance(each)).linked === null);
  if (isFirst || toRenew.length === 0 || situation.intent.kind === 'revert') {
    return renewInPlace(situation, slot);
  }
  const turns: Turn[] = [];
  let renewed = slot.instances.filter((each) => !toRenew.includes(each));
  let waiting = toRenew;
  const steps = stepsOf(situation);
  for (const [index, step] of [...steps, ...(steps.at(-1)?.share === 100 ? [] : [undefined])].entries()) {
    const share = step?.share ?? 100;
    const wanted = hostsFor(share, slot.instances.length);
    if (wanted < renewed.length) continue;
    const batches = batchesOf(situation, slot, [waiting.slice(0, wanted - renewed.length)], {
      most: situation.floorPercent === undefined ? 1 : undefined,
      spare: 0,
    });
    if (!batches.ok) return { ...nothing, held: batches.diagnostics };
    const line = `${wanted} of ${slot.instances.length} hosts with it`;
    turns.push(...batches.value.map((instances) => ({ instances, line, pace: '', stage: index + 1 })));
    waiting = waiting.slice(wanted - renewed.length);
    renewed = slot.instances.filter((each) => !waiting.includes(each));
    if (step === undefined) continue;
    const sides = sidesOfOnePool(situation, slot, renewed);
    const watched = { target: { ...slot, instances: renewed }, step, number: index + 1, sides };
    turns.push({
      instances: [],
      line,
      pace: '',
      stage: index + 1,
      afterwards: (sequence, needs) => gates({ sequence, ...watched }, needs),
    });
  }
  return renewInTurns(situation, slot, turns);
}

/** As large as the share, and at least one host: never more users than were asked for, but somebody. */
export const hostsFor = (share: number, hosts: number): number =>
  Math.max(1, Math.floor((hosts * share) / 100));

function sidesOfOnePool(
  situation: Situation,
  slot: SlotDeclared,
  renewed: readonly InstanceDeclared[],
): Sides | undefined {
  const pool = poolOf(situation, slot);
  if (pool === undefined) return undefined;
  const others = slot.instances.filter((each) => !renewed.includes(each));
  return {
    stable: { pool, members: others.map(({ host }) => host) },
    canary: { pool, members: renewed.map(({ host }) => host) },
  };
}

// ── gates ──────────────────────────────────────────────────────────────────────────────────────────

type Sides = Pick<Judged, 'stable' | 'canary'>;

interface GateOf {
  readonly sequence: Sequence;
  /** What is watched: the slot, or the hosts of it that have the release. */
  readonly target: SlotDeclared;
  readonly step: CanaryStepDeclared;
  readonly number: number;
  readonly sides: Sides | undefined;
}

/** What a step of the canary waits for: its time under checks and analysis, then a person. */
function gates({ sequence, target, step, number, sides }: GateOf, needs: readonly Step[]): readonly Step[] {
  const { situation } = sequence;
  const { service, balancer } = situation;
  const analysis = service.strategy.kind === 'canary' ? service.strategy.analysis : [];
  const judged: Judged | undefined =
    analysis.length === 0 || balancer === undefined || sides === undefined
      ? undefined
      : {
          service: service.address,
          analysis,
          balancer: balancer.address,
          ...sides,
          sharePercent: step.share,
        };
  const common: Pick<Extract<Operation, { op: 'bake' }>, 'service' | 'watch' | 'judged'> = {
    service: service.address,
    watch: target.instances.map((each) => checkOf(situation, target, each, wantedRelease(service))),
    ...(judged === undefined ? {} : { judged }),
  };
  const decidedBy = ['the checks keep passing', ...analysis.map(({ name }) => `${name} passes`)].join(', ');
  let last = needs;
  if (step.bakeMs > 0 || judged !== undefined) {
    last = [
      sequence.add({
        id: `${service.name}/${target.name}/bake-${number}`,
        needs: last,
        address: target.address,
        verb: 'bake',
        title: `${timeInWords(step.bakeMs)} at ${step.share}%${analysis.length === 0 ? '' : `: ${analysis.map(({ name }) => name).join(', ')}`}`,
        where: '',
        operation: { op: 'bake', durationMs: step.bakeMs, ...common },
        inverse: nothingToUndo,
        gate: decidedBy,
        estimateSeconds: step.bakeMs / 1000,
      }),
    ];
  }
  if (!step.approval) return last;
  return [
    sequence.add({
      id: `${service.name}/${target.name}/approve-${number}`,
      needs: last,
      address: target.address,
      verb: 'approve',
      title: `at ${step.share}%: waits to be promoted`,
      where: '',
      operation: { op: 'approval', sharePercent: step.share, ...common },
      inverse: nothingToUndo,
      gate: `somebody promotes it, and ${decidedBy}`,
      estimateSeconds: 0,
    }),
  ];
}
