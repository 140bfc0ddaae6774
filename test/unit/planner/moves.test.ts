import { describe, expect, test } from 'vitest';
import {
  asAddress,
  type Declared,
  type Deployment,
  emptyRecord,
  follow,
  type Move,
  type Recorded,
  type RecordedResource,
  retrace,
} from '../../../src/model/index.ts';
import { followMoves, movedSince, portsStillTaken, unitsRenamed } from '../../../src/planner/moves.ts';
import { revertTarget } from '../../../src/planner/revert.ts';
import { declare, now, seen, service } from '../../rig/worlds.ts';

const move = (from: string, to: string): Move => ({ from: asAddress(from), to: asAddress(to) });

describe('an address', () => {
  test.for([
    ['of the thing itself', 'service.shop', 'service.store'],
    [
      'of a part of it',
      'service.shop.slot["blue"].host["web-1"]',
      'service.store.slot["blue"].host["web-1"]',
    ],
    ['of one of its instances', 'service.shop["a"].slot["blue"]', 'service.store["a"].slot["blue"]'],
    ['of another thing whose name begins alike', 'service.shopping', 'service.shopping'],
    ['of something in a module of that name', 'module.service.shop', 'module.service.shop'],
  ] as const)('%s', ([, from, to]) => {
    expect(follow(asAddress(from), [move('service.shop', 'service.store')])).toBe(to);
  });

  test('follows one move after the other, and back', () => {
    const moves = [move('service.a', 'service.b'), move('service.b', 'module.m.service.c')];
    expect(follow(asAddress('service.a.slot["x"]'), moves)).toBe('module.m.service.c.slot["x"]');
    expect(retrace(asAddress('module.m.service.c.slot["x"]'), moves)).toBe('service.a.slot["x"]');
  });

  test('of a single thing becomes that of one of several; another of them is new', () => {
    const moves = [move('host.web', 'host.web["a"]')];
    expect(follow(asAddress('host.web'), moves)).toBe('host.web["a"]');
    expect(follow(asAddress('host.web["b"]'), moves)).toBe('host.web["b"]');
  });
});

const deployed = (number: number, declared: Declared): Deployment => ({
  number,
  at: now,
  actor: { who: 'kim@laptop', pid: 1, command: 'deployctl apply prod' },
  intent: { kind: 'apply' },
  declared,
});

const recordOf = (name: string, versions: readonly string[]): Recorded => ({
  ...emptyRecord('lineage'),
  resources: seen(service({ name }), { green: '2.0.0' }, 'green').flatMap((each) =>
    each.status === 'present'
      ? [{ kind: each.kind, address: each.address, spec: each.spec } as RecordedResource]
      : [],
  ),
  deployments: versions.map((version, index) => deployed(index + 1, declare([service({ name, version })]))),
});

const today = (moves?: readonly Move[]): Declared => {
  const shop = service({ name: 'store' });
  return { ...declare([shop]), ...(moves === undefined ? {} : { moves }) };
};
const renamed = [move('service.shop', 'service.store')];

test('what a service recorded under its earlier name is its own, and is told until a run has written it anew', () => {
  const recorded = recordOf('shop', ['1.0.0', '2.0.0']);
  const followed = followMoves(recorded, today(renamed));
  expect(followed.resources.map(({ address }) => address)).toContain(
    'service.store.slot["green"].host["web-1"]',
  );
  expect(JSON.stringify(followed.resources)).not.toContain('service.shop');
  expect(movedSince(recorded, today(renamed)).map(({ code }) => code)).toEqual(['moved']);

  const moved = followed.resources.filter(({ address }) => address.startsWith('service.store'));
  const rewritten = { ...recorded, resources: [...recorded.resources, ...moved] };
  expect(movedSince(rewritten, today(renamed))).toEqual([]);
  const addresses = (of: Recorded) => of.resources.map(({ address }) => address).toSorted();
  expect(addresses(followMoves(rewritten, today(renamed)))).toEqual(addresses(followed));
});

