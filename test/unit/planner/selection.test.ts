/** Plans about a part of the environment: what they say of the rest, and what they rest on. */
import { describe, expect, test } from 'vitest';
import { asAddress, type Deployment, type RecordedResource } from '../../../src/model/index.ts';
import { planOf } from '../../rig/planning.ts';
import { declare, now, seen, service } from '../../rig/worlds.ts';

const shop = service();
const shopping = service({ name: 'shopping' });
const observations = [
  ...seen(shop, { blue: '1.0.0', green: '2.0.0' }, 'green'),
  ...seen(shopping, { blue: '1.0.0' }, 'blue'),
];
const resources = observations.flatMap((each): readonly RecordedResource[] =>
  each.status === 'present'
    ? [{ kind: each.kind, address: each.address, spec: each.spec } as RecordedResource]
    : [],
);
const deployed = (number: number, version: string): Deployment => ({
  number,
  at: now,
  actor: { who: 'kim@laptop', pid: 1, command: 'deployctl apply prod' },
  intent: { kind: 'apply' },
  declared: declare([service({ version }), service({ name: 'shopping', version })]),
});

describe('a plan about a part', () => {
  const declared = declare([shop, shopping]);

  test('names the services that it leaves as they are', () => {
    const target = asAddress('service.shopping');
    const only = planOf({ declared, observations, selection: { targets: [target], excluded: [] } });
    expect(only).toMatchObject({ targets: [target], untouched: ['service.shop'] });
    expect(only).not.toHaveProperty('excluded');
    const without = planOf({ declared, observations, selection: { targets: [], excluded: [target] } });
    expect(without).toMatchObject({ targets: [], excluded: [target], untouched: ['service.shopping'] });
    expect(planOf({ declared, observations })).not.toHaveProperty('untouched');
  });

  test('a revert of one service leaves the others as they are, and does not miss them in the configuration', () => {
    const reverted = planOf({
      declared: declare([service({ version: '1.0.0' })]),
      observations,
      recorded: { resources, deployments: [deployed(1, '1.0.0'), deployed(2, '2.0.0')] },
      intent: { kind: 'revert', to: 1, services: [shop.address] },
    });
    expect(reverted.untouched).toEqual(['service.shopping']);
    expect(reverted.warnings.map(({ code }) => code)).not.toContain('no-longer-declared');
  });
});

test('a plan rests on nothing of a service whose name only begins like that of one it changes', () => {
  const plan = planOf({ declared: declare([shop, shopping]), observations });
  expect(new Set(plan.steps.map((step) => step.service))).toEqual(new Set(['service.shopping']));
  expect(plan.facts.filter(({ address }) => address.startsWith('service.shop.'))).toEqual([]);
});
