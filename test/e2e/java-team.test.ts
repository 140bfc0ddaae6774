/** environments/java-team, as it stands in the repository, on two hosts and a HAProxy of the fleet. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { servedBy, startBalancer } from '../fleet/balancer.ts';
import { type Fleet, startFleet } from '../fleet/fleet.ts';
import { whyNoFleet } from '../fleet/image.ts';
import { findProgram } from '../rig/other-host.ts';
import { type Program, programIn } from '../rig/program.ts';
import { startTraffic } from '../rig/traffic.ts';

const example = join(import.meta.dirname, '../../environments/java-team');
const nowhere = await whyNoFleet();

/** No JRE fits into a host of the fleet: what it is told to run is answered by the service of the tests. */
const java = `#!/bin/sh
for word; do
  case $word in -Dserver.port=*) PORT=\${word#*=} ;; esac
done
HOST=0.0.0.0 VERSION_FILE=version
export HOST PORT VERSION_FILE
unset PID_FILE # the launcher's, and no business of the service
exec /usr/local/bin/node /usr/lib/jvm/serve.mjs "$@"
`;

test('the example is valid where it stands', async () => {
  const { cli } = programIn(tmpdir());
  expect(await cli('validate', example)).toMatchObject({ code: 0, stderr: '' });
});

describe.skipIf(nowhere !== undefined)(
  `the example runs${nowhere === undefined ? '' : ` (skipped: ${nowhere})`}`,
  () => {
    let fleet: Fleet;
    let folder: string;
    let program: Program;

    beforeAll(async () => {
      fleet = await startFleet(['lb-1', 'web-1', 'web-2']);
      folder = mkdtempSync(join(tmpdir(), 'dctl-'));
      const environment = join(folder, 'environments/java-team');
      cpSync(example, environment, { recursive: true });
      for (const version of ['1.0.0', '2.0.0']) build(environment, version);
      writeFileSync(
        join(environment, 'fleet.auto.vars.hcl'),
        `addresses = { ${fleet.hosts.map(({ name, address }) => `${name} = "${address}"`).join(', ')} }
identity_file = "${fleet.identityFile}"
known_hosts = "${fleet.knownHosts}"
`,
      );
      for (const web of [fleet.host('web-1'), fleet.host('web-2')]) {
        mkdirSync(join(web.disk, 'usr/lib/jvm/default-java/bin'), { recursive: true });
        writeFileSync(join(web.disk, 'usr/lib/jvm/default-java/bin/java'), java, { mode: 0o755 });
        copyFileSync(
          join(import.meta.dirname, '../rig/shop/serve.mjs'),
          join(web.disk, 'usr/lib/jvm/serve.mjs'),
        );
      }
      program = programIn(folder);
      await startBalancer(fleet.host('lb-1'), program, 'java-team', 80);
    });
    afterAll(async () => {
      await fleet?.[Symbol.asyncDispose]();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    });

    test('first deployment, blue-green under load, revert, and a reboot', { timeout: 240_000 }, async () => {
      const { cli } = program;
      const lb = fleet.host('lb-1').address;
      const web = fleet.host('web-1');
      const first = await cli('apply', 'java-team', '--auto-approve');
      expect([first.code, first.stderr]).toEqual([0, '']);
      expect(await servedBy(lb, 80)).toBe('1.0.0');
      // The launcher's own pid file and log, the service's own user.
      const pid = await web.run('cat /srv/shop/shared/shop-blue.pid');
      expect((await web.run('ps -o user= -p "$pid"', { pid: pid.trim() })).trim()).toBe('shop');
      expect(await web.run('cat /srv/shop/shared/log-blue/shop.log')).toContain('shop 1.0.0 listens');

      const load = { address: lb, port: 80, rate: 100, keepAlive: 4, freshShare: 0.5, slow: 2, upgraded: 2 };
      const traffic = startTraffic(load, '1.0.0');
      traffic.expectBoth('2.0.0');
      const second = await cli('apply', 'java-team', '--var', 'version=2.0.0', '--auto-approve');
      expect([second.code, second.stderr]).toEqual([0, '']);
      traffic.acknowledge('2.0.0');
      expect(await servedBy(lb, 80)).toBe('2.0.0');
      traffic.expectBoth('1.0.0');
      const back = await cli('revert', 'java-team', '--auto-approve');
      expect([back.code, back.stderr]).toEqual([0, '']);
      traffic.acknowledge('1.0.0');
      expect(await servedBy(lb, 80)).toBe('1.0.0');
      const { failed, wrong, stale, reasons } = await traffic.stop();
      expect({ failed, wrong, stale, reasons }).toEqual({ failed: 0, wrong: 0, stale: 0, reasons: [] });
      const settled = await cli('plan', 'java-team', '--detailed-exitcode');
      expect([settled.code, settled.stdout]).toEqual([0, expect.stringContaining('No changes.')]);

      // A launcher is nobody's unit: the plan after a reboot says what does not run there, and nothing else.
      await web.cutPower();
      await web.boot();
      const planned = await cli('plan', 'java-team', '--concise', '--detailed-exitcode');
      expect([planned.code, planned.stdout]).toEqual([2, expect.stringContaining('it is not running')]);
      expect(planned.stdout).toContain('Plan: 0 to add, 1 to change, 0 to remove.');
      expect((await cli('apply', 'java-team', '--auto-approve')).code).toBe(0);
      expect(await web.run('cat /srv/shop/shared/shop-blue.pid')).not.toBe(pid);
    });
  },
);

/** As the example says where there is a JDK; else what its build would have packed, with a jar that nobody opens. */
function build(environment: string, version: string): void {
  if (findProgram('javac') !== undefined && findProgram('jar') !== undefined) {
    execFileSync(join(environment, 'app/build.sh'), [version], { stdio: 'pipe' });
    return;
  }
  const from = join(environment, 'work');
  mkdirSync(join(from, 'bin'), { recursive: true });
  mkdirSync(join(environment, 'dist'), { recursive: true });
  copyFileSync(join(environment, 'app/bin/launcher.sh'), join(from, 'bin/launcher.sh'));
  writeFileSync(join(from, 'shop.jar'), '');
  writeFileSync(join(from, 'version'), `${version}\n`);
  execFileSync('tar', ['-czf', join(environment, `dist/shop-${version}.tar.gz`), '-C', from, '.']);
  rmSync(from, { recursive: true });
}
