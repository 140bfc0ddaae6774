/** One service as its strategy finds it: what is declared, what was seen, and the questions that every strategy asks. */
import {
  type BalancerDeclared,
  type BalancerTraffic,
  canonicalJson,
  type Diagnostic,
  type InstanceDeclared,
  type InstanceState,
  type Intent,
  type MemberState,
  type NameTraffic,
  type Observation,
  type RecordDeclared,
  type RecordSet,
  type RecordState,
  type RouteState,
  type RunningProcess,
  releaseDirectory,
  type ServiceDeclared,
  type SlotDeclared,
  sameValue,
  type ZoneDeclared,
} from '../model/index.ts';
import { answersOf, slotsOfSet } from './answers.ts';

/** An answer of before; `leftMs` after the plan is made the last resolver has forgotten it. */
export interface StillRemembered {
  readonly ttlSeconds: number;
  readonly leftMs: number;
  /** Names of the slots that it leads to. */
  readonly slots: readonly string[];
}

/** A set of another type at the name of the record. */
export interface ReplacedSet {
  readonly record: RecordDeclared;
  readonly rrset: RecordSet;
  /** Slot name to its values, as they were declared for that type. */
  readonly values: NameTraffic['values'];
}

/** A service's DNS record. */
export interface NameSituation {
  readonly traffic: NameTraffic;
  readonly zone: ZoneDeclared;
  readonly record: Observation<'record'>;
  /** Of this service, by an earlier declaration, and in the place of the record: a CNAME, or what a CNAME is to replace. */
  readonly replaced: readonly ReplacedSet[];
  /** Answers that are given no more, and that resolvers may remember. */
  readonly remembered: readonly StillRemembered[];
  /** What the load balancer that resolves the record uses; undefined: there is none. */
  readonly resolution: Observation<'resolution'> | undefined;
}

export interface Situation {
  readonly service: ServiceDeclared;
  /** Absolute folder of the environment, where hooks of the operator run. */
  readonly folder: string;
  readonly intent: Intent;
  /** The load balancer's side of its traffic, and DNS's; either, both, or none. */
  readonly traffic: BalancerTraffic | undefined;
  readonly name: NameSituation | undefined;
  readonly balancer: BalancerDeclared | undefined;
  /** Whether this plan writes the balancer's pools before the service's own steps begin. */
  readonly writesPools: boolean;
  readonly instance: (declared: InstanceDeclared) => Observation<'instance'>;
  readonly inventory: (host: string) => Observation<'inventory'>;
  /** The host's label `zone`. */
  readonly zoneOf: (host: string) => string | undefined;
  readonly route: Observation<'route'> | undefined;
  readonly member: (pool: string, host: string) => Observation<'member'> | undefined;
  /** Whole percent; undefined: no floor is declared. */
  readonly floorPercent: number | undefined;
  /** Release folders that a way back may need: never pruned. */
  readonly neededReleases: ReadonlySet<string>;
  /** Instances of hosts that are away and that the plan goes on without, by the name of their slot. */
  readonly away: ReadonlyMap<string, readonly InstanceDeclared[]>;
  /** Seconds that such a step usually takes. */
  readonly estimate: (verb: string) => number;
}

export const wantedRelease = (service: ServiceDeclared): string => releaseDirectory(service.release);

/** What the process of an instance must have been started with; null where the service has no process. */
export const wantedProcess = (service: ServiceDeclared, instance: InstanceDeclared): RunningProcess | null =>
  instance.process === undefined ? null : { release: wantedRelease(service), process: instance.process };

/**
 * How an instance stands to what is wanted.
 *
 *   as_wanted   the release is linked, the process runs with it and with the declared definition
 *   missing     nothing else is there: not installed, or installed and not running
 *   tampered    as wanted but for a file that somebody changed behind deployctl's back
 *   different   another release, or another definition of the process
 *   unknown     could not be seen
 */
export type Standing = 'as_wanted' | 'missing' | 'tampered' | 'different' | 'unknown';

export function standingOf(situation: Situation, instance: InstanceDeclared): Standing {
  const observation = situation.instance(instance);
  if (observation.status === 'unknown') return 'unknown';
  const { linked, running, tampered } = stateOf(observation);
  const release = wantedRelease(situation.service);
  const wanted = wantedProcess(situation.service, instance);
  if (running === null && (linked === null || (linked === release && wanted !== null))) return 'missing';
  if (linked !== release || !sameValue(running, wanted)) return 'different';
  return tampered === null ? 'as_wanted' : 'tampered';
}

/** What is known of an instance; one that is absent has nothing linked and nothing running. */
export function stateOf(observation: Observation<'instance'>): InstanceState {
  return observation.status === 'present'
    ? observation.spec
    : { linked: null, running: null, tampered: null, health: { status: 'not_checked' } };
}

