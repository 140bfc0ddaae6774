/** The hand on the brake, from another terminal: real hosts, real HAProxy, a run that is baking. And what a policy refuses. */
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventsOf, untilOutput } from '../rig/outcomes.ts';
import { type Scene, startScene } from '../rig/scene.ts';
import { blueGreen, shopService } from '../rig/service-text.ts';

const baking = (bake: string) =>
  shopService({ hosts: ['web-1'], strategy: blueGreen(`bake = "${bake}"\n    on_failure = "revert"`) });

describe('a run is steered from another process', { timeout: 180_000 }, () => {
  let scene: Scene;
  /** 1.0.0 serves before each test. */
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

  test('pause and continue are obeyed, noted with who asked, and told as events', async () => {
    const { child, ended } = await beginBake('120s');
    const paused = await scene.cli('pause');
    expect({ code: paused.code, said: paused.stdout }).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^Run 2 is paused/),
    });
    const again = await scene.cli('pause', '--json');
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stdout)).toMatchObject({ run: 2, request: 'pause', obeyed: false });
    expect((await scene.cli('promote')).stdout).toContain('Run 2 waits for no approval now');
    expect((await scene.cli('continue')).stdout).toContain('Run 2 goes on');
    child.kill('SIGINT');
    const done = await ended;
    expect(done.code).toBe(4);
    // One that was resumed is told as well, though it had ended before.
    const resumed = scene.start({}, 'apply', '--resume', '--json');
    await untilOutput(resumed.child, /"type":"step_progress"[^\n]*bake/);
    expect((await scene.cli('promote', '--full')).stdout).toContain('Run 2 is promoted');
    expect((await resumed.ended).code).toBe(0);
    const events = eventsOf(done);
    expect(events.filter(({ type }) => type === 'paused' || type === 'continued')).toMatchObject([
      { type: 'paused', by: expect.stringContaining('@'), reason: 'pause asked for from another terminal' },
      { type: 'continued', by: expect.stringContaining('@') },
    ]);
    expect((await scene.cli('revert', '--auto-approve')).code).toBe(0);
  });

  test('abort undoes what the run did, in the process that did it, even while the configuration is broken', async () => {
    const { ended } = await beginBake('60s');
    const broken = join(scene.environment, 'broken.hcl');
    writeFileSync(broken, 'service "shop" {');
    const aborted = await scene.cli('abort', 'prod');
    execFileSync('rm', [broken]);
    expect({ code: aborted.code, said: aborted.stdout }).toMatchObject({
      code: 0,
      said: expect.stringContaining('undoes what it did'),
    });
    const done = await ended;
    expect(done.code).toBe(3);
    expect(eventsOf(done).find(({ type }) => type === 'reverting')?.reason).toContain(
      'from another terminal',
    );
    expect(await scene.servedBy()).toBe('1.0.0');
    // The release did not stay: planning it again says so.
    const planned = await scene.cli('plan');
    expect(planned.stdout).toContain('This release failed here before');
    expect(planned.stdout).toMatch(/taken back by run \d+/);
  });

  test('without a run, and after kill -9, each says what is so and what to do', async () => {
    for (const verb of ['pause', 'continue', 'promote']) {
      const said = await scene.cli(verb);
      expect({ verb, code: said.code }).toEqual({ verb, code: 1 });
      expect(said.stderr).toContain('No run is in progress');
    }
    const { child, ended } = await beginBake('60s');
    child.kill('SIGKILL');
    await ended;
    const late = await scene.cli('pause');
    expect(late.code).toBe(1);
    expect(late.stderr).toContain('The run is not going on');
    expect(late.stderr).toContain('deployctl apply prod --resume');
    // What it undoes is in its own plan.
    const [broken, artifacts] = [join(scene.environment, 'broken.hcl'), join(scene.folder, 'dist')];
    writeFileSync(broken, 'service "shop" {');
    renameSync(artifacts, `${artifacts}.away`);
    const aborted = await scene.cli('abort');
    rmSync(broken);
    renameSync(`${artifacts}.away`, artifacts);
    expect(aborted.code).toBe(3);
    expect(await scene.servedBy()).toBe('1.0.0');
  });

  test('a run that is killed between the request and its hearing: nothing is left that a resume would obey', async () => {
    const { child, ended } = await beginBake('3s');
    child.kill('SIGSTOP');
    const asking = scene.start({}, 'pause');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    child.kill('SIGKILL');
    await ended;
    expect((await asking.ended).code).toBe(1);
    const resumed = await scene.cli('apply', '--resume', '--json');
    expect(resumed.code).toBe(0);
    expect(eventsOf(resumed).some(({ type }) => type === 'paused')).toBe(false);
    expect((await scene.cli('revert', '--auto-approve')).code).toBe(0);
  });

  test('a freeze refuses an apply and lets a revert pass', async () => {
    const hour = (offset: number): string => new Date(Date.now() + offset * 3_600_000).toISOString();
    scene.declare({ service: shopService({ hosts: ['web-1'] }) });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    const more = `policy "prod" {\n  freeze {\n    from = "${hour(-1)}"\n    until = "${hour(1)}"\n    reason = "holidays"\n  }\n}\n`;
    scene.declare({ service: shopService({ hosts: ['web-1'] }), more });
    scene.setVersion('1.0.0');
    const planned = await scene.cli('plan', '--out', 'p.plan');
    expect(planned.code).toBe(0);
    expect(planned.stdout).toContain('Nothing is deployed in a freeze');
    for (const what of [
      ['apply', '--auto-approve'],
      ['apply', 'p.plan'],
    ]) {
      const refused = await scene.cli(...what);
      expect({ what, code: refused.code }).toEqual({ what, code: 1 });
      expect(refused.stderr.replaceAll(/\n│ /g, ' ')).toContain('holidays. Nothing was touched.');
    }
    expect(await scene.servedBy()).toBe('2.0.0');
    expect((await scene.cli('revert', '--auto-approve')).code).toBe(0);
    expect(await scene.servedBy()).toBe('1.0.0');
  });

  test('a plan that needs approval is applied when somebody else has signed it, and not before', async () => {
    const key = join(scene.folder, 'lee');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    writeFileSync(
      join(scene.environment, 'allowed_signers'),
      `lee@example.com ${readFileSync(`${key}.pub`, 'utf8')}`,
    );
    scene.declare({ service: shopService({ hosts: ['web-1'] }), more: 'policy "prod" { approvals = 1 }\n' });
    const direct = await scene.cli('apply', '--auto-approve');
    expect(direct.code).toBe(1);
    expect(direct.stderr).toContain('deployctl approve p.plan');
    expect((await scene.cli('plan', '--out', 'p.plan')).code).toBe(0);
    const unsigned = await scene.cli('apply', 'p.plan');
    expect(unsigned.code).toBe(1);
    expect(unsigned.stderr).toContain('The saved plan is not approved');
    const approved = await scene.cli('approve', 'p.plan', '--key', key);
    expect({ code: approved.code, said: approved.stdout }).toMatchObject({
      code: 0,
      said: expect.stringContaining('Approved as lee@example.com'),
    });
    expect((await scene.cli('apply', 'p.plan')).code).toBe(0);
    expect(await scene.servedBy()).toBe('2.0.0');
  });
});
