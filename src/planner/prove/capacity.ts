/** Capacity never below the floor, and no traffic to what is not verified: at every step, in every order that the needs allow. */
import type { Diagnostic, Proof, SlotDeclared, Step } from '../../model/index.ts';
import { floorOf } from '../../strategies/situation.ts';
import type { OrderOfEvents } from './order-of-events.ts';
import { type InstanceModel, type ServiceModel, servesAsObserved } from './service-model.ts';

export interface CapacityProof {
  /** undefined where nothing served before: there is no capacity to lose. */
  readonly capacity: Proof['capacity'][number] | undefined;
  readonly violations: readonly Diagnostic[];
}

export function proveCapacity(model: ServiceModel, order: OrderOfEvents): CapacityProof {
  const { situation, routed } = model;
  const violations: Diagnostic[] = [];
  const [initial] = routed;
  const atStart = initial === undefined ? 0 : servesAsObserved(model, initial);
  let lowest = atStart;
  let atStep: Step | undefined;

  for (const step of model.steps.filter(changesCapacity)) {
    for (const slot of slotsRoutedDuring(model, order, step)) {
      const instances = model.instances.get(slot) ?? [];
      const inService = instances.filter((each) => servesThroughout(each, order, step)).length;
      if (inService < lowest) {
        lowest = inService;
        atStep = step;
      }
      const exposed = instances.find((each) => mayBeExposed(each, order, step));
      if (exposed !== undefined && situation.traffic !== undefined) {
        violations.push(unverifiedTraffic(model, slot, exposed, step));
      }
    }
  }

  const slot = initial ?? situation.service.slots[0];
  const floor = slot === undefined ? 0 : floorOf(situation, slot);
  if (lowest < Math.min(floor, atStart)) violations.push(belowFloor(model, floor, lowest, atStep));
  return {
    capacity:
      initial === undefined || atStart === 0
        ? undefined
        : {
            service: situation.service.address,
            hosts: initial.instances.length,
            floor,
            lowest,
            atStep: atStep?.id,
          },
    violations,
  };
}

const changesCapacity = ({ operation: { op } }: Step): boolean =>
  op === 'process.set' || op === 'slot.link' || op === 'member.set' || op === 'route.set';

/** Every slot that may have the route while the step runs. */
function slotsRoutedDuring(model: ServiceModel, order: OrderOfEvents, step: Step): readonly SlotDeclared[] {
  const { from, to } = order.doneDuring(model.switches, step);
  return [...new Set(model.routed.slice(from, to + 1).filter((slot) => slot !== undefined))];
}

const momentsDuring = (each: InstanceModel, order: OrderOfEvents, step: Step) => {
  const { from, to } = order.doneDuring(each.chain, step);
  return each.moments.slice(from, to + 1);
};

const servesThroughout = (each: InstanceModel, order: OrderOfEvents, step: Step): boolean =>
  momentsDuring(each, order, step).every((moment) => moment.isVerified && moment.isMember);

/** Whether it may get requests while it is not verified, by our doing: as it was found does not count. */
const mayBeExposed = (each: InstanceModel, order: OrderOfEvents, step: Step): boolean =>
  momentsDuring(each, order, step).some(
    (moment) => moment !== each.moments[0] && moment.isMember && !moment.isVerified && wasExposedNewly(each),
  );

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
