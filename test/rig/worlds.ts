/** Worlds in the words of the domain, for planner tests: a service as it is declared, and how it is found. */
import {
  type AnalysisDeclared,
  asAddress,
  asInstant,
  asSha256,
  audienceRules,
  type Declared,
  type InstanceDeclared,
  type InstanceState,
  instanceAddress,
  inventoryAddress,
  memberAddress,
  type Observation,
  type Observed,
  type ReleaseDeclared,
  type RouteValue,
  type RunningProcess,
  releaseDirectory,
  routeAddress,
  type ServiceDeclared,
  type SourceRange,
  type StrategyDeclared,
  slotAddress,
} from '../../src/model/index.ts';

export const now = asInstant(Date.UTC(2026, 10, 20, 14, 1, 7));

export const at = (line: number): SourceRange => ({
  file: 'environments/prod/shop.hcl',
  start: { line, column: 1, byte: 0 },
  end: { line, column: 2, byte: 1 },
});

export const release = (version: string, digit = version[0] ?? '0'): ReleaseDeclared => ({
  name: 'shop',
  version,
  artifact: {
    path: `/srv/dist/shop-${version}.tar.gz`,
    kind: 'archive',
    fileName: `shop-${version}.tar.gz`,
    sha256: asSha256(digit.repeat(64)),
    bytes: 12_300_000,
  },
  origin: at(3),
});

export const blueGreen: StrategyDeclared = {
  kind: 'blue_green',
  bakeMs: 30_000,
  keepWarm: true,
  drainTimeoutMs: 30_000,
  onFailure: 'revert',
  origin: at(30),
};

export const inPlace: StrategyDeclared = {
  kind: 'in_place',
  drainTimeoutMs: 30_000,
  onFailure: 'revert',
  origin: at(30),
};

export const canary: Extract<StrategyDeclared, { kind: 'canary' }> = {
  kind: 'canary',
  steps: [
    { share: 1, bakeMs: 300_000, approval: false, audience: [], origin: at(31) },
    { share: 10, bakeMs: 600_000, approval: false, audience: [], origin: at(35) },
    { share: 50, bakeMs: 0, approval: true, audience: [], origin: at(39) },
  ],
  analysis: [],
  keepWarm: true,
  drainTimeoutMs: 30_000,
  onFailure: 'revert',
  origin: at(30),
};

export const errorsAndLatency: AnalysisDeclared = {
  kind: 'load_balancer',
  name: 'load_balancer',
  maxErrorRate: 0.01,
  maxLatencyRatio: 1.5,
  minRequests: 500,
  intervalMs: 10_000,
  failures: 2,
  dryRun: false,
  deadlineMs: 600_000,
  inconclusive: 'pause',
  confidence: 0.95,
  origin: at(47),
};
/** An audience first, then shares under an analysis, a person in between, and a bake of the whole. */
export const judged: Extract<StrategyDeclared, { kind: 'canary' }> = {
  ...canary,
  steps: [
    { share: 0, bakeMs: 60_000, approval: false, audience: audienceRules({ 'x-beta': '1' }), origin: at(31) },
    { share: 5, bakeMs: 300_000, approval: false, audience: [], origin: at(35) },
    { share: 25, bakeMs: 600_000, approval: true, audience: [], origin: at(39) },
    { share: 100, bakeMs: 60_000, approval: false, audience: [], origin: at(43) },
  ],
  analysis: [errorsAndLatency],
};

export const rolling: Extract<StrategyDeclared, { kind: 'rolling' }> = {
  kind: 'rolling',
  batch: { percent: 25 },
  pauseMs: 10_000,
  maxFailures: 0,
  drainTimeoutMs: 30_000,
  onFailure: 'revert',
  origin: at(30),
};

export interface ServiceWish {
  readonly name?: string;
  readonly version?: string;
  readonly hosts?: readonly string[];
  readonly strategy?: StrategyDeclared;
  /** Default: two for blue_green and canary, else one. */
  readonly slots?: readonly string[];
  readonly keep?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly dependsOn?: readonly string[];
  readonly hooks?: InstanceDeclared['hooks'];
}

export const edge = asAddress('load_balancer.edge');

