import { join } from 'node:path';
import xterm from '@xterm/headless';
import { describe, expect, test } from 'vitest';
import { asInstant } from '../../../src/model/index.ts';
import { columns } from '../../../src/ui/layout.ts';
import { statusJson } from '../../../src/ui/status-json.ts';
import { renderStatus } from '../../../src/ui/status-text.ts';
import { watchedStatus } from '../../../src/ui/status-watch.ts';
import { planned, unreachableHost } from '../../rig/sample-plans.ts';
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
  [
    'status-waits-for-a-person',
    statusWith([canary], { run: { ...stoppedRun, isAlive: true, waitsFor: 'promote' } }),
    100,
  ],
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

describe('status, watched', () => {
  const quiet = { json: false, redraws: false, color: false, size: () => ({ columns: 80, rows: 24 }) };
  const reports = [
    statusWith([shop]),
    statusWith([shop], { at: asInstant(planned + 60_000) }),
    statusWith([canary]),
  ];

  test('into a pipe it is told when something has changed, and not each time that it looks', () => {
    const told: string[] = [];
    const show = watchedStatus({ ...quiet, write: (text) => told.push(text) });
    for (const report of reports) show(report);
    expect(told).toHaveLength(2);
    expect(told[1]).toContain('blue 1.0.0 90% · green 2.0.0 10%');
  });

  test('with --json each line is a document', () => {
    const told: string[] = [];
    const show = watchedStatus({ ...quiet, json: true, write: (text) => told.push(text) });
    for (const report of reports) show(report);
    expect(told.map((line) => JSON.parse(line).services[0].release)).toEqual(['2.0.0', '1.0.0']);
  });

  test('on a terminal each picture takes the place of the one before, and fits the window', async () => {
    const screen = new xterm.Terminal({ cols: 60, rows: 8, allowProposedApi: true, convertEol: true });
    let drawn = Promise.resolve();
    const show = watchedStatus({
      ...quiet,
      redraws: true,
      color: true,
      size: () => ({ columns: 60, rows: 8 }),
      write: (text) => {
        drawn = new Promise((resolve) => screen.write(text, resolve));
      },
    });
    for (const report of [statusWith([fleet]), statusWith([search, api, shop]), statusWith([shop])])
      show(report);
    await drawn;
    const { active } = screen.buffer;
    const text = Array.from({ length: active.length }, (_, row) =>
      active.getLine(row)?.translateToString(true),
    );
    expect(text.filter((line) => line?.includes('Ctrl-C ends this'))).toHaveLength(1);
    expect(text.join('\n')).not.toContain('search');
    expect(active.baseY).toBe(0);
  });
});
