/** Two deployments side by side: from configurations as `init` writes them, through the units that a start would write. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startingConfiguration } from '../../../src/app/starting-configuration.ts';
import { asInstant, type Declared, type Deployment } from '../../../src/model/index.ts';
import { compareDeployments, type Deployed } from '../../../src/planner/compare-deployments.ts';
import type { Standing } from '../../../src/planner/standing.ts';
import { declaredUnitText } from '../../../src/providers/host/unit-text.ts';
import { deploymentDiffJson, renderDeploymentDiff } from '../../../src/ui/deployment-diff-text.ts';
import { actor } from '../../rig/state.ts';
import { loadText } from '../config/folder.ts';

const now = asInstant(Date.UTC(2026, 10, 20, 14, 3, 0));
const golden = join(import.meta.dirname, '../../golden/ui/diff.txt');
const starting = startingConfiguration('prod', 'haproxy').replace('../../dist/', 'dist/');

async function declaredBy(text: string, version: string): Promise<Declared> {
  const { declared, diagnostics } = await loadText(text, { fromFlags: [`version=${version}`] });
  if (declared === undefined) throw new Error(JSON.stringify(diagnostics));
  return declared;
}

const deployment = (number: number, declared: Declared): Deployment => ({
  number,
  at: asInstant(now - (10 - number) * 3_600_000),
  actor,
  intent: { kind: 'apply' },
  declared,
});

/** Nobody knows what stood there but the files. */
const asDeclared = (declared: Declared): Deployed => ({ declared, standing: new Map(), deployments: [] });

test('what differs is told in the words of the configuration, units line by line', async () => {
  const from = deployment(4, await declaredBy(starting, '1.0.0'));
  const changed = starting
    .replace('"-jar"', '"-Xmx2g", "-jar"')
    .replace('bake       = "30s"', 'bake       = "2m"')
    .replace('deadline = "60s"', 'deadline = "90s"');
  const to = deployment(7, await declaredBy(changed, '2.0.0'));
  const differences = compareDeployments(
    asDeclared(from.declared),
    asDeclared(to.declared),
    declaredUnitText,
  );
  const text = renderDeploymentDiff({ from, to, differences }, { color: false, width: 100, now });
  await expect(`${text}\n`).toMatchFileSnapshot(golden);
  expect(deploymentDiffJson('prod', from, to, differences)).toMatchObject({
    format_version: '1.0',
    from: { number: 4 },
    to: { number: 7 },
    summary: { remove: 0 },
  });
});

test('a host more is a host, its instances, and members of the pools', async () => {
  const more = starting.replace('web-2 = "10.0.1.12"', 'web-2 = "10.0.1.12"\n    web-3 = "10.0.1.13"');
  const [left, right] = [await declaredBy(starting, '1.0.0'), await declaredBy(more, '1.0.0')];
  expect(compareDeployments(asDeclared(left), asDeclared(right), declaredUnitText)).toMatchObject([
    { address: 'service.shop.slot["blue"].host["web-3"]', before: null },
    { address: 'service.shop.slot["green"].host["web-3"]', before: null, after: { process: 'systemd' } },
    { address: 'host.web["web-3"]', before: null },
    {
      address: 'load_balancer.edge',
      before: { pools: { shop_blue: ['web-1 10.0.1.11:8081', 'web-2 10.0.1.12:8081'] } },
      after: {
        pools: { shop_blue: ['web-1 10.0.1.11:8081', 'web-2 10.0.1.12:8081', 'web-3 10.0.1.13:8081'] },
      },
    },
  ]);
});

test('where something is declared, and in which order, is no difference', async () => {
  const moved = `\n\n\n${starting.replace('release = release.shop\n', '').replace('  install {', '  release = release.shop\n\n  install {')}`;
  expect(moved.trim()).not.toBe(starting.trim());
  const [left, right] = [await declaredBy(starting, '1.0.0'), await declaredBy(moved, '1.0.0')];
  expect(compareDeployments(asDeclared(left), asDeclared(right), declaredUnitText)).toEqual([]);
});

