/** A host without room: named, undone, nothing half there, and the next plan works once there is room. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsOf } from '../rig/outcomes.ts';
import { packRelease, type Scene, startScene } from '../rig/scene.ts';
import { shopService } from '../rig/service-text.ts';

/** Mounting needs root, and the right to do so where it runs. */
const mayMount = (() => {
  if (process.getuid?.() !== 0) return false;
  const probe = `/tmp/dctl-mount-${process.pid}`;
  mkdirSync(probe, { recursive: true });
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe]).status === 0;
  if (isMounted) execFileSync('umount', [probe]);
  rmSync(probe, { recursive: true, force: true });
  return isMounted;
})();

const service = shopService({ hosts: ['web-1', 'web-2'] });

describe.skipIf(!mayMount)('a full disk on a host (needs root and mount)', { timeout: 180_000 }, () => {
  let scene: Scene;
  let disk: string;
  beforeAll(async () => {
    scene = await startScene({ webHosts: 2, service });
    disk = join(scene.fleet.folder, 'web-2/home/srv');
    mkdirSync(disk, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
  });
  afterAll(async () => {
    // Lazily: the processes of the scene stand in it, and are ended by what follows.
    if (disk !== undefined) spawnSync('umount', ['-l', disk]);
    await scene?.[Symbol.asyncDispose]();
  });

  /** All but `leftBytes`. */
  const fill = (leftBytes: number): void => {
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(Math.max(0, bavail * bsize - leftBytes)));
  };
  const releasesOn = (host: string): readonly string[] =>
    readdirSync(join(scene.fleet.folder, host, 'home/srv/shop/releases'));
  const halfDone = (host: string): readonly string[] => {
    const incoming = join(scene.fleet.folder, host, 'home/srv/shop/.deployctl/incoming');
    return existsSync(incoming) ? readdirSync(incoming) : [];
  };

  const expectAsBefore = async (): Promise<void> => {
    expect(await scene.servedBy()).toBe('1.0.0');
    for (const host of ['web-1', 'web-2']) {
      expect(releasesOn(host)).toEqual([expect.stringMatching(/^1\.0\.0-/)]);
      expect(halfDone(host)).toEqual([]);
    }
    const plan = JSON.parse((await scene.cli('plan', '--json')).stdout);
    expect(plan.drift).toEqual([]);
    expect(plan.summary).toMatchObject({ create: 2, update: 1 });
  };

  test('too little for the release: the plan is held before anything is touched', async () => {
    writeFileSync(join(scene.folder, 'build/2.0.0/blob'), randomBytes(2_000_000));
    packRelease(scene.folder, '2.0.0');
    scene.setVersion('2.0.0');
    expect((await scene.cli('plan', '--out', 'two.plan')).code).toBe(0);
    fill(600_000);
    const run = await scene.cli('apply', '--auto-approve');
    expect(run.code).toBe(1);
    expect(run.stdout + run.stderr).toContain('Error: The release does not fit on a host');
    expect(run.stdout + run.stderr).toContain('web-2');
    expect(run.stdout + run.stderr).toContain('Make room');
  });

  test('full only after the plan was made: refused or failed by name, exit 3, everything as before', async () => {
    const run = await scene.cli('apply', 'two.plan');
    expect(run.code).toBe(3);
    expect(run.stdout).toContain('Error: Disk of the host is full');
    expect(run.stdout).toContain('web-2');
    rmSync(join(disk, 'ballast'));
    await expectAsBefore();
  });

  test('not a byte left: the same, as events', async () => {
    expect((await scene.cli('plan', '--out', 'again.plan')).code).toBe(0);
    fill(0);
    const run = await scene.cli('apply', 'again.plan', '--json');
    expect(run.code).toBe(3);
    const failure = eventsOf(run).find((event) => event.type === 'step_failed')?.failure;
    expect(failure).toMatchObject({ code: 'disk-full', address: 'host.web-2' });
    rmSync(join(disk, 'ballast'));
    await expectAsBefore();
  });

  test('with room again the same plan works', async () => {
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    expect(await scene.servedBy()).toBe('2.0.0');
    expect((await scene.cli('plan', '--detailed-exitcode')).code).toBe(0);
  });
});

test.skipIf(mayMount)(
  'a full disk on a host: SKIPPED, this machine lets nobody mount a small file system',
  () => {
    expect(mayMount).toBe(false);
  },
);
