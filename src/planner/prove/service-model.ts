/** One service as a model that steps can be run over: who is in service, and where the route goes. */
import type { InstanceDeclared, RouteValue, SlotDeclared, Step } from '../../model/index.ts';
import {
  isInService,
  memberOf,
  memberState,
  poolOf,
  routeState,
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

/** The part of the requests that each slot gets, above 0 and at most 1; empty: there is no route. */
export type Routed = ReadonlyMap<SlotDeclared, number>;

export interface ServiceModel {
  readonly situation: Situation;
  readonly instances: ReadonlyMap<SlotDeclared, readonly InstanceModel[]>;
  /** Steps that move the route, and the slots it goes to before, between and after them. */
  readonly switches: readonly Step[];
  readonly routed: readonly Routed[];
  readonly steps: readonly Step[];
}

export function modelOf(situation: Situation, allSteps: readonly Step[]): ServiceModel {
  const { service } = situation;
  const steps = allSteps.filter((step) => step.service === service.address);
  const switches = steps.filter((step) => step.operation.op === 'route.set');
  const { runtime, persisted } = routeState(situation);
  const initial =
    situation.traffic === undefined
      ? new Map(service.slots.slice(0, 1).map((slot) => [slot, 1]))
      : routedBy(situation, runtime ?? persisted);
  return {
    situation,
    steps,
    switches,
    routed: [
      initial,
      ...switches.map(({ operation }) =>
        routedBy(situation, operation.op === 'route.set' ? operation.to : null),
      ),
    ],
    instances: new Map(
      service.slots.map((slot) => [
        slot,
        slot.instances.map((each) => modelInstance(situation, slot, each, steps)),
      ]),
    ),
  };
}

function routedBy(situation: Situation, value: RouteValue | null): Routed {
  if (value === null) return new Map();
  const { stable, canary, canaryBasisPoints, audience } = value;
  const shares = new Map<SlotDeclared, number>();
  const add = (pool: string, share: number): void => {
    const slot = situation.service.slots.find((each) => poolOf(situation, each) === pool);
    if (slot !== undefined && share > 0) shares.set(slot, (shares.get(slot) ?? 0) + share);
  };
  add(stable, (10_000 - canaryBasisPoints) / 10_000);
  // How many belong to an audience is not known: somebody does.
  add(canary, Math.max(canaryBasisPoints, audience === undefined ? 0 : 1) / 10_000);
  return shares;
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

/**
 * How many hosts in service a slot with this share is worth: with a tenth of the requests on one host, it is as if all
 * of them were on ten. So a share can be held against a floor that speaks of the whole.
 */
export const worth = (inService: number, share: number): number => Math.floor(inService / share + 1e-9);

/** The slot with the largest share. */
export function mainSlot(routed: Routed | undefined): SlotDeclared | undefined {
  return [...(routed ?? [])].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}
