/** The pools that deployctl writes itself, where a balancer has a `config_file`. */
import {
  type Address,
  balancerConfigAddress,
  type Change,
  type Declared,
  type Diagnostic,
  type ServiceDeclared,
  type Step,
  type StepId,
} from '../model/index.ts';
import type { World } from './situate.ts';

export interface ConfiguredPools {
  readonly changes: readonly Change[];
  readonly steps: readonly Step[];
  readonly held: readonly Diagnostic[];
  /** Balancers whose file this plan writes. */
  readonly written: ReadonlySet<Address>;
}

export function configurePools(
  declared: Declared,
  services: readonly ServiceDeclared[],
  world: World,
  texts: ReadonlyMap<Address, string>,
  estimate: (verb: string) => number,
): ConfiguredPools {
  const changes: Change[] = [];
  const steps: Step[] = [];
  const held: Diagnostic[] = [];
  const written = new Set<Address>();
  for (const balancer of declared.balancers) {
    const text = texts.get(balancer.address);
    const isAsked = services.some((service) =>
      service.traffic.some((each) => each.kind === 'load_balancer' && each.balancer === balancer.address),
    );
    if (text === undefined || !isAsked) continue;
    const address = balancerConfigAddress(balancer.address);
    const seen = world.at('balancer_config', address);
    if (seen.status === 'unknown') {
      held.push(seen.why);
      continue;
    }
    const before = seen.status === 'present' ? seen.spec : undefined;
    if (before?.text === text && before.loaded) continue;
    written.add(balancer.address);
    changes.push({
      action: before === undefined ? 'create' : 'update',
      address,
      because:
        before?.text === text
          ? 'the running proxy was not loaded with it'
          : `the pools of ${balancer.routes.map((each) => each.service).join(', ')} are declared so`,
      origin: balancer.origin,
      before: before === undefined ? null : { text: before.text, loaded: before.loaded },
      after: { text, loaded: true },
    });
    const what = { op: 'balancer.configure', balancer: balancer.address } as const;
    const from = before?.text ?? null;
    steps.push({
      id: `${balancer.name}/configure` as StepId,
      needs: [],
      service: undefined,
      address,
      phase: {
        key: `configure|${balancer.name}`,
        verb: 'configure',
        title: `${balancer.name}: its pools, by a reload`,
      },
      summary: `configure ${balancer.name}: its pools, by a reload`,
      operation: { ...what, from, to: text },
      inverse: {
        kind: 'operation',
        operation: { ...what, from: text, to: from },
        summary: from === null ? 'remove the file, reload' : 'the file as it was, reload',
      },
      gate: 'the proxy accepts it, and runs with it',
      estimateSeconds: estimate('configure'),
    });
  }
  return { changes, steps, held, written };
}
