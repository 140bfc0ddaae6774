/** Services: their release, slots with instances, traffic and strategy. */

import {
  type Address,
  asAddress,
  asSha256,
  audienceRules,
  type BalancerDeclared,
  canonicalAudience,
  type HealthDeclared,
  type HostDeclared,
  type InstanceDeclared,
  type Json,
  type Move,
  type PoolDeclared,
  type ReleaseDeclared,
  type RouteDeclared,
  type ServiceDeclared,
  type SlotDeclared,
  type StrategyDeclared,
  slotAddress,
  type TrafficDeclared,
  unreachable,
} from '../model/index.ts';
import { assembleAnalyses } from './assemble-analysis.ts';
import type { HostTable } from './assemble-hosts.ts';
import { assembleInstance, checkInstanceBlocks } from './assemble-instances.ts';
import { type AssembledZone, nameTraffic } from './assemble-zones.ts';
import { checkBalancerFiles } from './balancer-files.ts';
import { dependenciesOf } from './depends-on.ts';
import type { Reporter } from './evaluation.ts';
import { knownAs } from './moves.ts';
import { own } from './own.ts';
import type { Place } from './problems.ts';
import { refuseWithoutRecord, resolvedPools, resolvingBlock } from './resolved-pools.ts';
import type { serviceShape } from './schema/running.ts';
import type { Entry, ReleaseEntry, World } from './world.ts';

export type ServiceEntry = Entry<typeof serviceShape>;

/** A service with what the checks of the whole look at; `declared` is undefined when a part could not be read. */
export interface AssembledService {
  readonly entry: ServiceEntry;
  readonly slots: readonly AssembledSlot[];
  readonly traffic: readonly PlacedTraffic[];
  readonly declared: ServiceDeclared | undefined;
}

/** A traffic block, and where its mistakes are shown. */
export type PlacedTraffic = TrafficDeclared & { readonly place: Place };

export interface AssembledSlot {
  readonly name: string;
  readonly place: Place;
  readonly portPlace: Place;
  readonly port: number | undefined;
  readonly hosts: readonly HostDeclared[];
  readonly instances: readonly InstanceDeclared[];
  readonly complete: boolean;
}

export function assembleServices(
  world: World,
  hosts: HostTable,
  releases: ReadonlyMap<string, ReleaseEntry>,
  moves: readonly Move[],
  zones: readonly AssembledZone[],
  report: Reporter,
): readonly AssembledService[] {
  return world.services.map((entry) => assembleService(entry, world, hosts, releases, moves, zones, report));
}

function assembleService(
  entry: ServiceEntry,
  world: World,
  hosts: HostTable,
  releases: ReadonlyMap<string, ReleaseEntry>,
  moves: readonly Move[],
  zones: readonly AssembledZone[],
  report: Reporter,
): AssembledService {
  const { decoded, address, name } = entry;
  const { blocks, args, place } = decoded;
  const releaseEntry = releases.get(args.release);
  const release = releaseEntry === undefined ? undefined : releaseOf(releaseEntry);
  const earlierName = knownAs(address, moves);
  const [installBlock] = blocks.install;
  const install =
    installBlock === undefined
      ? undefined
      : {
          root: installBlock.args.root,
          keep: installBlock.args.keep,
          ...(installBlock.args.owner === undefined ? {} : { owner: installBlock.args.owner }),
          ...(earlierName === undefined ? {} : { knownAs: earlierName }),
        };
  const version = releaseEntry?.decoded.args.version;
  const slots = blocks.slot.map((slot): AssembledSlot => {
    const found = hostsOfSlot(slot.args.hosts, slot, hosts, report);
    const instances = found.flatMap((host) => {
      const parts = { service: entry, slot, host, release, version, install };
      return assembleInstance(parts, report) ?? [];
    });
    return {
      name: slot.labels[0] ?? '',
      place: slot.place,
      portPlace: slot.at('port'),
      port: slot.args.port,
      hosts: found,
      instances,
      complete: slot.sound && instances.length === slot.args.hosts.length,
    };
  });
  if (slots.every((slot) => slot.hosts.length === 0)) {
    checkInstanceBlocks(Object.values(decoded.perInstance).flat(), entry, report);
  }
  const traffic = [
    ...balancerTraffic(entry, earlierName ?? name),
    ...nameTraffic(entry, slots, zones, earlierName ?? name, report),
  ];
  refuseWithoutRecord(entry, report);
  const strategy = strategyOf(entry, report);
  const dependsOn = dependenciesOf(entry, world, report);
  const complete =
    decoded.complete &&
    slots.every((slot) => slot.complete) &&
    traffic.length === blocks.traffic.length - (resolvingBlock(entry) === undefined ? 0 : 1) &&
    install !== undefined &&
    strategy !== undefined;
  const declared =
    complete && release !== undefined
      ? {
          address,
          name,
          dependsOn,
          release,
          slots: slots.map(
            (slot): SlotDeclared => ({
              address: slotAddress(address, slot.name),
              name: slot.name,
              port: slot.port,
              instances: slot.instances,
            }),
          ),
          install,
          traffic: traffic.map(({ place: _, ...rest }) => rest),
          strategy,
          origin: place.source.rangeOf(place.span),
        }
      : undefined;
  return { entry, slots, traffic, declared };
}

