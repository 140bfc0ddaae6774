import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  asAddress,
  asInstant,
  type Deployment,
  type InstanceState,
  type JournalEntry,
  type Json,
  type Mark,
  type RecordEdit,
  type Run,
} from '../../../src/model/index.ts';
import { backToText } from '../../../src/ui/deployment-text.ts';
import { historyJson, renderHistory } from '../../../src/ui/history-text.ts';
import { stepHistories } from '../../../src/ui/journal-view.ts';
import { columns } from '../../../src/ui/layout.ts';
import { renderRun, runRecordJson } from '../../../src/ui/show-text.ts';
import { notHealthy } from '../../rig/sample-events.ts';
import {
  blueGreenSteps,
  declaredWith,
  hostNamed,
  planned,
  planWith,
  updatePlan,
} from '../../rig/sample-plans.ts';

const golden = (name: string): string => join(import.meta.dirname, '../../golden/ui', `${name}.txt`);
const hoursAgo = (hours: number) => asInstant(planned - hours * 3_600_000);
const frame = ({ summary, detail }: { summary: string; detail: string }): string =>
  `| ${summary}\n| ${detail}\n`;

const run = (number: number, hours: number, parts: Partial<Run> = {}): Run => ({
  run: number,
  startedAt: hoursAgo(hours),
  endedAt: asInstant(hoursAgo(hours) + 46_000),
  outcome: 'complete',
  actor: { who: 'kim@laptop', pid: 4711, command: 'deployctl apply prod --var version=2.0.0' },
  intent: { kind: 'apply' },
  planDigest: '5d41402abc4b2a76b9719d911017c592',
  ...parts,
});

const deployment = (of: Run, version: string): Deployment => ({
  number: of.run,
  at: of.endedAt ?? of.startedAt,
  actor: of.actor,
  intent: of.intent,
  declared: declaredWith(version),
});

const runs = [
  run(39, 80, { actor: { who: 'lee@ops', pid: 1, command: 'deployctl apply prod' } }),
  run(40, 27, { outcome: 'reverted' }),
  run(41, 3, { intent: { kind: 'revert', to: 39, services: [] } }),
  run(42, 0.05, { outcome: undefined, endedAt: undefined }),
];
const deployments = [deployment(runs[0] ?? run(39, 80), '1.0.0'), deployment(runs[2] ?? run(41, 3), '1.0.0')];
const edits: readonly RecordEdit[] = [
  {
    at: hoursAgo(26),
    actor: { who: 'kim@laptop', pid: 4712, command: 'deployctl state rm prod service.old' },
    edit: 'remove',
    seen: [{ kind: 'member', address: asAddress('service.old.slot["blue"].host["web-9"]'), spec: null }],
  },
];
const releases = new Map(
  runs.map(({ run }) => [run, declaredWith(run === 40 || run === 42 ? '2.0.0' : '1.0.0')]),
);
const history = { runs, edits, running: undefined, releases };
const nothing = { runs: [], edits: [], running: undefined, releases: new Map() };
const options = { color: false, width: 100, now: planned };

