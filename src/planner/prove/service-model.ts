/** One service as a model that steps can be run over: who is in service, and where the route goes. */
import {
  type InstanceDeclared,
  type Operation,
  type RouteValue,
  recordMovesOf,
  type SlotDeclared,
  type Step,
} from '../../model/index.ts';
import { slotsOfSet } from '../../strategies/answers.ts';
import {
  isInService,
  isRouted,
  memberOf,
  memberState,
  namedSlots,
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

export interface RouteModel {
  /** The steps after which requests go elsewhere, in the order in which they must happen. */
  readonly switches: readonly Step[];
  /** routed[n]: where they may go after n of them. */
  readonly routed: readonly Routed[];
}

export interface ServiceModel {
  readonly situation: Situation;
  readonly instances: ReadonlyMap<SlotDeclared, readonly InstanceModel[]>;
  /** How requests find their slot: a balancer's route, a DNS record, or both. */
  readonly routes: readonly RouteModel[];
  /** Who may still be led somewhere by what is said no more. It counts for exposure, and is no capacity. */
  readonly memory: RouteModel;
  /** Who gets requests as the plan finds it, by all of them. */
  readonly atStart: Routed;
  readonly steps: readonly Step[];
}

export function modelOf(situation: Situation, allSteps: readonly Step[]): ServiceModel {
  const { service } = situation;
  const steps = allSteps.filter((step) => step.service === service.address);
  const routes = isRouted(situation)
    ? [
        ...(situation.traffic === undefined ? [] : [routeOfBalancer(situation, steps)]),
        ...(situation.name === undefined ? [] : [routeOfName(situation, steps)]),
      ]
    : [{ switches: [], routed: [wholly(service.slots.slice(0, 1))] }];
  const concerning = stepsConcerning(steps);
  return {
    situation,
    steps,
    routes,
    memory: routeOfMemory(situation, steps),
    atStart: new Map(routes.flatMap(({ routed: [first = wholly([])] }) => [...first])),
    instances: new Map(
      service.slots.map((slot) => [
        slot,
        slot.instances.map((each) => modelInstance(situation, slot, each, concerning(each))),
      ]),
    ),
  };
}

/** Each of them has to bear all requests. */
const wholly = (slots: readonly SlotDeclared[]): Routed => new Map(slots.map((slot) => [slot, 1]));

/** A route that is written decides for the next request. */
function routeOfBalancer(situation: Situation, steps: readonly Step[]): RouteModel {
  const switches = steps.filter((step) => step.operation.op === 'route.set');
  const { runtime, persisted } = routeState(situation);
  return {
    switches,
    routed: [
      routedBy(situation, runtime ?? persisted),
      ...switches.map(({ operation }) =>
        routedBy(situation, operation.op === 'route.set' ? operation.to : null),
      ),
    ],
  };
}

/** A record that was switched leads to both slots, until no resolver remembers the answer of before. */
function routeOfName(situation: Situation, steps: readonly Step[]): RouteModel {
  const switches: Step[] = [];
  const routed: Routed[] = [wholly(namedSlots(situation))];
  for (const step of steps) {
    const { operation } = step;
    const before = routed.at(-1) ?? wholly([]);
    const last = switches.findLast(({ operation: { op } }) => op === 'record.set')?.operation;
    if (operation.op === 'record.set') {
      routed.push(wholly([...before.keys(), ...slotsNamedBy(situation, operation)]));
      switches.push(step);
    } else if (operation.op === 'record.expire' && last?.op === 'record.set') {
      routed.push(wholly(slotsNamedBy(situation, last)));
      switches.push(step);
    }
  }
  return { switches, routed };
}

/** Slots that only those lead to who remember an answer of before the plan, until the first wait for them is over. */
function routeOfMemory(situation: Situation, steps: readonly Step[]): RouteModel {
  const { service, name } = situation;
  const named = namedSlots(situation);
  const remembered = service.slots.filter(
    (slot) =>
      !named.includes(slot) && name?.remembered.some(({ slots }) => slots.includes(slot.name)) === true,
  );
  const forgotten = steps.find(({ operation: { op } }) => op === 'record.expire');
  return forgotten === undefined
    ? { switches: [], routed: [wholly(remembered)] }
    : { switches: [forgotten], routed: [wholly(remembered), wholly([])] };
}

const slotsNamedBy = (
  situation: Situation,
  operation: Operation & { readonly op: 'record.set' },
): readonly SlotDeclared[] =>
  recordMovesOf(operation).flatMap(({ record, to }) =>
    to === null ? [] : [...slotsOfSet(situation, record.type, to).keys()],
  );

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

/** Each step concerns a few instances, those that it names: of a fleet nobody looks at every step for every host. */
function stepsConcerning(steps: readonly Step[]): (instance: InstanceDeclared) => readonly Step[] {
  const places = new Map<string, number[]>();
  for (const [place, { operation }] of steps.entries()) {
    const name = concerned(operation);
    if (name === undefined) continue;
    const named = places.get(name) ?? [];
    named.push(place);
    places.set(name, named);
  }
  return ({ address, host }) =>
    [...(places.get(`instance ${address}`) ?? []), ...(places.get(`member ${host}`) ?? [])]
      .toSorted((a, b) => a - b)
      .flatMap((place) => steps[place] ?? []);
}

/** What {@link after} looks for in a step. */
function concerned(operation: Operation): string | undefined {
  switch (operation.op) {
    case 'process.set':
    case 'slot.link':
    case 'health.verify':
      return `instance ${operation.instance}`;
    case 'member.set':
      return `member ${operation.member}`;
    default:
      return undefined;
  }
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
