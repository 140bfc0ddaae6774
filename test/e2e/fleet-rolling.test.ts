/**
 * Rolling over twelve systemd hosts in three zones, under load, while HAProxy is asked who is in service; with a release
 * that never gets healthy; and with the power of one of them cut in mid-run. Thirteen machines take a while: it runs only where
 * it is asked for,
 *
 *   DEPLOYCTL_TEST_FLEET_ROLLING=1 node tools/test.ts test/e2e/fleet-rolling.test.ts
 *
 * and test/e2e/rolling.test.ts rolls over as many OpenSSH servers always.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { servedBy } from '../fleet/balancer.ts';
import type { FleetHost } from '../fleet/fleet.ts';
import { whyNoFleet } from '../fleet/image.ts';
import { type FleetScene, type Rollout, startFleetScene } from '../fleet/scene.ts';
import { eventsOf } from '../rig/outcomes.ts';

const isAsked = process.env.DEPLOYCTL_TEST_FLEET_ROLLING !== undefined;
const nowhere = isAsked ? await whyNoFleet() : 'not asked for';
const hosts = 12;
/** 60% of 12, rounded up. */
const floor = 8;
const policy = 'min_in_service = "60%"';
const rolling = (more: string, deadline = '20s'): Rollout => ({
  slots: { main: 8080 },
  zones: 3,
  deadline,
  strategy: `strategy "rolling" {
    batch         = "50%"
    drain_timeout = "5s"
    ${more}
  }`,
});

