import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { columns } from '../../../src/ui/layout.ts';
import { statusJson } from '../../../src/ui/status-json.ts';
import { renderStatus } from '../../../src/ui/status-text.ts';
import { unreachableHost } from '../../rig/sample-plans.ts';
import { api, instances, search, shop, statusWith, stoppedRun } from '../../rig/sample-status.ts';

const golden = (name: string): string => join(import.meta.dirname, '../../golden/ui', `${name}.txt`);

const canary = {
  ...shop,
  release: '1.0.0',
  sync: 'out_of_sync' as const,
  health: 'progressing' as const,
  active: 'blue',
  slots: [
    { name: 'green', release: '2.0.0', share: 10, hosts: instances(3, '2.0.0') },
    { name: 'blue', release: '1.0.0', share: 90, hosts: instances(3, '1.0.0') },
  ],
};
const half = instances(300, '1.0.0').map((each, at) =>
  at % 2 === 0 ? each : { ...each, health: 'unhealthy' as const, why: 'answers 503' },
);
const fleet = {
  ...shop,
  health: 'degraded' as const,
  slots: [{ name: 'green', release: '1.0.0', share: 100, hosts: half }],
};

const scenarios = [
  ['status-healthy', statusWith([shop, api, search]), 110],
  ['status-80', statusWith([shop, api, search]), 80],
  ['status-canary-in-progress', statusWith([canary], { run: { ...stoppedRun, isAlive: true } }), 100],
  ['status-stopped', statusWith([canary], { run: stoppedRun, notes: [unreachableHost] }), 100],
  ['status-300-hosts', statusWith([fleet]), 100],
  ['status-nothing-yet', statusWith([], { deployment: undefined }), 100],
] as const;

describe('status as text', () => {
  test.for(scenarios)('%s reads as its golden file', async ([name, report, width]) => {
    const text = renderStatus(report, { color: false, width });
    await expect(`${text}\n`).toMatchFileSnapshot(golden(name));
    for (const narrow of [48, 60, 80, 100]) {
      const widths = renderStatus(report, { color: true, width: narrow }).split('\n').map(columns);
      expect(Math.max(...widths)).toBeLessThanOrEqual(narrow);
    }
  });

  test('names and reasons cannot steer the terminal', () => {
    const evil = '\u001b[2J\u0007';
    const hosts = instances(1, evil, { host: evil, health: 'unhealthy', why: evil });
    const report = statusWith(
      [{ ...shop, name: evil, release: evil, slots: [{ name: evil, release: evil, share: 100, hosts }] }],
      {
        environment: evil,
        run: { ...stoppedRun, actor: { who: evil, pid: 1, command: evil } },
      },
    );
    expect(renderStatus(report, { color: false, width: 100 })).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

test('status as JSON has the documented fields', () => {
  expect(
    JSON.parse(JSON.stringify(statusJson(statusWith([shop, search], { run: stoppedRun })))),
  ).toMatchObject({
    format_version: '1.0',
    environment: 'prod',
    run: { run: 43, who: 'lee@laptop', alive: false, steps_done: 5, steps_total: 18, outcome: null },
    deployment: { number: 42, who: 'kim' },
    services: [
      {
        address: 'service.shop',
        release: '2.0.0',
        sync: 'in_sync',
        health: 'healthy',
        active: 'green',
        slots: {
          green: {
            share: 100,
            hosts: { 'web-1': { release: '2.0.0', process: 'running', health: 'healthy' } },
          },
          blue: { release: '1.0.0', share: 0 },
        },
      },
      { health: 'degraded', slots: { blue: { hosts: { 'web-7': { release: null, process: 'unknown' } } } } },
    ],
  });
  expect(JSON.parse(JSON.stringify(statusJson(statusWith([])))).run).toBeNull();
});
