/** What keeps a service from being acted on, each with its reason. */
import type { ArtifactDeclared, Diagnostic, Step } from '../model/index.ts';
import { answersOf, valuesText } from '../strategies/answers.ts';
import {
  activeSlot,
  memberOf,
  namedSlots,
  poolOf,
  recordState,
  routedSlot,
  type Situation,
  standingOf,
  unseen,
} from '../strategies/situation.ts';

/** Something of the service could not be seen: acting on half a picture is how outages begin. */
export const holdUnseen = (situation: Situation): readonly Diagnostic[] =>
  unseen(situation).map((why) => ({ ...why, address: why.address ?? situation.service.address }));

/** The balancer has no such server: no traffic would ever reach it. */
export function holdMissingMembers(situation: Situation): readonly Diagnostic[] {
  const { balancer, service, traffic } = situation;
  if (balancer === undefined || traffic === undefined || situation.writesPools) return [];
  return service.slots.flatMap((slot) => {
    const missing = slot.instances.filter((each) => memberOf(situation, slot, each)?.status === 'absent');
    if (missing.length === 0) return [];
    return [
      {
        code: 'member-missing',
        severity: 'error',
        summary: 'The load balancer does not know the pool or a member of it',
        detail: `${balancer.address} has no ${missing.map((each) => each.host).join(', ')} in its pool ${poolOf(situation, slot)}, which ${slot.address} needs.`,
        hint: `What its configuration must contain:  deployctl snippet ENV ${balancer.address}`,
        subject: traffic.origin,
        address: balancer.address,
      } satisfies Diagnostic,
    ];
  });
}

/** The load balancer has no pool that follows the record: its clients would never come to the new addresses. */
export function holdUnresolved({ name, writesPools }: Situation): readonly Diagnostic[] {
  const resolvedBy = name?.traffic.resolvedBy;
  if (name === undefined || resolvedBy === undefined || writesPools) return [];
  if (name.resolution?.status !== 'absent') return [];
  return [
    {
      code: 'pool-missing',
      severity: 'error',
      summary: 'The load balancer has no pool that follows the record',
      detail: `${resolvedBy.balancer} has no pool ${resolvedBy.pool} whose servers it finds by ${name.traffic.record.name}.`,
      hint: `What its configuration must contain:  deployctl snippet ENV ${resolvedBy.balancer}`,
      subject: name.traffic.origin,
      address: resolvedBy.balancer,
    },
  ];
}

/** What stands in the way of a DNS record: servers say NOERROR to some of these, and do nothing. */
export function holdRecord(situation: Situation): readonly Diagnostic[] {
  const { name, service } = situation;
  const state = recordState(situation);
  if (name === undefined || state === undefined) return [];
  const { record, origin } = name.traffic;
  const held = (code: string, summary: string, detail: string, hint: string): readonly Diagnostic[] => [
    { code, severity: 'error', summary, detail, hint, subject: origin, address: record.address },
  ];
  if (state.delegation !== null) {
    return held(
      'dns-below-a-delegation',
      'The name belongs to another zone',
      `${record.name} lies at or below ${state.delegation}, which ${name.zone.zone} delegates to other servers: a record written here would never be seen.`,
      'Declare the zone that has the name, and write the record there.',
    );
  }
  const excluding =
    record.type === 'CNAME' ? state.besides : state.besides.filter((type) => type === 'CNAME');
  const own = new Set<string>(name.replaced.map((each) => each.record.type));
  const conflicting = excluding.filter((type) => !own.has(type));
  if (conflicting.length > 0) {
    return held(
      'dns-cname-conflict',
      'A CNAME would stand beside other records',
      `${record.name} has ${conflicting.join(', ')}, and a CNAME tolerates nothing else at its name (RFC 1034 section 3.6.2). No deployment of this environment has put ${conflicting.length === 1 ? 'it' : 'them'} there, so ${conflicting.length === 1 ? 'it is' : 'they are'} somebody else's, and left.`,
      conflicting.length === 1 && ['A', 'AAAA', 'CNAME'].includes(conflicting[0] ?? '')
        ? `To take it over without a gap, declare the record with type "${conflicting[0]}" and apply that, then change its type. Or remove it, or choose another name.`
        : `Remove the ${conflicting.join(', ')} of ${record.name} first, or choose another name.`,
    );
  }
  const named = namedSlots(situation);
  const both = new Set([...named, routedSlot(situation)].filter((slot) => slot !== undefined));
  const active = activeSlot(situation);
  const isDone = active?.instances.every((each) => standingOf(situation, each) !== 'different') === true;
  if (both.size < 2 || isDone) return [];
  return held(
    'traffic-on-both-slots',
    'Both slots have traffic',
    `${[...both].map((slot) => slot.address).join(' and ')} both get requests (${record.name} holds ${valuesText(answersOf(name), name.replaced.length > 0) || 'nothing'}), so a new release could be put on neither without cutting some of ${service.address}.`,
    'Let one slot have all of it first: plan the release that runs now, which moves the record to where it runs.',
  );
}

/**
 * A release that would not fit: found here, nothing has been touched. What it takes is at least its own size, and an
 * archive lies beside what it unpacks to, which is no smaller.
 */
export function holdNoRoom(situation: Situation, steps: readonly Step[]): readonly Diagnostic[] {
  const { service } = situation;
  const neededBytes = leastBytes(service.release.artifact);
  const full = steps.flatMap(({ operation }) => {
    if (operation.op !== 'release.put') return [];
    const { host } = operation.place;
    const inventory = situation.inventory(host);
    const freeBytes = inventory.status === 'present' ? inventory.spec.freeBytes : null;
    return freeBytes === null || freeBytes >= neededBytes ? [] : [{ host, freeBytes }];
  });
  if (full.length === 0) return [];
  return [
    {
      code: 'host-disk-full',
      severity: 'error',
      summary: 'The release does not fit on a host',
      detail: `${service.release.artifact.fileName} takes at least ${megabytes(neededBytes)} while it is installed; below ${service.install.root} there are free: ${full.map(({ host, freeBytes }) => `${megabytes(freeBytes)} on ${host}`).join(', ')}.`,
      hint: 'Make room there, or lower keep in the install block, and plan again.',
      subject: service.origin,
      address: service.address,
    },
  ];
}

const leastBytes = ({ kind, bytes }: ArtifactDeclared): number => (bytes ?? 0) * (kind === 'file' ? 1 : 2);

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