describe('history', () => {
  test('reads as its golden file', async () => {
    await expect(`${renderHistory(history, options)}\n`).toMatchFileSnapshot(golden('history'));
    const narrow = renderHistory(history, { ...options, width: 80, color: true });
    expect(Math.max(...narrow.split('\n').map(columns))).toBeLessThanOrEqual(80);
  });

  test('a run that goes on is running, whatever it ended with before it was resumed', () => {
    const stopped = { ...history, runs: [run(42, 0.05, { outcome: 'stopped' })] };
    const resumed = { ...stopped, running: 42 };
    const lastLine = (of: typeof resumed | typeof stopped): string | undefined =>
      renderHistory(of, options).split('\n').at(-1);
    expect(lastLine({ ...stopped, edits: [] })).toMatch(/46 s +stopped part-way +shop 2\.0\.0$/);
    expect(lastLine({ ...resumed, edits: [] })).toMatch(/ - +running +shop 2\.0\.0$/);
    expect(historyJson('prod', resumed).runs).toMatchObject([{ outcome: 'stopped', running: true }]);
    expect(historyJson('prod', stopped).runs).toMatchObject([{ outcome: 'stopped', running: false }]);
  });

  test('of nothing says so', () => {
    expect(renderHistory(nothing, options)).toBe('Nothing was deployed yet.');
  });

  test('as JSON has every run, and the deployment that it became', () => {
    const json = JSON.parse(JSON.stringify(historyJson('prod', history)));
    expect(json).toMatchObject({ format_version: '1.0', environment: 'prod' });
    expect(json.runs).toMatchObject([
      { run: 39, outcome: 'complete', deployment: { number: 39, services: [{ release: '1.0.0' }] } },
      { run: 40, outcome: 'reverted', deployment: null },
      { run: 41, intent: { kind: 'revert', to: 39 }, deployment: { number: 41 } },
      { run: 42, outcome: null, ended_at: null, deployment: null },
    ]);
    expect(json.edits).toMatchObject([
      { edit: 'remove', who: 'kim@laptop', addresses: ['service.old.slot["blue"].host["web-9"]'] },
    ]);
  });

  test('the header of a revert says where it leads back to', () => {
    const [first] = deployments;
    if (first === undefined) throw new Error('no deployment');
    expect(backToText(first, planned)).toBe('Back to deployment 39 (shop 1.0.0, by lee@ops, 3 days ago).');
  });

  test('names cannot steer the terminal', () => {
    const evil = run(1, 1, { actor: { who: '\u001b[2J', pid: 1, command: '\u0007' } });
    expect(renderHistory({ ...nothing, runs: [evil] }, options)).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

/** A journal, each entry a second after the one before. */
function journal(
  entries: readonly (readonly [number | undefined, Mark, Partial<JournalEntry>?])[],
): readonly JournalEntry[] {
  const { steps } = updatePlan();
  return entries.map(([step, mark, parts], at) => ({
    seq: at + 1,
    at: asInstant(planned + at * 1000),
    run: 42,
    step: step === undefined ? undefined : steps[step]?.id,
    mark,
    ...parts,
  }));
}

describe('how each step went', () => {
  test.for<[string, Parameters<typeof journal>[0], object]>([
    ['no entry: not started', [], { fate: 'not_started', attempts: 0, elapsedMs: undefined }],
    [
      'intended and nothing after: its end is not known',
      [[0, 'intended']],
      { fate: 'unfinished', attempts: 1 },
    ],
    [
      'done a second later',
      [
        [0, 'intended'],
        [0, 'done'],
      ],
      { fate: 'done', elapsedMs: 1000 },
    ],
    [
      'failed, tried again, done',
      [
        [0, 'intended'],
        [0, 'failed', { failure: notHealthy }],
        [0, 'intended'],
        [0, 'done'],
      ],
      { fate: 'done', attempts: 2, elapsedMs: 1000 },
    ],
    [
      'done and undone',
      [
        [0, 'intended'],
        [0, 'done'],
        [0, 'undoing'],
        [0, 'undone'],
      ],
      { fate: 'undone', elapsedMs: 1000 },
    ],
    [
      'undoing has begun',
      [
        [0, 'intended'],
        [0, 'failed', { failure: notHealthy }],
        [0, 'undoing'],
      ],
      { fate: 'undoing', failure: notHealthy },
    ],
  ])('%s', ([, entries, expected]) => {
    expect(stepHistories(updatePlan(), journal(entries))[0]).toMatchObject(expected);
  });
});

describe('show', () => {
  const plan = updatePlan();
  const complete = {
    run: run(42, 1),
    isRunning: false,
    plan,
    journal: journal(
      plan.steps.flatMap(
        (_, at) =>
          [
            [at, 'intended'],
            [at, 'done'],
          ] as const,
      ),
    ),
    deployment: deployment(run(42, 1), '2.0.0'),
  };
  const reverted = {
    run: run(42, 1, { outcome: 'reverted' }),
    isRunning: false,
    plan,
    journal: journal([
      [0, 'intended'],
      [1, 'intended'],
      [0, 'done'],
      [1, 'failed', { failure: notHealthy }],
      [undefined, 'note', { detail: { kind: 'undo', reason: 'upload failed on web-2' } }],
      [0, 'undoing'],
      [0, 'undone'],
      [1, 'undoing'],
      [1, 'undone'],
    ]),
    deployment: undefined,
  };

  const verdict = (step: number, detail: { readonly [key: string]: Json }) =>
    [step, 'note', { detail: { kind: 'verdict', dryRun: null, ...detail } }] as const;
  const by = 'lee@ops';
  /** All kinds of notes; what an analysis goes on saying is told once. */
  const noted = {
    ...reverted,
    run: run(42, 1, { outcome: 'stopped' }),
    journal: journal([
      [0, 'intended'],
      [0, 'done'],
      [1, 'intended'],
      verdict(1, { verdict: 'inconclusive', reason: 'nothing was measured so far' }),
      verdict(1, { verdict: 'pass', reason: 'none of 40 requests failed' }),
      verdict(1, {
        verdict: 'pass',
        reason: 'none of 80 requests failed',
        dryRun: { verdict: 'fail', reason: 'http: status 500' },
      }),
      verdict(1, {
        verdict: 'pass',
        reason: 'none of 99 requests failed',
        dryRun: { verdict: 'fail', reason: 'http: status 500' },
      }),
      [undefined, 'note', { detail: { kind: 'promote', by, full: true, steps: [] } }],
      [1, 'done'],
      [undefined, 'note', { detail: { kind: 'pause', by, reason: 'lunch' } }],
      [undefined, 'note', { detail: { kind: 'continue', by } }],
      [undefined, 'note', { detail: { kind: 'stop', by, reason: 'SIGINT', atOnce: false } }],
      [undefined, 'note', { detail: { kind: 'resumed', by } }],
      [undefined, 'note', { detail: { kind: 'abort', by, reason: 'abort asked for' } }],
      [undefined, 'note', { detail: { kind: 'undo', reason: `abort asked for (${by})` } }],
      [1, 'undoing'],
      [1, 'note', { detail: { kind: 'undo_failed' }, failure: notHealthy }],
      [undefined, 'note', { detail: { kind: 'hook', key: 'on_failure-0-1', state: 'begun' } }],
      [undefined, 'note', { detail: { kind: 'hook', key: 'on_failure-0-1', state: 'done' } }],
      [undefined, 'note', { detail: { kind: 'of a newer program', more: 1 } }],
    ]),
  };

  test.for([
    ['show-complete', complete],
    ['show-reverted', reverted],
    ['show-noted', noted],
  ] as const)('%s reads as its golden file', async ([name, record]) => {
    process.env.TZ = 'UTC';
    await expect(`${renderRun(record, { ...options, frame })}\n`).toMatchFileSnapshot(golden(name));
    const narrow = renderRun(record, { ...options, width: 80, color: true, frame: () => '' });
    expect(Math.max(...narrow.split('\n').map(columns))).toBeLessThanOrEqual(80);
  });

  test('what stood in the slots is told, where it is known', () => {
    const slots = complete.deployment.declared.services.flatMap((service) => service.slots);
    const there = (release: string, isRunning: boolean): InstanceState => ({
      linked: release,
      running: isRunning ? ({ release } as InstanceState['running']) : null,
      tampered: null,
      health: { status: 'not_checked' },
    });
    const told = (blue: InstanceState | null): string => {
      const standing = new Map(
        slots.flatMap(({ name, instances }) =>
          instances.map(
            ({ address }) => [address, name === 'blue' ? blue : there('2.0.0-200fffff', true)] as const,
          ),
        ),
      );
      return (
        renderRun({ ...complete, standing }, { ...options, frame })
          .split('\n')
          .at(-1) ?? ''
      );
    };
    expect(told(there('1.0.0-100fffff', true))).toMatch(/ blue 1\.0\.0 on 3, green on 3$/);
    expect(told(null)).toMatch(/ {2}green on 3$/);
  });

  test('as JSON has each step with its fate and its time', () => {
    const json = JSON.parse(JSON.stringify(runRecordJson(reverted)));
    expect(json).toMatchObject({ format_version: '1.0', run: 42, outcome: 'reverted', deployment: null });
    expect(json.steps.slice(0, 3)).toMatchObject([
      { fate: 'undone', elapsed_ms: 2000, attempts: 1, failure: null },
      { fate: 'undone', failure: { code: 'health-deadline' } },
      { fate: 'not_started', elapsed_ms: null },
    ]);
    expect(json.notes).toMatchObject([{ detail: { kind: 'undo' } }]);
  });

  test('a fleet takes a line for each phase, and a cause that hundreds share is told once', () => {
    const hosts = hostNamed(300);
    const fleet = planWith({ steps: blueGreenSteps({ hosts }) }, 300);
    const entries = fleet.steps.slice(0, 300).map(
      ({ id }, at): JournalEntry => ({
        seq: at + 1,
        at: planned,
        run: 42,
        step: id,
        mark: 'failed',
        failure: notHealthy,
      }),
    );
    const text = renderRun({ ...complete, plan: fleet, journal: entries }, { ...options, frame });
    expect(text.split('\n').length).toBeLessThan(30);
    expect(text.match(/503/g)).toHaveLength(1);
  });

  test('one that was resumed is running, and has taken no time yet', () => {
    const resumed = { ...complete, run: run(42, 1, { outcome: 'stopped' }), isRunning: true };
    expect(renderRun(resumed, { ...options, frame })).toMatch(/^Run 42 in prod: running\n/);
  });

  test('the intent of a revert names what goes back', () => {
    const back = run(42, 1, { intent: { kind: 'revert', to: 41, services: [asAddress('service.shop')] } });
    expect(renderRun({ ...complete, run: back }, { ...options, frame })).toContain('back to 41 (shop)');
  });
});
