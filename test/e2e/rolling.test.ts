/**
 * Rolling over twelve hosts in three zones, under load, behind a real HAProxy that is asked all the while who is in
 * service. The hosts are OpenSSH servers on addresses of their own; that whole machines may die is test/e2e/fleet.test.ts.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EventLine, eventsOf } from '../rig/outcomes.ts';
import { type Scene, startScene } from '../rig/scene.ts';
import { execProcess, shopService } from '../rig/service-text.ts';
import { serving, watchServing } from '../rig/serving.ts';
import { startShareClient } from '../rig/share-client.ts';
import { endProcesses } from '../rig/sshd.ts';

const hosts = Array.from({ length: 12 }, (_, index) => `web-${index + 1}`);
/** 60% of 12, rounded up. */
const floor = 8;
const rate = 200;
const pool = 'shop_main';
const policy = 'policy "prod" { min_in_service = "60%" }';

const serviceWith = (strategy: string, deadline = '10s') =>
  shopService({
    hosts,
    slots: 1,
    deadline,
    process: execProcess().replace('"8s"', '"3s"'),
    strategy: `strategy "rolling" {
    batch         = "50%"
    drain_timeout = "3s"
    ${strategy}
  }`,
  });

describe('a rolling upgrade over 12 hosts in 3 zones', { timeout: 180_000 }, () => {
  let scene: Scene;
  let version = 1;
  beforeAll(async () => {
    scene = await startScene({
      webHosts: hosts.length,
      zones: 3,
      // Twelve at once on a busy machine.
      service: serviceWith('', '60s'),
      more: policy,
    });
    expect(await scene.cli('apply', '--auto-approve')).toMatchObject({ code: 0, stderr: '' });
    scene.declare({ service: serviceWith('') });
  }, 180_000);
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  const other = (): string => {
    version = 3 - version;
    scene.setVersion(`${version}.0.0`);
    return `${version}.0.0`;
  };
  /** Everything of the service on this host is gone at once, and nobody starts it again. */
  const killService = (host: string): Promise<void> => endProcesses(join(scene.fleet.folder, host));
  const untilServing = async (count: number): Promise<void> => {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const up = await serving(scene, pool);
      if (up.length === count) return;
      if (Date.now() > deadline) throw new Error(`HAProxy calls ${up.join(' ')} up, not ${count} members`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  /** Declares that the run waits, after its plan was made and before its first step, until these hosts are dead. */
  const dyingInTheRun = (
    dead: readonly string[],
    service: ReturnType<typeof serviceWith>,
    kill = killService,
  ) => {
    const [begun, go] = [join(scene.folder, 'begun'), join(scene.folder, 'go')];
    for (const file of [begun, go]) rmSync(file, { force: true });
    const wait = `touch ${begun}; while ! [ -e ${go} ]; do sleep 0.05; done`;
    scene.declare({ service, more: `${policy}\nhook "before_apply" { run = "${wait}" }` });
    return async (): Promise<void> => {
      for (const deadline = Date.now() + 60_000; !existsSync(begun) && Date.now() < deadline; ) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await Promise.all(dead.map(kill));
      await untilServing(hosts.length - dead.length);
      writeFileSync(go, '');
    };
  };
  /** Applies under load while HAProxy is watched. */
  const applied = async (meanwhile: () => Promise<void> = async () => {}) => {
    const client = startShareClient(scene.port, rate);
    const watch = watchServing(scene, pool);
    try {
      const [run] = await Promise.all([scene.cli('apply', '--auto-approve', '--json'), meanwhile()]);
      return { run, client, watch, events: eventsOf(run) };
    } finally {
      await Promise.all([watch.stop(), client.stop()]);
    }
  };
  const first = (events: readonly EventLine[], type: string, step: string): number =>
    events.findIndex((event) => event.type === type && event.step === step);

  test('loses no request, is never below the floor, and takes one zone after the other', async () => {
    const next = other();
    const { run, client, watch, events } = await applied();
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(client.failures).toEqual([]);
    expect(client.requests).toBeGreaterThan(rate);
    expect(watch.fewest).toBe(floor);
    expect(watch.looks).toBeGreaterThan(20);
    expect(await scene.servedBy()).toBe(next);
    // web-1 is in zone a, web-2 in b, web-3 in c: the last of each is back before the first of the next leaves.
    const zone = (from: number): readonly string[] => hosts.filter((_, index) => index % 3 === from);
    for (const from of [0, 1]) {
      const back = zone(from).map((host) => first(events, 'step_done', `shop/main/${host}/return`));
      const out = zone(from + 1).map((host) => first(events, 'step_started', `shop/main/${host}/remove`));
      expect(Math.max(...back)).toBeLessThan(Math.min(...out));
    }
  });

  test('a host that dies in mid-run makes batches smaller, is left out where one may fail, and comes back in the next plan', async () => {
    const host = scene.web[hosts.indexOf('web-12')];
    const dies = dyingInTheRun(['web-12'], serviceWith('max_failures = 1'), async (name) => {
      await killService(name);
      await host?.stop();
    });
    const next = other();
    const { run, watch, events } = await applied(dies);
    expect(run.code).toBe(0);
    expect(events.filter(({ type }) => type === 'left_out')).toMatchObject([
      { host: 'web-12', failed: 1, most: 1 },
    ]);
    expect(watch.fewest).toBeGreaterThanOrEqual(floor);
    expect(await serving(scene, pool)).toEqual(hosts.slice(0, 11));
    await host?.start();
    scene.declare({ service: serviceWith('') });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    expect(await serving(scene, pool)).toEqual(hosts);
    expect(await scene.servedBy()).toBe(next);
  });

  test('where too many die, nobody else is taken out: it waits, and then ends as on_failure says', async () => {
    const before = `${version}.0.0`;
    const dead = ['web-8', 'web-9', 'web-11', 'web-12'];
    const dies = dyingInTheRun(dead, serviceWith('on_failure = "pause"', '4s'));
    const next = other();
    const { run, watch, events } = await applied(dies);
    expect(run.code).toBe(4);
    const failures = events.filter(({ type }) => type === 'step_failed').map(({ failure }) => failure);
    expect(failures).toMatchObject(failures.map(() => ({ code: 'floor-not-held' })));
    expect(failures.length).toBeGreaterThan(0);
    expect(watch.fewest).toBe(hosts.length - dead.length);
    expect(await scene.servedBy()).toBe(before);
    // Nothing was touched, and the next plan begins with those that are dead.
    expect((await scene.cli('abort')).code).toBe(3);
    scene.declare({ service: serviceWith('') });
    expect(await scene.cli('apply', '--auto-approve')).toMatchObject({ code: 0, stderr: '' });
    expect(await scene.servedBy()).toBe(next);
    expect(await serving(scene, pool)).toEqual(hosts);
  });

  test('a release that never gets healthy goes back, and nobody notices', async () => {
    scene.declare({ service: serviceWith('on_failure = "revert"', '4s') });
    scene.setVersion('3.0.0-broken');
    const { run, client, watch } = await applied();
    expect(run.code).toBe(3);
    expect(client.failures).toEqual([]);
    expect(watch.fewest).toBe(floor);
    expect(await scene.servedBy()).toBe(`${version}.0.0`);
    expect(await serving(scene, pool)).toEqual(hosts);
    scene.setVersion(`${version}.0.0`);
    expect(await scene.cli('plan', '--detailed-exitcode')).toMatchObject({ code: 0 });
  });
});
