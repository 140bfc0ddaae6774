import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { asInstant, type Event } from '../../../src/model/index.ts';
import { jsonLines } from '../../../src/ui/json-lines.ts';
import { plainLines } from '../../../src/ui/plain.ts';
import {
  bakingRun,
  canaryPlan,
  completeRun,
  notHealthy,
  RunScript,
  revertedRun,
  StageScript,
} from '../../rig/sample-events.ts';
import { blueGreenSteps, hostNamed, planned, planWith, updatePlan } from '../../rig/sample-plans.ts';

const golden = (name: string): string => join(import.meta.dirname, '../../golden/ui', `${name}.txt`);

function plainText(events: readonly Event[], color = false): string {
  let text = '';
  const renderer = plainLines({
    write: (more) => {
      text += more;
    },
    color,
    now: () => asInstant(planned),
  });
  for (const event of events) renderer.event(event);
  renderer.end();
  return text;
}

const fleet = planWith({ steps: blueGreenSteps({ hosts: hostNamed(300) }) }, 300);

describe('a run as plain lines', () => {
  test.for([
    ['plain-complete', completeRun(updatePlan())],
    ['plain-reverted', revertedRun(updatePlan())],
    ['plain-300-hosts', completeRun(fleet)],
  ] as const)('%s reads as its golden file', async ([name, script]) => {
    const text = plainText(script.events);
    expect(text.split('\n').length).toBeLessThanOrEqual(61);
    await expect(text).toMatchFileSnapshot(golden(name));
  });

  test('every failure of a fleet is told, whatever the count', () => {
    const script = new RunScript(fleet).start('verify');
    for (const host of ['web-7', 'web-8', 'web-299']) script.fail('verify', host, notHealthy, 1000);
    const text = plainText(script.events);
    for (const host of ['web-7', 'web-8', 'web-299']) expect(text).toContain(`✖ ${host} failed after 1 s`);
  });

  test('a dry run is told whenever its word changes, beside what decides or alone', () => {
    const script = new StageScript(canaryPlan()).open(1);
    const [, bake] = script.stage(1);
    const worse = { verdict: 'fail', reason: 'p99: 900 is above 500' } as const;
    const unsure = { verdict: 'inconclusive', reason: 'p99: the query found nothing' } as const;
    script.judge(bake, 'pass', '0 of 200 requests failed', unsure);
    script.judge(bake, 'pass', '0 of 300 requests failed', unsure);
    script.judge(bake, 'pass', '0 of 400 requests failed', worse);
    const told = (of: RunScript) =>
      plainText(of.events)
        .split('\n')
        .filter((line) => line.includes('analysis'))
        .map((line) => line.slice(line.indexOf('analysis')));
    expect(told(script)).toEqual([
      'analysis  good so far: 0 of 200 requests failed',
      'analysis  dry run, decides nothing: not known yet: p99: the query found nothing',
      'analysis  good so far: 0 of 400 requests failed',
      'analysis  dry run, decides nothing: worse than it may be: p99: 900 is above 500',
    ]);
    const alone = new StageScript(canaryPlan()).open(1).judge(bake, 'pass', '', worse);
    expect(told(alone)).toEqual([
      'analysis  dry run, decides nothing: worse than it may be: p99: 900 is above 500',
    ]);
  });

  test('output of a hook cannot steer the terminal', () => {
    const script = new RunScript(updatePlan()).start('hook');
    const [hook] = script.steps('hook');
    if (hook === undefined) throw new Error('no hook');
    script.tell({ type: 'step_output', step: hook.id, stream: 'stdout', line: '\u001b]0;title\u0007done\r' });
    script.tell({ type: 'continued', by: '\u001b[2J' });
    expect(plainText(script.events)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });
});

describe('silence', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('is broken after 30 s by what the run waits for, and again, until it ends', () => {
    vi.useFakeTimers({ now: planned });
    let text = '';
    const renderer = plainLines({
      write: (more) => {
        text += more;
      },
      color: false,
      now: () => asInstant(Date.now()),
    });
    const script = bakingRun(updatePlan());
    vi.setSystemTime(script.now);
    for (const event of script.events) renderer.event(event);
    text = '';
    vi.advanceTimersByTime(29_000);
    expect(text).toBe('');
    vi.advanceTimersByTime(31_500);
    expect(text).toBe(
      '01:03  still bake for 48 s, 18 s of 30 s\n01:33  still bake for 1 min 18 s, 18 s of 30 s\n',
    );
    renderer.end();
    vi.advanceTimersByTime(120_000);
    expect(text.split('\n').length).toBe(3);
  });
});

describe('a run as JSON lines', () => {
  const read = (events: readonly Event[]) => {
    let text = '';
    const renderer = jsonLines((more) => {
      text += more;
    });
    for (const event of events) renderer.event(event);
    renderer.end();
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  };

  test('each line has type, at, run and seq; the first has the plan, the last is the summary', () => {
    const lines = read(completeRun(updatePlan()).events);
    for (const [at, line] of lines.entries()) {
      expect(line).toMatchObject({ type: expect.any(String), run: 42, seq: at + 1 });
      expect(line.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(JSON.stringify(line)).not.toMatch(/"[a-z]+[A-Z][A-Za-z]*":/);
    }
    expect(lines[0]).toMatchObject({
      type: 'run_started',
      format_version: '1.0',
      plan: { summary: { update: 4 } },
    });
    expect(lines[0].plan.steps).toHaveLength(18);
    expect(lines[0].plan).not.toHaveProperty('declared');
    expect(lines.at(-1)).toEqual({
      type: 'summary',
      outputs: {},
      at: expect.any(String),
      run: 42,
      seq: lines.length,
      format_version: '1.0',
      outcome: 'complete',
      exit_code: 0,
      elapsed_ms: expect.any(Number),
      steps_done: 18,
      steps_undone: 0,
      failures: [],
      traffic: { requests: 22_104, failed: 0 },
    });
  });

  test('a failure is a whole diagnostic', () => {
    const failed = read(revertedRun(updatePlan()).events).filter(({ type }) => type === 'step_failed');
    expect(failed).toMatchObject([
      { undoing: false, elapsed_ms: 60_000, failure: { code: 'health-deadline' } },
    ]);
  });
});
