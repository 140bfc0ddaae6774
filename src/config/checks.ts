/** What holds between blocks: ports, pools, routes, roots and units that must not collide; what strategies need. */

import { didYouMean } from '../hcl/eval/suggestion.ts';
import type { AssembledService, AssembledSlot } from './assemble-services.ts';
import { checkStrategy } from './check-strategy.ts';
import type { Reporter } from './evaluation.ts';
import { listed } from './items.ts';
import { checkNestedRoots } from './nested-roots.ts';
import type { Place } from './problems.ts';
import type { World } from './world.ts';

const line = (place: Place): string => {
  const { file, start } = place.source.rangeOf(place.span);
  return `${file}:${start.line}`;
};

/** Remembers who took a thing first, and tells of everyone who takes it again. */
class Claims {
  readonly #taken = new Map<string, { readonly by: string; readonly place: Place }>();

  /** The one who has it already; undefined when it was free, and is now taken. */
  take(thing: string, by: string, place: Place): { readonly by: string; readonly place: Place } | undefined {
    const first = this.#taken.get(thing);
    if (first === undefined) this.#taken.set(thing, { by, place });
    return first;
  }
}

export function checkServices(services: readonly AssembledService[], world: World, report: Reporter): void {
  const names = new Claims();
  const ports = new Claims();
  const pools = new Claims();
  const routes = new Claims();
  const records = new Claims();
  const roots = new Claims();
  const units = new Claims();
  for (const service of services) {
    const { entry, slots } = service;
    const { decoded, name, address } = entry;
    const sameName = names.take(name, address, decoded.place);
    if (sameName !== undefined) {
      report.error(decoded.place, {
        code: 'duplicate-service-name',
        summary: 'Duplicate service name',
        detail: `${address} and ${sameName.by} (${line(sameName.place)}) are both named "${name}". Units and pools are called by this name, so it must be the only one.`,
      });
    }
    checkSlots(service, report);
    checkStrategy(service, world, report);
    for (const slot of slots) {
      claimPorts(slot, `slot "${slot.name}" of ${address}`, ports, report);
      claimUnits(slot, name, units, report);
    }
    claimRoot(service, roots, report);
    claimTraffic(service, pools, routes, report);
    claimResolvedPool(service, pools, report);
    claimRecord(service, records, report);
  }
  checkNestedRoots(services, report);
}

function checkSlots({ entry, slots }: AssembledService, report: Reporter): void {
  for (const slot of entry.decoded.blocks.slot) {
    if (slot.args.hosts.length > 0) continue;
    report.error(slot.at('hosts'), {
      code: 'no-hosts',
      summary: 'No hosts',
      detail: `The slot "${slot.labels[0]}" of ${entry.address} has no hosts, so nothing could run there.`,
      hint: 'If the list is made by a for expression, its condition holds for no host. See it with:  deployctl console ENV',
    });
  }
  const known = slots.map((slot) => slot.name);
  for (const traffic of entry.decoded.blocks.traffic) {
    const argument = traffic.kind === 'load_balancer' ? 'pools' : 'values';
    const bySlot = traffic.kind === 'load_balancer' ? traffic.args.pools : traffic.args.values;
    for (const named of Object.keys(bySlot ?? {})) {
      // A slot whose block could not be read is still a slot.
      if (known.includes(named) || known.length < entry.decoded.blocks.slot.length) continue;
      const meant = didYouMean(named, known);
      report.error(traffic.at(argument), {
        code: 'unknown-slot',
        summary: 'Unknown slot',
        detail: `${entry.address} has no slot named "${named}"; it has ${listed(known)}.${meant === undefined ? '' : ` ${meant}`}`,
      });
    }
  }
}

function claimPorts(slot: AssembledSlot, who: string, ports: Claims, report: Reporter): void {
  if (slot.port === undefined) return;
  for (const host of slot.hosts) {
    const first = ports.take(`${host.name} ${slot.port}`, who, slot.place);
    if (first === undefined) continue;
    report.error(slot.portPlace, {
      code: 'port-clash',
      summary: 'Two slots on one port',
      detail: `Port ${slot.port} on host "${host.name}" is used by ${who} and by ${first.by} (${line(first.place)}).`,
      hint: 'Give one of them another port, or other hosts.',
    });
    // One of its hosts shows the mistake; the others would say the same.
    return;
  }
}

function claimUnits(slot: AssembledSlot, service: string, units: Claims, report: Reporter): void {
  const unit = `${service}-${slot.name}`;
  for (const instance of slot.instances) {
    if (instance.process === undefined) continue;
    const first = units.take(`${instance.host} ${unit}`, instance.address, slot.place);
    if (first === undefined || first.by === instance.address) continue;
    report.error(slot.place, {
      code: 'unit-clash',
      summary: 'Two processes with one name',
      detail: `The process of a slot is called <service>-<slot>, and on host "${instance.host}" both ${instance.address} and ${first.by} would be "${unit}".`,
      hint: 'Rename one of the services or slots.',
    });
    return;
  }
}

