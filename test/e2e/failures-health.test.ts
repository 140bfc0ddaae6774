/** A release that never becomes healthy, or does not stay so, and what each on_failure makes of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { codesOf, eventsOf } from '../rig/outcomes.ts';
import { type Scene, type SceneOptions, startScene } from '../rig/scene.ts';
import { blueGreen, execProcess, inPlace, shopService } from '../rig/service-text.ts';

const hosts = ['web-1', 'web-2'];

describe('blue-green with a release that fails its check', { timeout: 180_000 }, () => {
  let scene: Scene;
  const declare = (settings: string): void =>
    scene.declare({ service: shopService({ hosts, deadline: '2s', strategy: blueGreen(settings) }) });
  beforeAll(async () => {
    scene = await startScene({ webHosts: 2, service: shopService({ hosts }) });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });
  beforeEach(() => scene.setVersion('3.0.0-broken'));

  const planned = async () => JSON.parse((await scene.cli('plan', '--json')).stdout);

  test('revert: exit 3, the error has the last lines of the log, blue serves as before', async () => {
    declare('on_failure = "revert"');
    const before = await planned();
    const run = await scene.cli('apply', '--auto-approve');
    expect(run.code).toBe(3);
    expect(run.stdout).toContain('did not become healthy in time');
    expect(run.stdout).toMatch(/503/);
    expect(run.stdout).toContain('FATAL could not connect to db-2:5432');
    expect(run.stdout).toContain('environments/prod/prod.hcl');
    expect(await scene.servedBy()).toBe('1.0.0');
    const after = await planned();
    expect(after.changes).toEqual(before.changes);
    expect(after.steps.map((step: { id: string }) => step.id)).toEqual(
      before.steps.map((step: { id: string }) => step.id),
    );
    expect(after.drift).toEqual([]);
    const status = JSON.parse((await scene.cli('status', '--json')).stdout);
    expect(status.run).toBeNull();
    expect(status.services[0]).toMatchObject({ active: 'blue', release: '1.0.0', sync: 'out_of_sync' });
    const shown = await scene.cli('show', '2');
    expect(shown.stdout).toContain('did not become healthy in time');
  });

  test('the same as events: the failure has its code, and the summary says reverted', async () => {
    const run = await scene.cli('apply', '--auto-approve', '--json');
    expect(run.code).toBe(3);
    const events = eventsOf(run);
    expect(events.find((event) => event.type === 'step_failed')?.failure).toMatchObject({
      code: 'health-not-passed',
      severity: 'error',
    });
    expect(events.some((event) => event.type === 'reverting')).toBe(true);
    expect(events.at(-1)).toMatchObject({ type: 'summary', outcome: 'reverted', exit_code: 3 });
  });

  test.for(['pause', 'freeze'] as const)(
    '%s: the new side stays as it failed, for a person to look at; traffic is where it was, and abort undoes it',
    async (onFailure) => {
      declare(`on_failure = "${onFailure}"`);
      const run = await scene.cli('apply', '--auto-approve');
      expect(run.code).toBe(4);
      expect(run.stdout).toContain('deployctl abort prod');
      expect(await scene.servedBy()).toBe('1.0.0');
      expect((await scene.cli('abort')).code).toBe(3);
      expect(await scene.servedBy()).toBe('1.0.0');
      expect((await planned()).drift).toEqual([]);
    },
  );
});

describe('blue-green with a release that falls ill at the switch', { timeout: 180_000 }, () => {
  let scene: Scene;
  /** A short patience, so that what hangs is soon known to. */
  const shop =
    (bake: string): NonNullable<SceneOptions['service']> =>
    (names) =>
      shopService({
        hosts,
        strategy: blueGreen(`on_failure = "revert"\n    bake = "${bake}"`),
        process: execProcess(`PID_FILE = "${names.folder}/\${host.name}-\${slot.name}.pid"`),
      })(names).replace('timeout  = "2s"', 'timeout  = "500ms"');
  const policy = 'policy "prod" { min_in_service = "50%" }';
  beforeAll(async () => {
    scene = await startScene({ webHosts: 2, service: shop('0s') });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    scene.setVersion('2.0.0');
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  const green = (host: string, signal: NodeJS.Signals): void =>
    void process.kill(Number(readFileSync(join(scene.folder, `${host}-green.pid`), 'utf8')), signal);
  const isDown = async (host: string): Promise<boolean> => {
    const worker = /^(\d+)\s+worker/m.exec(await scene.haproxy.master('show proc'))?.[1];
    const rows = await scene.haproxy.master(`@!${worker} show stat`);
    return new RegExp(`^shop_green,${host},.*,DOWN`, 'm').test(rows);
  };
  /** Applies, and while the program stands still before this operation the world changes. */
  const applyWith = async (
    operation: 'route.set' | 'bake',
    happens: () => Promise<void>,
    until: RegExp,
    after: () => void,
  ) => {
    const { child, ended } = scene.start(
      { DEPLOYCTL_FAIL: `stop@effect:before:${operation}` },
      'apply',
      '--auto-approve',
    );
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const isStopped = () => /\) T /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8'));
    await expect.poll(isStopped, { timeout: 60_000 }).toBe(true);
    await happens();
    child.kill('SIGCONT');
    await expect.poll(() => said, { timeout: 60_000 }).toMatch(until);
    after();
    const { code, stdout } = await ended;
    return { code, said: stdout.replaceAll(/[\s│]+/g, ' ') };
  };
  const hang = async (): Promise<void> => {
    green('web-2', 'SIGSTOP');
    await expect.poll(() => isDown('web-2'), { timeout: 20_000 }).toBe(true);
  };
  const goOn = (): void => green('web-2', 'SIGCONT');

  test('half of the new side hangs before the switch: refused before traffic, by name and count, and undone', async () => {
    const run = await applyWith('route.set', hang, /Too few members/, goOn);
    expect(run.code).toBe(3);
    expect(run.said).toMatch(
      /On lb-1, 1 of 2 members of "shop_green" take requests, and 2 must before it gets them: web-2 is ready, down \(.*\)\. The route was not touched\./,
    );
    expect(run.said).toContain('Fewer are enough where min_in_service says so.');
    expect(run.said).not.toMatch(/✔ switch/);
    expect(await scene.servedBy()).toBe('1.0.0');
  });

  test('it flaps under traffic, never failing twice in a row: the bake says so, and takes it back', async () => {
    scene.declare({ service: shop('3s') });
    const flap = async (): Promise<void> => green('web-1', 'SIGUSR2');
    const run = await applyWith('bake', flap, /did not stay healthy/, () => undefined);
    expect(run.code).toBe(3);
    expect(run.said).toMatch(
      /shop-green with \S+ on web-1: its check failed: GET \/health was answered with 503, not 200\..* It comes and goes: of the last \d checks 4 failed, though never 2 in a row\./,
    );
    expect(await scene.servedBy()).toBe('1.0.0');
  });

  test('half of it hangs under traffic: the bake says who, and takes it back', async () => {
    const freeze = async (): Promise<void> => green('web-2', 'SIGSTOP');
    const run = await applyWith('bake', freeze, /did not stay healthy/, goOn);
    expect(run.code).toBe(3);
    expect(run.said).toMatch(/on web-2: its check failed: GET \/health was not answered within/);
    expect(await scene.servedBy()).toBe('1.0.0');
  });

  test('with min_in_service of 50% half of it is enough', async () => {
    scene.declare({ service: shop('0s'), more: policy });
    const run = await applyWith('route.set', hang, /Apply complete/, goOn);
    expect(run.code).toBe(0);
    expect(await scene.servedBy()).toBe('2.0.0');
  });
});

