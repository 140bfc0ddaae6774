/** Plans as the planner makes them, small enough to read: for tests of what people see. */
import {
  type Address,
  asAddress,
  asInstant,
  asSha256,
  type BalancerDeclared,
  type Change,
  type Declared,
  type Diagnostic,
  instanceAddress,
  type Observation,
  type Operation,
  type Plan,
  type Proof,
  type RunningProcess,
  releaseDirectory,
  routeAddress,
  type ServiceDeclared,
  type SourceRange,
  type Step,
  type StepId,
  slotAddress,
} from '../../src/model/index.ts';

export const planned = asInstant(Date.UTC(2026, 10, 20, 14, 3, 0));

export const at = (file: string, line: number): SourceRange => ({
  file,
  start: { line, column: 3, byte: 0 },
  end: { line, column: 20, byte: 17 },
});

const shop = asAddress('service.shop');
const edge = asAddress('load_balancer.edge');

/** `web-1`, `web-2`, ... */
export const hostNamed = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `web-${index + 1}`);

const release = (version: string): ServiceDeclared['release'] => ({
  name: 'shop',
  version,
  artifact: {
    path: '/srv/shop.tar.gz',
    kind: 'archive',
    fileName: 'shop.tar.gz',
    sha256: asSha256(version.replaceAll('.', '').padEnd(8, 'f').padEnd(64, '0')),
    bytes: 12_300_000,
  },
  origin: at('prod/release.hcl', 3),
});

const install = { root: '/opt/shop', keep: 3 };

/** A step before it knows its needs. */
type Draft = Omit<Step, 'id' | 'needs' | 'service'>;

/** Steps in phases one after the other: each step needs all of the phase before. */
export function inOrder(phases: readonly (readonly Draft[])[]): readonly Step[] {
  let before: readonly StepId[] = [];
  return phases.flatMap((drafts) => {
    const steps = drafts.map(
      (draft): Step => ({
        ...draft,
        id: `${draft.phase.key}:${draft.address}` as StepId,
        needs: before,
        service: shop,
      }),
    );
    before = steps.map(({ id }) => id);
    return steps;
  });
}

export interface Sample {
  readonly hosts?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly slot?: string;
  readonly bakeSeconds?: number;
}

