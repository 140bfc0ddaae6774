/** Two deployments side by side: from configurations as `init` writes them, through the units that a start would write. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startingConfiguration } from '../../../src/app/starting-configuration.ts';
import { asInstant, type Declared, type Deployment } from '../../../src/model/index.ts';
import { compareDeployments } from '../../../src/planner/compare-deployments.ts';
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

test('what differs is told in the words of the configuration, units line by line', async () => {
  const from = deployment(4, await declaredBy(starting, '1.0.0'));
  const changed = starting
    .replace('"-jar"', '"-Xmx2g", "-jar"')
    .replace('bake       = "30s"', 'bake       = "2m"')
    .replace('deadline = "60s"', 'deadline = "90s"');
  const to = deployment(7, await declaredBy(changed, '2.0.0'));
  const differences = compareDeployments(from.declared, to.declared, declaredUnitText);
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
  expect(compareDeployments(left, right, declaredUnitText)).toMatchObject([
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
  expect(compareDeployments(left, right, declaredUnitText)).toEqual([]);
});

test('names that the user gave are shown as they were given', async () => {
  const labelled = (labels: string): string =>
    starting.replace('address = each.value', `address = each.value\n  labels  = { ${labels} }`);
  const left = await declaredBy(labelled('rackRow = "a", origin = "north"'), '1.0.0');
  const right = await declaredBy(labelled('rackRow = "b", origin = "south"'), '1.0.0');
  const differences = compareDeployments(left, right, declaredUnitText);
  expect(differences.find(({ address }) => address === 'host.web["web-1"]')).toMatchObject({
    before: { labels: { rackRow: 'a', origin: 'north' } },
    after: { labels: { rackRow: 'b', origin: 'south' } },
  });
});
