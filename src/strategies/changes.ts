/** What a person sees changing, and why: attributes in the words of the configuration. */
import {
  type Change,
  describeAudienceRule,
  type EnvironmentValue,
  type InstanceDeclared,
  type Json,
  type ProcessDeclared,
  type RecordSet,
  type RouteValue,
  type RunningProcess,
  routeAddress,
  type SlotDeclared,
  type SourceRange,
  sameValue,
  versionOfRelease,
} from '../model/index.ts';
import { type Answers, answersFor, answersOf, isOfOtherType, leadAlike } from './answers.ts';
import {
  activeSlot,
  memberOf,
  memberState,
  poolOf,
  recordState,
  routeState,
  type Situation,
  standingOf,
  stateOf,
  wantedProcess,
  wantedRelease,
} from './situation.ts';

/** The change that makes this instance what is wanted; undefined where it is. */
export function instanceChange(situation: Situation, instance: InstanceDeclared): Change | undefined {
  const standing = standingOf(situation, instance);
  if (standing === 'as_wanted' || standing === 'unknown') return undefined;
  const { service } = situation;
  const { linked, running, tampered } = stateOf(situation.instance(instance));
  const release = wantedRelease(service);
  const isNew = linked === null && running === null;
  const wanted = wantedProcess(service, instance);
  return {
    action: isNew ? 'create' : 'update',
    address: instance.address,
    ...whyInstance(situation, instance),
    before: isNew ? null : instanceAttributes(linked, running, tampered?.actual, release),
    after: instanceAttributes(release, wanted, tampered?.expected, linked ?? ''),
  };
}

function whyInstance(
  situation: Situation,
  instance: InstanceDeclared,
): { readonly because: string; readonly origin: SourceRange } {
  const { service } = situation;
  const { linked, running, tampered } = stateOf(situation.instance(instance));
  const release = wantedRelease(service);
  const ofRelease = {
    because: `release.${service.release.name} is ${service.release.version}`,
    origin: service.release.origin,
  };
  const ofService = (because: string) => ({ because, origin: service.origin });
  if ((running?.release ?? linked) !== release) {
    const left = whyServedIsLeft(situation, instance.slot);
    return left === undefined ? ofRelease : ofService(left);
  }
  if (linked !== release) return ofService(linkText(instance.slot, linked, release));
  if (running === null) return ofService('it is not running');
  if (tampered !== null) return ofService(`somebody changed ${tampered.path}`);
  return ofService(`its process is declared differently`);
}

/** A link that somebody moved or removed: what runs is not what it says. */
const linkText = (link: string, linked: string | null, running: string): string =>
  linked === null
    ? `the link of ${link} is gone`
    : `the link of ${link} points to ${linked}, and ${running} runs`;

/**
 * Where the slot with the traffic runs the release already, no release leads away from it: what was found there does.
 * undefined: it runs something else, or nothing serves.
 */
function whyServedIsLeft(situation: Situation, target: string): string | undefined {
  const active = activeSlot(situation);
  if (active === undefined || active.name === target) return undefined;
  const release = wantedRelease(situation.service);
  const runsAnother = (each: InstanceDeclared): boolean => {
    const { linked, running } = stateOf(situation.instance(each));
    return (running?.release ?? linked) !== release;
  };
  if (active.instances.some(runsAnother)) return undefined;
  const found = active.instances.find((each) => standingOf(situation, each) === 'different');
  if (found === undefined) return undefined;
  const { linked } = stateOf(situation.instance(found));
  return linked === release
    ? `the process of ${active.name}, which serves, is declared differently`
    : linkText(`${active.name} on ${found.host}`, linked, release);
}

/** The change of the route that gives all requests to this slot; undefined where it has them. */
export function routeChange(situation: Situation, slot: SlotDeclared): Change | undefined {
  const { service, balancer, traffic } = situation;
  const pool = poolOf(situation, slot);
  if (balancer === undefined || traffic === undefined || pool === undefined) return undefined;
  const { runtime, persisted, disagreeing = [] } = routeState(situation);
  const wanted = { stable: pool, canary: pool, canaryBasisPoints: 0 };
  if (sameValue(runtime, wanted) && sameValue(persisted, wanted) && disagreeing.length === 0)
    return undefined;
  const isNew = runtime === null && persisted === null;
  return {
    action: isNew ? 'create' : 'update',
    address: routeAddress(balancer.address, traffic.route),
    because: sameValue(runtime, wanted)
      ? disagreeing.length > 0
        ? `${disagreeing.map((each) => each.worker).join(', ')} of ${balancer.name} decides otherwise`
        : 'a restart of the balancer would bring back something else'
      : (whyServedIsLeft(situation, slot.name) ??
        `release.${service.release.name} is ${service.release.version} on ${slot.name}`),
    origin: traffic.origin,
    before: isNew ? null : routeAttributes(runtime, persisted),
    after: routeAttributes(wanted, wanted),
  };
}