export function service(wish: ServiceWish = {}): ServiceDeclared {
  const name = wish.name ?? 'shop';
  const address = asAddress(`service.${name}`);
  const strategy = wish.strategy ?? blueGreen;
  const hosts = wish.hosts ?? ['web-1', 'web-2', 'web-3'];
  const hasTwo = strategy.kind === 'blue_green' || strategy.kind === 'canary';
  const names = wish.slots ?? (hasTwo ? ['blue', 'green'] : ['main']);
  return {
    address,
    name,
    dependsOn: (wish.dependsOn ?? []).map((each) => asAddress(`service.${each}`)),
    release: release(wish.version ?? '2.0.0'),
    slots: names.map((slot, index) => ({
      address: slotAddress(address, slot),
      name: slot,
      port: 8081 + index,
      instances: hosts.map((host) => instance(address, name, slot, 8081 + index, host, wish)),
    })),
    install: { root: `/srv/${name}`, keep: wish.keep ?? 5 },
    traffic: [
      {
        kind: 'load_balancer',
        balancer: edge,
        route: name,
        pools: Object.fromEntries(names.map((slot) => [slot, `${name}_${slot}`])),
        origin: at(25),
      },
    ],
    strategy,
    origin: at(10),
  };
}

function instance(
  address: ServiceDeclared['address'],
  name: string,
  slot: string,
  port: number,
  host: string,
  wish: ServiceWish,
): InstanceDeclared {
  return {
    address: instanceAddress(address, slot, host),
    slot,
    host,
    process: {
      kind: 'exec',
      unit: `${name}-${slot}`,
      command: ['./serve', String(port)],
      environment: wish.environment ?? {},
      stopTimeoutMs: 10_000,
    },
    health: {
      kind: 'http',
      address: '10.0.1.1',
      port,
      path: '/health',
      status: 200,
      intervalMs: 500,
      passes: 2,
      timeoutMs: 2000,
      deadlineMs: 60_000,
      origin: at(20),
    },
    hooks: wish.hooks ?? [],
  };
}

/** `zones`: the label of each host that has one. */
export function declare(
  services: readonly ServiceDeclared[],
  minInServicePercent = 0,
  zones: Readonly<Record<string, string>> = {},
): Declared {
  const hosts = [
    ...new Set(services.flatMap((each) => each.slots.flatMap((slot) => slot.instances.map((i) => i.host)))),
  ];
  return {
    environment: 'prod',
    folder: '/project/environments/prod',
    hosts: hosts.map((name, index) => ({
      address: asAddress(`host.web[${JSON.stringify(name)}]`),
      name,
      connection: { kind: 'local' },
      networkAddress: `10.0.1.${index + 1}`,
      labels: zones[name] === undefined ? {} : { zone: zones[name] },
      origin: at(1),
    })),
    balancers: [
      {
        address: edge,
        name: 'edge',
        provider: 'haproxy',
        hosts: ['lb-1'],
        settings: {},
        routes: services.map((each) => ({ route: each.name, service: each.address })),
        pools: services.flatMap((each) =>
          each.slots.map((slot) => ({
            name: `${each.name}_${slot.name}`,
            service: each.address,
            members: [],
          })),
        ),
        origin: at(2),
      },
    ],
    zones: [],
    services,
    policy: { minInServicePercent, freezes: [] },
    hooks: [],
    secrets: {},
    outputs: {},
    state: { backend: 'local', path: '/project/.deployctl/prod' },
  };
}

/** How one slot is found: a version that is linked and runs everywhere, or state by host. */
export type Found =
  | string
  | 'nothing'
  | Readonly<Record<string, string | 'nothing' | 'stopped' | 'unreachable' | 'unhealthy'>>;

export interface WorldWish {
  readonly [slot: string]: Found;
}

const unreachableHost = (address: string) => ({
  code: 'host-unreachable',
  severity: 'error' as const,
  summary: 'A host does not answer',
  detail: 'web-2 (10.0.1.2:22) did not answer within 5 s.',
  address: asAddress(address),
});

