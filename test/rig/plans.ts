/** Plans written by hand, small enough to be read: what the planner would make of one service on a few hosts. */
import type {
  Address,
  BalancerDeclared,
  Declared,
  HookDeclared,
  InstallDeclared,
  Instant,
  Inverse,
  OnFailure,
  Operation,
  Place,
  Plan,
  ProcessDeclared,
  Proof,
  ServiceDeclared,
  Sha256,
  SourceRange,
  Step,
  StepId,
} from '../../src/model/index.ts';

export const origin: SourceRange = {
  file: 'test.hcl',
  start: { line: 1, column: 1, byte: 0 },
  end: { line: 1, column: 2, byte: 1 },
};

export const install: InstallDeclared = { root: '/srv/shop', keep: 3 };
export const balancer = 'load_balancer.edge' as Address;

export const processOf = (service: string, slot: string, version: string): ProcessDeclared => ({
  kind: 'exec',
  unit: `${service}-${slot}`,
  command: ['/bin/shop', version],
  environment: {},
  stopTimeoutMs: 1_000,
});

export interface Shop {
  /** The service's name: `shop`. */
  readonly name: string;
  readonly hosts: readonly string[];
  readonly onFailure: OnFailure;
  readonly bakeMs: number;
}

export const shop = (overrides: Partial<Shop> = {}): Shop => ({
  name: 'shop',
  hosts: ['web-1', 'web-2'],
  onFailure: 'revert',
  bakeMs: 0,
  ...overrides,
});

const serviceOf = (each: Shop): ServiceDeclared => ({
  address: `service.${each.name}` as Address,
  name: each.name,
  dependsOn: [],
  release: {
    name: each.name,
    version: '2.0.0',
    artifact: {
      path: `/tmp/${each.name}.tar`,
      kind: 'archive',
      fileName: `${each.name}.tar`,
      sha256: '2'.repeat(64) as Sha256,
      bytes: 10,
    },
    origin,
  },
  slots: [],
  install,
  traffic: [],
  strategy: {
    kind: 'blue_green',
    bakeMs: each.bakeMs,
    keepWarm: true,
    drainTimeoutMs: 1_000,
    onFailure: each.onFailure,
    origin,
  },
  origin,
});

const edge: BalancerDeclared = {
  address: balancer,
  name: 'edge',
  provider: 'simulated',
  hosts: [],
  settings: {},
  routes: [],
  pools: [],
  origin,
};

export const declaring = (shops: readonly Shop[], hooks: readonly HookDeclared[] = []): Declared => ({
  environment: 'test',
  folder: '/environments/test',
  hosts: [...new Set(shops.flatMap((each) => each.hosts))].map((name) => ({
    address: `host.${name}` as Address,
    name,
    connection: { kind: 'local' },
    networkAddress: '127.0.0.1',
    labels: {},
    origin,
  })),
  balancers: [edge],
  zones: [],
  services: shops.map(serviceOf),
  policy: { minInServicePercent: 0, freezes: [] },
  hooks,
  secrets: {},
  outputs: {},
  state: { backend: 'local', path: '/state' },
});

export const stepOf = (
  id: string,
  operation: Operation,
  rest: Partial<Omit<Step, 'id' | 'operation' | 'needs'>> & { readonly needs?: readonly string[] } = {},
): Step => ({
  service: 'service.shop' as Address,
  address: `service.shop.${id}` as Address,
  phase: { key: id, verb: 'install', title: id },
  summary: id,
  inverse: { kind: 'nothing', because: 'nothing to undo' },
  gate: undefined,
  estimateSeconds: 1,
  ...rest,
  id: id as StepId,
  operation,
  needs: (rest.needs ?? []) as StepId[],
});

const undoneBy = (operation: Operation, verify?: Operation & { op: 'health.verify' }): Inverse => ({
  kind: 'operation',
  operation,
  summary: 'back',
  ...(verify === undefined ? {} : { verify }),
});

export const placeOf = (service: string, host: string): Place => ({
  service: `service.${service}` as Address,
  host,
  install,
});

const instanceOf = (service: string, slot: string, host: string): Address =>
  `service.${service}.slot[${JSON.stringify(slot)}].host[${JSON.stringify(host)}]` as Address;

