/** What is to be declared so that a plan leads back to a recorded deployment. */
import {
  type Address,
  type Declared,
  type Deployment,
  type Diagnostic,
  type Outcome,
  releaseDirectory,
  type ServiceDeclared,
  sameValue,
  type TrafficDeclared,
  type ZoneDeclared,
} from '../model/index.ts';

export interface RevertAsk {
  /** undefined: the newest one that ran something else than the newest of all. */
  readonly to: number | undefined;
  /** Empty: every service. */
  readonly services: readonly string[];
}

export interface RevertTarget {
  readonly deployment: Deployment;
  readonly declared: Declared;
  readonly services: readonly Address[];
  readonly warnings: readonly Diagnostic[];
}

/**
 * How to reach hosts and balancers comes from the configuration of today; what runs on them from the deployment's
 * record. A host that is gone since is left out; one that is new keeps what it has.
 */
export function revertTarget(
  today: Declared,
  deployments: readonly Deployment[],
  ask: RevertAsk,
): Outcome<RevertTarget> {
  const deployment =
    ask.to === undefined ? lastDifferent(deployments) : deployments.find((each) => each.number === ask.to);
  if (deployment === undefined) return failed(noSuchDeployment(deployments, ask.to));
  const unknown = ask.services.filter(
    (name) => !deployment.declared.services.some((service) => isCalled(service, name)),
  );
  if (unknown.length > 0) return failed(noSuchService(deployment, unknown));

  const isAsked = (service: ServiceDeclared): boolean =>
    ask.services.length === 0 || ask.services.some((name) => isCalled(service, name));
  const hosts = new Set(today.hosts.map((host) => host.name));
  const movers = new Set([...today.balancers, ...today.zones].map(({ address }) => address));
  const back = deployment.declared.services.filter(isAsked);
  const lost = back.find((service) => service.traffic.some((each) => !movers.has(moverOf(each))));
  if (lost !== undefined) return failed(moverGone(deployment, lost));

  const reverted = back.map((service) => onHosts(service, hosts));
  return {
    ok: true,
    diagnostics: [],
    value: {
      deployment,
      declared: {
        ...today,
        ...(ask.services.length === 0 ? valuesOf(deployment) : {}),
        services: reverted,
        zones: withRecordsOf(today.zones, reverted),
      },
      services: reverted.map((service) => service.address),
      warnings: back.flatMap((service) => hostsGone(service, hosts)),
    },
  };
}

/** What the files say once it is done follows from the values of that deployment. */
const valuesOf = ({ declared: { variables } }: Deployment): Pick<Declared, 'variables'> =>
  variables === undefined ? {} : { variables };

/** Zones are asked for what those services had there: the name or the type of a record may have been another. */
const withRecordsOf = (
  zones: readonly ZoneDeclared[],
  services: readonly ServiceDeclared[],
): readonly ZoneDeclared[] =>
  zones.map((zone) => ({
    ...zone,
    records: services.flatMap(({ traffic }) =>
      traffic.flatMap((each) => (each.kind === 'dns' && each.zone === zone.address ? [each.record] : [])),
    ),
  }));

/** A deployment that only mended something ran the same as the one before it: going back there changes nothing. */
function lastDifferent(deployments: readonly Deployment[]): Deployment | undefined {
  const newest = deployments.at(-1);
  return deployments.findLast(
    (each) => !sameValue(whatRan(each), newest === undefined ? undefined : whatRan(newest)),
  );
}

/** What a revert can bring back: releases, how they run and are named, not where in the files it was written. */
const whatRan = ({ declared }: Deployment): unknown =>
  declared.services.map(({ address, release, slots, traffic }) => ({
    address,
    release: releaseDirectory(release),
    records: traffic.flatMap((each) => (each.kind === 'dns' ? [[each.record, each.values]] : [])),
    slots: slots.map((slot) => slot.instances.map(({ address, process }) => ({ address, process }))),
  }));

const isCalled = (service: ServiceDeclared, name: string): boolean =>
  service.name === name || service.address === name;

const onHosts = (service: ServiceDeclared, hosts: ReadonlySet<string>): ServiceDeclared => ({
  ...service,
  dependsOn: service.dependsOn,
  slots: service.slots.map((slot) => ({
    ...slot,
    instances: slot.instances.filter((instance) => hosts.has(instance.host)),
  })),
});

function hostsGone(service: ServiceDeclared, hosts: ReadonlySet<string>): readonly Diagnostic[] {
  const gone = [...new Set(service.slots.flatMap((slot) => slot.instances.map((each) => each.host)))].filter(
    (host) => !hosts.has(host),
  );
  if (gone.length === 0) return [];
  return [
    {
      code: 'revert-host-gone',
      severity: 'warning',
      summary: 'A host of that deployment is no longer declared',
      detail: `${service.address} ran on ${gone.join(', ')} too. The revert leaves ${gone.length === 1 ? 'it' : 'them'} out.`,
      address: service.address,
    },
  ];
}

const failed = (diagnostic: Diagnostic): Outcome<never> => ({ ok: false, diagnostics: [diagnostic] });

function noSuchDeployment(deployments: readonly Deployment[], to: number | undefined): Diagnostic {
  const known = deployments.map((each) => each.number).slice(-10);
  return {
    code: 'no-such-deployment',
    severity: 'error',
    summary: 'There is no deployment to go back to',
    detail:
      to !== undefined && deployments.length > 0
        ? `Deployment ${to} is not recorded; the newest are ${known.join(', ')}.`
        : deployments.length === 0
          ? 'Nothing was deployed yet.'
          : known.length === 1
            ? `Deployment ${known[0]} is the only one, so there is none before it.`
            : `Deployments ${known.join(', ')} all ran the same.`,
    hint: 'See what was deployed:  deployctl history ENV',
  };
}

const noSuchService = (deployment: Deployment, names: readonly string[]): Diagnostic => ({
  code: 'no-such-service',
  severity: 'error',
  summary: 'The deployment has no such service',
  detail: `Deployment ${deployment.number} ran ${deployment.declared.services.map((each) => each.name).join(', ')}, and not ${names.join(', ')}.`,
});

const moverOf = (traffic: TrafficDeclared): Address =>
  traffic.kind === 'dns' ? traffic.zone : traffic.balancer;

const moverGone = (deployment: Deployment, service: ServiceDeclared): Diagnostic => ({
  code: 'revert-balancer-gone',
  severity: 'error',
  summary: 'What moved the traffic of that deployment is no longer declared',
  detail: `In deployment ${deployment.number} the traffic of ${service.address} went through ${service.traffic.map(moverOf).join(', ')}.`,
  hint: 'Declare it again, or revert to a newer deployment with --to.',
  address: service.address,
});
