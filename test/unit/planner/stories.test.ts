/** Plans as a person sees them: given a world, when a plan is made, then this text. */
import { describe, expect, test } from 'vitest';
import { type HostCount, releaseDirectory } from '../../../src/model/index.ts';
import { renderPlan } from '../../../src/ui/plan-text.ts';
import {
  aliased,
  declareNamed,
  named,
  recordedNamed,
  seenNamed,
  withRecord,
} from '../../rig/named-worlds.ts';
import { type Planning, planOf } from '../../rig/planning.ts';
import {
  canary,
  declare,
  inPlace,
  judged,
  look,
  now,
  release,
  rolling,
  seen,
  service,
} from '../../rig/worlds.ts';

const shop = service();
const upgraded = service({ strategy: inPlace });
const deployed = (number: number, version: string) => ({
  number,
  at: now,
  actor: { who: 'kim@laptop', pid: 1, command: 'deployctl apply prod' },
  intent: { kind: 'apply' as const },
  declared: declare([service({ version })]),
});

const api = service({ name: 'api' });
const behind = service({ dependsOn: ['api'] });
const hook = {
  point: 'before_install' as const,
  argv: ['bin/migrate', '--check'],
  on: 'first_host' as const,
  timeoutMs: 120_000,
  environment: {},
  origin: shop.origin,
};
const migrating = service({ hooks: [hook] });
const cold = service({ strategy: { ...shop.strategy, keepWarm: false } as typeof shop.strategy });

const withAway = (maxUnreachable: HostCount) => {
  const declared = declare([shop], 60);
  return { ...declared, policy: { ...declared.policy, maxUnreachable } };
};

const stepwise = service({ strategy: canary });
const six = ['web-1', 'web-2', 'web-3', 'web-4', 'web-5', 'web-6'];
const stepwiseHosts = service({ strategy: canary, slots: ['main'], hosts: six });
const judgedCanary = service({ strategy: judged });
const batched = service({ strategy: { ...rolling, batch: { hosts: 2 } }, hosts: six });
const failing = { ...rolling, batch: { hosts: 3 }, maxFailures: 1, pauseMs: 0 };
const lenient = service({ strategy: failing, hosts: six });
const zones = { 'web-1': 'a', 'web-2': 'b', 'web-3': 'c', 'web-4': 'a', 'web-5': 'b', 'web-6': 'c' };

const byName = named(shop);
const byAlias = aliased(shop);
const addresses = { ttlSeconds: 60, values: ['10.0.1.11', '10.0.1.12', '10.0.1.13'] };
const sixNamed = ((each) => ({
  ...each,
  traffic: each.traffic.map((traffic) =>
    traffic.kind === 'dns'
      ? {
          ...traffic,
          record: { ...traffic.record, type: 'AAAA' as const },
          values: { blue: ['2001:db8::11'], green: ['2001:db8::21'] },
        }
      : traffic,
  ),
}))(named(service({ version: '1.0.0' })));
const byResolvedName = named(shop, { resolved: true });

