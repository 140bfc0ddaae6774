/** One service as a model that steps can be run over: who is in service, and where the route goes. */
import type { InstanceDeclared, SlotDeclared, Step } from '../../model/index.ts';
import {
  activeSlot,
  isInService,
  memberOf,
  memberState,
  poolOf,
  type Situation,
  stateOf,
} from '../../strategies/situation.ts';

/** What matters of an instance for traffic. */
export interface Moment {
  /** The release that runs was seen to be healthy. */
  readonly isVerified: boolean;
  /** The balancer would send it requests if its pool has the route. Always, where there is no balancer. */
  readonly isMember: boolean;
}

export interface InstanceModel {
  readonly instance: InstanceDeclared;
  /** The steps that change it, in the order in which they must happen. */
  readonly chain: readonly Step[];
  /** moments[n]: after n steps of the chain; moments[0]: as observed. */
  readonly moments: readonly Moment[];
}

export interface ServiceModel {
  readonly situation: Situation;
  readonly instances: ReadonlyMap<SlotDeclared, readonly InstanceModel[]>;
  /** Steps that move the route, and the slot it goes to before, between and after them. */
  readonly switches: readonly Step[];
  readonly routed: readonly (SlotDeclared | undefined)[];
  readonly steps: readonly Step[];
}

export function modelOf(situation: Situation, allSteps: readonly Step[]): ServiceModel {
  const { service } = situation;
  const steps = allSteps.filter((step) => step.service === service.address);
  const switches = steps.filter((step) => step.operation.op === 'route.set');
  const initial = situation.traffic === undefined ? service.slots[0] : activeSlot(situation);
  return {
    situation,
    steps,
    switches,
    routed: [initial, ...switches.map((step) => slotRoutedBy(situation, step))],
    instances: new Map(
      service.slots.map((slot) => [
        slot,
        slot.instances.map((each) => modelInstance(situation, slot, each, steps)),
      ]),
    ),
  };
}

function slotRoutedBy(situation: Situation, step: Step): SlotDeclared | undefined {
  const pool = step.operation.op === 'route.set' ? step.operation.to?.stable : undefined;
  return situation.service.slots.find((slot) => pool !== undefined && poolOf(situation, slot) === pool);
}

function modelInstance(
  situation: Situation,
  slot: SlotDeclared,
  instance: InstanceDeclared,
  steps: readonly Step[],
): InstanceModel {
  const pool = poolOf(situation, slot);
  const chain: Step[] = [];
  const moments: Moment[] = [observed(situation, slot, instance)];
  for (const step of steps) {
    const next = after(moments.at(-1) as Moment, step, instance, pool);
    if (next === undefined) continue;
    chain.push(step);
    moments.push(next);
  }
  return { instance, chain, moments };
}

function observed(situation: Situation, slot: SlotDeclared, instance: InstanceDeclared): Moment {
  const { running, linked, health } = stateOf(situation.instance(instance));
  const works = instance.process === undefined ? linked !== null : running !== null;
  const member = memberState(memberOf(situation, slot, instance));
  return {
    isVerified: works && health.status !== 'unhealthy',
    isMember: situation.traffic === undefined || member === undefined || member.admin === 'ready',
  };
}

/** What the step makes of the instance; undefined where it does not concern it. */
function after(
  before: Moment,
  step: Step,
  instance: InstanceDeclared,
  pool: string | undefined,
): Moment | undefined {
  const { operation } = step;
  switch (operation.op) {
    case 'process.set':
    case 'slot.link':
      return operation.instance === instance.address ? { ...before, isVerified: false } : undefined;
    case 'health.verify':
      return operation.instance === instance.address ? { ...before, isVerified: true } : undefined;
    case 'member.set':
      return operation.pool === pool && operation.member === instance.host
        ? { ...before, isMember: operation.to === 'ready' }
        : undefined;
    default:
      return undefined;
  }
}

export const servesAsObserved = ({ situation }: ServiceModel, slot: SlotDeclared): number =>
  slot.instances.filter((instance) => isInService(situation, slot, instance)).length;
