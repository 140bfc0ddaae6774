/** Hosts that do not answer, or answer as somebody else: named, nothing sent, traffic where it was. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventsOf, untilOutput } from '../rig/outcomes.ts';
import { type Scene, startScene } from '../rig/scene.ts';
import { blueGreen, shopService } from '../rig/service-text.ts';
import { silentListener } from '../rig/silent.ts';

describe('hosts that cannot be reached', { timeout: 180_000 }, () => {
  let scene: Scene;
  let knownHosts: string;
  const hosts = ['web-1', 'web-2'];
  beforeAll(async () => {
    scene = await startScene({ webHosts: 2, service: shopService({ hosts }) });
    knownHosts = readFileSync(scene.fleet.knownHosts, 'utf8');
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });
  beforeEach(() => scene.setVersion('2.0.0'));

  /** 1.0.0 serves, the last run is a deployment, and nothing waits to be resumed. */
  const expectUntouched = async (): Promise<void> => {
    expect(await scene.servedBy()).toBe('1.0.0');
    const { runs } = JSON.parse((await scene.cli('history', '--json')).stdout);
    expect(runs.at(-1)).toMatchObject({ run: 1, outcome: 'complete' });
  };

  test('a host whose sshd is stopped is held: the plan says so and exits 1, apply touches nothing', async () => {
    const [, web2] = scene.web;
    await web2?.stop();
    try {
      const planned = await scene.cli('plan', '--json');
      expect(planned.code).toBe(1);
      const plan = JSON.parse(planned.stdout);
      expect(plan.held.map((each: { code: string }) => each.code)).toEqual(['host-unreachable']);
      expect(plan.steps).toEqual([]);
      const applied = await scene.cli('apply', '--auto-approve');
      expect(applied.code).toBe(1);
      expect(applied.stdout).toContain('Host cannot be reached');
      expect(applied.stdout).toContain('web-2');
      const status = await scene.cli('status', '--json');
      expect(status.code).toBe(0);
      const [shop] = JSON.parse(status.stdout).services;
      expect(shop.slots.blue.hosts['web-2']).toMatchObject({ process: 'unknown', health: 'unknown' });
      expect(shop.slots.blue.hosts['web-1']).toMatchObject({ process: 'running', health: 'healthy' });
      expect((await scene.cli('status')).stdout).toMatch(/web-2 .*(refused|unreachable|reached)/);
      await expectUntouched();
    } finally {
      await web2?.start();
    }
  });

  test('a host that takes no connection at all costs the connect timeout, and no more', async () => {
    const [, web2] = scene.web;
    if (web2 === undefined) throw new Error('no web-2');
    await web2.stop();
    const silent = await silentListener(web2.address, web2.port);
    try {
      const started = performance.now();
      const planned = await scene.cli('plan', '--json');
      expect(performance.now() - started).toBeLessThan(15_000);
      expect(planned.code).toBe(1);
      const [held] = JSON.parse(planned.stdout).held;
      expect(held.code).toBe('host-unreachable');
      expect(held.detail).toContain('3 s');
      await expectUntouched();
    } finally {
      await silent[Symbol.asyncDispose]();
      await web2.start();
    }
  });

  test('a changed host key stops before anything is sent, with both fingerprints', async () => {
    const [, web2] = scene.web;
    if (web2 === undefined) throw new Error('no web-2');
    await web2.changeHostKey();
    const before = await web2.log();
    const planned = await scene.cli('plan', '--json');
    expect(planned.code).toBe(1);
    const [held, ...others] = JSON.parse(planned.stdout).held;
    expect(others).toEqual([]);
    expect(held).toMatchObject({ code: 'host-key-changed', address: 'host.web-2' });
    expect(held.detail.match(/SHA256:/g)).toHaveLength(2);
    expect(held.hint).toContain('ssh-keygen -R');
    const applied = await scene.cli('apply', '--auto-approve');
    expect(applied.code).toBe(1);
    expect(applied.stdout).toContain('Host key has changed');
    expect((await web2.log()).slice(before.length)).not.toMatch(/Accepted|Starting session/);
    await expectUntouched();
  });

  test('an unknown host key stops before anything is sent, and the hint mends it', async () => {
    const [, web2] = scene.web;
    if (web2 === undefined) throw new Error('no web-2');
    writeFileSync(
      scene.fleet.knownHosts,
      knownHosts
        .split('\n')
        .filter((line) => !line.includes(web2.address))
        .join('\n'),
    );
    const before = await web2.log();
    const planned = await scene.cli('plan', '--json');
    expect(planned.code).toBe(1);
    const [held, ...others] = JSON.parse(planned.stdout).held;
    expect(others).toEqual([]);
    expect(held).toMatchObject({ code: 'host-key-unknown', address: 'host.web-2' });
    expect((await web2.log()).slice(before.length)).not.toMatch(/Accepted|Starting session/);
    await expectUntouched();

    const { execFileSync } = await import('node:child_process');
    execFileSync('sh', ['-euc', held.hint.slice(held.hint.indexOf('ssh-keyscan'))]);
    const mended = await scene.cli('plan', '--detailed-exitcode');
    expect(mended.code).toBe(2);
  });

  test('a saved plan meets a host that is gone: it is named, and nothing is touched', async () => {
    const [, web2] = scene.web;
    expect((await scene.cli('plan', '--out', 'gone.plan')).code).toBe(0);
    await web2?.stop();
    try {
      const applied = await scene.cli('apply', 'gone.plan');
      expect(applied.code).toBe(1);
      expect(applied.stderr).toContain('Host cannot be reached');
      await expectUntouched();
    } finally {
      await web2?.start();
    }
  });

  test('a host that goes away in the middle leaves a run to settle, and blue serves all the while', async () => {
    const [, web2] = scene.web;
    scene.declare({
      service: shopService({ hosts, strategy: blueGreen('bake = "4s"\n on_failure = "revert"') }),
    });
    scene.setVersion('2.0.0');
    const { child, ended } = scene.start({}, 'apply', '--auto-approve', '--json');
    await untilOutput(child, /"type":"step_progress"[^\n]*"unit":"ms"/);
    await web2?.stop();
    const run = await ended;
    const events = eventsOf(run);
    expect(events.at(-1)).toMatchObject({ type: 'summary', outcome: 'stopped', exit_code: 4 });
    expect(run.code).toBe(4);
    expect(await scene.servedBy()).toBe('1.0.0');
    const planned = await scene.cli('apply', '--auto-approve');
    expect(planned.code).toBe(1);
    expect(planned.stderr).toContain('An earlier run is not finished');
    await web2?.start();
    const aborted = await scene.cli('abort');
    expect(aborted.code).toBe(3);
    expect(await scene.servedBy()).toBe('1.0.0');
    expect((await scene.cli('plan', '--detailed-exitcode')).code).toBe(2);
  });
});
