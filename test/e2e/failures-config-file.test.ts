/** Pools that deployctl writes itself (config_file): a host more is a change with a text diff, and a reload. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectApplied, expectNoChanges } from '../rig/outcomes.ts';
import { type Scene, startScene } from '../rig/scene.ts';
import { shopService } from '../rig/service-text.ts';
import { startTraffic } from '../rig/traffic.ts';

describe('config_file', { timeout: 180_000 }, () => {
  let scene: Scene;
  let file: string;
  beforeAll(async () => {
    scene = await startScene({
      webHosts: 3,
      configFile: true,
      service: shopService({ hosts: ['web-1', 'web-2'] }),
    });
    file = join(scene.folder, 'proxy/edge.cfg');
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test('the first apply writes the pools, loads them, and leaves nothing to do', async () => {
    const planned = await scene.cli('plan');
    expect(planned.stdout).toContain('load_balancer.edge.config');
    expect(planned.stdout).toMatch(/configure +edge/);
    expect(planned.stdout).toContain('reload');
    await expectApplied(scene);
    expect(readFileSync(file, 'utf8')).toContain('backend shop_blue');
    expect(await scene.servedBy()).toBe('1.0.0');
    await expectNoChanges(scene);
  });

  test('a host added to a slot is shown as a text diff, and applied under load without losing a request', async () => {
    scene.declare({ service: shopService({ hosts: ['web-1', 'web-2', 'web-3'] }) });
    const planned = await scene.cli('plan');
    expect(planned.stdout).toMatch(/^ *\+ +server web-3 /m);
    expect(planned.stdout).not.toMatch(/^ *[-+] +server web-1 /m);
    const traffic = startTraffic(
      { port: scene.port, rate: 100, keepAlive: 8, freshShare: 0.3, slow: 1, upgraded: 0 },
      '1.0.0',
    );
    await expectApplied(scene);
    const figures = await traffic.stop();
    expect(figures.reasons).toEqual([]);
    expect(figures).toMatchObject({ failed: 0, wrong: 0 });
    expect(readFileSync(file, 'utf8')).toMatch(/server web-3 /);
    await expectNoChanges(scene);
  });

  test('the file edited by hand: drift, and the next apply puts it back', async () => {
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replace(/^.*server web-3 .*\n/gm, ''));
    const planned = JSON.parse((await scene.cli('plan', '--json')).stdout);
    expect(planned.drift).toMatchObject([{ address: 'load_balancer.edge.config' }]);
    await expectApplied(scene);
    expect(readFileSync(file, 'utf8')).toBe(before);
    await expectNoChanges(scene);
  });

  test('what the proxy refuses is named with its words, and the file that works stays', async () => {
    const before = readFileSync(file, 'utf8');
    const main = join(scene.folder, 'proxy/haproxy.cfg');
    const works = readFileSync(main, 'utf8');
    // The operator's own part is broken: no check of the whole can pass, and no reload may be tried.
    writeFileSync(main, `${works}\nbackend broken\n    blance roundrobin\n`);
    scene.declare({ service: shopService({ hosts: ['web-1', 'web-2'] }) });
    const run = await scene.cli('apply', '--auto-approve');
    expect(run.code).toBe(3);
    expect(run.stdout).toContain('blance');
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(await scene.servedBy()).toBe('1.0.0');
    writeFileSync(main, works);
    await expectApplied(scene);
    await expectNoChanges(scene);
  });
});
