import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/model/index.ts';
import { emptyView, fold, type View } from '../../../src/ui/fold.ts';
import { phaseFraction, phaseState, secondsLeft } from '../../../src/ui/progress.ts';
import {
  bakingRun,
  completeRun,
  notHealthy,
  RunScript,
  revertedRun,
  waitingRun,
} from '../../rig/sample-events.ts';
import { blueGreenSteps, hostNamed, planWith, updatePlan } from '../../rig/sample-plans.ts';
import { workMsOf } from '../../rig/work-time.ts';

const viewOf = (events: readonly Event[]): View => events.reduce(fold, emptyView);
const counts = (view: View) =>
  Object.fromEntries(
    view.phases.map(({ verb, done, undone, running, failed, total }) => [
      verb,
      `${done}/${total} done, ${running.length} running, ${failed.length} failed, ${undone} undone`,
    ]),
  );

describe('a run as far as its events tell', () => {
  test('begins with every phase waiting', () => {
    const view = viewOf(new RunScript(updatePlan()).events);
    expect(view).toMatchObject({
      run: 42,
      environment: 'prod',
      mode: 'running',
      stepsTotal: 18,
      stepsDone: 0,
    });
    expect(view.phases.map(phaseState)).toEqual(Array(8).fill('waiting'));
  });

  test('counts what is done, what runs and what is still to come', () => {
    const view = viewOf(bakingRun(updatePlan()).events);
    expect(counts(view)).toMatchObject({
      upload: '3/3 done, 0 running, 0 failed, 0 undone',
      switch: '1/1 done, 0 running, 0 failed, 0 undone',
      bake: '0/1 done, 1 running, 0 failed, 0 undone',
      prune: '0/3 done, 0 running, 0 failed, 0 undone',
    });
    expect(view.phases.map(phaseState).slice(-2)).toEqual(['running', 'waiting']);
    expect(view.phases[6]?.running[0]?.progress).toMatchObject({ done: 18_000, total: 30_000 });
  });

  test('an end is as its summary says', () => {
    const view = viewOf(completeRun(updatePlan()).events);
    expect(view).toMatchObject({
      mode: 'ended',
      stepsDone: 18,
      stepsUndone: 0,
      summary: { outcome: 'complete' },
    });
    expect(view.phases.every((phase) => phaseState(phase) === 'done')).toBe(true);
  });

  test('a failed step that is undone still has failed, and was never done', () => {
    const view = viewOf(revertedRun(updatePlan()).events);
    expect(counts(view)).toMatchObject({
      verify: '0/3 done, 0 running, 1 failed, 3 undone',
      restart: '0/3 done, 0 running, 0 failed, 3 undone',
      switch: '0/1 done, 0 running, 0 failed, 0 undone',
    });
    expect(view).toMatchObject({ stepsDone: 0, stepsUndone: 13, stepsToUndo: 13 });
    expect(view.failures).toMatchObject([{ verb: 'verify', host: 'web-2', failure: notHealthy }]);
  });

  test('an abort undoes what has a way back, and nothing that others had done', () => {
    const plan = updatePlan();
    const stepsOf = (script: RunScript): number => viewOf(script.events).stepsWithWayBack;
    const script = new RunScript(plan);
    for (const { id, inverse } of plan.steps) {
      const before = stepsOf(script);
      const done = { type: 'step_done', step: id, undoing: false, elapsedMs: 5 } as const;
      expect(stepsOf(new RunScript(plan).tell({ ...done, unchanged: true }))).toBe(0);
      expect(stepsOf(script.tell({ ...done, unchanged: false })) - before, inverse.kind).toBe(
        inverse.kind === 'operation' ? 1 : 0,
      );
    }
    expect(stepsOf(script)).toBeGreaterThan(0);
    expect(stepsOf(script)).toBeLessThan(plan.steps.length);
    expect(viewOf(revertedRun(plan).events).stepsWithWayBack).toBe(0);
  });

  test('a step that is tried again and succeeds has not failed', () => {
    const script = new RunScript(updatePlan()).start('verify').fail('verify', 'web-1', notHealthy, 10);
    expect(counts(viewOf(script.events)).verify).toBe('0/3 done, 2 running, 1 failed, 0 undone');
    expect(counts(viewOf(script.done('verify', 5).events)).verify).toBe(
      '3/3 done, 0 running, 0 failed, 0 undone',
    );
  });

  test('a resumed run begins with what was done before', () => {
    const plan = updatePlan();
    const done = plan.steps.slice(0, 5).map(({ id }) => id);
    const view = viewOf(new RunScript(plan, done).events);
    expect(view).toMatchObject({ isResumed: true, stepsDone: 5 });
    expect(view.phases.map(({ done: count }) => count)).toEqual([3, 1, 1, 0, 0, 0, 0, 0]);
  });

  test.for<[string, (script: RunScript) => RunScript, Partial<View>]>([
    [
      'paused tells who and why',
      (s) => s.tell({ type: 'paused', by: 'kim', reason: 'errors' }),
      { mode: 'paused', reason: 'errors, by kim' },
    ],
    [
      'continued goes on',
      (s) => s.tell({ type: 'paused', by: 'kim', reason: '' }).tell({ type: 'continued', by: 'kim' }),
      { mode: 'running', reason: undefined },
    ],
    [
      'stopping tells why',
      (s) => s.tell({ type: 'stopping', reason: 'Ctrl-C' }),
      { mode: 'stopping', reason: 'Ctrl-C' },
    ],
    [
      'an abort in a pause reverts',
      (s) =>
        s
          .tell({ type: 'paused', by: 'kim', reason: '' })
          .tell({ type: 'reverting', reason: 'aborted by kim', steps: [] }),
      { mode: 'reverting', reason: 'aborted by kim' },
    ],
  ])('%s', ([, change, expected]) => {
    expect(viewOf(change(new RunScript(updatePlan())).events)).toMatchObject(expected);
  });

  test('a run that turns round while it waits for a person waits for nobody any more', () => {
    const waiting = waitingRun();
    const hands = ({ phases, ladders }: View) => [
      phases.flatMap(({ running }) => running).length,
      ladders.flatMap(({ rungs }) => rungs.flatMap(({ running }) => running)).length,
      ladders.some(({ rungs }) => rungs.some(({ isOpen }) => isOpen)),
    ];
    expect(hands(viewOf(waiting.events))).toEqual([1, 1, true]);
    waiting.tell({ type: 'reverting', reason: 'aborted by kim', steps: [] });
    expect(hands(viewOf(waiting.events))).toEqual([0, 0, false]);
  });

  test('an event of a step that the plan does not have changes no count', () => {
    const script = new RunScript(updatePlan());
    const before = viewOf(script.events);
    const [step] = blueGreenSteps({ hosts: ['elsewhere'] });
    if (step === undefined) throw new Error('no step');
    script.tell({ type: 'step_started', step: step.id, undoing: false });
    expect(viewOf(script.events).phases).toEqual(before.phases);
  });

  test('output is kept, safe, and no more than a person looks back on', () => {
    const script = new RunScript(updatePlan());
    const [step] = script.plan.steps;
    if (step === undefined) throw new Error('no step');
    for (let line = 0; line < 300; line += 1) {
      script.tell({ type: 'step_output', step: step.id, stream: 'stdout', line: `\u001b[2Jline ${line}` });
    }
    const { output } = viewOf(script.events);
    expect(output.length).toBe(200);
    expect(output.at(-1)).toEqual({ verb: 'upload', host: 'web-1', stream: 'stdout', line: '␛[2Jline 299' });
  });

  test('a thousand hosts are folded in the time of a few frames', () => {
    const hosts = hostNamed(1000);
    const plan = planWith({ steps: blueGreenSteps({ hosts }) }, 1000);
    const { events } = completeRun(plan);
    const workMs = workMsOf(() => expect(viewOf(events).stepsDone).toBe(plan.steps.length));
    expect(workMs / events.length).toBeLessThan(2);
  });
});

