/** What every service is now: declared, observed and recorded side by side, nothing decided. */
import {
  type Declared,
  type InstanceDeclared,
  type InstanceStatus,
  type Observed,
  type Recorded,
  type ServiceHealth,
  type ServiceStatus,
  type SlotDeclared,
  type SlotStatus,
  type Sync,
  sameValue,
  versionOfRelease,
} from '../model/index.ts';
import { answersFor, answersOf } from '../strategies/answers.ts';
import {
  activeSlot,
  isRouted,
  namedSlots,
  poolOf,
  routeState,
  type Situation,
  standingOf,
  stateOf,
  unseen,
  wantedRelease,
} from '../strategies/situation.ts';
import { orderServices } from './order.ts';
import { situate, World } from './situate.ts';

export function serviceStatuses(
  declared: Declared,
  observed: Observed,
  recorded: Recorded,
  isRunInProgress: boolean,
): readonly ServiceStatus[] {
  const world = new World(observed);
  return orderServices(declared).map((service) =>
    statusOf(
      situate(service, {
        declared,
        world,
        recorded,
        intent: { kind: 'apply' },
        writtenPools: new Set(),
        estimate: () => 0,
      }),
      isRunInProgress,
    ),
  );
}

function statusOf(situation: Situation, isRunInProgress: boolean): ServiceStatus {
  const { service } = situation;
  const active = servingSlot(situation);
  const slots = service.slots.map((slot) => slotStatus(situation, slot));
  return {
    address: service.address,
    name: service.name,
    release: slots.find((slot) => slot.name === active?.name)?.release,
    sync: syncOf(situation, active),
    health: healthOf(situation, active, isRunInProgress),
    slots,
    active: active?.name,
  };
}

/** Without a balancer the only slot serves. */
const servingSlot = (situation: Situation): SlotDeclared | undefined =>
  isRouted(situation) ? activeSlot(situation) : situation.service.slots[0];

function syncOf(situation: Situation, active: SlotDeclared | undefined): Sync {
  const standings = (active?.instances ?? []).map((instance) => standingOf(situation, instance));
  if (standings.some((each) => each !== 'as_wanted' && each !== 'unknown')) return 'out_of_sync';
  if (unseen(situation).length > 0) return 'unknown';
  const { runtime, persisted, disagreeing = [] } = routeState(situation);
  const hasRoute =
    situation.traffic === undefined ||
    (runtime?.stable === persisted?.stable &&
      disagreeing.length === 0 &&
      (runtime?.canaryBasisPoints ?? 0) === 0);
  const isNamed =
    active !== undefined &&
    (situation.name === undefined ||
      sameValue(answersOf(situation.name), answersFor(situation.name, active)));
  return active !== undefined && hasRoute && isNamed ? 'in_sync' : 'out_of_sync';
}

function healthOf(
  situation: Situation,
  active: SlotDeclared | undefined,
  isRunInProgress: boolean,
): ServiceHealth {
  if (active === undefined) {
    const isUnseen = situation.route?.status === 'unknown' || situation.name?.record.status === 'unknown';
    return isUnseen ? 'unknown' : isRunInProgress ? 'progressing' : 'degraded';
  }
  const statuses = active.instances.map((instance) => instanceStatus(situation, instance));
  if (statuses.some((each) => each.process === 'stopped' || each.health === 'unhealthy')) {
    return isRunInProgress ? 'progressing' : 'degraded';
  }
  return statuses.some((each) => each.process === 'unknown') ? 'unknown' : 'healthy';
}

function slotStatus(situation: Situation, slot: SlotDeclared): SlotStatus {
  const hosts = slot.instances.map((instance) => instanceStatus(situation, instance));
  const releases = new Set(hosts.map((host) => host.release));
  const [only] = releases;
  return {
    name: slot.name,
    release: releases.size === 1 ? only : undefined,
    share: shareOf(situation, slot),
    hosts,
  };
}

/** Whole percent of the service's requests. */
function shareOf(situation: Situation, slot: SlotDeclared): number | undefined {
  if (!isRouted(situation)) return situation.service.slots[0] === slot ? 100 : 0;
  if (situation.traffic === undefined) return shareByName(situation, slot);
  if (situation.route?.status === 'unknown') return undefined;
  const { runtime, persisted } = routeState(situation);
  const value = runtime ?? persisted;
  const pool = poolOf(situation, slot);
  if (value === null || pool === undefined) return 0;
  const canary = Math.round(value.canaryBasisPoints / 100);
  return (value.stable === pool ? 100 - canary : 0) + (value.canary === pool ? canary : 0);
}

/** DNS gives no shares: who holds the record has everything, but for those who remember an earlier answer. */
function shareByName(situation: Situation, slot: SlotDeclared): number | undefined {
  if (situation.name?.record.status === 'unknown') return undefined;
  const named = namedSlots(situation);
  return named.includes(slot) ? Math.round(100 / named.length) : 0;
}

function instanceStatus(situation: Situation, instance: InstanceDeclared): InstanceStatus {
  const observation = situation.instance(instance);
  const { host } = instance;
  if (observation.status === 'unknown') {
    return {
      host,
      release: undefined,
      process: 'unknown',
      health: 'unknown',
      why: `was not seen: ${lowerFirst(observation.why.summary)}`,
    };
  }
  const { linked, running, health } = stateOf(observation);
  const directory = running?.release ?? linked;
  const isPassive = instance.process === undefined && linked === wantedRelease(situation.service);
  return {
    host,
    release: directory === null ? undefined : versionOfRelease(directory),
    process: running !== null || isPassive ? 'running' : 'stopped',
    health: health.status,
    why:
      health.status === 'unhealthy'
        ? health.detail
        : running === null && linked !== null && !isPassive
          ? 'is not running'
          : undefined,
  };
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