const stories: Readonly<Record<string, Planning>> = {
  'a DNS record is switched, and every answer of before waited out': {
    declared: declareNamed(byName),
    observations: seenNamed(byName, { blue: '1.0.0', green: '0.9.0' }, 'blue'),
  },
  'a load balancer that resolves the record is waited for': {
    declared: declareNamed(byResolvedName),
    observations: seenNamed(byResolvedName, { blue: '1.0.0', green: '0.9.0' }, 'blue', { resolved: true }),
  },
  'a load balancer that does not follow the record is waited for alone': {
    declared: declareNamed(byResolvedName),
    observations: seenNamed(byResolvedName, { green: '2.0.0', blue: '1.0.0' }, 'green', {
      resolved: true,
      used: 'blue',
    }),
  },
  'an address gives its place to a CNAME, in one update': {
    declared: declareNamed(byAlias),
    observations: withRecord(seenNamed(byName, { blue: '1.0.0', green: '0.9.0' }, 'blue'), byAlias, {
      besides: ['A', 'AAAA'],
      instead: [
        { type: 'A', rrset: addresses },
        { type: 'AAAA', rrset: { ttlSeconds: 300, values: ['2001:db8::11'] } },
      ],
    }),
    recorded: recordedNamed([named(service({ version: '1.0.0' })), sixNamed], {
      A: { rrset: addresses },
      AAAA: { rrset: { ttlSeconds: 300, values: ['2001:db8::11'] } },
    }),
  },
  'a revert from a CNAME puts the addresses back': {
    declared: declareNamed(named(service({ version: '2.0.0' }))),
    observations: withRecord(seenNamed(byName, { blue: '2.0.0', green: '2.0.0' }, 'blue'), byName, {
      besides: ['CNAME'],
      instead: [{ type: 'CNAME', rrset: { ttlSeconds: 60, values: ['green.internal.test.'] } }],
    }),
    recorded: recordedNamed([byName, byAlias], {
      CNAME: { rrset: { ttlSeconds: 60, values: ['green.internal.test.'] } },
    }),
    intent: { kind: 'revert', to: 1, services: [byName.address] },
  },
  'a CNAME beside what somebody else has put there is held': {
    declared: declareNamed(byAlias),
    observations: withRecord(seenNamed(byName, { blue: '1.0.0', green: '0.9.0' }, 'blue'), byAlias, {
      besides: ['A', 'TXT'],
      instead: [
        { type: 'A', rrset: addresses },
        { type: 'TXT', rrset: { ttlSeconds: 60, values: ['"v=spf1 -all"'] } },
      ],
    }),
    recorded: recordedNamed([byName], { A: { rrset: addresses } }),
  },
  'an address that nobody of this environment has written is not replaced by a CNAME': {
    declared: declareNamed(byAlias),
    observations: withRecord(seenNamed(byName, { blue: '1.0.0', green: '0.9.0' }, 'blue'), byAlias, {
      besides: ['A'],
      instead: [{ type: 'A', rrset: addresses }],
    }),
  },
  'a TTL that somebody has just lowered is waited out as it was recorded': {
    declared: declareNamed(byName),
    observations: withRecord(seenNamed(byName, { blue: '1.0.0', green: '0.9.0' }, 'blue'), byName, {
      rrset: { ...addresses, ttlSeconds: 5 },
    }),
    recorded: recordedNamed([byName], { A: { rrset: addresses } }),
  },
  'a record is created where a wildcard has answered': {
    declared: declareNamed(byName),
    observations: withRecord(seenNamed(byName, { blue: '2.0.0' }, 'blue'), byName, {
      rrset: null,
      wildcardTtlSeconds: 600,
    }),
  },
  'a record that somebody has just switched: the slot of before is left until nobody can come': {
    declared: declareNamed(byName),
    observations: seenNamed(byName, { blue: '1.0.0', green: '1.0.0' }, 'green'),
    recorded: recordedNamed([byName], { A: { rrset: addresses } }),
  },
  'first deployment goes to the first slot': {
    declared: declare([shop], 75),
    observations: seen(shop, {}, undefined),
  },
  'a new release goes to the slot without traffic': {
    declared: declare([shop], 75),
    observations: seen(shop, { blue: '1.0.0', green: '0.9.0' }, 'blue'),
  },
  'nothing changes where everything is as declared': {
    declared: declare([shop], 75),
    observations: seen(shop, { green: '2.0.0', blue: '1.0.0' }, 'green'),
  },
  'a process that died is started in place': {
    declared: declare([shop], 50),
    observations: seen(
      shop,
      { green: { 'web-1': '2.0.0', 'web-2': 'stopped', 'web-3': '2.0.0' }, blue: '1.0.0' },
      'green',
      { installed: ['1.0.0', '2.0.0'] },
    ),
  },
  'an unreachable host holds the service': {
    declared: declare([shop]),
    observations: seen(
      shop,
      { green: { 'web-1': '1.0.0', 'web-2': 'unreachable', 'web-3': '1.0.0' } },
      'green',
    ),
  },
  'a host that is away is left out where the policy allows it': {
    declared: withAway({ hosts: 1 }),
    observations: seen(
      shop,
      {
        blue: { 'web-1': '1.0.0', 'web-2': 'unreachable', 'web-3': '1.0.0' },
        green: { 'web-1': '0.9.0', 'web-2': 'unreachable', 'web-3': '0.9.0' },
      },
      'blue',
    ),
  },
  'more hosts away than the policy allows hold the service': {
    declared: withAway({ percent: 30 }),
    observations: seen(
      shop,
      {
        blue: { 'web-1': '1.0.0', 'web-2': 'unreachable', 'web-3': '1.0.0' },
        green: { 'web-1': '1.0.0', 'web-2': 'unreachable', 'web-3': '1.0.0' },
      },
      'blue',
    ),
  },
  'a host that was away is renewed where the others serve': {
    declared: withAway({ hosts: 1 }),
    observations: seen(
      shop,
      { blue: '1.0.0', green: { 'web-1': '2.0.0', 'web-2': '0.9.0', 'web-3': '2.0.0' } },
      'green',
      { out: ['green/web-2'] },
    ),
  },
  'a release that does not fit on one host holds the service before anything is touched': {
    declared: declare([shop]),
    observations: seen(shop, { blue: '1.0.0' }, 'blue').map((each) =>
      each.kind === 'inventory' && each.status === 'present' && each.address.includes('web-2')
        ? { ...each, spec: { ...each.spec, freeBytes: 0 } }
        : each,
    ),
  },
  'in place goes one host at a time': {
    declared: declare([upgraded]),
    observations: seen(upgraded, { main: '1.0.0' }, 'main'),
  },
  'in place under a floor that leaves no room is held': {
    declared: declare([upgraded], 90),
    observations: seen(upgraded, { main: '1.0.0' }, 'main'),
  },
  'a route that a restart would undo is written again': {
    declared: declare([shop]),
    observations: seen(shop, { green: '2.0.0', blue: '1.0.0' }, 'green', { persisted: 'blue' }),
  },
  'a dependency is deployed first': {
    declared: declare([behind, api]),
    observations: look(seen(behind, {}, undefined), seen(api, {}, undefined)).observations,
  },
  'a hook on the first host runs once, before any installation': {
    declared: declare([migrating]),
    observations: seen(migrating, { blue: '1.0.0' }, 'blue'),
  },
  'without keep_warm the old side is drained and stopped': {
    declared: declare([cold]),
    observations: seen(cold, { blue: '1.0.0' }, 'blue'),
  },
  'old releases go once more are installed than are kept': {
    declared: declare([service({ keep: 2 })]),
    observations: seen(shop, { green: '2.0.0', blue: '1.0.0' }, 'green', {
      installed: ['0.5.0', '0.6.0', '0.7.0', '0.8.0', '1.0.0', '2.0.0'],
    }),
    recorded: { deployments: [deployed(1, '1.0.0'), deployed(2, '2.0.0')] },
  },
  'what a rollout goes back to outlives its prune': {
    declared: declare([service({ keep: 1 })]),
    observations: seen(shop, { green: '0.9.0', blue: '1.0.0' }, 'blue', {
      installed: ['0.8.0', '0.9.0', '1.0.0'],
    }),
  },
  'a revert of a warm slot is one switch': {
    declared: declare([service({ version: '1.0.0' })]),
    observations: seen(shop, { green: '2.0.0', blue: '1.0.0' }, 'green'),
    recorded: { deployments: [deployed(1, '1.0.0'), deployed(2, '2.0.0')] },
    intent: { kind: 'revert', to: 1, services: [shop.address] },
  },
  'somebody switched the route by hand: drift, and the way back to what is declared': {
    declared: declare([shop]),
    observations: seen(shop, { green: '2.0.0', blue: '1.0.0' }, 'blue'),
    recorded: {
      resources: seen(shop, {}, 'green').flatMap((each) =>
        each.kind === 'route' && each.status === 'present'
          ? [{ kind: each.kind, address: each.address, spec: each.spec }]
          : [],
      ),
    },
  },
};

