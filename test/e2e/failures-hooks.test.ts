/** A service's own commands: where, how often, what they print, and what a failure of theirs undoes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsOf, expectApplied, expectNoChanges } from '../rig/outcomes.ts';
import { type Scene, startScene } from '../rig/scene.ts';
import { shopService } from '../rig/service-text.ts';

const hosts = ['web-1', 'web-2'];
const hook = (point: string, run: string, more = ''): string =>
  `hook "${point}" {\n    run = ${run}\n    ${more}\n  }\n`;

describe('hooks', { timeout: 180_000 }, () => {
  let scene: Scene;
  const declare = (more: string, runHooks = ''): void =>
    scene.declare({ service: shopService({ hosts, more }), more: runHooks });
  beforeAll(async () => {
    scene = await startScene({ webHosts: 2, service: shopService({ hosts }) });
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  const note = (name: string): string => join(scene.folder, name);
  const linesOf = (name: string): readonly string[] =>
    existsSync(note(name)) ? readFileSync(note(name), 'utf8').trim().split('\n').toSorted() : [];

  test('first_host once, each_host on all, operator here; lists run as they are, in the release’s folder', async () => {
    declare(
      [
        hook(
          'before_install',
          `["sh", "-c", "echo first >> ${note('first')}; echo migrated three tables"]`,
          'on = "first_host"',
        ),
        hook(
          'before_start',
          `"cd \\"$FOLDER\\"; [ \${release.path}/.. -ef .. ]; echo $(basename $PWD) >> ${note('each')}"`,
          'on = "each_host"\n    environment = { FOLDER = release.path }',
        ),
        hook('before_traffic', `"echo $PWD >> ${note('operator')}"`, 'on = "operator"'),
        hook(
          'after_traffic',
          `["sh", "-c", "printf '%s|%s\\n' \\"$0\\" \\"$GREETING\\" >> ${note('after')}", "a  b; c"]`,
          'on = "first_host"\n    environment = { GREETING = "hello  world" }',
        ),
      ].join('\n  '),
    );
    const planned = await scene.cli('plan');
    expect(planned.stdout).toMatch(/hook +before_install: [\s\S]*?, on web-1\n/);
    const run = await scene.cli('apply', '--auto-approve');
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('migrated three tables');
    expect(linesOf('first')).toEqual(['first']);
    expect(linesOf('each')).toEqual([expect.stringMatching(/^1\.0\.0-/), expect.stringMatching(/^1\.0\.0-/)]);
    expect(linesOf('operator')).toEqual([scene.environment]);
    expect(linesOf('after')).toEqual(['a  b; c|hello  world']);
    await expectNoChanges(scene);
  });

  test('a string is a script for sh -eu: what fails in its middle fails it, and so does an unset variable', async () => {
    for (const script of ['false; echo not reached', 'echo $NO_SUCH_VARIABLE; echo not reached']) {
      declare(hook('before_start', `"echo begun; ${script}"`, 'on = "first_host"'));
      scene.setVersion('2.0.0');
      const run = await scene.cli('apply', '--auto-approve');
      expect(run.code).toBe(3);
      expect(run.stdout).toContain('begun');
      expect(run.stdout).not.toContain('| web-1: not reached');
      expect(await scene.servedBy()).toBe('1.0.0');
    }
  });

  test('a hook that fails is named with its command, its code and its words, and the run goes back', async () => {
    declare(
      hook(
        'before_traffic',
        `["sh", "-c", "echo smoke test; echo no stock >&2; exit 7"]`,
        'on = "each_host"',
      ),
    );
    scene.setVersion('2.0.0');
    const run = await scene.cli('apply', '--auto-approve');
    expect(run.code).toBe(3);
    expect(run.stdout).toMatch(/Error: .*[Hh]ook/);
    expect(run.stdout).toMatch(/\b7\b/);
    expect(run.stdout).toContain('no stock');
    expect(run.stdout).toContain('environments/prod/prod.hcl');
    expect(await scene.servedBy()).toBe('1.0.0');
    const plan = JSON.parse((await scene.cli('plan', '--json')).stdout);
    expect(plan.drift).toEqual([]);
    expect(plan.summary).toMatchObject({ create: 2, update: 1 });
  });

  test('one that takes too long is ended', async () => {
    declare(hook('before_install', '["sleep", "60"]', 'on = "first_host"\n    timeout = "1s"'));
    scene.setVersion('2.0.0');
    const started = performance.now();
    const run = await scene.cli('apply', '--auto-approve', '--json');
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(run.code).toBe(3);
    expect(eventsOf(run).find((event) => event.type === 'step_failed')?.failure).toMatchObject({
      code: expect.stringMatching(/hook/),
      detail: expect.stringContaining('1 s'),
    });
  });

  test('hooks of the whole run: before_apply, after_apply, on_failure and on_revert, on this machine', async () => {
    const runHook = (point: string): string =>
      hook(point, `"echo ${point} $\${DEPLOYCTL_OUTCOME:-} >> ${note('run')}"`);
    const all = ['before_apply', 'after_apply', 'on_failure', 'on_revert'].map(runHook).join('\n');
    declare(hook('before_start', '["false"]', 'on = "first_host"'), all);
    scene.setVersion('2.0.0');
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(3);
    expect(linesOf('run')).toEqual(['before_apply', 'on_failure reverted', 'on_revert reverted']);
    declare('', all);
    await expectApplied(scene, '2.0.0');
    expect(linesOf('run')).toEqual([
      'after_apply',
      'before_apply',
      'before_apply',
      'on_failure reverted',
      'on_revert reverted',
    ]);
    await expectNoChanges(scene);
  });
});
