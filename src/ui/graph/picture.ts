/** What is declared as boxes and arrows, from what clients meet first to the hosts: the same for every format. */
import type { Declared, HostDeclared, ServiceDeclared, SlotDeclared } from '../../model/index.ts';
import { counted, listText } from '../time-text.ts';

export type BoxKind = 'zone' | 'balancer' | 'service' | 'hosts';

export interface Box {
  /** The address: of a host group without its keys, `host.web`. */
  readonly id: string;
  readonly kind: BoxKind;
  /** Below the address; never empty lines. */
  readonly lines: readonly string[];
}

export interface Arrow {
  readonly from: string;
  readonly to: string;
  /** Lines; none where the arrow says it all. */
  readonly label: readonly string[];
  /** `traffic`: requests go there. `needs`: it comes later. `runs_on`: a slot stands there. `is_on`: the balancer itself. */
  readonly kind: 'traffic' | 'needs' | 'runs_on' | 'is_on';
}

export interface Picture {
  readonly title: string;
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
}

/** Hosts of one block share a box, and from here on they are counted. */
const mostHosts = 8;

export function pictureOf({ environment, hosts, balancers, zones, services }: Declared): Picture {
  const groupOf = new Map(hosts.map((host) => [host.name, groupAddress(host)]));
  const groups = Map.groupBy(hosts, groupAddress);
  const balancerHosts = balancers.flatMap((balancer) =>
    [...Map.groupBy(balancer.hosts, (name) => groupOf.get(name) ?? name)].map(
      ([to, names]): Arrow => ({
        from: balancer.address,
        to,
        label: lineOf(placesText(names, groups.get(to) ?? [])),
        kind: 'is_on',
      }),
    ),
  );
  return {
    title: environment,
    boxes: [
      ...zones.map((zone): Box => ({ id: zone.address, kind: 'zone', lines: [zone.zone] })),
      ...balancers.map(
        (balancer): Box => ({ id: balancer.address, kind: 'balancer', lines: [balancer.provider] }),
      ),
      ...services.map(
        (service): Box => ({ id: service.address, kind: 'service', lines: serviceLines(service) }),
      ),
      ...[...groups].map(([id, members]): Box => ({ id, kind: 'hosts', lines: hostLines(members) })),
    ],
    arrows: [
      ...services.flatMap(trafficArrows),
      ...services.flatMap(({ address, dependsOn }) =>
        dependsOn.map((on): Arrow => ({ from: address, to: on, label: ['needs'], kind: 'needs' })),
      ),
      ...services.flatMap((service) => slotArrows(service, groupOf, groups)),
      ...balancerHosts,
    ],
  };
}

/** `host.web["web-1"]` is one of `host.web`. */
const groupAddress = ({ address }: HostDeclared): string =>
  address.replace(/\[(?:"(?:[^"\\]|\\.)*"|\d+)\]$/, '');

const serviceLines = ({ release, strategy }: ServiceDeclared): readonly string[] => [
  `${release.name} ${release.version}`,
  strategy.kind.replaceAll('_', '-'),
];

function hostLines(hosts: readonly HostDeclared[]): readonly string[] {
  const shown = hosts.length <= mostHosts ? hosts : hosts.slice(0, mostHosts - 1);
  const widest = Math.max(...shown.map(({ name }) => name.length));
  const lines = shown.map(({ name, networkAddress }) => `${name.padEnd(widest)}  ${networkAddress}`);
  return shown.length === hosts.length ? lines : [...lines, `and ${hosts.length - shown.length} more`];
}

const trafficArrows = ({ address, traffic }: ServiceDeclared): readonly Arrow[] =>
  traffic.map((each): Arrow => {
    const [from, label] =
      each.kind === 'load_balancer'
        ? [each.balancer, `route ${each.route}`]
        : [each.zone, `${each.record.type} ${each.record.name}`];
    return { from, to: address, label: [label], kind: 'traffic' };
  });

/** One arrow for each group of hosts, with the slots that stand there. */
function slotArrows(
  { address, slots }: ServiceDeclared,
  groupOf: ReadonlyMap<string, string>,
  groups: ReadonlyMap<string, readonly HostDeclared[]>,
): readonly Arrow[] {
  const places = slots.flatMap((slot) =>
    [...Map.groupBy(slot.instances, ({ host }) => groupOf.get(host) ?? host)].map(([to, instances]) => ({
      to,
      slot: slotText(slot),
      names: instances.map(({ host }) => host).join(' '),
      on: placesText(
        instances.map(({ host }) => host),
        groups.get(to) ?? [],
      ),
    })),
  );
  return [...Map.groupBy(places, ({ to }) => to)].map(([to, each]): Arrow => {
    const [first] = each;
    const isSame = each.every(({ names }) => names === first?.names);
    const slots = each.map(({ slot }) => slot).join(', ');
    const label = isSame ? [onText(slots, first?.on ?? '')] : each.map(({ slot, on }) => onText(slot, on));
    return { from: address, to, label, kind: 'runs_on' };
  });
}

const lineOf = (text: string): readonly string[] => (text === '' ? [] : [text]);

const onText = (slots: string, places: string): string => (places === '' ? slots : `${slots} on ${places}`);

const slotText = ({ name, port }: SlotDeclared): string => (port === undefined ? name : `${name} :${port}`);

/** Empty: all of the group. */
function placesText(names: readonly string[], group: readonly HostDeclared[]): string {
  if (names.length === group.length) return '';
  return names.length <= 2 ? listText(names) : `${names.length} of ${counted(group.length, 'host')}`;
}