/** Blue-green of `shop` from blue to green: upload, hook, install, start, verify, switch, bake, prune. */
export function blueGreenSteps(sample: Sample = {}): readonly Step[] {
  const { hosts = hostNamed(3), from = '1.0.0', to = '2.0.0', slot = 'green', bakeSeconds = 30 } = sample;
  const other = slot === 'green' ? 'blue' : 'green';
  const directory = releaseDirectory(release(to));
  const { artifact } = release(to);
  const running: RunningProcess = {
    release: directory,
    process: {
      kind: 'exec',
      unit: `shop-${slot}`,
      command: ['bin/shop'],
      environment: {},
      stopTimeoutMs: 10_000,
    },
  };
  const verify = (host: string): Operation & { readonly op: 'health.verify' } => ({
    op: 'health.verify',
    place: { service: shop, host, install },
    instance: instanceAddress(shop, slot, host),
    slot,
    release: directory,
    health: undefined,
  });
  const onHosts = (
    key: string,
    verb: string,
    title: string,
    seconds: number,
    inverse: (host: string) => Step['inverse'],
    operation: (host: string) => Operation,
  ): readonly Draft[] =>
    hosts.map((host) => ({
      address: instanceAddress(shop, slot, host),
      phase: { key, verb, title },
      summary: `${verb} ${title} on ${host}`,
      operation: operation(host),
      inverse: inverse(host),
      gate: undefined,
      estimateSeconds: seconds,
    }));
  const place = (host: string) => ({ service: shop, host, install });
  const undo = (summary: string, operation: Operation): Step['inverse'] => ({
    kind: 'operation',
    operation,
    summary,
  });
  const once = (
    key: string,
    verb: string,
    title: string,
    seconds: number,
    inverse: Step['inverse'],
    operation: Operation,
    address: Address = shop,
  ): readonly Draft[] => [
    {
      address,
      phase: { key, verb, title },
      summary: `${verb} ${title}`,
      operation,
      inverse,
      gate: undefined,
      estimateSeconds: seconds,
    },
  ];
  const route = (runtime: string, target: string): Operation => ({
    op: 'route.set',
    balancer: edge,
    route: 'shop',
    from: {
      runtime: { stable: runtime, canary: runtime, canaryBasisPoints: 0 },
      persisted: { stable: runtime, canary: runtime, canaryBasisPoints: 0 },
    },
    to: { stable: target, canary: target, canaryBasisPoints: 0 },
  });
  const first = hosts[0] ?? 'web-1';
  return inOrder([
    onHosts(
      'upload',
      'upload',
      `shop ${to}, 12.3 MB`,
      4,
      (host) =>
        undo(`remove the folder on ${host}`, {
          op: 'release.remove',
          place: place(host),
          directory,
          artifact,
        }),
      (host) => ({ op: 'release.put', place: place(host), directory, artifact }),
    ),
    once(
      'hook:before_install',
      'hook',
      'before_install: bin/migrate --check',
      2,
      { kind: 'nothing', because: 'nothing to undo' },
      {
        op: 'hook.run',
        point: 'before_install',
        place: place(first),
        folder: '/opt/shop',
        argv: ['bin/migrate', '--check'],
        environment: {},
        timeoutMs: 60_000,
      },
    ),
    onHosts(
      'install',
      'install',
      `${directory} as ${slot}`,
      1,
      (host) => undo(`${slot} -> 0.9.0-090fffff on ${host}`, link(host, directory, null)),
      (host) => link(host, null, directory),
    ),
    onHosts(
      'start',
      'restart',
      `shop-${slot}`,
      6,
      (host) => undo(`restart with 0.9.0 on ${host}`, process(host, running, null)),
      (host) => process(host, null, running),
    ),
    onHosts(
      'verify',
      'verify',
      'GET :8082/health, 2 passes',
      2,
      () => ({ kind: 'nothing', because: 'nothing was changed' }),
      verify,
    ),
    once(
      'switch',
      'switch',
      `edge: shop_${other} -> shop_${slot}`,
      0.05,
      undo('switch back', route(`shop_${slot}`, `shop_${other}`)),
      route(`shop_${other}`, `shop_${slot}`),
      routeAddress(edge, 'shop'),
    ),
    once(
      'bake',
      'bake',
      `${bakeSeconds} s under all traffic`,
      bakeSeconds,
      { kind: 'nothing', because: 'nothing was changed' },
      { op: 'bake', service: shop, durationMs: bakeSeconds * 1000, watch: hosts.map(verify) },
    ),
    onHosts(
      'prune',
      'prune',
      `0.7.0, 0.8.0${from === '' ? '' : ''}`,
      1,
      () => ({ kind: 'irreversible', because: 'not needed' }),
      (host) => ({ op: 'release.prune', place: place(host), directories: [] }),
    ),
  ]);

  function link(host: string, before: string | null, after: string | null): Operation {
    return {
      op: 'slot.link',
      place: place(host),
      instance: instanceAddress(shop, slot, host),
      slot,
      from: before,
      to: after,
    };
  }
  function process(host: string, before: RunningProcess | null, after: RunningProcess | null): Operation {
    return {
      op: 'process.set',
      place: place(host),
      instance: instanceAddress(shop, slot, host),
      slot,
      from: before,
      to: after,
    };
  }
}

/** The change of one slot on one host, as an update of its release and environment. */
export const slotUpdated = (host: string, extra: Record<string, string> = {}): Change => ({
  action: 'update',
  address: instanceAddress(shop, 'green', host),
  because: 'release.shop is 2.0.0',
  origin: at('prod/release.hcl', 3),
  before: { release: '0.9.0', environment: { PORT: '8082', LOG: 'info', ...extra }, user: 'shop' },
  after: {
    release: '2.0.0',
    environment: { PORT: '8082', LOG: 'info', FEATURE_X: 'on', ...extra },
    user: 'shop',
  },
});

export const slotCreated = (
  host: string,
  environment: Record<string, string> = { PORT: '8082' },
): Change => ({
  action: 'create',
  address: instanceAddress(shop, 'green', host),
  because: 'service.shop is declared and not there',
  origin: at('prod/shop.hcl', 1),
  before: null,
  after: { release: '2.0.0', environment, command: ['bin/shop', '--verbose'] },
});

export const routeMoved: Change = {
  action: 'update',
  address: routeAddress(edge, 'shop'),
  because: 'green takes over from blue',
  origin: at('prod/shop.hcl', 41),
  before: { stable: 'shop_blue', canary: 'shop_blue', share: 0 },
  after: { stable: 'shop_green', canary: 'shop_blue', share: 0 },
};

export const proofOf = (steps: readonly Step[], hosts: number): Proof => {
  const step = steps.find(({ phase }) => phase.verb === 'switch');
  return {
    capacity: [{ service: shop, hosts, floor: Math.ceil(hosts * 0.75), lowest: hosts, atStep: undefined }],
    trafficOnlyToVerified: true,
    noWayBackAfter: [],
    blastRadius: {
      services: 1,
      hosts,
      share: step === undefined ? 0 : 100,
      atStep: step?.id,
    },
  };
};