/** Whether it serves, as far as was seen: it runs, its check passes, and the balancer sends requests to it. */
export function isInService(situation: Situation, slot: SlotDeclared, instance: InstanceDeclared): boolean {
  const { running, health, linked } = stateOf(situation.instance(instance));
  const works = instance.process === undefined ? linked !== null : running !== null;
  const member = memberOf(situation, slot, instance);
  const isServed =
    situation.traffic === undefined || (member?.status === 'present' && member.spec.admin === 'ready');
  return works && health.status !== 'unhealthy' && isServed;
}

export function poolOf(situation: Situation, slot: SlotDeclared): string | undefined {
  return situation.traffic?.pools[slot.name];
}

export function memberOf(
  situation: Situation,
  slot: SlotDeclared,
  instance: InstanceDeclared,
): Observation<'member'> | undefined {
  const pool = poolOf(situation, slot);
  return pool === undefined ? undefined : situation.member(pool, instance.host);
}

export const memberState = (observation: Observation<'member'> | undefined): MemberState | undefined =>
  observation?.status === 'present' ? observation.spec : undefined;

export const routeState = (
  situation: Situation,
): Pick<RouteState, 'runtime' | 'persisted'> & Partial<RouteState> =>
  situation.route?.status === 'present' ? situation.route.spec : { runtime: null, persisted: null };

/** Whether anything says which slot gets the traffic; without, the only slot has it. */
export const isRouted = ({ traffic, name }: Situation): boolean =>
  traffic !== undefined || name !== undefined;

/** The slot that has the traffic: by the load balancer where there is one, else by the DNS record. */
export function activeSlot(situation: Situation): SlotDeclared | undefined {
  return situation.traffic === undefined ? namedSlots(situation)[0] : routedSlot(situation);
}

/** The slot that the route sends requests to: by what the workers do, else by what a restart would bring. */
export function routedSlot(situation: Situation): SlotDeclared | undefined {
  const { runtime, persisted } = routeState(situation);
  const pool = (runtime ?? persisted)?.stable;
  return situation.service.slots.find((slot) => pool !== undefined && poolOf(situation, slot) === pool);
}

/** The slots that the DNS record leads to, that with more of its values first; more than one if somebody mixed them. */
export function namedSlots(situation: Situation): readonly SlotDeclared[] {
  const { name, service } = situation;
  if (name === undefined) return [];
  const led = answersOf(name).map(({ record, rrset }) => slotsOfSet(situation, record.type, rrset));
  const own = (slot: SlotDeclared): number => led.reduce((sum, each) => sum + (each.get(slot) ?? 0), 0);
  return service.slots.filter((slot) => own(slot) > 0).toSorted((a, b) => own(b) - own(a));
}

export const recordState = ({ name }: Situation): RecordState | undefined =>
  name?.record.status === 'present' ? name.record.spec : undefined;

/** Of the slot, on hosts that are away and that the plan goes on without. */
export const awayOf = (situation: Situation, slot: SlotDeclared): readonly InstanceDeclared[] =>
  situation.away.get(slot.name) ?? [];

/** How many hosts of a slot must be in service at every moment, of all that are declared. Rounded up: 75% of 3 is 3. */
export const floorOf = (situation: Situation, slot: SlotDeclared): number =>
  Math.ceil(((slot.instances.length + awayOf(situation, slot).length) * (situation.floorPercent ?? 0)) / 100);

/**
 * How many members of a slot must take requests when it gets this share of them, in percent: its part of the floor, and
 * where none is declared all that the plan counts on.
 */
export const bearersOf = (situation: Situation, slot: SlotDeclared, sharePercent: number): number =>
  situation.floorPercent === undefined
    ? slot.instances.length
    : Math.min(
        slot.instances.length,
        Math.max(1, Math.ceil((floorOf(situation, slot) * sharePercent) / 100)),
      );

/** Everything about the service that could not be seen: with any of it, nothing may be done. */
export function unseen(situation: Situation): readonly Diagnostic[] {
  // By its words: where a whole fleet is out of reach, each host has reasons of its own.
  const whys = new Map<string, Diagnostic>();
  const note = (observation: Observation | undefined): void => {
    if (observation?.status === 'unknown') whys.set(canonicalJson(observation.why), observation.why);
  };
  for (const slot of situation.service.slots) {
    for (const instance of slot.instances) {
      note(situation.instance(instance));
      note(situation.inventory(instance.host));
      note(memberOf(situation, slot, instance));
    }
  }
  note(situation.route);
  note(situation.name?.record);
  note(situation.name?.resolution);
  return [...whys.values()];
}