/** The change of the DNS record that leads all clients to this slot; undefined where it does. */
export function recordChange(situation: Situation, slot: SlotDeclared): Change | undefined {
  const { service, name } = situation;
  if (name === undefined || recordState(situation) === undefined) return undefined;
  const { traffic } = name;
  const [now, wanted] = [answersOf(name), answersFor(name, slot)];
  if (sameValue(now, wanted)) return undefined;
  const isReplaced = isOfOtherType(now, traffic.record);
  const attributes = (answers: Answers): Json =>
    isReplaced
      ? Object.fromEntries(answers.map(({ record, rrset }) => [record.type, recordAttributes(rrset)]))
      : recordAttributes(answers[0]?.rrset ?? null);
  return {
    action: isReplaced ? 'replace' : now.length === 0 ? 'create' : 'update',
    address: traffic.record.address,
    because: isReplaced
      ? `its type is ${traffic.record.type} now, and a CNAME stands alone`
      : leadAlike(now, wanted)
        ? 'the TTL is declared so'
        : (whyServedIsLeft(situation, slot.name) ??
          `release.${service.release.name} is ${service.release.version} on ${slot.name}`),
    origin: traffic.origin,
    before: now.length === 0 ? null : attributes(now),
    after: attributes(wanted),
  };
}

/** The addresses that a load balancer uses because the record leads there; undefined where it uses them. */
export function resolutionChange(situation: Situation, slot: SlotDeclared): Change | undefined {
  const { service, name } = situation;
  const resolvedBy = name?.traffic.resolvedBy;
  const wanted = resolvedBy?.endpoints[slot.name];
  if (name?.resolution?.status !== 'present' || resolvedBy === undefined || wanted === undefined)
    return undefined;
  const { endpoints, disagreeing } = name.resolution.spec;
  if (sameValue(endpoints, wanted) && disagreeing.length === 0) return undefined;
  return {
    action: 'update',
    address: name.resolution.address,
    because: sameValue(endpoints, wanted)
      ? `${disagreeing.map((each) => each.worker).join(', ')} uses other addresses`
      : recordChange(situation, slot) === undefined
        ? `it does not use what ${name.traffic.record.name} says`
        : `release.${service.release.name} is ${service.release.version} on ${slot.name}`,
    origin: name.traffic.origin,
    before: { addresses: endpoints },
    after: { addresses: wanted },
  };
}

/** Members that are out of a pool that has to serve. */
export function memberChanges(
  situation: Situation,
  slot: SlotDeclared,
  instances: readonly InstanceDeclared[],
): readonly Change[] {
  return instances.flatMap((instance) => {
    const observation = memberOf(situation, slot, instance);
    const admin = memberState(observation)?.admin;
    if (observation === undefined || admin === undefined || admin === 'ready') return [];
    return [
      {
        action: 'update' as const,
        address: observation.address,
        because: `${poolOf(situation, slot)} has to serve, and somebody took ${instance.host} out`,
        origin: situation.service.origin,
        before: { state: admin },
        after: { state: 'ready' },
      },
    ];
  });
}

/** `besides` is the release it will be compared with: of the same version, only the whole folder tells them apart. */
export function instanceAttributes(
  linked: string | null,
  running: RunningProcess | null,
  fileText: string | undefined,
  besides: string | null = null,
): Json {
  const isTold =
    linked === null || besides === null || versionOfRelease(linked) === versionOfRelease(besides);
  return {
    release: isTold ? linked : versionOfRelease(linked),
    ...(running === null ? { running: false } : { running: true, ...processAttributes(running.process) }),
    ...(running === null || running.release === linked ? {} : { running_release: running.release }),
    ...(fileText === undefined ? {} : { file: fileText }),
  };
}

/** A process in the words of its block. */
export function processAttributes(process: ProcessDeclared): { readonly [name: string]: Json } {
  const environment = Object.fromEntries(
    Object.entries(process.environment).map(([name, value]) => [name, environmentText(value)]),
  );
  return {
    process: process.kind,
    ...(process.kind === 'script'
      ? { start: process.start, stop: process.stop, status: process.status }
      : { command: process.command }),
    ...(Object.keys(environment).length === 0 ? {} : { environment }),
    ...(process.user === undefined ? {} : { user: process.user }),
    stop_timeout: `${process.stopTimeoutMs / 1000}s`,
  };
}

const environmentText = (value: EnvironmentValue): string =>
  typeof value === 'string' ? value : `(secret ${value.secret})`;

export function routeAttributes(runtime: RouteValue | null, persisted: RouteValue | null): Json {
  const main = runtime ?? persisted;
  return {
    stable: main?.stable ?? null,
    ...(main !== null && main.canaryBasisPoints > 0
      ? { canary: main.canary, share: `${main.canaryBasisPoints / 100}%` }
      : {}),
    ...(main?.audience === undefined
      ? {}
      : { canary: main.canary, audience: main.audience.map(describeAudienceRule) }),
    ...(sameValue(runtime, persisted)
      ? {}
      : {
          in_effect: runtime === null ? 'nothing' : runtime.stable,
          after_a_restart: persisted === null ? 'nothing' : persisted.stable,
        }),
  };
}

export const recordAttributes = (rrset: RecordSet | null): Json =>
  rrset === null ? null : { values: rrset.values, ttl: `${rrset.ttlSeconds}s` };

/** A record in a sentence: `10.0.1.11 10.0.1.12 (TTL 5 s)`. */
export const recordText = (rrset: RecordSet | null): string =>
  rrset === null ? 'no record' : `${rrset.values.join(' ')} (TTL ${rrset.ttlSeconds} s)`;