function claimRoot({ entry, slots }: AssembledService, roots: Claims, report: Reporter): void {
  const [install] = entry.decoded.blocks.install;
  if (install === undefined) return;
  const { root } = install.args;
  for (const host of new Set(slots.flatMap((slot) => slot.hosts.map((each) => each.name)))) {
    const first = roots.take(`${host} ${root}`, entry.address, install.at('root'));
    if (first === undefined) continue;
    report.error(install.at('root'), {
      code: 'install-root-clash',
      summary: 'Two services in one folder',
      detail: `${entry.address} and ${first.by} (${line(first.place)}) would both install into ${root} on host "${host}", and prune each other's releases.`,
      hint: `Give each service a folder of its own, such as ${root}/${entry.name}.`,
    });
    return;
  }
}

function claimTraffic(
  { entry, traffic, slots }: AssembledService,
  pools: Claims,
  routes: Claims,
  report: Reporter,
): void {
  for (const { balancer, route, pools: named, place } of traffic.filter(
    (each) => each.kind === 'load_balancer',
  )) {
    const block = entry.decoded.blocks.traffic.find((each) => each.kind === 'load_balancer');
    const routePlace = block?.has('route') ? block.at('route') : place;
    const firstRoute = routes.take(`${balancer} ${route}`, entry.address, routePlace);
    if (firstRoute !== undefined) {
      report.error(routePlace, {
        code: 'route-clash',
        summary: 'One route for two services',
        detail: `The route "${route}" of ${balancer} belongs to ${firstRoute.by} (${line(firstRoute.place)}) and to ${entry.address}.`,
        hint: 'Give each service a route of its own.',
      });
    }
    for (const slot of slots) {
      const pool = named[slot.name];
      if (pool === undefined) continue;
      const who = `slot "${slot.name}" of ${entry.address}`;
      const first = pools.take(`${balancer} ${pool}`, who, place);
      if (first === undefined) continue;
      report.error(place, {
        code: 'pool-clash',
        summary: 'One pool for two slots',
        detail: `The pool "${pool}" of ${balancer} belongs to ${first.by} (${line(first.place)}) and to ${who}.`,
        hint: 'Give each slot a pool of its own.',
      });
    }
  }
}

/** A pool that follows a record is one thing for both slots. */
function claimResolvedPool({ entry, traffic }: AssembledService, pools: Claims, report: Reporter): void {
  for (const each of traffic) {
    if (each.kind !== 'dns' || each.resolvedBy === undefined) continue;
    const { balancer, pool } = each.resolvedBy;
    const first = pools.take(`${balancer} ${pool}`, entry.address, each.place);
    if (first === undefined) continue;
    report.error(each.place, {
      code: 'pool-clash',
      summary: 'One pool for two services',
      detail: `The pool "${pool}" of ${balancer} belongs to ${first.by} (${line(first.place)}) and to ${entry.address}.`,
      hint: 'Give it another name: pools = { blue = "…", green = "…" }, the same for both.',
    });
  }
}

/** DNS knows a record set only as a whole, so two services cannot share one. */
function claimRecord({ entry, traffic }: AssembledService, records: Claims, report: Reporter): void {
  for (const each of traffic) {
    if (each.kind !== 'dns') continue;
    const first = records.take(`${each.zone} ${each.record.name}`, entry.address, each.place);
    if (first === undefined) continue;
    report.error(each.place, {
      code: 'record-clash',
      summary: 'One name for two services',
      detail: `The name ${each.record.name} belongs to ${first.by} (${line(first.place)}) and to ${entry.address}.`,
      hint: 'Give each service a name of its own.',
    });
  }
}

/** Only one policy block, and only one deployctl block, each without contradictions. */
export function checkSingletons(world: World, report: Reporter): void {
  for (const [what, blocks] of [
    ['policy', world.policies],
    ['deployctl', world.settings],
  ] as const) {
    const [first, ...others] = blocks;
    for (const { decoded } of others) {
      if (first === undefined) continue;
      report.error(decoded.place, {
        code: 'duplicate-block',
        summary: `Duplicate ${what} block`,
        detail: `Only one ${what} block is allowed. Another was defined at ${line(first.decoded.place)}.`,
        hint:
          what === 'policy'
            ? 'Its label is free: there is no policy of a name that could apply elsewhere.'
            : undefined,
      });
    }
  }
  for (const { decoded } of world.policies) {
    for (const freeze of decoded.blocks.freeze) {
      if (freeze.args.until > freeze.args.from) continue;
      report.error(freeze.at('until'), {
        code: 'freeze-ends-first',
        summary: 'Freeze that ends before it begins',
        detail: 'The end of a freeze must be after its beginning.',
      });
    }
  }
}
