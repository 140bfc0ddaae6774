/** Two at once, a holder that dies, and a person who presses Ctrl-C. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { codesOf, eventsOf, untilOutput } from '../rig/outcomes.ts';
import { type Scene, startScene } from '../rig/scene.ts';
import { blueGreen, shopService } from '../rig/service-text.ts';

const baking = (bake: string) =>
  shopService({ hosts: ['web-1'], strategy: blueGreen(`bake = "${bake}"\n    on_failure = "revert"`) });

describe('the lock, and signals', { timeout: 180_000 }, () => {
  let scene: Scene;
  /** 1.0.0 serves and is declared before each test. */
  beforeAll(async () => {
    scene = await startScene({ webHosts: 1, service: shopService({ hosts: ['web-1'] }) });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });
  beforeEach(() => scene.setVersion('2.0.0'));

  const beginBake = async (bake: string) => {
    scene.declare({ service: baking(bake) });
    const begun = scene.start({}, 'apply', '--auto-approve', '--json');
    await untilOutput(begun.child, /"type":"step_progress"[^\n]*bake/);
    return begun;
  };
  const backToOne = async (): Promise<void> => {
    expect((await scene.cli('abort')).code).toBe(3);
    expect(await scene.servedBy()).toBe('1.0.0');
    expect((await scene.cli('plan', '--var', 'version=1.0.0', '--detailed-exitcode')).code).toBe(0);
  };

  test('a second apply: exit 5 at once, with who, where, since when, which command, and the unlock line', async () => {
    const { child, ended } = await beginBake('60s');
    const started = performance.now();
    const second = await scene.cli('apply', '--auto-approve');
    // A third of the bake that it would otherwise wait for.
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(second.code).toBe(5);
    expect(second.stdout).toBe('');
    const said = second.stderr.replaceAll(/\n│ /g, ' ');
    expect(said).toContain('Another run holds the lock');
    expect(said).toContain(`process ${child.pid} on ${hostname()}`);
    expect(said).toContain('command: deployctl apply --auto-approve --json');
    expect(said).toMatch(/has held the lock of prod for \d+ s/);
    const unlock = /deployctl unlock prod ([0-9a-f-]{36})/.exec(said);
    expect(unlock).not.toBeNull();

    const asEvents = await scene.cli('apply', '--auto-approve', '--json');
    expect(asEvents.code).toBe(5);
    expect(codesOf(eventsOf(asEvents).at(-1)?.failures as [])).toEqual(['state-locked']);
    expect((await scene.cli('revert', '--auto-approve')).code).toBe(5);
    const living = await scene.cli('unlock', 'prod', unlock?.[1] ?? '');
    expect(living.code).toBe(1);
    expect(living.stderr).toContain('held by a running process');
    const status = JSON.parse((await scene.cli('status', '--json')).stdout);
    expect(status.run).toMatchObject({ run: 2, alive: true });

    child.kill('SIGTERM');
    const stopped = await ended;
    expect(stopped.code).toBe(4);
    expect(eventsOf(stopped).find((event) => event.type === 'stopping')?.reason).toContain('SIGTERM');
    expect(await scene.servedBy()).toBe('2.0.0');
    await backToOne();
  });

  test('after kill -9 of the holder: the next one has the lock at once, and the run is resumed', async () => {
    const { child, ended } = await beginBake('5s');
    child.kill('SIGKILL');
    expect((await ended).signal).toBe('SIGKILL');
    const status = JSON.parse((await scene.cli('status', '--json')).stdout);
    expect(status.run).toMatchObject({ alive: false, outcome: null });
    const second = await scene.cli('apply', '--auto-approve');
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('An earlier run is not finished');
    const resumed = await scene.cli('apply', '--resume', '--json');
    expect(resumed.code).toBe(0);
    const [first] = eventsOf(resumed);
    expect(first).toMatchObject({ type: 'run_started', resumed: true });
    expect(first?.done).toContain('shop/green/switch');
    expect(await scene.servedBy()).toBe('2.0.0');
    expect((await scene.cli('plan', '--detailed-exitcode')).code).toBe(0);
    expect((await scene.cli('revert', '--auto-approve')).code).toBe(0);
  });

  test('the record that a killed holder left is cleared by unlock, and a wrong id is refused', async () => {
    const { child, ended } = await beginBake('5s');
    child.kill('SIGKILL');
    await ended;
    const record = join(scene.environment, '../../.deployctl/prod/lock.json');
    expect(existsSync(record)).toBe(true);
    const { id } = JSON.parse(execFileSync('cat', [record], { encoding: 'utf8' }));
    const other = await scene.cli('unlock', 'prod', '00000000-0000-4000-8000-000000000000');
    expect(other.code).toBe(1);
    expect(other.stderr).toContain(id);
    expect((await scene.cli('unlock', 'prod', id)).code).toBe(0);
    expect(existsSync(record)).toBe(false);
    await backToOne();
  });

  test('SIGINT during a bake: stops, exits 4, says how to go on and back; --resume waits for what is left', async () => {
    scene.declare({ service: baking('6s') });
    const begun = scene.start({}, 'apply', '--auto-approve');
    await untilOutput(begun.child, /bake +6 s under/);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const asked = performance.now();
    begun.child.kill('SIGINT');
    const stopped = await begun.ended;
    expect(performance.now() - asked).toBeLessThan(4_000);
    expect(stopped.code).toBe(4);
    expect(stopped.stdout).toContain('SIGINT');
    expect(stopped.stdout).toContain('deployctl apply prod --resume');
    expect(stopped.stdout).toContain('deployctl abort prod');
    expect(await scene.servedBy()).toBe('2.0.0');
    expect((await scene.cli('status')).stdout).toMatch(/Run \d+ stopped part-way/);
    const resumed = await scene.cli('apply', '--resume');
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toMatch(/resumed with [1-9]\d* of \d+ steps done/);
    expect(await scene.servedBy()).toBe('2.0.0');
    expect((await scene.cli('revert', '--auto-approve')).code).toBe(0);
  });

  test('two SIGINTs stop at once, recorded all the same, also in the middle of a hook', async () => {
    scene.declare({
      service: shopService({
        hosts: ['web-1'],
        more: 'hook "before_traffic" {\n run = "sleep 30"\n timeout = "40s"\n }',
      }),
    });
    const begun = scene.start({}, 'apply', '--auto-approve', '--json');
    await untilOutput(begun.child, /"type":"step_started"[^\n]*hook/);
    begun.child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(begun.child.exitCode).toBeNull();
    const asked = performance.now();
    begun.child.kill('SIGINT');
    const [code] = await once(begun.child, 'close');
    // The hook would go on for longer.
    expect(performance.now() - asked).toBeLessThan(20_000);
    expect(code).toBe(4);
    expect(eventsOf(await begun.ended).at(-1)).toMatchObject({ outcome: 'stopped', exit_code: 4 });
    await backToOne();
  });
});