function hostsOfSlot(
  names: readonly string[],
  block: { at(argument: string, index: number): Place },
  table: HostTable,
  report: Reporter,
): readonly HostDeclared[] {
  const seen = new Set<string>();
  const found: HostDeclared[] = [];
  for (const [index, name] of names.entries()) {
    const place = block.at('hosts', index);
    if (seen.has(name)) {
      report.error(place, {
        code: 'host-twice',
        summary: 'Host named twice',
        detail: `The host "${name}" is in this list twice.`,
        hint: 'distinct(...) takes repetitions out of a list.',
      });
      continue;
    }
    seen.add(name);
    const host = table.find(name, place);
    if (host !== undefined) found.push(host);
  }
  return found;
}

export function releaseOf({ name, decoded, artifact }: ReleaseEntry): ReleaseDeclared | undefined {
  if (artifact === undefined) return undefined;
  const { args, place } = decoded;
  return {
    name,
    version: args.version,
    artifact: { ...artifact, sha256: asSha256(artifact.sha256) },
    ...(args.notes === undefined ? {} : { notes: args.notes }),
    origin: place.source.rangeOf(place.span),
  };
}

function balancerTraffic(entry: ServiceEntry, called: string): readonly PlacedTraffic[] {
  const slots = entry.decoded.blocks.slot.map((slot) => slot.labels[0] ?? '');
  return entry.decoded.blocks.traffic.flatMap((traffic) => {
    // One that resolves a name has no route: the record is what is moved.
    if (traffic.kind !== 'load_balancer' || traffic.args.resolves !== undefined) return [];
    const { args, place } = traffic;
    const pools = Object.fromEntries(
      slots.map((slot) => [slot, own(args.pools, slot) ?? `${called}_${slot}`]),
    );
    return [
      {
        kind: 'load_balancer' as const,
        balancer: asAddress(args.load_balancer),
        route: args.route ?? called,
        pools,
        ...(args.sticky_cookie === undefined ? {} : { stickyCookie: args.sticky_cookie }),
        origin: place.source.rangeOf(place.span),
        place: traffic.has('pools') ? traffic.at('pools') : place,
      },
    ];
  });
}

