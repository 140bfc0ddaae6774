import { describe, expect, test } from 'vitest';
import type { Deployment } from '../../../src/model/index.ts';
import { findDrift } from '../../../src/planner/drift.ts';
import { revertTarget } from '../../../src/planner/revert.ts';
import { World } from '../../../src/planner/situate.ts';
import { declare, look, now, seen, service } from '../../rig/worlds.ts';

const deployment = (number: number, version: string, hosts?: readonly string[]): Deployment => ({
  number,
  at: now,
  actor: { who: 'kim@laptop', pid: 1, command: 'deployctl apply prod' },
  intent: { kind: 'apply' },
  declared: declare([service({ version, ...(hosts === undefined ? {} : { hosts }) })]),
});

const today = declare([service({ version: '3.0.0' })]);
const back = (deployments: readonly Deployment[], to?: number, services: readonly string[] = []) =>
  revertTarget(today, deployments, { to, services });

describe('a revert goes back', () => {
  test.for([
    ['to the deployment before', [deployment(1, '1.0.0'), deployment(2, '2.0.0')], 1],
    [
      'past one that only mended something',
      [deployment(1, '1.0.0'), deployment(2, '2.0.0'), deployment(3, '2.0.0')],
      1,
    ],
    [
      'from a revert to what it left',
      [deployment(1, '1.0.0'), deployment(2, '2.0.0'), deployment(3, '1.0.0')],
      2,
    ],
  ] as const)('%s', ([, deployments, number]) => {
    const target = back(deployments);
    expect(target.ok && target.value.deployment.number).toBe(number);
  });

  test('nowhere, and says so, when there is only one deployment or all ran the same', () => {
    for (const deployments of [
      [],
      [deployment(1, '1.0.0')],
      [deployment(1, '1.0.0'), deployment(2, '1.0.0')],
    ]) {
      const target = back(deployments);
      expect(target.ok).toBe(false);
      expect(target.diagnostics.map((each) => each.code)).toEqual(['no-such-deployment']);
    }
  });

  test('without a host that is no longer declared, and warns', () => {
    const target = back([deployment(1, '1.0.0', ['web-1', 'web-9']), deployment(2, '2.0.0')]);
    if (!target.ok) throw new Error('no target');
    const hosts = target.value.declared.services.flatMap((each) =>
      each.slots.flatMap((slot) => slot.instances.map((i) => i.host)),
    );
    expect(new Set(hosts)).toEqual(new Set(['web-1']));
    expect(target.value.warnings.map((each) => each.code)).toEqual(['revert-host-gone']);
  });

  test('only of services that the deployment had', () => {
    expect(back([deployment(1, '1.0.0'), deployment(2, '2.0.0')], 1, ['shop']).ok).toBe(true);
    const unknown = back([deployment(1, '1.0.0'), deployment(2, '2.0.0')], 1, ['shpo']);
    expect(unknown.diagnostics.map((each) => each.code)).toEqual(['no-such-service']);
  });
});

test('a file that somebody changed drifts from what deployctl wrote, not from nothing', () => {
  const shop = service();
  const observations = seen(shop, { green: '2.0.0' }, 'green').map((each) =>
    each.kind === 'instance' &&
    each.status === 'present' &&
    each.address.includes('web-1') &&
    each.address.includes('green')
      ? {
          ...each,
          spec: { ...each.spec, tampered: { path: '/etc/unit', expected: 'a\nb\n', actual: 'a\nc\n' } },
        }
      : each,
  );
  const recorded = seen(shop, { green: '2.0.0' }, 'green').flatMap((each) =>
    each.kind === 'instance' && each.status === 'present'
      ? [{ kind: each.kind, address: each.address, spec: each.spec }]
      : [],
  );
  const drift = findDrift(recorded, new World(look(observations)));
  expect(drift).toHaveLength(1);
  expect(drift[0]).toMatchObject({ before: { file: 'a\nb\n' }, after: { file: 'a\nc\n' } });
});
