/**
 * kill -9 of deployctl at every point of a blue-green run: before and after each write of the journal and each effect.
 * Every point is enumerated: the run is started with kill@1, kill@2, ... until one comes through. Traffic goes on all
 * the time, and no request of it may fail.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultService, packRelease, processesBelow, type Scene, startScene } from '../rig/scene.ts';
import { startTraffic } from '../rig/traffic.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await startScene({
    webHosts: 1,
    service: (names) =>
      service(names).replace('keep = 3', 'keep = 2').replace('interval = "100ms"', 'interval = "20ms"'),
  });
});
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
});

const web = [{ name: 'web-1' }] as unknown as Scene['web'];
const service = (names: Parameters<ReturnType<typeof defaultService>>[0]): string =>
  defaultService(
    web,
    `hook "before_start" {
      run     = "echo \${release.version} >> ${names.folder}/hook-\${slot.name}.txt"
      on      = "each_host"
      timeout = "10s"
    }`,
  )(names);

/** How often the hook ran for a version, whichever slot it went to. */
const hookRuns = (version: string): number =>
  ['blue', 'green']
    .map((slot) => join(scene.folder, `hook-${slot}.txt`))
    .filter(existsSync)
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter((line) => line === version).length;

/** How many processes of the service run on the scene's hosts now; not counted is the shell that looks after one. */
const servers = (): number =>
  processesBelow(scene.fleet.folder).filter(
    (pid) => said(pid, 'cmdline').includes('serve.mjs') && said(pid, 'comm').trim() !== 'sh',
  ).length;

/** A file of /proc; empty: the process has ended meanwhile. */
const said = (pid: number, file: 'cmdline' | 'comm'): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
};

/** Versions of a second try must not be those of the first: what a release holds is never changed. */
let tries = 0;

test('every run converges, nothing is done twice, and no request is lost', {
  timeout: 1_200_000,
}, async () => {
  tries += 1;
  const apply = ['apply', '--auto-approve', '--parallelism', '1'] as const;
  const deploy = (version: string): void => {
    packRelease(scene.folder, version);
    scene.setVersion(version);
  };
  if (tries > 1) await scene.cli('apply', '--resume');
  for (const patch of [1, 2, 3]) {
    deploy(`${tries}.0.${patch}`);
    const applied = await scene.cli(...apply);
    expect([applied.code, applied.stderr]).toEqual([0, '']);
  }
  const traffic = startTraffic(
    { port: scene.port, rate: 40, keepAlive: 4, freshShare: 0.5, slow: 0, upgraded: 0 },
    `${tries}.0.3`,
  );
  try {
    await enumerate(traffic, apply, deploy);
  } finally {
    const { failed, wrong, stale, reasons } = await traffic.stop();
    expect({ failed, wrong, stale, reasons }).toEqual({ failed: 0, wrong: 0, stale: 0, reasons: [] });
  }
});

async function enumerate(
  traffic: ReturnType<typeof startTraffic>,
  apply: readonly string[],
  deploy: (version: string) => void,
): Promise<void> {
  let reverted = 0;
  let point = 1;
  for (; point < 500; point += 1) {
    const version = `${tries}.${point}.0`;
    const at = `kill@${point}`;
    deploy(version);
    traffic.expectBoth(version);
    const killed = await scene.cliWith({ DEPLOYCTL_FAIL: at }, ...apply);
    if (killed.signal !== 'SIGKILL') {
      expect([at, killed.code, killed.stderr]).toEqual([at, 0, '']);
      break;
    }
    const resumed = await scene.cli('apply', '--resume', '--parallelism', '1');
    if (resumed.code !== 0) {
      // Killed before the run was begun, or after it had ended: there is nothing to resume, and a new apply is due or
      // empty. On a machine that starves HAProxy its own checks can fail, and the run that is resumed reverts.
      const isReverted = resumed.code === 3 && resumed.stdout.includes('was reverted');
      if (isReverted) reverted += 1;
      else {
        expect([at, resumed.code, resumed.stdout, resumed.stderr]).toEqual([
          at,
          1,
          '',
          expect.stringContaining('No run is unfinished'),
        ]);
      }
      const applied = await scene.cli(...apply);
      expect([at, applied.code, applied.stderr]).toEqual([at, 0, '']);
      if (!isReverted) expect([at, hookRuns(version)]).toEqual([at, 1]);
    } else expect([at, hookRuns(version)]).toEqual([at, 1]);
    expect([at, await scene.servedBy()]).toEqual([at, version]);
    expect([at, servers()]).toEqual([at, 2]);
    traffic.acknowledge(version);
    if (point % 10 === 0) {
      const planned = await scene.cli('plan', '--detailed-exitcode');
      expect([at, planned.code, planned.stdout.includes('No changes.')]).toEqual([at, 0, true]);
    }
  }
  // Ten steps, each with its two writes and its effect, and the beginning and the end.
  expect(point).toBeGreaterThan(55);
  expect(reverted).toBeLessThanOrEqual(2);
  const history = JSON.parse((await scene.cli('history', '--json')).stdout);
  expect(
    history.runs.every((run: { outcome: string }) => ['complete', 'reverted'].includes(run.outcome)),
  ).toBe(true);
}