function strategyOf({ decoded }: ServiceEntry, report: Reporter): StrategyDeclared | undefined {
  const [strategy] = decoded.blocks.strategy;
  if (strategy === undefined) return undefined;
  const origin = strategy.place.source.rangeOf(strategy.place.span);
  const common = { drainTimeoutMs: strategy.args.drain_timeout, onFailure: strategy.args.on_failure, origin };
  switch (strategy.kind) {
    case 'blue_green':
      return { kind: 'blue_green', bakeMs: strategy.args.bake, keepWarm: strategy.args.keep_warm, ...common };
    case 'in_place':
      return { kind: 'in_place', ...common };
    case 'canary':
      return {
        kind: 'canary',
        steps: strategy.blocks.step.map(({ args, blocks, place }) => ({
          share: args.share,
          bakeMs: args.bake,
          approval: args.approval,
          audience: blocks.audience.flatMap((each) =>
            audienceRules(each.args.header, each.args.cookie, each.args.query),
          ),
          origin: place.source.rangeOf(place.span),
        })),
        analysis: assembleAnalyses(strategy.blocks.analysis, report),
        keepWarm: strategy.args.keep_warm,
        ...common,
      };
    case 'rolling': {
      const { batch, pause: pauseMs, max_failures: maxFailures } = strategy.args;
      return { kind: 'rolling', batch, pauseMs, maxFailures, ...common };
    }
    default:
      return unreachable(strategy);
  }
}

// ── balancers ──────────────────────────────────────────────────────────────────────────────────────

export function assembleBalancers(
  world: World,
  services: readonly AssembledService[],
  hosts: HostTable,
  zones: readonly AssembledZone[],
  report: Reporter,
): readonly BalancerDeclared[] {
  checkBalancerFiles(world.balancers, report);
  return world.balancers.map(({ address, name, decoded }) => {
    const { hosts: named, ...settings } = decoded.args;
    const { place } = decoded;
    if (named.length === 0) {
      report.error(decoded.at('hosts'), {
        code: 'no-hosts',
        summary: 'No hosts',
        detail: `The load balancer "${name}" runs on no host, so it could not be told anything.`,
      });
    }
    const found = hostsOfSlot(named, decoded, hosts, report);
    const behind = services.flatMap(({ entry, slots, traffic }) =>
      traffic
        .filter((each) => each.kind === 'load_balancer')
        .filter(({ balancer }) => balancer === address)
        .map((each) => ({ entry, slots, traffic: each })),
    );
    const resolved = resolvedPools(address, services, zones);
    return {
      address,
      name,
      provider: decoded.kind,
      hosts: found.map((host) => host.name),
      settings: settingsOf(settings),
      routes: behind.map(({ entry, traffic }) => ({
        route: traffic.route,
        service: entry.address,
        ...audienceOf(entry),
        ...(traffic.stickyCookie === undefined ? {} : { stickyCookie: traffic.stickyCookie }),
      })),
      pools: behind.flatMap(({ entry, slots, traffic }) =>
        slots.map((slot) => poolOf(entry.address, slot, traffic.pools[slot.name] ?? '')),
      ),
      ...(resolved.length === 0 ? {} : { resolved }),
      origin: place.source.rangeOf(place.span),
    };
  });
}

/** All that the steps of a canary name: what the balancer's own rules must be able to tell. */
function audienceOf({ decoded }: ServiceEntry): Pick<RouteDeclared, 'audience'> {
  const [strategy] = decoded.blocks.strategy;
  if (strategy?.kind !== 'canary') return {};
  const rules = strategy.blocks.step.flatMap((step) =>
    step.blocks.audience.flatMap(({ args }) => audienceRules(args.header, args.cookie, args.query)),
  );
  const audience = canonicalAudience(rules);
  return audience === undefined ? {} : { audience };
}

function poolOf(service: Address, slot: AssembledSlot, name: string): PoolDeclared {
  const health: HealthDeclared | undefined = slot.instances[0]?.health;
  return {
    name,
    service,
    members: slot.hosts.map((host) => ({
      name: host.name,
      address: host.networkAddress,
      port: slot.port ?? 0,
    })),
    ...(health === undefined ? {} : { health }),
  };
}

/** Settings that are left out and have no default are not there at all. */
const settingsOf = (settings: Readonly<Record<string, unknown>>): Readonly<Record<string, Json>> =>
  Object.fromEntries(
    Object.entries(settings).filter((entry): entry is [string, Json] => entry[1] !== undefined),
  );
