/** Capacity never below the floor, and no traffic to what is not verified: at every step, in every order that the needs allow. */
import type { Diagnostic, Proof, SlotDeclared, Step } from '../../model/index.ts';
import { awayOf, floorOf, isRouted } from '../../strategies/situation.ts';
import type { Chain, OrderOfEvents } from './order-of-events.ts';
import {
  type InstanceModel,
  type Moment,
  mainSlot,
  type Routed,
  type ServiceModel,
  servesAsObserved,
  worth,
} from './service-model.ts';

export interface CapacityProof {
  /** undefined where nothing served before: there is no capacity to lose. */
  readonly capacity: Proof['capacity'][number] | undefined;
  readonly violations: readonly Diagnostic[];
}

export function proveCapacity(model: ServiceModel, order: OrderOfEvents): CapacityProof {
  const { situation, atStart: routed } = model;
  const violations: Diagnostic[] = [];
  const initial = mainSlot(routed);
  const atStart = Math.min(
    ...[...routed].map(([slot, share]) => worth(servesAsObserved(model, slot), share)),
    initial?.instances.length ?? 0,
  );
  let lowest = atStart;
  let atStep: Step | undefined;
  // Each step is held against each instance: what depends on only one of the two is worked out before.
  const routes = model.routes.map(({ switches, routed }) => ({ switches: order.chainOf(switches), routed }));
  const instancesOf = new Map(
    [...model.instances].map(([slot, instances]) => [
      slot,
      instances.map((each) => ({
        each,
        places: order.chainOf(each.chain),
        outOfService: firstFrom(each.moments, (moment) => !(moment.isVerified && moment.isMember)),
        exposed: firstFrom(each.moments, (moment) => isExposed(each, moment, isNewByName(model, slot))),
      })),
    ]),
  );

  const memory = { switches: order.chainOf(model.memory.switches), routed: model.memory.routed };
  // Asked for each pair of a step and an instance, millions of times for thousands of hosts: nothing is made in it.
  const countAt = (slot: SlotDeclared, place: number) => {
    const instances = instancesOf.get(slot) ?? [];
    let inService = 0;
    let exposed: InstanceModel | undefined;
    for (let at = 0; at < instances.length; at += 1) {
      const instance = instances[at] as (typeof instances)[number];
      const from = order.doneBefore(instance.places, place);
      const to = order.doneAtMost(instance.places, place, from);
      if ((instance.outOfService[from] as number) > to) inService += 1;
      else if ((instance.exposed[from] as number) <= to) exposed ??= instance.each;
    }
    return { inService, exposed };
  };

  for (const step of model.steps.filter(changesCapacity)) {
    const place = order.placeOf(step);
    for (const [slot] of routedDuring([memory], order, place)) {
      const { exposed } = countAt(slot, place);
      if (exposed !== undefined) violations.push(unverifiedTraffic(model, slot, exposed, step));
    }
    for (const [slot, share] of routedDuring(routes, order, place)) {
      const { inService, exposed } = countAt(slot, place);
      if (worth(inService, share) < lowest) {
        lowest = worth(inService, share);
        atStep = step;
      }
      if (exposed !== undefined && isRouted(situation)) {
        violations.push(unverifiedTraffic(model, slot, exposed, step));
      }
    }
  }

  const slot = initial ?? situation.service.slots[0];
  const floor = slot === undefined ? 0 : floorOf(situation, slot);
  // Hosts that may fail and be left out are missing at every later step.
  const spare = model.steps.reduce((most, { tolerance }) => Math.max(most, tolerance?.most ?? 0), 0);
  if (floor > 0 && lowest < Math.min(floor + spare, atStart)) {
    violations.push(belowFloor(model, floor, lowest - spare, atStep));
  }
  return {
    capacity:
      initial === undefined || atStart === 0
        ? undefined
        : {
            service: situation.service.address,
            hosts: initial.instances.length + awayOf(situation, initial).length,
            floor,
            lowest,
            atStep: atStep?.id,
            ...(spare === 0 ? {} : { spare }),
          },
    violations,
  };
}

const changesCapacity = ({ operation: { op } }: Step): boolean =>
  op === 'process.set' ||
  op === 'slot.link' ||
  op === 'member.set' ||
  op === 'route.set' ||
  op === 'record.set';

/** Every slot that may have requests while the step in that place runs, with each share that it may have. */
function routedDuring(
  routes: readonly { readonly switches: Chain; readonly routed: readonly Routed[] }[],
  order: OrderOfEvents,
  place: number,
): readonly (readonly [SlotDeclared, number])[] {
  return routes.flatMap(({ switches, routed }) => {
    const from = order.doneBefore(switches, place);
    const to = order.doneAtMost(switches, place, from);
    return routed.slice(from, to + 1).flatMap((each) => [...each]);
  });
}

/** For each moment the next one, itself included, of which it is true; beyond the last where there is none. */
function firstFrom(moments: readonly Moment[], isTrue: (moment: Moment) => boolean): readonly number[] {
  const next: number[] = [];
  for (let at = moments.length - 1; at >= 0; at -= 1) {
    next[at] = isTrue(moments[at] as Moment) ? at : (next[at + 1] ?? moments.length);
  }
  return next;
}

/** Whether it gets requests at that moment while it is not verified, by our doing: as it was found does not count. */
const isExposed = (each: InstanceModel, moment: Moment, isNew: boolean): boolean =>
  moment.isMember &&
  !moment.isVerified &&
  ((isNew && each.chain.length > 0) || (moment !== each.moments[0] && wasExposedNewly(each)));

/** DNS has no checks of its own: a slot that gets its traffic by this plan has no excuse in how it was found. */
const isNewByName = ({ situation, atStart }: ServiceModel, slot: SlotDeclared): boolean =>
  situation.traffic === undefined && !atStart.has(slot);

/** An instance that was down and in the pool when it was found stays the balancer's business until it is verified. */
const wasExposedNewly = ({ moments: [first] }: InstanceModel): boolean =>
  first?.isVerified === true || first?.isMember === false;

function unverifiedTraffic(
  model: ServiceModel,
  slot: SlotDeclared,
  each: InstanceModel,
  step: Step,
): Diagnostic {
  return {
    code: 'unverified-traffic',
    severity: 'error',
    summary: 'The plan would send traffic to something that is not verified',
    detail: `At step ${step.id}, ${slot.address} may have traffic while ${each.instance.address} is not verified.`,
    hint: 'This is a mistake in the planner: please report it with the configuration. Nothing was changed.',
    address: model.situation.service.address,
  };
}

function belowFloor(
  model: ServiceModel,
  floor: number,
  lowest: number,
  atStep: Step | undefined,
): Diagnostic {
  return {
    code: 'below-floor',
    severity: 'error',
    summary: 'The plan would fall below the floor of capacity',
    detail: `${model.situation.service.address} would have ${lowest} hosts in service at step ${atStep?.id}; min_in_service asks for ${floor}.`,
    hint: 'Lower min_in_service, or add a host.',
    address: model.situation.service.address,
  };
}