describe('in place with a release that fails its check', { timeout: 180_000 }, () => {
  let scene: Scene;
  const declare = (onFailure: string): void =>
    scene.declare({
      service: shopService({
        hosts,
        slots: 1,
        deadline: '2s',
        strategy: inPlace(`on_failure = "${onFailure}"`),
      }),
      more: 'policy "prod" { min_in_service = "50%" }',
    });
  beforeAll(async () => {
    scene = await startScene({ webHosts: 2, service: shopService({ hosts, slots: 1 }) });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });
  beforeEach(() => scene.setVersion('3.0.0-broken'));

  test('revert: exit 3, and both hosts serve the release before', async () => {
    declare('revert');
    const run = await scene.cli('apply', '--auto-approve');
    expect(run.code).toBe(3);
    for (let turn = 0; turn < 6; turn += 1) expect(await scene.servedBy()).toBe('1.0.0');
    expect((await scene.cli('plan', '--var', 'version=1.0.0', '--detailed-exitcode')).stdout).toContain(
      'No changes.',
    );
  });

  test.for(['pause', 'freeze'] as const)(
    '%s: exit 4, status shows the run, --resume fails again, abort brings it back',
    async (onFailure) => {
      declare(onFailure);
      const run = await scene.cli('apply', '--auto-approve');
      expect(run.code).toBe(4);
      expect(run.stdout).toContain('did not become healthy in time');
      expect(run.stdout).toContain('deployctl apply prod --resume');
      expect(run.stdout).toContain('deployctl abort prod');
      expect(await scene.servedBy()).toBe('1.0.0');

      const status = await scene.cli('status', '--json');
      expect(JSON.parse(status.stdout).run).toMatchObject({ outcome: 'stopped', alive: false });
      const told = await scene.cli('status');
      expect(told.stdout).toMatch(/Run \d+ stopped part-way/);
      // Only web-2 is in service, so no new plan may take it out; and the run that waits is told of.
      const held = JSON.parse((await scene.cli('plan', '--json')).stdout);
      expect(codesOf(held.held)).toEqual(['floor-leaves-no-room']);
      expect(codesOf(held.warnings)).toContain('run-unfinished');

      const resumed = await scene.cli('apply', '--resume');
      expect(resumed.code).toBe(4);
      expect(resumed.stdout).toContain('did not become healthy in time');
      expect(await scene.servedBy()).toBe('1.0.0');

      const aborted = await scene.cli('abort');
      expect(aborted.code).toBe(3);
      for (let turn = 0; turn < 6; turn += 1) expect(await scene.servedBy()).toBe('1.0.0');
      const plan = await scene.cli('plan', '--var', 'version=1.0.0', '--detailed-exitcode');
      expect(plan.stdout).toContain('No changes.');
      expect(plan.code).toBe(0);
      expect((await scene.cli('abort')).code).toBe(1);
    },
  );
});
