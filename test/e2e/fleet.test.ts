/**
 * Blue-green of a systemd service on hosts of their own, under load, while the power of a host goes or a cable is pulled
 * in a phase of the run. DEPLOYCTL_TEST_WEB_HOSTS: how many web hosts; 3 unless set. DEPLOYCTL_TEST_PHASES=all: every phase,
 * and not only the two that leave most behind.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { servedBy } from '../fleet/balancer.ts';
import { whyNoFleet } from '../fleet/image.ts';
import { type FleetScene, startFleetScene } from '../fleet/scene.ts';

const nowhere = await whyNoFleet();
/** Several connect timeouts, a boot and two runs. */
const patient = { timeout: 180_000 };
const phases =
  process.env.DEPLOYCTL_TEST_PHASES === 'all'
    ? ['upload', 'start', 'verify', 'switch', 'bake']
    : ['start', 'bake'];
const webHosts = Number(process.env.DEPLOYCTL_TEST_WEB_HOSTS ?? 3);

let scene: FleetScene;
let versions = 1;

beforeAll(async () => {
  if (nowhere !== undefined) return;
  scene = await startFleetScene(webHosts);
});
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
});

const next = (): string => {
  versions += 1;
  scene.setVersion(`${versions}.0.0`);
  return `${versions}.0.0`;
};
const serving = () => servedBy(scene.lb.address, 80);

/** Nothing is left to do, and what was deployed serves. */
async function converged(version: string): Promise<void> {
  const planned = await scene.cli('plan', 'prod', '--detailed-exitcode');
  expect([planned.code, planned.stdout]).toEqual([0, expect.stringContaining('No changes.')]);
  expect(await serving()).toBe(version);
}

describe.skipIf(nowhere !== undefined)(
  `on a fleet${nowhere === undefined ? '' : ` (skipped: ${nowhere})`}`,
  () => {
    test(`blue-green over ${webHosts} hosts and back, under load: no request fails`, patient, async () => {
      const first = await scene.cli('apply', 'prod', '--auto-approve');
      expect([first.code, first.stderr]).toEqual([0, '']);
      const clients = scene.startClients(100, '1.0.0');
      const version = next();
      clients.both(version);
      expect(await scene.cli('apply', 'prod', '--auto-approve')).toMatchObject({ code: 0, stderr: '' });
      clients.only(version);
      clients.both('1.0.0');
      expect(await scene.cli('revert', 'prod', '--auto-approve')).toMatchObject({ code: 0, stderr: '' });
      clients.only('1.0.0');
      const { failed, wrong, stale, requests, reasons } = await clients.stop();
      expect({ failed, wrong, stale, reasons }).toEqual({ failed: 0, wrong: 0, stale: 0, reasons: [] });
      expect(requests).toBeGreaterThan(300);
      scene.setVersion('1.0.0');
      await converged('1.0.0');
    });

    // Before any power is cut: HAProxy hangs up on a client once for each idle connection that a dead host left it.
    test(
      "the operator's cable is pulled at start: users notice nothing, and a resume ends the run",
      patient,
      async () => {
        scene.declare('pause', '');
        const before = (await serving()) ?? '';
        const version = next();
        const clients = scene.startClients(50, before);
        clients.both(version);
        const ended = await scene.applyUntil('start', () => scene.fleet.rack.pullUplink());
        expect(ended.code).toBe(4);
        await scene.fleet.rack.plugUplink();
        expect(await scene.cli('apply', 'prod', '--resume')).toMatchObject({ code: 0 });
        clients.only(version);
        const { failed, wrong, stale, reasons } = await clients.stop();
        expect({ failed, wrong, stale, reasons }).toEqual({ failed: 0, wrong: 0, stale: 0, reasons: [] });
        await converged(version);
      },
    );

    test.for(phases)(
      'the power of a web host goes at %s: the run stops, a resume after the boot ends it, nothing is left to do',
      async (verb) => {
        scene.declare('pause', '');
        const before = await serving();
        const version = next();
        const [web] = scene.web;
        const ended = await scene.applyUntil(verb, async () => await web?.cutPower());
        // At the switch and later the run may not need the host any more.
        expect([0, 4]).toContain(ended.code);
        expect([before, version]).toContain(await serving());
        await web?.boot();
        if (ended.code === 4) {
          const resumed = await scene.cli('apply', 'prod', '--resume');
          expect([resumed.code, resumed.stderr]).toEqual([0, '']);
        }
        await converged(version);
      },
    );

    test(
      "the cable of the load balancer's host is pulled at the switch: the run stops, and a resume ends it",
      patient,
      async () => {
        scene.declare('pause', '');
        const version = next();
        const ended = await scene.applyUntil('switch', () => scene.lb.pullCable());
        expect(ended.code).toBe(4);
        await scene.lb.plugCable();
        expect(await scene.cli('apply', 'prod', '--resume')).toMatchObject({ code: 0 });
        await converged(version);
      },
    );

    test(
      'max_unreachable: the others go on without a dead host, which gets no traffic and is the next plan',
      patient,
      async () => {
        scene.declare('revert', 'max_unreachable = 1');
        const version = next();
        const [web] = scene.web;
        await web?.cutPower();
        const applied = await scene.cli('apply', 'prod', '--auto-approve');
        expect([applied.code, applied.stdout]).toEqual([0, expect.stringContaining('is left out')]);
        expect(await serving()).toBe(version);
        await web?.boot();
        const planned = await scene.cli('plan', 'prod', '--concise', '--detailed-exitcode');
        expect([planned.code, planned.stdout]).toEqual([2, expect.stringContaining('host["web-1"]')]);
        expect(planned.stdout).not.toContain('host["web-2"]');
        expect(await scene.cli('apply', 'prod', '--auto-approve')).toMatchObject({ code: 0 });
        await converged(version);
      },
    );
  },
);