test('names that the user gave are shown as they were given', async () => {
  const labelled = (labels: string): string =>
    starting.replace('address = each.value', `address = each.value\n  labels  = { ${labels} }`);
  const left = await declaredBy(labelled('rackRow = "a", origin = "north"'), '1.0.0');
  const right = await declaredBy(labelled('rackRow = "b", origin = "south"'), '1.0.0');
  const differences = compareDeployments(asDeclared(left), asDeclared(right), declaredUnitText);
  expect(differences.find(({ address }) => address === 'host.web["web-1"]')).toMatchObject({
    before: { labels: { rackRow: 'a', origin: 'north' } },
    after: { labels: { rackRow: 'b', origin: 'south' } },
  });
});

/** What stands in each slot: a version that runs, one that is stopped, or nothing. */
type Slots = Readonly<Record<'blue' | 'green', readonly [version: string, isRunning: boolean] | null>>;

function standingIn({ services }: Declared, slots: Slots): Standing {
  return new Map(
    services.flatMap((service) =>
      service.slots.flatMap((slot) =>
        slot.instances.map(({ address, process }) => {
          const [version, isRunning] = slots[slot.name === 'blue' ? 'blue' : 'green'] ?? [];
          if (version === undefined || process === undefined) return [address, null] as const;
          const linked = `${version}-01234567`;
          const running = isRunning === true ? { release: linked, process } : null;
          return [
            address,
            { linked, running, tampered: null, health: { status: 'healthy' } as const },
          ] as const;
        }),
      ),
    ),
  );
}

test.for<[what: string, before: Slots, after: Slots, slots: object]>([
  [
    'the idle slot keeps the earlier release: nothing of it changed',
    { blue: ['1.0.0', true], green: null },
    { blue: ['1.0.0', true], green: ['2.0.0', true] },
    { green: { before: null, after: { release: '2.0.0-01234567', port: 8082, process: 'systemd' } } },
  ],
  [
    'it was stopped',
    { blue: ['1.0.0', true], green: null },
    { blue: ['1.0.0', false], green: ['2.0.0', true] },
    {
      blue: { before: { release: '1.0.0-01234567' }, after: { release: '1.0.0-01234567', running: false } },
      green: { before: null },
    },
  ],
  [
    'it was given the next release',
    { blue: ['1.0.0', true], green: ['0.9.0', true] },
    { blue: ['1.0.0', true], green: ['2.0.0', true] },
    { green: { before: { release: '0.9.0-01234567' }, after: { release: '2.0.0-01234567' } } },
  ],
])('slots are told as they stood: %s', async ([, before, after, slots]) => {
  const [left, right] = [await declaredBy(starting, '1.0.0'), await declaredBy(starting, '2.0.0')];
  const deployments = [deployment(4, left), deployment(7, right)];
  const differences = compareDeployments(
    { declared: left, standing: standingIn(left, before), deployments: deployments.slice(0, 1) },
    { declared: right, standing: standingIn(right, after), deployments },
    declaredUnitText,
  );
  const told = differences.filter(
    ({ address }) => address.endsWith('.host["web-1"]') && address.includes('.slot['),
  );
  expect(
    Object.fromEntries(told.map((each) => [/slot\["(\w+)"\]/.exec(each.address)?.[1], each])),
  ).toMatchObject(slots);
  expect(told).toHaveLength(Object.keys(slots).length);
});

test('hooks are told by their point', async () => {
  const hook = (point: string, run: string): string => `hook "${point}" {\n    run = ["${run}"]\n  }\n  `;
  const withHooks = (run: string): string =>
    starting.replace(
      'strategy "blue_green"',
      `${hook('before_start', run)}${hook('before_start', 'second')}strategy "blue_green"`,
    );
  const [left, right] = [
    await declaredBy(withHooks('one'), '1.0.0'),
    await declaredBy(withHooks('two'), '1.0.0'),
  ];
  const [first] = compareDeployments(asDeclared(left), asDeclared(right), declaredUnitText);
  expect(first).toMatchObject({
    before: { hooks: { before_start: { run: ['one'] }, before_start_2: { run: ['second'] } } },
    after: { hooks: { before_start: { run: ['two'] } } },
  });
});