/** What is seen of one service: its slots as found, all requests on `active`, every member ready but those in `out`, "green/web-2". */
export function seen(
  declared: ServiceDeclared,
  slots: WorldWish,
  active: string | undefined,
  more: Partial<{
    persisted: string;
    installed: readonly string[];
    out: readonly string[];
    basisPoints: number;
  }> = {},
): readonly Observation[] {
  const observations: Observation[] = [];
  for (const slot of declared.slots) {
    const found = slots[slot.name] ?? 'nothing';
    for (const each of slot.instances) {
      const here = typeof found === 'string' ? found : (found[each.host] ?? 'nothing');
      observations.push(instanceSeen(declared, each, here, slots));
      observations.push({
        status: 'present',
        kind: 'member',
        address: memberAddress(edge, `${declared.name}_${slot.name}`, each.host),
        spec: {
          admin: more.out?.includes(`${slot.name}/${each.host}`) === true ? 'maint' : 'ready',
          up: true,
          sessions: 0,
        },
        at: now,
      });
    }
  }
  for (const host of new Set(declared.slots.flatMap((slot) => slot.instances.map((each) => each.host)))) {
    const versions = more.installed ?? installedVersions(slots, host);
    observations.push({
      status: 'present',
      kind: 'inventory',
      address: inventoryAddress(declared.address, host),
      spec: {
        releases: versions.map((version) => ({
          directory: releaseDirectory(release(version)),
          sha256: release(version).artifact.sha256,
        })),
        freeBytes: 10e9,
      },
      at: now,
    });
  }
  observations.push(routeSeen(declared, active, more.persisted ?? active, more.basisPoints ?? 0));
  return observations;
}

/** A canary that was left with a share is the other slot. */
function routeValue(
  declared: ServiceDeclared,
  slot: string | undefined,
  basisPoints: number,
): RouteValue | null {
  if (slot === undefined) return null;
  const other = declared.slots.find((each) => each.name !== slot)?.name ?? slot;
  const canary = basisPoints === 0 ? slot : other;
  return {
    stable: `${declared.name}_${slot}`,
    canary: `${declared.name}_${canary}`,
    canaryBasisPoints: canary === slot ? 0 : basisPoints,
  };
}

function routeSeen(
  declared: ServiceDeclared,
  active: string | undefined,
  persisted: string | undefined,
  basisPoints: number,
): Observation {
  const address = routeAddress(edge, declared.name);
  return active === undefined && persisted === undefined
    ? { status: 'absent', kind: 'route', address, at: now }
    : {
        status: 'present',
        kind: 'route',
        address,
        spec: {
          runtime: routeValue(declared, active, basisPoints),
          persisted: routeValue(declared, persisted, basisPoints),
          disagreeing: [],
        },
        at: now,
      };
}

function instanceSeen(
  declared: ServiceDeclared,
  each: InstanceDeclared,
  found: string,
  slots: WorldWish,
): Observation {
  const { address } = each;
  if (found === 'unreachable')
    return { status: 'unknown', kind: 'instance', address, why: unreachableHost(address) };
  if (found === 'nothing') return { status: 'absent', kind: 'instance', address, at: now };
  const versions = Object.values(slots).filter((slot) => typeof slot === 'string' && slot !== 'nothing');
  const version =
    found === 'stopped' || found === 'unhealthy'
      ? ((versions[0] as string | undefined) ?? declared.release.version)
      : found;
  const directory = releaseDirectory(release(version));
  const running: RunningProcess | null =
    found === 'stopped' || each.process === undefined ? null : { release: directory, process: each.process };
  const spec: InstanceState = {
    linked: directory,
    running,
    tampered: null,
    health:
      found === 'unhealthy'
        ? { status: 'unhealthy', detail: 'GET :8081/health answered 503' }
        : { status: 'healthy' },
  };
  return { status: 'present', kind: 'instance', address, spec, at: now };
}

function installedVersions(slots: WorldWish, host: string): readonly string[] {
  const versions = Object.values(slots).map((found) => (typeof found === 'string' ? found : found[host]));
  return [
    ...new Set(versions.filter((each): each is string => each !== undefined && /^\d/.test(each))),
  ].toSorted();
}

export const look = (...parts: readonly (readonly Observation[])[]): Observed => ({
  observations: parts.flat(),
  notes: [],
});
