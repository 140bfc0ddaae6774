/** One slot upgraded where it stands, with and without a balancer, over SSH and on this machine: then nothing is left to do. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcherCommands, packLauncher } from '../rig/launcher.ts';
import { expectApplied, expectNoChanges } from '../rig/outcomes.ts';
import { freePort, type Scene, startScene } from '../rig/scene.ts';
import { shopService } from '../rig/service-text.ts';
import { startTraffic } from '../rig/traffic.ts';

describe('in place', { timeout: 180_000 }, () => {
  let scene: Scene;
  const hosts = ['web-1', 'web-2', 'web-3'];
  beforeAll(async () => {
    scene = await startScene({
      webHosts: 3,
      service: shopService({ hosts, slots: 1 }),
      more: 'policy "prod" { min_in_service = "50%" }',
    });
    await expectApplied(scene);
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test('exec behind a balancer, under load with min_in_service 50%: no request is lost, there and back', async () => {
    await expectNoChanges(scene);
    const traffic = startTraffic(
      { port: scene.port, rate: 150, keepAlive: 8, freshShare: 0.3, slow: 2, upgraded: 0 },
      '1.0.0',
    );
    traffic.expectBoth('2.0.0');
    scene.setVersion('2.0.0');
    const planned = JSON.parse((await scene.cli('plan', '--json')).stdout);
    expect(planned.proof.min_in_service).toMatchObject({ floor: 2, lowest: 2 });
    await expectApplied(scene, '2.0.0');
    const back = await scene.cli('revert', '--auto-approve');
    expect(back.code).toBe(0);
    const figures = await traffic.stop();
    expect(figures.reasons).toEqual([]);
    expect(figures).toMatchObject({ failed: 0, wrong: 0 });
    expect(figures.bySide['2.0.0']).toBeGreaterThan(50);
    scene.setVersion('1.0.0');
    await expectNoChanges(scene);
  });

  test('without a balancer', async () => {
    scene.declare({ service: shopService({ hosts: ['web-1'], slots: 1, isBalanced: false }), more: '' });
    await expectApplied(scene, '2.0.0');
    await expectNoChanges(scene);
  });
});

describe('on this machine, without SSH', { timeout: 180_000 }, () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({ webHosts: 1, balancer: false, service: () => '' });
  });
  afterAll(async () => {
    await scene?.cli('apply', '--auto-approve', '--var', 'version=1.0.0');
    await scene?.[Symbol.asyncDispose]();
  });

  test.for(['exec', 'script'] as const)('connection "local", in place, process %s', async (kind) => {
    const port = await freePort('127.0.0.1');
    const environment = `{ HOST = "127.0.0.1", PORT = "${port}", NODE = "${process.execPath}" }`;
    scene.declare({
      service: () => `
host "here" {
  connection = "local"
}
service "alone" {
  release = release.shop
  slot "main" {
    hosts = [host.here]
    port  = ${port}
  }
  install {
    root = "${scene.fleet.folder}/alone-${kind}"
  }
  ${
    kind === 'exec'
      ? `process "exec" {\n command = ["${process.execPath}", "serve.mjs"]\n environment = ${environment}\n }`
      : `process "script" {\n ${launcherCommands}\n environment = ${environment}\n }`
  }
  health "tcp" {
    deadline = "10s"
    address  = "127.0.0.1"
  }
  strategy "in_place" {}
}`,
    });
    if (kind === 'script') packLauncher(scene.folder);
    const served = async (): Promise<string | null> =>
      (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).headers.get(
        'x-served-by',
      );
    await expectApplied(scene, '1.0.0');
    await expectNoChanges(scene);
    expect(await served()).toBe('1.0.0');
    await expectApplied(scene, '2.0.0');
    await expectNoChanges(scene);
    expect(await served()).toBe('2.0.0');
    expect((await scene.cli('revert', '--auto-approve')).code).toBe(0);
    expect(await served()).toBe('1.0.0');
  });

  test('a service under a new name: moved says so, nothing is restarted, and the way back leads through the old name', async () => {
    const port = await freePort('127.0.0.1');
    const called = (name: string, moved: boolean): void =>
      scene.declare({
        service: () => `
host "here" { connection = "local" }
service "${name}" {
  release = release.shop
  slot "main" {
    hosts = [host.here]
    port  = ${port}
  }
  install { root = "${scene.fleet.folder}/renamed" }
  process "exec" {
    command     = ["${process.execPath}", "serve.mjs"]
    environment = { HOST = "127.0.0.1", PORT = "${port}" }
  }
  health "tcp" { address = "127.0.0.1" }
  strategy "in_place" {}
}
${moved ? `moved {\n  from = service.first\n  to = service.second\n}` : ''}`,
      });
    const answered = async (): Promise<string | null> =>
      (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).headers.get(
        'x-served-by',
      );
    // It writes its file when it starts: a second start would write it again.
    const started = (): number =>
      statSync(join(scene.fleet.folder, 'renamed/.deployctl/first-main/child')).mtimeMs;
    called('first', false);
    await expectApplied(scene, '1.0.0');
    const before = started();

    called('second', true);
    const plan = await scene.cli('plan', '--detailed-exitcode');
    expect(plan.code).toBe(0);
    expect(plan.stdout).toContain('No changes.');
    expect(plan.stdout).toContain('service.first has moved to service.second');
    expect(started()).toBe(before);

    await expectApplied(scene, '2.0.0');
    expect(await answered()).toBe('2.0.0');
    await expectNoChanges(scene);
    expect((await scene.cli('revert', '--auto-approve')).code).toBe(0);
    expect(await answered()).toBe('1.0.0');

    called('second', false);
    scene.setVersion('1.0.0');
    const lost = await scene.cli('plan');
    expect(lost.code).toBe(1);
    expect(lost.stdout + lost.stderr).toContain('from = service.first');
    expect(await answered()).toBe('1.0.0');
    called('second', true);
  });
});
