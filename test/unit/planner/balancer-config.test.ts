/** Pools that deployctl writes into a balancer's file: never changed under the requests that they have. */
import { describe, expect, test } from 'vitest';
import {
  type BalancerDeclared,
  balancerConfigAddress,
  type Declared,
  emptyRecord,
  memberAddress,
  type Observation,
  type Plan,
  type ServiceDeclared,
  type Step,
} from '../../../src/model/index.ts';
import { takeRecordForWorld } from '../../../src/planner/recorded-world.ts';
import { declareNamed, named, seenNamed } from '../../rig/named-worlds.ts';
import { type Planning, planOf } from '../../rig/planning.ts';
import { declare, inPlace, now, seen, service } from '../../rig/worlds.ts';

const renderConfig = ({ pools }: BalancerDeclared): string =>
  JSON.stringify(
    pools.map(({ name, members }) => [name, ...members.map((each) => `${each.name}:${each.port}`)]),
  );

type Ports = Readonly<Record<string, number>>;

/** The pools have the hosts of their slots as members, on the port of the slot. */
function behindEdge(of: ServiceDeclared, ports: Ports): Declared {
  const declared = declare([of]);
  return {
    ...declared,
    balancers: declared.balancers.map((balancer) => ({
      ...balancer,
      pools: of.slots.map((slot) => ({
        name: `${of.name}_${slot.name}`,
        service: of.address,
        members: slot.instances.map(({ host }) => ({
          name: host,
          address: declared.hosts.find(({ name }) => name === host)?.networkAddress ?? '',
          port: ports[slot.name] ?? 0,
        })),
      })),
    })),
  };
}

const textOf = ({ balancers: [edge] }: Declared): string => (edge === undefined ? '' : renderConfig(edge));

/** Deployed as `was`, and declared as `now`: hosts that are new run nothing, and the balancer does not know them. */
function planFrom(
  was: Declared,
  want: Declared,
  active: string,
  versions: Readonly<Record<string, string>>,
): Plan {
  const [service] = want.services;
  const [before] = was.services;
  const [edge] = want.balancers;
  if (service === undefined || before === undefined || edge === undefined)
    throw new Error('nothing is declared');
  const known = new Set(before.slots[0]?.instances.map(({ host }) => host));
  const isNew = (each: Observation): boolean =>
    !known.has(/host\["([^"]+)"\]/.exec(each.address)?.[1] ?? [...known][0] ?? '');
  const strange = new Set(
    service.slots.flatMap((slot) =>
      slot.instances
        .filter(({ host }) => !known.has(host))
        .map(({ host }) => memberAddress(edge.address, `${service.name}_${slot.name}`, host)),
    ),
  );
  const observations = seen(service, versions, active).map((each): Observation => {
    if (strange.has(each.address))
      return { status: 'absent', kind: 'member', address: each.address, at: now };
    if (each.kind === 'instance' && isNew(each))
      return { status: 'absent', kind: 'instance', address: each.address, at: now };
    return each;
  });
  const planning: Planning = {
    declared: want,
    renderConfig,
    observations: [
      ...observations,
      {
        status: 'present',
        kind: 'balancer_config',
        address: balancerConfigAddress(edge.address),
        spec: { text: textOf(was), loaded: true },
        at: now,
      },
    ],
    recorded: {
      deployments: [
        {
          number: 1,
          at: now,
          actor: { who: 'kim@laptop', pid: 1, command: 'deployctl apply prod' },
          intent: { kind: 'apply' },
          declared: was,
        },
      ],
    },
  };
  return planOf(planning);
}

const configures = ({ steps }: Plan): readonly (readonly [number, Step])[] =>
  steps.flatMap((step, index) =>
    step.operation.op === 'balancer.configure' ? [[index, step] as const] : [],
  );
const textAt = (step: Step | undefined): string =>
  step?.operation.op === 'balancer.configure' ? (step.operation.to ?? '') : '';
const last = (plan: Plan, op: string): number =>
  plan.steps.findLastIndex(({ operation }) => operation.op === op);

const ports = { blue: 8081, green: 8082, main: 8080 };
const two = ['web-1', 'web-2'];
const three = [...two, 'web-3'];

