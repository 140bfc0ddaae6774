import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/model/index.ts';
import { emptyView, fold, type View } from '../../../src/ui/fold.ts';
import { eventJson } from '../../../src/ui/json-lines.ts';
import { columns } from '../../../src/ui/layout.ts';
import { plainLines } from '../../../src/ui/plain.ts';
import { phaseState } from '../../../src/ui/progress.ts';
import { finalLines } from '../../../src/ui/rollout-view.ts';
import { renderSummary } from '../../../src/ui/summary-text.ts';
import { completeRun, notHealthy, RunScript, revertedRun } from '../../rig/sample-events.ts';
import { planned, servingFacts, updatePlan } from '../../rig/sample-plans.ts';

const golden = (name: string): string => join(import.meta.dirname, '../../golden/ui', `${name}.txt`);
const viewOf = (events: readonly Event[]): View => events.reduce(fold, emptyView);
const frame = ({ summary, detail }: { summary: string; detail: string }): string =>
  `| ${summary}\n| ${detail}\n`;

const plan = updatePlan({ facts: servingFacts('1.0.0') });

function ended(outcome: Extract<Event, { type: 'summary' }>['outcome'], parts: object = {}): RunScript {
  const script = new RunScript(plan).done('upload', 3000).done('hook', 1000);
  return script.tell({
    type: 'summary',
    outcome,
    exitCode: 1,
    elapsedMs: script.now - planned,
    stepsDone: 4,
    stepsUndone: 0,
    failures: [],
    traffic: undefined,
    ...parts,
  });
}

const scenarios = [
  ['summary-complete', completeRun(plan)],
  ['summary-reverted', revertedRun(plan)],
  ['summary-stopped', ended('stopped', { exitCode: 4, failures: [notHealthy] })],
  ['summary-refused', ended('refused', { failures: [notHealthy] })],
  ['summary-abandoned', ended('abandoned')],
] as const;

describe('the last words of a run', () => {
  test.for(scenarios)('%s reads as its golden file', async ([name, script]) => {
    const view = viewOf(script.events);
    await expect(`${renderSummary(view, { color: false, width: 100, frame })}\n`).toMatchFileSnapshot(
      golden(name),
    );
    for (const width of [48, 80, 100]) {
      const text = renderSummary(view, { color: true, width, frame: () => '' });
      expect(Math.max(...text.split('\n').map(columns))).toBeLessThanOrEqual(width);
    }
  });

  test('after the first deployment there is nothing to go back to, and no command that would say so', () => {
    const events = completeRun(plan).events.map((event) => {
      if (event.type !== 'run_started') return event;
      const { previousDeployment: _, ...first } = event;
      return first;
    });
    const text = renderSummary(viewOf(events), { color: false, width: 140, frame });
    expect(text).toContain('Deployment 42, the first: there is none to go back to.');
    expect(text).not.toContain('deployctl revert');
  });

  test('that no traffic was moved is said only where none was', () => {
    const undone = (script: RunScript): string =>
      renderSummary(
        viewOf(
          script.tell({
            type: 'summary',
            outcome: 'reverted',
            exitCode: 3,
            elapsedMs: 1000,
            stepsDone: 0,
            stepsUndone: 3,
            failures: [notHealthy],
            traffic: undefined,
          }).events,
        ),
        { color: false, width: 140, frame },
      );
    expect(undone(new RunScript(plan).done('upload', 1))).toContain('No traffic was moved. 3 steps undone');
    expect(undone(new RunScript(plan).done('upload', 1).start('switch'))).not.toContain('No traffic');
    const resumed = new RunScript(
      plan,
      plan.steps.slice(0, -1).map(({ id }) => id),
    );
    expect(undone(resumed)).not.toContain('No traffic');
  });

  test('a revert is called a revert, and says what serves', () => {
    const back = { ...plan, intent: { kind: 'revert', to: 41, services: [] } } as const;
    const text = renderSummary(viewOf(completeRun(back).events), { color: false, width: 100, frame });
    expect(text).toMatch(/^Revert complete in 46 s\. shop is 2\.0\.0 on green; blue keeps 1\.0\.0 warm\./);
  });

  test('three hundred alike failures are one', () => {
    const script = ended('stopped', { failures: Array(300).fill(notHealthy) });
    const text = renderSummary(viewOf(script.events), { color: false, width: 100, frame });
    expect(text.match(/did not become healthy/g)).toHaveLength(1);
  });

  test('many different failures are counted, with the way to see them all', () => {
    const failures = Array.from({ length: 9 }, (_, at) => ({
      ...notHealthy,
      detail: `web-${at} answers 503`,
    }));
    const text = renderSummary(viewOf(ended('stopped', { failures }).events), {
      color: false,
      width: 100,
      frame,
    });
    expect(text.match(/did not become healthy/g)).toHaveLength(3);
    expect(text).toContain('6 more failures:  deployctl show prod 42');
  });

  test('a run that was refused before it began needs no plan', () => {
    const [, ...rest] = ended('refused', { failures: [notHealthy] }).events;
    const last = rest.at(-1);
    if (last === undefined) throw new Error('no summary');
    expect(renderSummary(viewOf([last]), { color: false, width: 100, frame })).toContain(
      'Nothing was changed',
    );
  });
});

describe('text, JSON and the terminal tell the same story', () => {
  test.for([
    ['of a run that completes', completeRun(plan)],
    ['of a run that is reverted', revertedRun(plan)],
    ['of a run that stops', ended('stopped')],
  ] as const)('%s', ([, script]) => {
    const view = viewOf(script.events);
    const json = script.events.map(eventJson) as { type: string; step?: string; undoing?: boolean }[];
    const done = json.filter(({ type, undoing }) => type === 'step_done' && undoing === false).length;
    const undone = json.filter(({ type, undoing }) => type === 'step_done' && undoing === true).length;
    const failed = json.filter(({ type }) => type === 'step_failed').length;
    let plain = '';
    const renderer = plainLines({
      write: (text) => {
        plain += text;
      },
      color: false,
    });
    for (const event of script.events) renderer.event(event);
    renderer.end();
    const ladder = finalLines(view, { width: 100, color: false, now: script.now });

    expect(view.stepsDone + view.stepsUndone).toBe(done + failed * Math.sign(undone));
    expect(view.stepsUndone).toBe(undone);
    expect(plain.match(/ ✔ /g) ?? []).toHaveLength(done);
    expect(plain.match(/ ↶ /g) ?? []).toHaveLength(undone);
    expect(plain.match(/ ✖ /g) ?? []).toHaveLength(failed);
    for (const state of ['done', 'undone', 'failed'] as const) {
      const symbol = { done: '✔', undone: '↶', failed: '✖' }[state];
      const expected = view.phases.filter((phase) => phaseState(phase) === state).length;
      expect(ladder.filter((line) => line.startsWith(`   ${symbol}`))).toHaveLength(expected);
    }
    expect(json.at(-1)).toMatchObject({ outcome: view.summary?.outcome });
    expect(ladder[0]).toContain(view.summary?.outcome);
  });
});