describe('traffic', () => {
  test('counters become rates and shares between the last two reports', () => {
    const view = viewOf(bakingRun(updatePlan()).events);
    expect(view.traffic).toMatchObject([
      { pool: 'shop_blue', requests: 1000, requestsPerSecond: 0, sharePercent: 0 },
      {
        pool: 'shop_green',
        requests: 1440,
        requestsPerSecond: 480,
        sharePercent: 100,
        history: [expect.any(Number), 480, 480],
      },
    ]);
  });

  test('counters that fall were reset: no negative rate', () => {
    const script = new RunScript(updatePlan()).traffic(1000, 0).after(1000).traffic(30, 0);
    expect(viewOf(script.events).traffic[0]).toMatchObject({ requests: 30, requestsPerSecond: 30 });
  });

  test('one report alone gives no rate', () => {
    const view = viewOf(new RunScript(updatePlan()).traffic(1000, 0).events);
    expect(view.traffic[0]).toMatchObject({
      requestsPerSecond: undefined,
      sharePercent: undefined,
      history: [],
    });
  });
});

describe('how long it will still take', () => {
  test('what a step reports counts, and is never all of it', () => {
    const script = bakingRun(updatePlan());
    const view = viewOf(script.events);
    const bake = view.phases[6];
    if (bake === undefined) throw new Error('no bake');
    expect(phaseFraction(bake, script.now)).toBeCloseTo(0.6);
    expect(secondsLeft(view, script.now)).toBeCloseTo(0.4 * 30 + 1);
  });

  test('a paused run does not claim to know', () => {
    const script = bakingRun(updatePlan()).tell({ type: 'paused', by: 'kim', reason: '' });
    expect(secondsLeft(viewOf(script.events), script.now)).toBeUndefined();
  });
});
