/**
 * kill -9 in every phase of a canary, on real hosts and a real HAProxy under load; then it goes on, or is taken back. Each
 * kill is one of the process itself just before its effect, and it is checked that it died in the phase that is named.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsOf } from '../rig/outcomes.ts';
import type { Ended } from '../rig/program.ts';
import { packRelease, type Scene, startScene } from '../rig/scene.ts';
import { shopService } from '../rig/service-text.ts';
import { type ShareClient, startShareClient } from '../rig/share-client.ts';

const strategy = (approval: boolean, bakeMs: number): string => `strategy "canary" {
    keep_warm     = false
    drain_timeout = "1s"
    step {
      share    = 25
      bake     = "${bakeMs}ms"
      approval = ${approval}
    }
    on_failure = "revert"
  }`;

const service = (approval = false, bakeMs = 1_500) =>
  shopService({ hosts: ['web-1'], strategy: strategy(approval, bakeMs) });

describe('a canary that is killed', { timeout: 180_000 }, () => {
  let scene: Scene;
  let client: ShareClient;
  let newest = 1;
  beforeAll(async () => {
    scene = await startScene({ webHosts: 1, service: service() });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    client = startShareClient(scene.port, 60);
  });
  afterAll(async () => {
    await client?.stop();
    await scene?.[Symbol.asyncDispose]();
  });

  const next = (): string => {
    newest += 1;
    packRelease(scene.folder, `${newest}.0.0`);
    scene.setVersion(`${newest}.0.0`);
    return `${newest}.0.0`;
  };
  /** The step that was in hand when it died, without the names of service and slot: `bake-1`, `web-1/start`. */
  const diedIn = (run: Ended): string => {
    expect(run.signal).toBe('SIGKILL');
    const events = eventsOf(run);
    const last = events.findLast(({ type }) => type === 'step_started');
    expect(events.some(({ type, step }) => type === 'step_done' && step === last?.step)).toBe(false);
    return String(last?.step).replace(/^shop\/(blue\/|green\/)?/, '');
  };
  const applyAndDie = (point: string): Promise<Ended> =>
    scene.cliWith(
      { DEPLOYCTL_FAIL: `kill@${point}` },
      'apply',
      '--auto-approve',
      '--json',
      '--parallelism',
      '1',
    );

  test.for([
    ['effect:before:release.put', 'web-1/upload', 'abort'],
    ['effect:before:slot.link', 'web-1/install', 'resume'],
    ['effect:after:process.set', 'web-1/start', 'abort'],
    ['effect:before:health.verify', 'web-1/verify', 'resume'],
    ['effect:before:pool.settle', 'settle', 'abort'],
    ['effect:after:route.set', 'share-1', 'abort'],
    ['effect:before:route.set#2', 'switch', 'resume'],
    ['effect:before:pool.drain', 'pool/drain', 'abort'],
  ] as const)('at %s, which is in %s: %s', async ([point, phase, way]) => {
    const before = await scene.servedBy();
    const version = next();
    expect(diedIn(await applyAndDie(point))).toBe(phase);
    const ended = way === 'abort' ? await scene.cli('abort') : await scene.cli('apply', '--resume');
    expect([ended.code, ended.stderr]).toEqual([way === 'abort' ? 3 : 0, '']);
    expect(await scene.servedBy()).toBe(way === 'abort' ? before : version);
  });

  test('in its bake: a resume waits for the rest of it only; killed again on the way of a revert, that goes on too', async () => {
    // Long beside a round of checks, also where the machine starves them.
    const bakeMs = 4_000;
    scene.declare({ service: service(false, bakeMs) });
    const before = await scene.servedBy();
    const version = next();
    const died = await applyAndDie('effect:before:bake');
    expect(diedIn(died)).toBe('bake-1');
    const begun = Date.parse(String(eventsOf(died).findLast(({ type }) => type === 'step_started')?.at));
    await new Promise((resolve) => setTimeout(resolve, begun + bakeMs - Date.now()));
    const resumed = await scene.cli('apply', '--resume', '--json');
    expect(resumed.code).toBe(0);
    const bake = eventsOf(resumed).find(
      ({ type, step }) => type === 'step_done' && String(step).endsWith('/bake-1'),
    );
    expect(Date.parse(String(bake?.at)) - begun).toBeGreaterThanOrEqual(bakeMs);
    // Its time was over before it was resumed: one round of checks, and no wait.
    expect(Number(bake?.elapsed_ms)).toBeLessThan(bakeMs);
    expect(await scene.servedBy()).toBe(version);

    const revert = await scene.cliWith(
      { DEPLOYCTL_FAIL: 'kill@effect:after:route.set' },
      ...['revert', '--auto-approve', '--json', '--parallelism', '1'],
    );
    expect(diedIn(revert)).toBe('switch');
    expect((await scene.cli('apply', '--resume')).code).toBe(0);
    expect(await scene.servedBy()).toBe(before);
  });

  test('while it waits for a person: the resume waits too, and goes on when it is promoted; what is then aborted and killed is aborted again', async () => {
    scene.declare({ service: service(true) });
    const version = next();
    expect(diedIn(await applyAndDie('effect:before:approval'))).toBe('approve-1');
    const { ended } = scene.start({}, 'apply', '--resume');
    for (const deadline = Date.now() + 60_000; (await scene.cli('promote')).code !== 0; ) {
      if (Date.now() > deadline) throw new Error('nothing waits for approval');
    }
    expect((await ended).code).toBe(0);
    expect(await scene.servedBy()).toBe(version);

    scene.declare({ service: service() });
    next();
    expect(diedIn(await applyAndDie('effect:before:bake'))).toBe('bake-1');
    const aborted = await scene.cliWith({ DEPLOYCTL_FAIL: 'kill@effect:after:route.set' }, 'abort', '--json');
    expect(diedIn(aborted)).toBe('share-1');
    expect((await scene.cli('abort')).code).toBe(3);
    expect(await scene.servedBy()).toBe(version);
    scene.setVersion(version);
    expect(await scene.cli('plan', '--detailed-exitcode')).toMatchObject({ code: 0 });
    await client.stop();
    expect(client.failures).toEqual([]);
  });
});