const servedByGreen = seen(shop, { green: '2.0.0', blue: '1.0.0' }, 'green');
/** Somebody moved the link of the slot that serves, on one host, or took it away. */
const withLink = (linked: string | null): Planning => ({
  declared: declare([shop]),
  observations: servedByGreen.map((each) =>
    each.kind === 'instance' && each.status === 'present' && each.address.endsWith('["green"].host["web-2"]')
      ? { ...each, spec: { ...each.spec, linked } }
      : each,
  ),
  recorded: {
    resources: servedByGreen.flatMap((each) =>
      each.kind === 'instance' && each.status === 'present'
        ? [{ kind: each.kind, address: each.address, spec: each.spec }]
        : [],
    ),
  },
});

const drifted: Readonly<Record<string, Planning>> = {
  'a link that somebody moved is what leads away from the slot that serves, not the release': withLink(
    releaseDirectory(release('1.0.0')),
  ),
  'a link that somebody removed likewise': withLink(null),
  'the process that serves is declared differently, with the same release': {
    declared: declare([service({ environment: { LOG: 'debug' } })]),
    observations: servedByGreen,
  },
};

const progressive: Readonly<Record<string, Planning>> = {
  'a canary climbs from share to share': {
    declared: declare([stepwise], 75),
    observations: seen(stepwise, { blue: '1.0.0', green: '0.9.0' }, 'blue'),
  },
  'a canary is judged, and an audience sees it first': {
    declared: declare([judgedCanary], 75),
    observations: seen(judgedCanary, { blue: '1.0.0', green: '0.9.0' }, 'blue'),
  },
  'a first deployment has no canary': {
    declared: declare([stepwise], 75),
    observations: seen(stepwise, {}, undefined),
  },
  'a canary that is wanted already changes nothing': {
    declared: declare([stepwise], 75),
    observations: seen(stepwise, { green: '2.0.0', blue: '1.0.0' }, 'green'),
  },
  'a canary with one slot upgrades a growing part of its hosts': {
    declared: declare([stepwiseHosts], 75),
    observations: seen(stepwiseHosts, { main: '1.0.0' }, 'main'),
  },
  'a rolling upgrade goes zone by zone': {
    declared: declare([batched], 60, zones),
    observations: seen(batched, { main: '1.0.0' }, 'main'),
  },
  'a rolling upgrade keeps room for hosts that may fail': {
    declared: declare([lenient], 50),
    observations: seen(lenient, { main: '1.0.0' }, 'main'),
  },
  'a revert of a canary is one switch': {
    declared: declare([service({ strategy: canary, version: '1.0.0' })]),
    observations: seen(stepwise, { green: '2.0.0', blue: '1.0.0' }, 'green'),
    recorded: { deployments: [deployed(1, '1.0.0'), deployed(2, '2.0.0')] },
    intent: { kind: 'revert', to: 1, services: [stepwise.address] },
  },
};
Object.assign(stories, drifted, progressive);