const balancer: BalancerDeclared = {
  address: edge,
  name: 'edge',
  provider: 'haproxy',
  hosts: ['lb-1'],
  settings: {},
  routes: [{ route: 'shop', service: shop }],
  pools: [],
  origin: at('prod/edge.hcl', 1),
};

export const declaredWith = (version: string, hosts: readonly string[] = hostNamed(3)): Declared => ({
  environment: 'prod',
  folder: '/srv/environments/prod',
  hosts: [],
  balancers: [balancer],
  zones: [],
  services: [
    {
      address: shop,
      name: 'shop',
      dependsOn: [],
      release: release(version),
      slots: ['blue', 'green'].map((name, index) => ({
        address: slotAddress(shop, name),
        name,
        port: 8081 + index,
        instances: hosts.map((host) => ({
          address: instanceAddress(shop, name, host),
          slot: name,
          host,
          process: undefined,
          health: undefined,
          hooks: [],
        })),
      })),
      install,
      traffic: [
        {
          kind: 'load_balancer',
          balancer: edge,
          route: 'shop',
          pools: { blue: 'shop_blue', green: 'shop_green' },
          origin: at('prod/shop.hcl', 30),
        },
      ],
      strategy: {
        kind: 'blue_green',
        bakeMs: 30_000,
        keepWarm: true,
        drainTimeoutMs: 30_000,
        onFailure: 'revert',
        origin: at('prod/shop.hcl', 44),
      },
      origin: at('prod/shop.hcl', 1),
    },
  ],
  policy: { minInServicePercent: 75, freezes: [] },
  hooks: [],
  secrets: {},
  outputs: {},
  state: { backend: 'local', path: '/srv/.deployctl/prod' },
});

/** A plan with the given parts; without any, the plan that has nothing to do. */
export const planWith = (parts: Partial<Plan> = {}, hosts = 3): Plan => ({
  format: 1,
  toolVersion: '0.1.0',
  environment: 'prod',
  lineage: '0192f0c1-6f7e-7d10-8a55-3c1f0d9a4b21',
  stateSerial: 41,
  createdAt: planned,
  intent: { kind: 'apply' },
  targets: [],
  drift: [],
  changes: [],
  steps: [],
  held: [],
  warnings: [],
  facts: [],
  proof: proofOf(parts.steps ?? [], hosts),
  declared: declaredWith('2.0.0'),
  digest: '5d41402abc4b2a76b9719d911017c592ae2f1e7f9f3c0d7b8e6a5c4b3a291807',
  ...parts,
});

/** The update of screens.md: three hosts, the route drifted, green gets 2.0.0. */
export const updatePlan = (parts: Partial<Plan> = {}): Plan =>
  planWith({
    changes: [...hostNamed(3).map((host) => slotUpdated(host)), routeMoved],
    steps: blueGreenSteps(),
    ...parts,
  });

export const routeDrift: Plan['drift'][number] = {
  address: routeAddress(edge, 'shop'),
  before: { share: 0, stable: 'shop_blue' },
  after: { share: 10, stable: 'shop_blue' },
  note: 'the map file still says 0: a reload would undo it',
};

export const unreachableHost: Diagnostic = {
  code: 'host-unreachable',
  severity: 'error',
  summary: 'A host does not answer',
  detail: 'web-3 (10.0.1.13 port 22) did not answer within 5 s, so what runs there is not known.',
  hint: 'See whether the machine is up, then plan again.',
};

/** What was observed: blue serves `version`. */
export const servingFacts = (
  version: string,
  hosts: readonly string[] = hostNamed(3),
): readonly Observation[] => {
  const value = { stable: 'shop_blue', canary: 'shop_blue', canaryBasisPoints: 0 };
  const process = {
    kind: 'exec',
    unit: 'shop-blue',
    command: ['bin/shop'],
    environment: {},
    stopTimeoutMs: 10_000,
  } as const;
  return [
    {
      status: 'present',
      kind: 'route',
      address: routeAddress(edge, 'shop'),
      spec: { runtime: value, persisted: value, disagreeing: [] },
      at: planned,
    },
    ...hosts.map(
      (host): Observation => ({
        status: 'present',
        kind: 'instance',
        address: instanceAddress(shop, 'blue', host),
        spec: {
          linked: releaseDirectory(release(version)),
          running: { release: releaseDirectory(release(version)), process },
          tampered: null,
          health: { status: 'healthy' },
        },
        at: planned,
      }),
    ),
  ];
};
