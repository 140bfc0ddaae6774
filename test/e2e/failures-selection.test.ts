/** Parts of a plan, plans without a look, reverts to anywhere, and what is refused before anything is touched. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codesOf, expectApplied, expectNoChanges } from '../rig/outcomes.ts';
import { freePort, type Scene, startScene } from '../rig/scene.ts';
import { shopService } from '../rig/service-text.ts';

describe('a part of the environment', { timeout: 180_000 }, () => {
  let scene: Scene;
  let apiPort: number;
  beforeAll(async () => {
    apiPort = await freePort('127.0.0.1');
    scene = await startScene({
      webHosts: 1,
      service: shopService({ hosts: ['web-1'] }),
      more: `
service "api" {
  release = release.shop
  slot "main" {
    hosts = [host.web-1]
    port  = ${apiPort}
  }
  install {
    root = "~/srv/api"
  }
  process "exec" {
    command     = ["${process.execPath}", "serve.mjs"]
    environment = { HOST = host.address, PORT = slot.port }
  }
  health "http" {
    path     = "/health"
    interval = "100ms"
    deadline = "10s"
  }
  strategy "in_place" {}
}`,
    });
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  const planned = async (...args: string[]) =>
    JSON.parse((await scene.cli('plan', '--json', ...args)).stdout);
  const servicesIn = (plan: { readonly changes: readonly { readonly address: string }[] }) =>
    new Set(plan.changes.map(({ address }) => /^service\.[a-z]+/.exec(address)?.[0] ?? address));
  const releases = async () =>
    Object.fromEntries(
      JSON.parse((await scene.cli('status', '--json')).stdout).services.map(
        (each: { address: string; release: string | null }) => [each.address, each.release],
      ),
    );

  test('--target takes one service, --exclude leaves one out; both say that the rest is left out', async () => {
    const only = await planned('--target', 'service.api');
    expect(servicesIn(only)).toEqual(new Set(['service.api']));
    expect(codesOf(only.warnings)).toContain('partial-plan');
    const shown = await scene.cli('plan', '--target', 'service.api');
    expect(shown.stdout).toContain('deployctl apply prod --target service.api');
    const without = await planned('--exclude', 'service.shop');
    expect(servicesIn(without)).toEqual(new Set(['service.api']));
    const applied = await scene.cli('apply', '--auto-approve', '--target', 'service.api');
    expect(applied.code).toBe(0);
    expect(await releases()).toEqual({ 'service.api': '1.0.0', 'service.shop': null });
    await expectApplied(scene);
    await expectNoChanges(scene);
  });

  test('a target that names nothing is refused, with what there is', async () => {
    const refused = await scene.cli('plan', '--target', 'service.shpo');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('service.shpo');
    expect(refused.stderr).toContain('service.shop');
    const applied = await scene.cli('apply', '--auto-approve', '--target', 'service.shpo', '--json');
    expect(applied.code).toBe(1);
    expect(applied.stdout).toContain('no-such-target');
  });

  test('--no-refresh reads nothing, says so, and still sees what the configuration changed', async () => {
    await scene.web[0]?.stop();
    try {
      scene.setVersion('2.0.0');
      const blind = await scene.cli('plan', '--no-refresh', '--json');
      expect(blind.code).toBe(0);
      const plan = JSON.parse(blind.stdout);
      expect(codesOf(plan.warnings)).toContain('not-refreshed');
      expect(servicesIn(plan)).toContain('service.api');
    } finally {
      await scene.web[0]?.start();
      scene.setVersion('1.0.0');
    }
  });

  test('--refresh-only shows what others changed, and has no steps', async () => {
    expect((await scene.cli('plan', '--refresh-only', '--detailed-exitcode')).code).toBe(0);
    const { mapFile } = scene.haproxy;
    writeFileSync(mapFile, '');
    scene.setVersion('2.0.0');
    const plan = await planned('--refresh-only');
    expect(plan.steps).toEqual([]);
    expect(plan.changes).toEqual([]);
    expect(plan.drift).toMatchObject([{ address: 'load_balancer.edge.route["shop"]' }]);
    scene.setVersion('1.0.0');
    await expectApplied(scene);
    await expectNoChanges(scene);
  });

  test('revert --to, --service and --out: a plan like any other, applied from its file', async () => {
    await expectApplied(scene, '2.0.0');
    const history = JSON.parse((await scene.cli('history', '--json')).stdout);
    const first = history.runs.findLast(
      (run: { deployment: null | { services: readonly { release: string }[] } }) =>
        run.deployment?.services.every((service) => service.release === '1.0.0'),
    );
    const saved = await scene.cli(
      ...['revert', '--to', String(first.run), '--service', 'api', '--out', 'back.plan'],
    );
    expect(saved.code).toBe(0);
    expect(saved.stdout).toContain(`Back to deployment ${first.run}`);
    expect(await releases()).toEqual({ 'service.api': '2.0.0', 'service.shop': '2.0.0' });
    expect((await scene.cli('show', 'back.plan')).stdout).toContain('service.api');
    const applied = await scene.cli('apply', 'back.plan');
    expect(applied.stderr).toBe('');
    expect(applied.code).toBe(0);
    expect(await releases()).toEqual({ 'service.api': '1.0.0', 'service.shop': '2.0.0' });
    expect((await scene.cli('apply', 'back.plan')).code).toBe(6);
    // What the files say has not changed, so the next plan wants 2.0.0 again.
    expect(servicesIn(await planned())).toEqual(new Set(['service.api']));
  });

  test('a revert that goes nowhere is refused: unknown deployment, unknown service', async () => {
    const nowhere = await scene.cli('revert', '--auto-approve', '--to', '999');
    expect(nowhere.code).toBe(1);
    expect(nowhere.stderr).toContain('999');
    const nobody = await scene.cli('revert', '--auto-approve', '--service', 'shpo');
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toContain('shpo');
  });

  test('a plan file that was cut off or changed, and flags that would change a saved plan, are refused', async () => {
    expect((await scene.cli('plan', '--out', 'whole.plan')).code).toBe(0);
    const { readFileSync } = await import('node:fs');
    const whole = readFileSync(join(scene.folder, 'whole.plan'), 'utf8');
    writeFileSync(join(scene.folder, 'cut.plan'), whole.slice(0, whole.length / 2));
    writeFileSync(join(scene.folder, 'changed.plan'), whole.replaceAll('2.0.0', '6.6.6'));
    for (const file of ['cut.plan', 'changed.plan']) {
      const refused = await scene.cli('apply', file, '--json');
      expect(refused.code).toBe(1);
      expect(refused.stdout).toContain('plan-file-invalid');
      expect(refused.stderr).toContain(file);
    }
    const flagged = await scene.cli('apply', 'whole.plan', '--var', 'version=1.0.0');
    expect(flagged.code).toBe(1);
    expect(flagged.stderr).toContain('--var');
  });
});
