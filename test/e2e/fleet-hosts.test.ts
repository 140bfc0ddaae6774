/** Hosts with systemd that lack something: rights, room, a fast line, the right time. As a person would meet it. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { servedBy } from '../fleet/balancer.ts';
import type { FleetHost } from '../fleet/fleet.ts';
import { whyNoFleet } from '../fleet/image.ts';
import { runAt } from '../fleet/run.ts';
import { type FleetScene, startFleetScene } from '../fleet/scene.ts';

const nowhere = await whyNoFleet();
const patient = { timeout: 180_000 };

let scene: FleetScene;
beforeAll(async () => {
  if (nowhere === undefined) scene = await startFleetScene(2);
});
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
});

const applied = async (version: string): Promise<void> => {
  scene.setVersion(version);
  const { code, stdout, stderr } = await scene.cli('apply', 'prod', '--auto-approve');
  expect([code, stderr, code === 0 ? '' : stdout]).toEqual([0, '', '']);
  expect(await servedBy(scene.lb.address, 80)).toBe(version);
};
const bringing = (host: FleetHost): readonly string[] =>
  readdirSync(join(host.disk, 'srv/shop/.deployctl/incoming'));

describe.skipIf(nowhere !== undefined)(
  `hosts that lack something${nowhere === undefined ? '' : ` (skipped: ${nowhere})`}`,
  () => {
    test('the line that doctor prints is all the right that a whole deployment needs', patient, async () => {
      for (const host of scene.fleet.hosts) await host.run('rm /etc/sudoers.d/deploy');
      const before = await scene.cli('doctor', 'prod');
      expect([before.code, before.stdout]).toEqual([
        1,
        expect.stringMatching(
          /rights +lb-1, web-1 and web-2 \(no rights of root[\s\S]*install root of web-1 and web-2, because/,
        ),
      ]);
      const lines = [...new Set(before.stdout.match(/^\W*deploy ALL=.*$/gm))].map((line) =>
        line.replace(/^\W*/, ''),
      );
      expect(lines).toHaveLength(1);
      const [line = ''] = lines;
      for (const host of scene.fleet.hosts) {
        await host.run(
          'printf "%s\\n" "$line" >/etc/sudoers.d/deployctl; chmod 440 /etc/sudoers.d/deployctl; visudo -cq',
          { line },
        );
        await expect(host.run('runuser -u deploy -- sudo -n -- sh -c id 2>&1')).rejects.toThrow();
      }
      const after = await scene.cli('doctor', 'prod');
      expect([after.code, after.stderr]).toEqual([0, '']);
      await applied('1.0.0');
      await applied('2.0.0');
    });

    test('a clock that is off by a day is said, and a slow line is only slow', patient, async () => {
      const [web] = scene.web;
      await web?.shiftClock(-86_400);
      await web?.slowLink(512);
      mkdirSync(join(scene.folder, 'build/4.0.0'), { recursive: true });
      writeFileSync(join(scene.folder, 'build/4.0.0/blob'), randomBytes(200_000));
      scene.setVersion('4.0.0');
      const planned = await scene.cli('plan', 'prod');
      expect([planned.code, planned.stdout]).toEqual([
        0,
        expect.stringMatching(/clock of web-1 is 86(39|40)\d s\s+behind/),
      ]);
      await applied('4.0.0');
      await web?.fastLink();
      await web?.shiftClock(0);
    });

    test(
      'a disk that fills up in the middle of an upload: named, taken back, and nothing half done',
      patient,
      async () => {
        const [web] = scene.web;
        if (web === undefined) throw new Error('no web host');
        scene.declare('revert', '');
        mkdirSync(join(scene.folder, 'build/5.0.0'), { recursive: true });
        writeFileSync(join(scene.folder, 'build/5.0.0/blob'), randomBytes(30_000_000));
        scene.setVersion('5.0.0');
        await web.slowLink(50_000);
        let filled: Promise<void> | undefined;
        const ended = await runAt(scene, ['apply', 'prod', '--auto-approve'], undefined, (event, summary) => {
          if (event.type === 'step_progress' && summary.endsWith('web-1')) filled ??= web.fillDisk(2_000);
        });
        await filled;
        expect(filled).toBeDefined();
        expect([ended.code, ended.stdout]).toEqual([3, expect.stringContaining('"code":"disk-full"')]);
        expect(await servedBy(scene.lb.address, 80)).toBe('4.0.0');
        for (const host of scene.web) {
          expect(bringing(host)).toEqual([]);
          expect(readdirSync(join(host.disk, 'srv/shop/releases')).join()).not.toContain('5.0.0');
        }
        await web.fastLink();
        await web.emptyDisk();
        await applied('5.0.0');
      },
    );

    test(
      'disks without a block left when units are written: the run stops, and goes on once there is room',
      patient,
      async () => {
        scene.declare('pause', '');
        scene.setVersion('6.0.0');
        const ended = await runAt(scene, ['apply', 'prod', '--auto-approve'], {
          point: 'effect:before:process.set#3',
          meanwhile: async () => {
            for (const host of scene.web) await host.fillDisk();
          },
        });
        expect([ended.isReached, ended.code, ended.stdout]).toEqual([
          true,
          4,
          expect.stringContaining('"code":"disk-full"'),
        ]);
        expect(await servedBy(scene.lb.address, 80)).toBe('5.0.0');
        for (const host of scene.web) {
          const units = readdirSync(join(host.disk, 'etc/systemd/system')).filter((name) =>
            name.startsWith('shop-'),
          );
          // The side with the traffic, and the other one whole or not at all.
          expect(units.filter((name) => !/^shop-(blue|green)\.service$/.test(name))).toEqual([]);
          await host.emptyDisk();
        }
        expect(await scene.cli('apply', 'prod', '--resume')).toMatchObject({ code: 0, stderr: '' });
        expect(await servedBy(scene.lb.address, 80)).toBe('6.0.0');
        for (const host of scene.web)
          expect(existsSync(join(host.disk, 'etc/systemd/system/shop-blue.service'))).toBe(true);
      },
    );
  },
);
