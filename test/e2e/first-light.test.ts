/** The main job, as a person does it: real OpenSSH hosts, a real HAProxy, the built program, traffic through all of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Scene, startScene } from '../rig/scene.ts';
import { startTraffic } from '../rig/traffic.ts';

describe('blue-green on real servers', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene();
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test('the first plan shows everything and changes nothing', async () => {
    const planned = await scene.cli('plan', '--detailed-exitcode');
    expect(planned.stderr).toBe('');
    expect(planned.code).toBe(2);
    expect(planned.stdout).toContain('Plan: 4 to add, 0 to change, 0 to remove.');
    expect(planned.stdout).toContain('a way back from every step');
    expect(await scene.servedBy()).toBeUndefined();
    expect((await scene.cli('history')).stdout).toContain('Nothing was deployed yet.');
  });

  test('without a terminal and without --auto-approve nothing is touched', async () => {
    const refused = await scene.cli('apply', 'prod');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('There is nobody to ask for approval');
    expect(await scene.servedBy()).toBeUndefined();
  });

  test('a saved plan is applied without a question, and once', async () => {
    expect((await scene.cli('plan', 'prod', '--out', 'first.plan')).code).toBe(0);
    const applied = await scene.cli('apply', 'first.plan');
    expect(applied.stderr).toBe('');
    expect(applied.code).toBe(0);
    expect(await scene.servedBy()).toBe('1.0.0');
    const again = await scene.cli('apply', 'first.plan');
    expect(again.code).toBe(6);
    expect(await scene.servedBy()).toBe('1.0.0');
  });

  test('plan right after apply says "No changes." and exits 0', async () => {
    const planned = await scene.cli('plan', '--detailed-exitcode');
    expect(planned.stdout).toContain('No changes.');
    expect(planned.code).toBe(0);
  });

  test('a new release is switched to, and back, without losing a request', async () => {
    const traffic = startTraffic(
      { port: scene.port, rate: 300, keepAlive: 16, freshShare: 0.2, slow: 2, upgraded: 3 },
      '1.0.0',
    );
    scene.setVersion('2.0.0');
    traffic.expectBoth('2.0.0');
    const applied = await scene.cli('apply', '--auto-approve', '--json');
    expect(applied.stderr).toBe('');
    expect(applied.code).toBe(0);
    traffic.acknowledge('2.0.0');
    const events = applied.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events[0].type).toBe('run_started');
    expect(events.at(-1)).toMatchObject({ type: 'summary', outcome: 'complete', exit_code: 0 });
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => events[0].seq + index));

    const status = JSON.parse((await scene.cli('status', '--json')).stdout);
    expect(status.services[0]).toMatchObject({
      address: 'service.shop',
      release: '2.0.0',
      sync: 'in_sync',
      health: 'healthy',
      active: 'green',
    });
    expect(status.services[0].slots.green.share).toBe(100);
    expect(status.services[0].slots.blue.hosts['web-1']).toMatchObject({
      release: '1.0.0',
      process: 'running',
    });

    traffic.expectBoth('1.0.0');
    const reverted = await scene.cli('revert', '--auto-approve', '--json');
    expect(reverted.code).toBe(0);
    traffic.acknowledge('1.0.0');
    await new Promise((resolve) => setTimeout(resolve, 500));
    const figures = await traffic.stop();
    expect(figures.reasons).toEqual([]);
    expect(figures).toMatchObject({ failed: 0, wrong: 0, stale: 0, cut: 0 });
    expect(figures.requests).toBeGreaterThan(500);
    expect(await scene.servedBy()).toBe('1.0.0');
  });

  test('what is recorded can be listed, shown and pulled', async () => {
    const addresses = (await scene.cli('state', 'list')).stdout.trim().split('\n');
    expect(addresses).toContain('load_balancer.edge.route["shop"]');
    expect(addresses).toContain('service.shop.slot["green"].host["web-3"]');
    const route = JSON.parse((await scene.cli('state', 'show', 'load_balancer.edge.route["shop"]')).stdout);
    expect(route.recorded.runtime.stable).toBe('shop_blue');
    const pulled = JSON.parse((await scene.cli('state', 'pull')).stdout);
    expect(pulled.deployments.map((each: { number: number }) => each.number)).toEqual([1, 2, 3]);
    const history = JSON.parse((await scene.cli('history', '--json')).stdout);
    expect(history.runs.map((run: { outcome: string }) => run.outcome)).toEqual([
      'complete',
      'complete',
      'complete',
    ]);
    expect((await scene.cli('show', '2')).stdout).toContain('2.0.0');
  });
});