/** Asks the balancer on its own host, every 200 ms, how many members would get the next request. */
function watchFewest(lb: FleetHost): { stop(): Promise<number> } {
  const script = `
    const { connect } = require('node:net');
    let text = '';
    const socket = connect('/run/haproxy-master.sock', () => socket.end('@1 show stat\\n'));
    socket.on('data', (chunk) => (text += chunk));
    socket.on('close', () => console.log(text.split('\\n').filter((line) => /^shop_main,web-/.test(line) && /,UP,/.test(line)).length));
  `;
  const ended = new AbortController();
  const watching = (async () => {
    let fewest = Number.POSITIVE_INFINITY;
    while (!ended.signal.aborted) {
      const count = Number(await lb.run('/usr/local/bin/node -e "$script"', { script }));
      fewest = Math.min(fewest, count);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return fewest;
  })();
  return {
    stop() {
      ended.abort();
      return watching;
    },
  };
}

describe.skipIf(nowhere !== undefined)(
  `rolling over ${hosts} machines in 3 zones${nowhere === undefined ? '' : ` (skipped: ${nowhere})`}`,
  { timeout: 300_000 },
  () => {
    let scene: FleetScene;
    beforeAll(async () => {
      scene = await startFleetScene(hosts, rolling(''));
      scene.declareRollout(rolling(''), policy);
      expect(await scene.cli('apply', 'prod', '--auto-approve')).toMatchObject({ code: 0, stderr: '' });
    }, 300_000);
    afterAll(async () => {
      await scene?.[Symbol.asyncDispose]();
    });

    /** The hosts whose slot the next plan changes. */
    const renewedBy = async (...options: string[]): Promise<readonly (string | undefined)[]> => {
      const { stdout } = await scene.cli('plan', 'prod', '--json', ...options);
      const { changes } = JSON.parse(stdout) as { readonly changes: readonly { readonly address: string }[] };
      return changes
        .filter(({ address }) => address.includes('slot['))
        .map(({ address }) => /host\["([^"]+)"\]/.exec(address)?.[1]);
    };

    test('loses no request, and never has fewer in service than declared', async () => {
      const clients = scene.startClients(100, '1.0.0');
      clients.expectBoth('2.0.0');
      const watch = watchFewest(scene.lb);
      scene.setVersion('2.0.0');
      const run = await scene.cli('apply', 'prod', '--auto-approve', '--json');
      const fewest = await watch.stop();
      clients.acknowledge('2.0.0');
      const { failed, wrong, requests, reasons } = await clients.stop();
      expect([run.code, run.stderr]).toEqual([0, '']);
      expect({ failed, wrong, reasons }).toEqual({ failed: 0, wrong: 0, reasons: [] });
      expect(requests).toBeGreaterThan(300);
      expect(fewest).toBeGreaterThanOrEqual(floor);
      expect(fewest).toBeLessThan(hosts);
    });

    test('a release that never gets healthy stops in its first zone or goes back, as the policy says, and nobody notices', async () => {
      const names = scene.web.map(({ name }) => name);
      const zoneA = names.filter((_, index) => index % 3 === 0);
      const before = ['--var', 'version=2.0.0'];
      scene.setVersion('3.0.0-broken');
      const failing = async (policyOfFailure: string) => {
        scene.declareRollout(rolling(policyOfFailure, '5s'), policy);
        const clients = scene.startClients(100, '2.0.0');
        const watch = watchFewest(scene.lb);
        const run = await scene.cli('apply', 'prod', '--auto-approve', '--json');
        const fewest = await watch.stop();
        const { failed, wrong, requests, reasons } = await clients.stop();
        expect({ failed, wrong, reasons }).toEqual({ failed: 0, wrong: 0, reasons: [] });
        expect(requests).toBeGreaterThan(300);
        expect(fewest).toBeGreaterThanOrEqual(floor);
        expect(fewest).toBeLessThan(hosts);
        const codes = eventsOf(run)
          .filter(({ type }) => type === 'step_failed')
          .map(({ failure }) => failure);
        expect(codes).toMatchObject(codes.map(() => ({ code: 'health-not-passed' })));
        expect(codes.length).toBeGreaterThan(0);
        return run;
      };

      // Whoever was taken out stays out, for a person to look at; a plan of the release before names just them.
      const paused = await failing('on_failure = "pause"');
      expect(paused.code).toBe(4);
      const stopped = names.filter((name) =>
        eventsOf(paused).some(
          ({ type, step }) => type === 'step_started' && step === `shop/main/${name}/stop`,
        ),
      );
      expect(stopped.length).toBeGreaterThan(0);
      expect(zoneA).toEqual(expect.arrayContaining(stopped));
      expect((await renewedBy(...before)).toSorted()).toEqual(stopped.toSorted());
      expect((await scene.cli('abort', 'prod')).code).toBe(3);
      expect((await scene.cli('plan', 'prod', '--detailed-exitcode', ...before)).code).toBe(0);

      // One may fail, and is left out; the next one ends the run, and all are brought back.
      const reverted = await failing('on_failure = "revert"\n    max_failures = 1');
      expect(reverted.code).toBe(3);
      expect(eventsOf(reverted).filter(({ type }) => type === 'left_out')).toHaveLength(1);
      expect((await renewedBy()).toSorted()).toEqual(names.toSorted());
      expect((await scene.cli('plan', 'prod', '--detailed-exitcode', ...before)).code).toBe(0);
      expect(await servedBy(scene.lb.address, 80)).toBe('2.0.0');
    });

    // Last: HAProxy hangs up on a client once for each idle connection that a dead host left it.
    test('a machine whose power is cut in mid-run is left out, the floor holds, and the next plan renews it', async () => {
      scene.declareRollout(rolling('max_failures = 1'), policy);
      scene.setVersion('3.0.0');
      const [victim] = scene.web.slice(-1);
      if (victim === undefined) throw new Error('there is no web host');
      const { child, ended } = scene.start({}, 'apply', 'prod', '--auto-approve', '--json');
      await new Promise<void>((resolve, reject) => {
        let text = '';
        child.stdout?.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          if (/"step_done"[^\n]*web-1\/return/.test(text)) resolve();
        });
        child.once('close', () => reject(new Error(`ended before a host came back: ${text.slice(-500)}`)));
      });
      await victim.cutPower();
      const watch = watchFewest(scene.lb);
      const run = await ended;
      expect(await watch.stop()).toBeGreaterThanOrEqual(floor - 1);
      expect(run.code).toBe(0);
      expect(eventsOf(run).filter(({ type }) => type === 'left_out')).toMatchObject([{ host: victim.name }]);
      expect(await servedBy(scene.lb.address, 80)).toBe('3.0.0');
      await victim.boot();
      expect(await renewedBy()).toEqual([victim.name]);
      expect(await scene.cli('apply', 'prod', '--auto-approve')).toMatchObject({ code: 0, stderr: '' });
      expect((await scene.cli('plan', 'prod', '--detailed-exitcode')).code).toBe(0);
    });
  },
);
