/** A service with a launcher of its own (start, stop, status), as teams with Java services have it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packLauncher, scriptProcess } from '../rig/launcher.ts';
import { expectApplied, expectNoChanges } from '../rig/outcomes.ts';
import { type Scene, startScene } from '../rig/scene.ts';
import { shopService } from '../rig/service-text.ts';

describe('a launcher of the service’s own', { timeout: 180_000 }, () => {
  let scene: Scene;
  const hosts = ['web-1', 'web-2'];
  beforeAll(async () => {
    scene = await startScene({ webHosts: 2, service: shopService({ hosts, process: scriptProcess }) });
    packLauncher(scene.folder);
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test('blue_green: applied, switched and reverted, each time with nothing left to do', async () => {
    await expectApplied(scene, '1.0.0');
    await expectNoChanges(scene);
    await expectApplied(scene, '2.0.0');
    await expectNoChanges(scene);
    expect(await scene.servedBy()).toBe('2.0.0');
    expect((await scene.cli('revert', '--auto-approve')).code).toBe(0);
    expect(await scene.servedBy()).toBe('1.0.0');
  });

  test('a process that its launcher lost is started again', async () => {
    const pidFile = join(scene.fleet.folder, 'web-1/home/srv/shop/shared', `shop-${scene.bluePort}.pid`);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    process.kill(pid, 'SIGKILL');
    // Until it is reaped, kill -0 of the launcher finds it too.
    await expect.poll(() => isThere(pid)).toBe(false);
    scene.setVersion('1.0.0');
    expect((await scene.cli('plan')).stdout).toContain('because it is not running');
    await expectApplied(scene);
    await expectNoChanges(scene);
  });

  test('on a port that something undeclared has: held, and once that is forgotten named, not started, and nobody takes its answers for ours', async () => {
    const alone = {
      hosts,
      slots: 1,
      isBalanced: false,
      process: scriptProcess,
      root: '~/srv/alone',
    } as const;
    scene.declare({ service: shopService(alone) });
    const held = await scene.cli('apply', '--auto-approve');
    expect(held.code).toBe(1);
    expect(held.stdout).toContain('What has the port is no longer declared');
    const forget = `state rm prod 'service.shop.slot["blue"]'`;
    expect(held.stdout.replaceAll(/\s+/g, ' ')).toContain(forget);
    expect((await scene.cli('state', 'rm', 'service.shop.slot["blue"]', '--auto-approve')).code).toBe(0);
    const clash = await scene.cli('apply', '--auto-approve');
    expect(clash.code).toBe(3);
    expect(clash.stdout).toContain('Error: The port is taken by something else');
    expect(clash.stdout).toContain(`ss -ltnp 'sport = :${scene.bluePort}'`);
    expect(await scene.servedBy()).toBe('1.0.0');
  });
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