test('a revert goes back to what ran under the earlier name, and stops the units of that name', () => {
  const { deployments } = followMoves(recordOf('shop', ['1.0.0', '2.0.0']), today(renamed));
  const target = revertTarget(today(renamed), deployments, { to: 1, services: ['store'] });
  if (!target.ok) throw new Error('no target');
  const [back] = target.value.declared.services;
  expect(back).toMatchObject({
    address: 'service.store',
    name: 'store',
    release: { version: '1.0.0' },
    install: { knownAs: 'shop' },
  });
  expect(back?.slots[0]?.instances[0]).toMatchObject({
    address: 'service.store.slot["blue"].host["web-1"]',
    process: { unit: 'shop-blue' },
  });
});

test('hosts whose names follow their label are found again under the new one', () => {
  const shop = service({ hosts: ['web-0'] });
  const before = declare([shop]);
  const after = declare([service({ hosts: ['api-0'] })]);
  const at = (declared: Declared, address: string): Declared => ({
    ...declared,
    hosts: declared.hosts.map((host) => ({ ...host, address: asAddress(address) })),
  });
  const recorded: Recorded = {
    ...emptyRecord('lineage'),
    resources: [
      { kind: 'instance', address: asAddress('service.shop.slot["blue"].host["web-0"]'), spec: null },
      {
        kind: 'member',
        address: asAddress('load_balancer.edge.pool["shop_blue"].member["web-0"]'),
        spec: null,
      },
    ],
    deployments: [deployed(1, at(before, 'host.web[0]'))],
  };
  const followed = followMoves(recorded, {
    ...at(after, 'host.api[0]'),
    moves: [move('host.web', 'host.api')],
  });
  expect(followed.resources.map(({ address }) => address)).toEqual([
    'service.shop.slot["blue"].host["api-0"]',
    'load_balancer.edge.pool["shop_blue"].member["api-0"]',
  ]);
  expect(followed.deployments[0]?.declared.services[0]?.slots[0]?.instances[0]?.host).toBe('api-0');
});

test('without the block, a service that ran under another name is not started beside itself', () => {
  const ran = service({ name: 'store' });
  const asShop = {
    ...ran,
    slots: ran.slots.map((slot) => ({
      ...slot,
      instances: slot.instances.map((each) =>
        each.process === undefined
          ? each
          : { ...each, process: { ...each.process, unit: `shop-${slot.name}` } },
      ),
    })),
  };
  const recorded = { ...emptyRecord('lineage'), deployments: [deployed(1, declare([asShop]))] };
  const [refusal] = unitsRenamed(today(), recorded);
  expect(refusal).toMatchObject({ code: 'unit-renamed', severity: 'error', address: 'service.store' });
  expect(refusal?.hint).toContain('from = service.shop');
  expect(unitsRenamed(today(), recordOf('store', ['1.0.0']))).toEqual([]);
});

describe('what still runs where something new is to listen', () => {
  const taken = (want: Declared, record: Recorded) => portsStillTaken(want.services, want, record);
  const ran = recordOf('shop', ['1.0.0', '2.0.0']);

  test('under the earlier name of a service holds it, with the block that is missing', () => {
    const [refusal, ...more] = taken(today(), ran);
    expect(more).toEqual([]);
    expect(refusal).toMatchObject({
      code: 'port-still-taken',
      severity: 'error',
      address: 'service.store',
      detail: expect.stringContaining('service.shop.slot["green"].host["web-1"] runs'),
      hint: expect.stringMatching(
        /from = service\.shop\n {4}to {3}= service\.store[\s\S]*state rm ENV 'service\.shop'/,
      ),
    });
  });

  test('under the earlier name of a slot holds it too', () => {
    const renamedSlot = declare([service({ name: 'shop', slots: ['blue', 'azure'] })]);
    expect(taken(renamedSlot, ran)).toMatchObject([
      { code: 'port-still-taken', hint: expect.stringContaining('Keep the name of the slot') },
    ]);
  });

  test('is nothing where the block tells it, where it is forgotten, and where the port is another', () => {
    expect(taken(today(renamed), followMoves(ran, today(renamed)))).toEqual([]);
    expect(taken(today(), { ...ran, resources: [] })).toEqual([]);
    const elsewhere = service({ name: 'store' });
    const moved = { ...elsewhere, slots: elsewhere.slots.map((slot) => ({ ...slot, port: 9000 })) };
    expect(taken(declare([moved]), ran)).toEqual([]);
    expect(taken(declare([service({ name: 'shop' })]), ran)).toEqual([]);
  });
});