describe('a pool with requests', () => {
  test('gets a new member when that is verified, and not before', () => {
    const was = behindEdge(service({ version: '1.0.0', hosts: two }), ports);
    const want = behindEdge(service({ version: '1.0.0', hosts: three }), ports);
    const plan = planFrom(was, want, 'blue', { blue: '1.0.0' });
    expect(plan.held).toEqual([]);
    const [first, rest] = configures(plan);
    // The idle pool may have it at once.
    expect(JSON.parse(textAt(first?.[1]))).toEqual([
      ['shop_blue', 'web-1:8081', 'web-2:8081'],
      ['shop_green', 'web-1:8082', 'web-2:8082', 'web-3:8082'],
    ]);
    expect(textAt(rest?.[1])).toBe(textOf(want));
    expect(rest?.[0]).toBeGreaterThan(last(plan, 'health.verify'));
  });

  test('keeps its port until the traffic has gone to the other one', () => {
    const both = { ...ports, blue: 9081, green: 9082 };
    const was = behindEdge(service({ version: '1.0.0', hosts: two }), ports);
    const want = behindEdge(service({ version: '2.0.0', hosts: two }), both);
    const plan = planFrom(was, want, 'blue', { blue: '1.0.0' });
    expect(plan.held).toEqual([]);
    const [first, rest] = configures(plan);
    expect(JSON.parse(textAt(first?.[1]))).toEqual([
      ['shop_blue', 'web-1:8081', 'web-2:8081'],
      ['shop_green', 'web-1:9082', 'web-2:9082'],
    ]);
    expect(first?.[0]).toBeLessThan(last(plan, 'route.set'));
    expect(textAt(rest?.[1])).toBe(textOf(want));
    expect(rest?.[0]).toBeGreaterThan(last(plan, 'route.set'));
  });

  test('that keeps its requests cannot have its members moved: that is refused, with the way to do it', () => {
    const once = { strategy: inPlace, hosts: two };
    const was = behindEdge(service({ ...once, version: '1.0.0' }), ports);
    const want = behindEdge(service({ ...once, version: '2.0.0' }), { ...ports, main: 9080 });
    const plan = planFrom(was, want, 'main', { main: '1.0.0' });
    expect(plan.held).toMatchObject([{ code: 'member-moves-under-traffic' }]);
    expect(plan.held[0]?.detail).toContain('web-1 from 10.0.1.1:8080 to 10.0.1.1:9080');
    expect(plan.held[0]?.hint).toContain('second slot');
  });

  test('whose slot is no longer declared stays until the traffic has gone to another', () => {
    const was = behindEdge(service({ version: '2.0.0', hosts: two }), ports);
    const one = service({ version: '2.0.0', hosts: two, strategy: inPlace, slots: ['blue'] });
    const plan = planFrom(was, behindEdge(one, ports), 'green', { blue: '1.0.0' });
    expect(plan.held).toEqual([]);
    const [only, ...more] = configures(plan);
    expect(more).toEqual([]);
    expect(JSON.parse(textAt(only?.[1]))).toEqual([['shop_blue', 'web-1:8081', 'web-2:8081']]);
    expect(only?.[0]).toBeGreaterThan(last(plan, 'route.set'));
    expect(last(plan, 'route.set')).toBeGreaterThan(-1);
  });

  test('loses a member that is no longer declared when all else is done', () => {
    const was = behindEdge(service({ version: '1.0.0', hosts: three }), ports);
    const want = behindEdge(service({ version: '2.0.0', hosts: two }), ports);
    const plan = planFrom(was, want, 'blue', { blue: '1.0.0' });
    const [first, rest] = configures(plan);
    expect(textAt(first?.[1])).toContain('web-3:8081');
    expect(textAt(rest?.[1])).not.toContain('web-3');
    expect(rest?.[0]).toBeGreaterThan(last(plan, 'route.set'));
  });
});

test('without requests the file is written once, before anything else', () => {
  const was = behindEdge(service({ version: '1.0.0', hosts: two }), ports);
  const want = behindEdge(service({ version: '1.0.0', hosts: two }), { ...ports, green: 9082 });
  const plan = planFrom(was, want, 'blue', { blue: '1.0.0' });
  expect(configures(plan).map(([index]) => index)).toEqual([0]);
  expect(textAt(plan.steps[0])).toBe(textOf(want));
});

test('where nothing else is to be done, the file is written once', () => {
  const was = behindEdge(service({ version: '1.0.0', hosts: three }), ports);
  const want = behindEdge(service({ version: '1.0.0', hosts: two }), ports);
  const plan = planFrom(was, want, 'blue', { blue: '1.0.0' });
  expect(plan.steps.map(({ id }) => id)).toEqual(['edge/configure']);
  expect(textAt(plan.steps[0])).toBe(textOf(want));
});

describe('a load balancer that only follows a name', () => {
  const shop = named(service(), { resolved: true });
  const declared = declareNamed(shop);
  const [edge] = declared.balancers;
  const config = balancerConfigAddress(edge?.address ?? memberAddress(shop.address, '', ''));
  const firstTime = seenNamed(shop, {}, 'blue', { resolved: true }).map((each): Observation => {
    if (each.kind === 'resolution')
      return { status: 'absent', kind: 'resolution', address: each.address, at: now };
    return each.kind === 'record' && each.status === 'present'
      ? { ...each, spec: { ...each.spec, rrset: null } }
      : each;
  });
  const absent: Observation = { status: 'absent', kind: 'balancer_config', address: config, at: now };

  test('has its pool written before anything of the service begins, and is waited for in the end', () => {
    const plan = planOf({ declared, observations: [...firstTime, absent], renderConfig: () => 'its pools' });
    expect(plan.held).toEqual([]);
    const [configured] = plan.steps.filter(({ operation }) => operation.op === 'balancer.configure');
    expect(configured).toMatchObject({ address: config, operation: { from: null, to: 'its pools' } });
    const begin = plan.steps.filter(({ service: of, needs }) => of === shop.address && needs.length <= 1);
    expect(begin.length).toBeGreaterThan(0);
    for (const step of begin.filter(({ needs }) => !needs.some((id) => id.startsWith('shop/'))))
      expect(step.needs).toEqual([configured?.id]);
    expect(plan.steps.some(({ operation }) => operation.op === 'pool.resolve')).toBe(true);
    expect(plan.changes.find(({ address }) => address === config)?.because).toContain(shop.address);
  });

  test('is held where the pool is not there and nobody writes it', () => {
    const plan = planOf({ declared, observations: firstTime });
    expect(plan.held.map(({ code }) => code)).toEqual(['pool-missing']);
  });
});

test('a plan from the record takes pools that no run has written for absent', () => {
  const declared = behindEdge(service(), { blue: 8081, green: 8082 });
  const { observations } = takeRecordForWorld(declared, emptyRecord('0190'), now);
  const plan = planOf({ declared, observations, renderConfig });
  expect(plan.held).toEqual([]);
  expect(plan.changes).toMatchObject([
    { action: 'create', address: 'load_balancer.edge.config' },
    ...plan.changes.slice(1),
  ]);
});
