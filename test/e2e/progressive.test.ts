/** Canaries on real OpenSSH hosts and a real HAProxy, under load: nobody is lost, and shares are what they say. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAbortAt25, expectClimb, ladder } from '../rig/ladder.ts';
import { eventsOf, untilOutput } from '../rig/outcomes.ts';
import { packRelease, type Scene, startScene } from '../rig/scene.ts';
import { shopService } from '../rig/service-text.ts';
import { serving, watchServing } from '../rig/serving.ts';
import { startShareClient } from '../rig/share-client.ts';

const rate = 250;

describe('a canary with two slots', { timeout: 180_000 }, () => {
  const hosts = ['web-1', 'web-2'];
  const climbing = (bake: string) => shopService({ hosts, stickyCookie: 'uid', strategy: ladder(bake) });
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({ webHosts: 2, service: climbing('2s') });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test('gives 1, 5, 25 and 50 percent and then all of it; audiences are right, and no user comes back', async () => {
    scene.setVersion('2.0.0');
    await expectClimb({ program: scene, port: scene.port, rate, from: '1.0.0', to: '2.0.0', slot: 'green' });
    expect(await scene.servedBy()).toBe('2.0.0');
    expect((await scene.cli('plan', '--detailed-exitcode')).code).toBe(0);
  });

  test('stopped at 25 percent and aborted, everybody is back at once, and nobody before', async () => {
    scene.setVersion('1.0.0');
    scene.declare({ service: climbing('1s') });
    await expectAbortAt25({
      ...{ program: scene, port: scene.port, rate },
      ...{ from: '2.0.0', to: '1.0.0', slot: 'blue' },
    });
  });

  test('a reload of HAProxy in the middle of it changes nothing for anybody', async () => {
    packRelease(scene.folder, '4.0.0');
    scene.setVersion('4.0.0');
    scene.declare({ service: climbing('2s') });
    const client = startShareClient(scene.port, rate);
    const { child, ended } = scene.start({}, 'apply', '--auto-approve', '--json');
    await untilOutput(child, /"step_started"[^\n]*shop\/(blue|green)\/bake-3"/);
    // No share is written while the new worker starts: between two generations two answers are possible. It is the run
    // that says when it stands: a pause that was asked for lets the step in hand end.
    const [asked] = await Promise.all([scene.cli('pause'), untilOutput(child, /"type":"paused"/)]);
    expect(asked).toMatchObject({ code: 0 });
    await scene.haproxy.reload();
    expect(await scene.cli('continue')).toMatchObject({ code: 0 });
    const applied = await ended;
    await client.stop();
    expect([applied.code, applied.stderr]).toEqual([0, '']);
    expect(client.failures).toEqual([]);
    expect(client.flipsFrom('4.0.0')).toEqual([]);
    expect(await scene.servedBy()).toBe('4.0.0');
  });
});

describe('a canary with one slot', { timeout: 180_000 }, () => {
  const hosts = ['web-1', 'web-2', 'web-3', 'web-4'];
  const strategy = `strategy "canary" {
    step {
      share = 25
      bake  = "1s"
    }
    step {
      share = 50
      bake  = "1s"
    }
  }`;
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({
      webHosts: 4,
      service: shopService({ hosts, slots: 1, strategy }),
      more: 'policy "prod" { min_in_service = "75%" }',
    });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test('renews a growing part of the hosts, each drained first: the share follows, the floor holds, nothing fails', async () => {
    scene.setVersion('2.0.0');
    const client = startShareClient(scene.port, rate);
    const watch = watchServing(scene, 'shop_main');
    const applied = await scene
      .cli('apply', '--auto-approve', '--json')
      .finally(() => Promise.all([client.stop(), watch.stop()]));
    expect([applied.code, applied.stderr]).toEqual([0, '']);
    expect(client.failures).toEqual([]);
    expect(watch.fewest).toBe(3);
    const events = eventsOf(applied);
    const at = (type: string, step: string): number =>
      Date.parse(String(events.find((event) => event.type === type && event.step === step)?.at));
    for (const [number, share] of [
      [1, 0.25],
      [2, 0.5],
    ] as const) {
      const { '1.0.0': stable = 0, '2.0.0': fresh = 0 } = client.between(
        at('step_started', `shop/main/bake-${number}`),
        at('step_done', `shop/main/bake-${number}`),
      );
      // Round robin over hosts is no chance, but connections that are kept lean to where they are.
      expect(Math.abs(fresh / (fresh + stable) - share)).toBeLessThan(0.1);
    }
    expect(await serving(scene, 'shop_main')).toEqual(hosts);
    expect(await scene.servedBy()).toBe('2.0.0');
  });
});
