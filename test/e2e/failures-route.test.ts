/** A balancer that others change, kill or reload: named, never overwritten, and mended by the next plan. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codesOf, eventsOf } from '../rig/outcomes.ts';
import { type Scene, startScene } from '../rig/scene.ts';
import { shopService } from '../rig/service-text.ts';

const hosts = ['web-1'];
const route = 'load_balancer.edge.route["shop"]';

describe('a route that others change', { timeout: 180_000 }, () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({ webHosts: 1, service: shopService({ hosts }) });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    scene.setVersion('2.0.0');
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    scene.setVersion('1.0.0');
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  const worker = async (): Promise<string> => {
    const rows = (await scene.haproxy.master('show proc')).split('\n');
    const serving = rows.filter((row) => /^\d+\s+worker/.test(row)).at(0);
    return `@!${serving?.split(/\s+/)[0]}`;
  };
  const decide = async (pool: string, canary = pool, share = 0): Promise<void> => {
    const said = await scene.haproxy.master(
      `${await worker()} set map ${scene.haproxy.mapFile} shop ${pool}:${canary}:${share}`,
    );
    expect(said.trim()).toBe('');
  };
  const planned = async () => JSON.parse((await scene.cli('plan', '--json')).stdout);

  test('by its socket, after the plan was saved: exit 6, the fact is named, nothing is changed', async () => {
    expect((await scene.cli('plan', '--out', 'back.plan')).code).toBe(0);
    await decide('shop_blue');
    expect(await scene.servedBy()).toBe('1.0.0');
    const applied = await scene.cli('apply', 'back.plan');
    expect(applied.code).toBe(6);
    expect(applied.stderr).toContain('The saved plan no longer fits the world');
    expect(applied.stderr).toContain(route);
    expect(applied.stderr).toMatch(/was shop_green when the plan was made/);
    expect(await scene.servedBy()).toBe('1.0.0');
    const asEvents = await scene.cli('apply', 'back.plan', '--json');
    expect(asEvents.code).toBe(6);
    expect(eventsOf(asEvents).at(-1)).toMatchObject({ outcome: 'refused', exit_code: 6 });
    expect(codesOf(eventsOf(asEvents).at(-1)?.failures as [])).toContain('plan-stale');
  });

  test('the next plan shows it as drift, with what a reload would do, and apply mends both places', async () => {
    scene.setVersion('2.0.0');
    const plan = await planned();
    expect(plan.drift).toMatchObject([{ address: route }]);
    const text = (await scene.cli('plan')).stdout;
    expect(text).toContain('Objects have changed outside of deployctl');
    expect(text).toContain('a reload would');
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    expect(await scene.servedBy()).toBe('2.0.0');
    const after = await scene.cli('plan', '--detailed-exitcode');
    expect(after.stdout).toContain('No changes.');
    expect(after.code).toBe(0);
  });

  test('by an edit of the map file: exit 6 for a saved plan; the next plan mends it without moving traffic', async () => {
    scene.setVersion('1.0.0');
    expect((await scene.cli('plan', '--out', 'edit.plan')).code).toBe(0);
    const { mapFile } = scene.haproxy;
    writeFileSync(mapFile, readFileSync(mapFile, 'utf8').replaceAll('shop_green', 'shop_blue'));
    expect(await scene.servedBy()).toBe('2.0.0');
    const applied = await scene.cli('apply', 'edit.plan');
    expect(applied.code).toBe(6);
    expect(applied.stderr).toContain(route);
    expect(applied.stderr).toContain('after a restart');
    scene.setVersion('2.0.0');
    const plan = await planned();
    expect(plan.drift).toMatchObject([{ address: route }]);
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    expect(readFileSync(mapFile, 'utf8')).toContain('shop_green');
    expect((await planned()).steps).toEqual([]);
    expect(await scene.servedBy()).toBe('2.0.0');
  });

  test('during the run, before its switch: the step names it, the run goes back, their value stays', async () => {
    scene.setVersion('1.0.0');
    scene.declare({
      service: shopService({
        hosts,
        more: 'hook "before_traffic" {\n run = ["sleep", "3"]\n on = "operator"\n }',
      }),
    });
    const { child, ended } = scene.start({}, 'apply', '--auto-approve', '--json');
    await new Promise<void>((resolve) => {
      let text = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (/"type":"step_started"[^\n]*operator/.test(text)) resolve();
      });
    });
    await decide('shop_green', 'shop_blue', 5_000);
    const run = await ended;
    expect(run.code).toBe(3);
    const failed = eventsOf(run).find((event) => event.type === 'step_failed');
    expect(failed?.failure).toMatchObject({
      code: 'changed-by-someone-else',
      summary: 'The route was changed by someone else',
      address: route,
    });
    scene.declare({});
    await decide('shop_green');
    scene.setVersion('2.0.0');
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    expect(await scene.servedBy()).toBe('2.0.0');
  });

  test('HAProxy killed: the plan is held with a named error and exit 1; nothing is sent anywhere', async () => {
    scene.setVersion('1.0.0');
    await scene.haproxy.kill9();
    const dead = await scene.cli('plan', '--json');
    expect(dead.code).toBe(1);
    const plan = JSON.parse(dead.stdout);
    expect(plan.steps).toEqual([]);
    expect(codesOf(plan.held)).toEqual(['balancer-unreachable']);
    expect(plan.held[0].address).toBe('load_balancer.edge');
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(1);
    await scene.haproxy.start();
    expect(await scene.servedBy()).toBe('2.0.0');
    scene.setVersion('2.0.0');
    expect((await scene.cli('plan', '--detailed-exitcode')).code).toBe(0);
  });

  test('killed and started again, or reloaded, after a switch: the route is what was acknowledged last', async () => {
    scene.setVersion('1.0.0');
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    await scene.haproxy.kill9();
    await scene.haproxy.start();
    await expect.poll(() => scene.servedBy()).toBe('1.0.0');
    const again = await scene.cli('plan', '--detailed-exitcode');
    expect(again.stdout).toContain('No changes.');
    expect(again.code).toBe(0);

    expect((await scene.cli('revert', '--auto-approve')).code).toBe(0);
    await scene.haproxy.reload();
    await expect.poll(() => scene.servedBy()).toBe('2.0.0');
    scene.setVersion('2.0.0');
    expect((await scene.cli('plan', '--detailed-exitcode')).code).toBe(0);
  });

  test('an edit of the map file that a kill made true: the plan shows it as drift, and apply mends it', async () => {
    const { mapFile } = scene.haproxy;
    writeFileSync(mapFile, readFileSync(mapFile, 'utf8').replaceAll('shop_green', 'shop_blue'));
    await scene.haproxy.kill9();
    await scene.haproxy.start();
    await expect.poll(() => scene.servedBy()).toBe('1.0.0');
    expect((await planned()).drift).toMatchObject([{ address: route }]);
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    expect(await scene.servedBy()).toBe('2.0.0');
    expect(readFileSync(mapFile, 'utf8')).toContain('shop_green');
  });

  test('a member drained by hand: exit 6 for a saved plan; the next plan shows who is out, and apply returns it', async () => {
    const set = async (admin: string): Promise<void> => {
      await scene.haproxy.master(`${await worker()} set server shop_green/web-1 state ${admin}`);
    };
    const [active] = JSON.parse((await scene.cli('status', '--json')).stdout).services;
    expect(active.active).toBe('green');
    scene.setVersion('1.0.0');
    expect((await scene.cli('plan', '--out', 'member.plan')).code).toBe(0);
    await set('drain');
    const stale = await scene.cli('apply', 'member.plan');
    expect(stale.code).toBe(6);
    expect(stale.stderr).toContain('load_balancer.edge.pool["shop_green"].member["web-1"]');
    scene.setVersion('2.0.0');
    const plan = await planned();
    expect(plan.changes).toMatchObject([
      {
        address: 'load_balancer.edge.pool["shop_green"].member["web-1"]',
        before: { state: 'drain' },
        after: { state: 'ready' },
      },
    ]);
    expect(plan.steps.map((step: { verb: string }) => step.verb)).toContain('return');
    const applied = await scene.cli('apply', '--auto-approve');
    expect(applied.code).toBe(0);
    expect((await planned()).changes).toEqual([]);
    expect(await scene.servedBy()).toBe('2.0.0');
  });
});
