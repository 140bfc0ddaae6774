/** Processes that somebody kills: started again where they stand, and nothing else is touched. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsOf, untilOutput } from '../rig/outcomes.ts';
import { type Scene, startScene } from '../rig/scene.ts';
import { blueGreen, execProcess, shopService } from '../rig/service-text.ts';

const hosts = ['web-1', 'web-2'];
/** One that hangs is not waited for long. */
const quick = execProcess().replace('8s', '1s');

describe('processes killed by hand', { timeout: 180_000 }, () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({ webHosts: 2, service: shopService({ hosts, process: quick }) });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  /** Ids that the supervisor noted: its own, and that of the command. */
  const pidOf = (host: string, unit: string, which: 'pid' | 'child'): number =>
    Number.parseInt(
      readFileSync(join(scene.fleet.folder, host, `home/srv/shop/.deployctl/${unit}`, which), 'utf8'),
      10,
    );
  const planned = async () => JSON.parse((await scene.cli('plan', '--json')).stdout);

  test('a killed process is started again by its supervisor: no changes', async () => {
    const before = pidOf('web-1', 'shop-blue', 'child');
    process.kill(before, 'SIGKILL');
    await expect.poll(() => pidOf('web-1', 'shop-blue', 'child')).not.toBe(before);
    await expect.poll(async () => (await planned()).drift.length).toBe(0);
    const plan = await scene.cli('plan', '--detailed-exitcode');
    expect(plan.code).toBe(0);
    expect(plan.stdout).toContain('No changes.');
  });

  test('supervisor and process killed: the plan says so, and apply starts it where it stands', async () => {
    const other = pidOf('web-1', 'shop-blue', 'child');
    const pids = (['pid', 'child'] as const).map((which) => pidOf('web-2', 'shop-blue', which));
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    const text = await scene.cli('plan', '--detailed-exitcode');
    expect(text.code).toBe(2);
    expect(text.stdout).toContain('because it is not running');
    expect(text.stdout).toContain('Objects have changed outside of deployctl');
    const plan = await planned();
    expect(plan.changes).toMatchObject([
      { address: 'service.shop.slot["blue"].host["web-2"]', because: 'it is not running' },
    ]);
    expect(plan.steps.map((step: { verb: string }) => step.verb)).not.toContain('upload');
    expect(plan.steps.every((step: { host?: string }) => step.host !== 'web-1')).toBe(true);
    const status = JSON.parse((await scene.cli('status', '--json')).stdout);
    expect(status.services[0]).toMatchObject({ health: 'degraded', sync: 'out_of_sync' });
    expect(status.services[0].slots.blue.hosts['web-2']).toMatchObject({ process: 'stopped' });
    expect(await scene.servedBy()).toBe('1.0.0');

    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    expect(pidOf('web-1', 'shop-blue', 'child')).toBe(other);
    expect((await scene.cli('plan', '--detailed-exitcode')).code).toBe(0);
  });

  test.for(['pause', 'freeze'] as const)(
    'a new side that falls ill under traffic, with %s: exit 4; --resume finds it ill again; abort goes back',
    async (onFailure) => {
      scene.declare({
        service: shopService({
          hosts,
          process: quick,
          strategy: blueGreen(`bake = "40s"\n    on_failure = "${onFailure}"`),
        }),
      });
      scene.setVersion('2.0.0');
      const begun = scene.start({}, 'apply', '--auto-approve', '--json');
      await untilOutput(begun.child, /"type":"step_progress"[^\n]*bake/);
      expect(await scene.servedBy()).toBe('2.0.0');
      // Hung, not dead: its port is open, and nothing is answered.
      process.kill(pidOf('web-1', 'shop-green', 'child'), 'SIGSTOP');
      const stopped = await begun.ended;
      expect(stopped.code).toBe(4);
      const failure = eventsOf(stopped).find((event) => event.type === 'step_failed')?.failure;
      expect(failure).toMatchObject({
        code: 'health-not-passed',
        summary: 'The service did not stay healthy under traffic',
      });
      expect((await scene.cli('status')).stdout).toContain('stopped part-way');

      const resumed = await scene.cli('apply', '--resume');
      expect(resumed.code).toBe(4);
      expect(resumed.stdout).toContain('did not stay healthy under traffic');

      expect((await scene.cli('abort')).code).toBe(3);
      expect(await scene.servedBy()).toBe('1.0.0');
      scene.setVersion('1.0.0');
      // What served before serves as before; a shorter bake is no change of anything that runs.
      expect((await scene.cli('plan', '--detailed-exitcode')).code).toBe(0);
    },
  );
});
