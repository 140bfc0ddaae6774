/** Balancers that read flags, or a map, for each request: the whole way, by the program, with the configuration that it prints. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withRoute } from '../../src/providers/apache/map-file.ts';
import { setFlagsByHand } from '../contract/balancer-flags.ts';
import { expectAbortAt25, expectClimb, ladder } from '../rig/ladder.ts';
import {
  apacheProgram,
  caddyProgram,
  isInstalled,
  nginxProgram,
  type ProxyProgram,
  type RunningProxy,
  startProxy,
} from '../rig/proxies.ts';
import { type Scene, startScene } from '../rig/scene.ts';
import { inPlace, shopService } from '../rig/service-text.ts';

const hosts = ['web-1'];
const allTo = (pool: string) => ({ stable: pool, canary: pool, canaryBasisPoints: 0 });

describe.for<ProxyProgram>([nginxProgram, caddyProgram, apacheProgram])(
  '$name, by what it reads for each request',
  { timeout: 180_000 },
  (program) => {
    let scene: Scene;
    let proxy: RunningProxy;
    let flagsDir: string;
    let mapFile: string;
    const hasFlags = program.name !== 'apache';
    const isThere = isInstalled(program);

    beforeAll(async () => {
      if (!isThere) return;
      scene = await startScene({ webHosts: 1, balancer: false, service: () => '' });
      flagsDir = join(scene.folder, 'flags');
      mkdirSync(flagsDir);
      mapFile = join(scene.folder, 'edge.map');
      writeFileSync(mapFile, '');
      proxy = await startProxy(program, async ({ port, probePort }) => {
        scene.declare({ service: shopService({ hosts }), more: balancerText(probePort) });
        const address = ['--full', '--bind', `127.0.0.1:${port}`];
        const snippet = await scene.cli('snippet', 'prod', 'load_balancer.edge', ...address);
        expect(snippet.stderr).toBe('');
        return snippet.stdout;
      });
    }, 60_000);
    afterAll(async () => {
      await proxy?.[Symbol.asyncDispose]();
      await scene?.[Symbol.asyncDispose]();
    });

    const balancerText = (probePort: number): string =>
      `load_balancer "${program.name}" "edge" {
  hosts         = [host.lb-1]
  ${hasFlags ? `flags_dir     = "${flagsDir}"` : `map_file      = "${mapFile}"`}
  probe_address = "127.0.0.1:${probePort}"
}`;
    const setByHand = async (pool: string): Promise<void> =>
      hasFlags
        ? setFlagsByHand(flagsDir, 'shop', allTo(pool))
        : writeFile(mapFile, withRoute(await readFile(mapFile, 'utf8'), 'shop', allTo(pool)));
    const served = async (): Promise<string> => {
      const answer = await fetch(`http://127.0.0.1:${proxy.paths.port}/`, {
        headers: { connection: 'close' },
      });
      await answer.arrayBuffer();
      return answer.headers.get('x-served-by') ?? String(answer.status);
    };
    const nothingToDo = async (): Promise<void> => {
      const after = await scene.cli('plan', '--detailed-exitcode');
      expect([after.code, after.stdout]).toEqual([0, expect.stringContaining('No changes.')]);
    };

    test.skipIf(!isThere)('apply, then plan, is empty: for a first release and for the next', async () => {
      expect(await served()).toBe('503');
      for (const version of ['1.0.0', '2.0.0']) {
        scene.setVersion(version);
        const applied = await scene.cli('apply', '--auto-approve');
        expect([applied.code, applied.stderr]).toEqual([0, '']);
        expect(await served()).toBe(version);
        await nothingToDo();
      }
    });

    test.skipIf(!isThere)(
      'a route that somebody changes after the plan: exit 6; the next plan shows it and mends it',
      async () => {
        scene.setVersion('1.0.0');
        expect((await scene.cli('plan', '--out', 'back.plan')).code).toBe(0);
        await setByHand('shop_blue');
        expect(await served()).toBe('1.0.0');
        const applied = await scene.cli('apply', 'back.plan');
        expect(applied.code).toBe(6);
        expect(applied.stderr).toContain('load_balancer.edge.route["shop"]');
        scene.setVersion('2.0.0');
        const plan = JSON.parse((await scene.cli('plan', '--json')).stdout);
        expect(plan.drift).toMatchObject([{ address: 'load_balancer.edge.route["shop"]' }]);
        expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
        expect(await served()).toBe('2.0.0');
        await nothingToDo();
      },
    );

    test.skipIf(!isThere || program.name !== 'nginx')(
      'flags that it cannot read are said, and nothing is planned upon them',
      async () => {
        await chmod(flagsDir, 0o700);
        expect(await served()).toBe('503');
        const plan = await scene.cli('plan');
        expect(plan.code).toBe(1);
        expect(plan.stdout + plan.stderr).toContain('does not read its flags');
        await chmod(flagsDir, 0o755);
        expect(await served()).toBe('2.0.0');
        await nothingToDo();
      },
    );

    test.skipIf(!isThere)(
      'killed and started again, it decides as before, and a revert is one switch',
      async () => {
        await proxy.kill9();
        await proxy.start();
        expect(await served()).toBe('2.0.0');
        const reverted = await scene.cli('revert', '--auto-approve');
        expect([reverted.code, reverted.stderr]).toEqual([0, '']);
        expect(await served()).toBe('1.0.0');
      },
    );

    test.skipIf(!isThere || !hasFlags)(
      'a canary climbs 1, 5, 25, 50, 100 under load, and another is taken back at 25',
      async () => {
        const climbing = { hosts, stickyCookie: 'uid', strategy: ladder('1s') };
        scene.declare({ service: shopService(climbing), more: balancerText(proxy.paths.probePort) });
        const bind = ['--full', '--bind', `127.0.0.1:${proxy.paths.port}`];
        await proxy.rewrite((await scene.cli('snippet', 'prod', 'load_balancer.edge', ...bind)).stdout);
        // Not by a reload: the client would still meet workers that retire.
        await proxy.kill9();
        await proxy.start();
        const climb = { program: scene, port: proxy.paths.port, rate: 250 };
        scene.setVersion('2.0.0');
        await expectClimb({ ...climb, from: '1.0.0', to: '2.0.0', slot: 'green' });
        scene.setVersion('1.0.0');
        await expectAbortAt25({ ...climb, from: '2.0.0', to: '1.0.0', slot: 'blue' });
        scene.setVersion('2.0.0');
        await nothingToDo();
      },
    );

    test.skipIf(!isThere)(
      'a pool that its configuration does not know is said by the plan, and nothing is begun',
      async () => {
        scene.declare({
          service: shopService({ hosts, strategy: inPlace(), slots: 1 }),
          more: balancerText(proxy.paths.probePort),
        });
        scene.setVersion('2.0.0');
        const plan = await scene.cli('plan');
        expect(plan.code).toBe(1);
        expect(plan.stdout + plan.stderr).toContain('does not know the pool');
      },
    );
  },
);
