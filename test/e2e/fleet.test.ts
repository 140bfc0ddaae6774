/**
 * Blue-green of a systemd service on hosts of their own, under load; and while the power of a host goes or a cable is pulled
 * in a phase of the run. DEPLOYCTL_TEST_WEB_HOSTS: how many web hosts, beside the balancer's. Here are the faults that leave
 * most behind; every fault in every phase is in fleet-faults.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { servedBy } from '../fleet/balancer.ts';
import { passCell } from '../fleet/cell.ts';
import { faultCalled } from '../fleet/faults.ts';
import { whyNoFleet } from '../fleet/image.ts';
import { type FleetScene, startFleetScene } from '../fleet/scene.ts';

const nowhere = await whyNoFleet();
/** Several connect timeouts, a boot and two runs. */
const patient = { timeout: 240_000 };
const webHosts = Number(process.env.DEPLOYCTL_TEST_WEB_HOSTS ?? 9);

let scene: FleetScene;
let serves = '1.0.0';
let versions = 1;

beforeAll(async () => {
  if (nowhere !== undefined) return;
  scene = await startFleetScene(webHosts);
});
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
});

const nextVersion = (): string => {
  versions += 1;
  return `${versions}.0.0`;
};

describe.skipIf(nowhere !== undefined)(
  `on a fleet${nowhere === undefined ? '' : ` (skipped: ${nowhere})`}`,
  () => {
    test(
      `blue-green over ${webHosts + 1} hosts and back, under load: no request fails`,
      patient,
      async () => {
        const first = await scene.cli('apply', 'prod', '--auto-approve');
        expect([first.code, first.stderr]).toEqual([0, '']);
        const clients = scene.startClients(100, '1.0.0');
        const version = nextVersion();
        scene.setVersion(version);
        clients.expectBoth(version);
        expect(await scene.cli('apply', 'prod', '--auto-approve')).toMatchObject({ code: 0, stderr: '' });
        clients.acknowledge(version);
        clients.expectBoth('1.0.0');
        expect(await scene.cli('revert', 'prod', '--auto-approve')).toMatchObject({ code: 0, stderr: '' });
        clients.acknowledge('1.0.0');
        const { failed, wrong, stale, requests, reasons } = await clients.stop();
        expect({ failed, wrong, stale, reasons }).toEqual({ failed: 0, wrong: 0, stale: 0, reasons: [] });
        expect(requests).toBeGreaterThan(300);
        scene.setVersion('1.0.0');
        expect((await scene.cli('plan', 'prod', '--detailed-exitcode')).code).toBe(0);
      },
    );

    test.for([
      // Before any power is cut: HAProxy hangs up on a client once for each idle connection that a dead host left it.
      ["the operator's cable is pulled", `effect:before:process.set#${2 * webHosts}`, 'forward'],
      ['the power of a web host goes', `effect:after:process.set#${2 * webHosts}`, 'forward'],
      // Nobody has seen yet that the switch took place: what was written must come back with the host.
      ["the power of the balancer's host goes", 'effect:after:route.set', 'forward'],
      ['the power of a web host goes', 'effect:before:process.set', 'back'],
    ] as const)(
      '%s at %s, %s: the run ends or can be resumed, and no user sees the wrong side',
      patient,
      async (row) => {
        const [name, point, direction] = row;
        const cell = { fault: faultCalled(name), point, direction, ending: 'resume' } as const;
        serves = (await passCell(scene, cell, serves, nextVersion())).serves;
      },
    );

    test(
      'max_unreachable: the others go on without a dead host, which gets no traffic and is the next plan',
      patient,
      async () => {
        scene.declare('revert', 'max_unreachable = 1');
        const version = nextVersion();
        scene.setVersion(version);
        const [web] = scene.web;
        await web?.cutPower();
        const applied = await scene.cli('apply', 'prod', '--auto-approve');
        expect([applied.code, applied.stdout]).toEqual([0, expect.stringContaining('is left out')]);
        expect(await servedBy(scene.lb.address, 80)).toBe(version);
        await web?.boot();
        const planned = await scene.cli('plan', 'prod', '--concise', '--detailed-exitcode');
        expect([planned.code, planned.stdout]).toEqual([2, expect.stringContaining('host["web-1"]')]);
        expect(planned.stdout).not.toContain('host["web-2"]');
        expect(await scene.cli('apply', 'prod', '--auto-approve')).toMatchObject({ code: 0 });
        expect((await scene.cli('plan', 'prod', '--detailed-exitcode')).code).toBe(0);
        expect(await servedBy(scene.lb.address, 80)).toBe(version);
      },
    );
  },
);