/** Blue serves 1.0.0 and green is to become 2.0.0: put, link, stop, start, verify on each host, then switch and bake. */
export function blueGreenSteps(each: Shop): readonly Step[] {
  const service = `service.${each.name}` as Address;
  const id = (verb: string, host = ''): string => `${each.name}-${verb}${host === '' ? '' : `-${host}`}`;
  const steps: Step[] = [];
  const verifies: (Operation & { op: 'health.verify' })[] = [];
  for (const host of each.hosts) {
    const place = placeOf(each.name, host);
    const slot = { place, instance: instanceOf(each.name, 'green', host), slot: 'green' };
    const artifact = serviceOf(each).release.artifact;
    const old = { release: '0.9.0', process: processOf(each.name, 'green', '0.9.0') };
    const fresh = { release: '2.0.0', process: processOf(each.name, 'green', '2.0.0') };
    const health = {
      kind: 'tcp',
      address: host,
      port: 8082,
      intervalMs: 1_000,
      passes: 2,
      timeoutMs: 500,
      deadlineMs: 10_000,
      origin,
    } as const;
    const verify = { op: 'health.verify', ...slot, release: '2.0.0', health } as const;
    verifies.push(verify);
    const of = (verb: string, operation: Operation, needs: readonly string[], inverse?: Inverse): void => {
      steps.push(
        stepOf(id(verb, host), operation, {
          service,
          address: slot.instance,
          phase: { key: id(verb), verb, title: verb },
          needs,
          ...(inverse === undefined ? {} : { inverse }),
        }),
      );
    };
    of(
      'put',
      { op: 'release.put', place, directory: '2.0.0', artifact },
      [],
      undoneBy({ op: 'release.remove', place, directory: '2.0.0', artifact }),
    );
    of(
      'stop',
      { op: 'process.set', ...slot, from: old, to: null },
      [id('put', host)],
      undoneBy({ op: 'process.set', ...slot, from: null, to: old }),
    );
    of(
      'link',
      { op: 'slot.link', ...slot, from: '0.9.0', to: '2.0.0' },
      [id('stop', host)],
      undoneBy({ op: 'slot.link', ...slot, from: '2.0.0', to: '0.9.0' }),
    );
    of(
      'start',
      { op: 'process.set', ...slot, from: null, to: fresh },
      [id('link', host)],
      undoneBy({ op: 'process.set', ...slot, from: fresh, to: null }),
    );
    of('verify', verify, [id('start', host)]);
  }
  const blue = { stable: `${each.name}_blue`, canary: `${each.name}_green`, canaryBasisPoints: 0 };
  const green = { stable: `${each.name}_green`, canary: `${each.name}_blue`, canaryBasisPoints: 0 };
  const route = { op: 'route.set', balancer, route: each.name } as const;
  steps.push(
    stepOf(
      id('switch'),
      { ...route, from: { runtime: blue, persisted: blue }, to: green },
      {
        service,
        address: `${balancer}.route["${each.name}"]` as Address,
        needs: each.hosts.map((host) => id('verify', host)),
        inverse: undoneBy({ ...route, from: { runtime: green, persisted: green }, to: blue }),
      },
    ),
  );
  if (each.bakeMs > 0) {
    steps.push(
      stepOf(
        id('bake'),
        { op: 'bake', service, durationMs: each.bakeMs, watch: verifies },
        {
          service,
          needs: [id('switch')],
        },
      ),
    );
  }
  return steps;
}

const noProof: Proof = {
  capacity: [],
  trafficOnlyToVerified: true,
  noWayBackAfter: [],
  blastRadius: { services: 1, hosts: 1, share: 100, atStep: undefined },
};

export interface PlanParts {
  readonly steps: readonly Step[];
  readonly declared: Declared;
  readonly lineage: string;
  readonly stateSerial: number;
  readonly digest: string;
}

export const planOf = (parts: Partial<PlanParts> = {}): Plan => ({
  format: 1,
  toolVersion: '0.1.0',
  environment: 'test',
  lineage: '',
  stateSerial: 0,
  createdAt: 0 as Instant,
  intent: { kind: 'apply' },
  targets: [],
  drift: [],
  changes: [],
  steps: [],
  held: [],
  warnings: [],
  facts: [],
  proof: noProof,
  declared: declaring([]),
  digest: 'd'.repeat(64),
  ...parts,
});

/** One run that moves each of the shops from blue to green. */
export const switching = (
  shops: readonly Shop[],
  rest: { readonly lineage?: string; readonly hooks?: readonly HookDeclared[] } = {},
): Plan =>
  planOf({
    steps: shops.flatMap(blueGreenSteps),
    declared: declaring(shops, rest.hooks),
    lineage: rest.lineage ?? '',
  });