describe('a plan', () => {
  test.for(Object.entries(stories))('%s', async ([name, world]) => {
    const text = renderPlan(planOf(world), {
      color: false,
      width: 100,
      frame: (each) => `${each.severity}: ${each.summary}\n${each.detail}`,
    } as Parameters<typeof renderPlan>[1]);
    expect(text.split('\n').length).toBeLessThan(70);
    await expect(`${text.trimEnd()}\n`).toMatchFileSnapshot(
      `../../golden/plans/${name.replace(/\W+/g, '-')}.txt`,
    );
  });

  test('holds the release of the newest other deployment for a revert', () => {
    const kept = planOf({
      declared: declare([service({ keep: 1 })]),
      observations: seen(shop, { green: '2.0.0' }, 'green', {
        installed: ['0.6.0', '0.7.0', '0.8.0', '1.0.0', '2.0.0'],
      }),
      recorded: { deployments: [deployed(1, '1.0.0'), deployed(2, '2.0.0')] },
    });
    const pruned = kept.steps.flatMap((step) =>
      step.operation.op === 'release.prune' ? step.operation.directories : [],
    );
    expect(new Set(pruned.map((each) => each.directory))).toEqual(
      new Set([`0.6.0-${release('0.6.0').artifact.sha256.slice(0, 8)}`]),
    );
  });
});
